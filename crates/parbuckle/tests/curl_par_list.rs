//! Listing through a pre-authenticated request with curl (wire reference sections 5 and 7.2).

use parbuckle_testkit::clients::curl;
use parbuckle_testkit::{Par, ParSpec, Reply, SignedClient, TestServer, encode};
use serde_json::{Value, json};

/// In the order of the bytes, which is the order of every list.
const NAMES: [&str; 9] = ["B", "a", "a/1", "a/2", "a/b/3", "ab", "b/1", "b/2", "ü"];

async fn bucket(spec: ParSpec) -> (TestServer, SignedClient, Par) {
    let server = TestServer::start(env!("CARGO_BIN_EXE_parbuckle")).await;
    let admin = server.admin();
    admin.create_bucket("b").await;
    for name in NAMES {
        admin.put_object("b", name, name.to_owned()).await;
    }
    let par = admin.create_par("b", spec.listing()).await;
    (server, admin, par)
}

async fn list(par: &Par, query: &str) -> Value {
    curl([&format!("{}{query}", par.url())])
        .await
        .expect(200)
        .json()
}

fn names(list: &Value) -> Vec<&str> {
    let objects = list["objects"]
        .as_array()
        .expect("a list always has objects");
    objects
        .iter()
        .map(|object| object["name"].as_str().expect("a name is text"))
        .collect()
}

#[tokio::test]
async fn a_list_has_only_names_in_byte_order() {
    let (_server, _, par) = bucket(ParSpec::any_read()).await;
    let expected: Vec<_> = NAMES.iter().map(|name| json!({ "name": name })).collect();
    assert_eq!(list(&par, "").await, json!({ "objects": expected }));
}

#[tokio::test]
async fn the_last_slash_of_the_list_url_may_be_left_out() {
    let (_server, _, par) = bucket(ParSpec::any_read()).await;
    let reply = curl([par.url().trim_end_matches('/')]).await.expect(200);
    assert_eq!(names(&reply.json()), NAMES);
}

#[tokio::test]
async fn an_empty_bucket_has_an_empty_list() {
    let (_server, admin, _) = bucket(ParSpec::any_read()).await;
    admin.create_bucket("empty").await;
    let par = admin
        .create_par("empty", ParSpec::any_read().listing())
        .await;
    assert_eq!(list(&par, "").await, json!({ "objects": [] }));
}

#[tokio::test]
async fn field_names_are_case_insensitive_and_add_their_fields() {
    let (_server, _, par) = bucket(ParSpec::any_read()).await;
    let listed = list(&par, "?fields=NAME,Size,MD5&limit=1").await;
    let object = json!({ "name": "B", "size": 1, "md5": "nV7WeP5XvMphAUCVevq1cQ==" });
    assert_eq!(listed["objects"], json!([object]));
}

#[tokio::test]
async fn an_unknown_field_is_refused() {
    let (_server, _, par) = bucket(ParSpec::any_read()).await;
    let reply = curl([&format!("{}?fields=name,colour", par.url())])
        .await
        .expect(400);
    assert_eq!(reply.code(), "InvalidParameter");
}

#[tokio::test]
async fn a_prefix_narrows_the_list() {
    let (_server, _, par) = bucket(ParSpec::any_read()).await;
    assert_eq!(
        names(&list(&par, "?prefix=a%2F").await),
        ["a/1", "a/2", "a/b/3"]
    );
}

#[tokio::test]
async fn a_delimiter_folds_names_into_prefixes() {
    let (_server, _, par) = bucket(ParSpec::any_read()).await;
    let listed = list(&par, "?delimiter=/").await;
    assert_eq!(names(&listed), ["B", "a", "ab", "ü"]);
    assert_eq!(listed["prefixes"], json!(["a/", "b/"]));
}

#[tokio::test]
async fn start_is_inclusive_and_end_exclusive() {
    let (_server, _, par) = bucket(ParSpec::any_read()).await;
    assert_eq!(
        names(&list(&par, "?start=a/1&end=ab").await),
        ["a/1", "a/2", "a/b/3"]
    );
}

#[tokio::test]
async fn start_after_is_exclusive() {
    let (_server, _, par) = bucket(ParSpec::any_read()).await;
    assert_eq!(
        names(&list(&par, "?startAfter=a/b/3").await),
        ["ab", "b/1", "b/2", "ü"]
    );
}

#[tokio::test]
async fn next_start_with_names_the_first_object_of_the_next_page() {
    let (_server, _, par) = bucket(ParSpec::any_read()).await;
    let page = list(&par, "?limit=3").await;
    assert_eq!(names(&page), ["B", "a", "a/1"]);
    assert_eq!(page["nextStartWith"], "a/2");
}

