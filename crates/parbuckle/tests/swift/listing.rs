//! Listings (Swift wire reference section 5).

use parbuckle_testkit::Reply;

use crate::stage::Stage;

/// A container `c` with these objects.
async fn stage_with(names: &[&str]) -> Stage {
    let stage = Stage::with_container().await;
    for name in names {
        let put = stage
            .put(&format!("c/{name}"))
            .header("content-type", "text/plain");
        put.body("hello").await.expect(201);
    }
    stage
}

/// The lines of a text listing.
async fn lines(stage: &Stage, rest: &str) -> Vec<String> {
    let reply = stage.get(rest).await;
    assert!(matches!(reply.status, 200 | 204), "{}", reply.dump());
    reply.text().lines().map(str::to_owned).collect()
}

/// The time that a JSON listing shows first.
fn first_time(json: &Reply) -> String {
    json.json()[0]["last_modified"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn text_has_one_name_a_line_and_is_204_when_empty() {
    let stage = stage_with(&["b", "a", "é"]).await;
    let reply = stage.get("c").await.expect(200);
    assert_eq!(reply.text(), "a\nb\né\n");
    assert_eq!(reply.required("content-type"), "text/plain; charset=utf-8");
    let empty = stage.get("c?prefix=none").await.expect(204);
    assert!(empty.body.is_empty());
}

#[tokio::test]
async fn json_is_written_as_python_writes_it() {
    let stage = stage_with(&["é \"1\""]).await;
    let reply = stage.get("c?format=json&delimiter=/").await.expect(200);
    let time = first_time(&reply);
    let (seconds, micros) = time.rsplit_once('.').unwrap();
    assert_eq!(
        (seconds.len(), micros.len()),
        ("2026-11-21T19:23:18".len(), 6)
    );
    assert_eq!(
        reply.text(),
        format!(
            "[{{\"bytes\": 5, \"hash\": \"5d41402abc4b2a76b9719d911017c592\", \"name\": \"\\u00e9 \\\"1\\\"\", \
             \"content_type\": \"text/plain\", \"last_modified\": \"{time}\"}}]"
        )
    );
    assert_eq!(
        reply.required("content-type"),
        "application/json; charset=utf-8"
    );
}

#[tokio::test]
async fn xml_of_a_container_is_written_as_documented() {
    let stage = stage_with(&["a&b", "dir/x"]).await;
    let time = first_time(&stage.get("c?format=json").await);
    let reply = stage.get("c?format=xml&delimiter=/").await.expect(200);
    assert_eq!(
        reply.text(),
        format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<container name=\"c\"><object><name>a&amp;b</name>\
             <hash>5d41402abc4b2a76b9719d911017c592</hash><bytes>5</bytes><content_type>text/plain</content_type>\
             <last_modified>{time}</last_modified></object>\
             <subdir name=\"dir/\"><name>dir/</name></subdir></container>"
        )
    );
    let empty = stage.get("c?format=xml&prefix=none").await.expect(200);
    assert!(empty.text().ends_with("<container name=\"c\" />"));
}

#[tokio::test]
async fn xml_and_json_of_an_account_are_written_as_documented() {
    let stage = stage_with(&["o"]).await;
    stage.put("d-1").await.expect(201);
    let json = stage.get("?format=json&delimiter=-").await.expect(200);
    let time = first_time(&json);
    assert_eq!(
        json.text(),
        format!(
            "[{{\"name\": \"c\", \"count\": 1, \"bytes\": 5, \"last_modified\": \"{time}\", \
             \"storage_policy\": \"Policy-0\"}}, {{\"subdir\": \"d-\"}}]"
        )
    );
    assert_eq!(
        stage
            .get("?format=xml&delimiter=-")
            .await
            .expect(200)
            .text(),
        format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<account name=\"{}\">\n\
             <container><name>c</name><count>1</count><bytes>5</bytes><last_modified>{time}</last_modified>\
             <storage_policy>Policy-0</storage_policy></container>\n\
             <subdir name=\"d-\" />\n</account>",
            stage.account
        )
    );
}