#[tokio::test]
async fn pages_of_every_size_add_up_to_the_whole_list() {
    let (_server, _, par) = bucket(ParSpec::any_read()).await;
    for limit in 1..=NAMES.len() + 1 {
        let mut seen = Vec::new();
        let mut start = None::<String>;
        while seen.len() <= NAMES.len() {
            let from = start.map_or(String::new(), |name| format!("&start={}", encode(&name)));
            let page = list(&par, &format!("?limit={limit}{from}")).await;
            seen.extend(names(&page).into_iter().map(str::to_owned));
            start = page["nextStartWith"].as_str().map(str::to_owned);
            if start.is_none() {
                break;
            }
        }
        assert_eq!(seen, NAMES, "limit {limit}");
    }
}

#[tokio::test]
async fn a_prefix_par_lists_only_its_prefix() {
    let (_server, _, par) = bucket(ParSpec::any_read().prefix("a/")).await;
    assert_eq!(names(&list(&par, "").await), ["a/1", "a/2", "a/b/3"]);
}

#[tokio::test]
async fn a_prefix_par_may_narrow_its_list() {
    let (_server, _, par) = bucket(ParSpec::any_read().prefix("a/")).await;
    assert_eq!(names(&list(&par, "?prefix=a/b").await), ["a/b/3"]);
}

#[tokio::test]
async fn no_parameter_widens_the_list_of_a_prefix_par() {
    let (_server, _, par) = bucket(ParSpec::any_read().prefix("a/")).await;
    for query in [
        "?prefix=",
        "?prefix=a",
        "?prefix=b/",
        "?start=",
        "?start=B",
        "?startAfter=B",
        "?start=b/1",
        "?end=z",
        "?prefix=a&delimiter=/",
        "?delimiter=/",
        "?limit=1&start=a/b/3",
        "?limit=3",
    ] {
        let reply = curl([&format!("{}{query}", par.url())]).await.expect(200);
        assert_shows_nothing_outside(&reply, "a/");
    }
}

/// Names, groups and the next name all lie under the prefix.
fn assert_shows_nothing_outside(reply: &Reply, prefix: &str) {
    let list = reply.json();
    let groups = list["prefixes"].as_array().cloned().unwrap_or_default();
    let shown = names(&list)
        .into_iter()
        .chain(groups.iter().filter_map(Value::as_str))
        .chain(list["nextStartWith"].as_str());
    for name in shown {
        assert!(
            name.starts_with(prefix),
            "{name:?} is shown\n{}",
            reply.dump()
        );
    }
}

#[tokio::test]
async fn a_full_last_page_of_a_prefix_par_has_no_next_name() {
    let (_server, _, par) = bucket(ParSpec::any_read().prefix("a/")).await;
    let page = list(&par, "?limit=3").await;
    assert_eq!(
        (names(&page).len(), &page["nextStartWith"]),
        (3, &Value::Null)
    );
}

#[tokio::test]
async fn a_delimiter_under_a_prefix_par_folds_below_the_prefix() {
    let (_server, _, par) = bucket(ParSpec::any_read().prefix("a/")).await;
    let listed = list(&par, "?prefix=a/&delimiter=/").await;
    assert_eq!(names(&listed), ["a/1", "a/2"]);
    assert_eq!(listed["prefixes"], json!(["a/b/"]));
}

#[tokio::test]
async fn a_limit_outside_1_to_1000_is_refused() {
    let (_server, _, par) = bucket(ParSpec::any_read()).await;
    for limit in ["0", "1001", "-1", "x"] {
        let reply = curl([&format!("{}?limit={limit}", par.url())])
            .await
            .expect(400);
        assert_eq!(reply.code(), "InvalidParameter", "limit {limit}");
    }
}

#[tokio::test]
async fn a_delimiter_other_than_a_slash_is_refused() {
    let (_server, _, par) = bucket(ParSpec::any_read()).await;
    let reply = curl([&format!("{}?delimiter=a", par.url())])
        .await
        .expect(400);
    assert_eq!(reply.code(), "InvalidParameter");
}

#[tokio::test]
async fn start_and_start_after_exclude_each_other() {
    let (_server, _, par) = bucket(ParSpec::any_read()).await;
    let reply = curl([&format!("{}?start=a&startAfter=b", par.url())])
        .await
        .expect(400);
    assert_eq!(reply.code(), "InvalidParameter");
}

#[tokio::test]
async fn empty_parameters_count_as_absent() {
    let (_server, _, par) = bucket(ParSpec::any_read()).await;
    let query = "?prefix=&start=&end=&startAfter=&delimiter=&fields=&limit=";
    assert_eq!(names(&list(&par, query).await), NAMES);
}

#[tokio::test]
async fn a_deleted_object_leaves_the_list_at_once() {
    let (_server, admin, par) = bucket(ParSpec::any_read()).await;
    admin.delete_object("b", "a/1").await;
    assert_eq!(names(&list(&par, "?prefix=a/").await), ["a/2", "a/b/3"]);
}