#[tokio::test]
async fn the_accept_header_decides_where_no_format_is_named() {
    let stage = stage_with(&["o"]).await;
    for (rest, accept, kind, vary) in [
        (
            "c",
            "application/json",
            "application/json; charset=utf-8",
            Some("Accept"),
        ),
        ("c", "text/xml", "text/xml; charset=utf-8", Some("Accept")),
        (
            "c?format=json",
            "text/xml",
            "application/json; charset=utf-8",
            None,
        ),
        (
            "c?format=odd",
            "application/json",
            "text/plain; charset=utf-8",
            None,
        ),
        ("c", "*/*", "text/plain; charset=utf-8", Some("Accept")),
    ] {
        let reply = stage.get(rest).header("accept", accept).await.expect(200);
        assert_eq!(reply.required("content-type"), kind, "{rest} {accept}");
        assert_eq!(reply.header("vary"), vary, "{rest} {accept}");
    }
    stage
        .get("c")
        .header("accept", "image/png")
        .await
        .expect(406);
}

#[tokio::test]
async fn a_limit_bounds_and_is_bounded() {
    let stage = stage_with(&["a", "b", "c"]).await;
    assert_eq!(lines(&stage, "c?limit=2").await, ["a", "b"]);
    assert_eq!(lines(&stage, "c?limit=0").await, [] as [&str; 0]);
    for ignored in ["-1", "x", ""] {
        let listed = lines(&stage, &format!("c?limit={ignored}")).await;
        assert_eq!(listed.len(), 3, "{ignored}");
    }
    for rest in ["c?limit=10001", "?limit=10001"] {
        let refused = stage.get(rest).await.expect(412);
        assert_eq!(refused.text(), "Maximum limit is 10000");
    }
}

#[tokio::test]
async fn markers_are_exclusive_and_change_sides_in_reverse() {
    let stage = stage_with(&["a", "b", "c", "d"]).await;
    assert_eq!(lines(&stage, "c?marker=a&end_marker=d").await, ["b", "c"]);
    for yes in ["true", "1", "yes", "on", "t", "y"] {
        let rest = format!("c?reverse={yes}&marker=d&end_marker=a");
        assert_eq!(lines(&stage, &rest).await, ["c", "b"], "{yes}");
    }
}

#[tokio::test]
async fn names_collapse_at_a_delimiter_of_any_length() {
    let stage = stage_with(&["a", "b--1", "b--2", "b-3"]).await;
    assert_eq!(lines(&stage, "c?delimiter=--").await, ["a", "b--", "b-3"]);
    assert_eq!(lines(&stage, "c?delimiter=--&marker=b--").await, ["b-3"]);
    assert_eq!(
        lines(&stage, "c?delimiter=-&prefix=b-").await,
        ["b--", "b-3"]
    );
}

#[tokio::test]
async fn a_path_lists_what_lies_directly_below_it() {
    let stage = stage_with(&["top", "x/", "x/a", "x/b/", "x/b/c"]).await;
    assert_eq!(lines(&stage, "c?path=x").await, ["x/a", "x/b/"]);
    assert_eq!(
        lines(&stage, "c?path=x/&prefix=t&delimiter=o").await,
        ["x/a", "x/b/"]
    );
    assert_eq!(lines(&stage, "c?path=").await, ["top", "x/"]);
}

#[tokio::test]
async fn parameters_must_be_utf8() {
    let stage = stage_with(&[]).await;
    for name in [
        "prefix",
        "marker",
        "end_marker",
        "delimiter",
        "path",
        "limit",
        "format",
    ] {
        let refused = stage.get(&format!("c?{name}=%ff")).await.expect(400);
        assert_eq!(
            refused.text(),
            format!("\"{name}\" parameter not valid UTF-8")
        );
    }
    stage.get("c?states=listing&other=%ff").await.expect(204);
}
