//! Accounts: counts, listings, metadata.

use parbuckle_engine::swift::{AccountRow, ListQuery, MetadataChange};

use crate::stage::{Stage, acls, auth_token, enter, outcome, pairs};

#[tokio::test]
async fn an_account_counts_containers_objects_and_bytes() {
    let stage = Stage::new().await;
    stage.put_container("c1", acls("", "")).await;
    stage.put_container("c2", acls("", "")).await;
    stage.put("c1", "a", b"123").await;
    stage.put("c1", "b", b"45").await;
    let info = stage
        .engine()
        .swift_account(&stage.owner, &stage.namespace)
        .await
        .unwrap();
    assert_eq!(
        (info.container_count, info.object_count, info.bytes_used),
        (2, 2, 5)
    );
}

#[tokio::test]
async fn an_account_lists_its_containers_with_their_counts() {
    let stage = Stage::new().await;
    for name in ["b-1", "a", "b-2"] {
        stage.put_container(name, acls("", "")).await;
    }
    stage.put("a", "o", b"123").await;
    let stage = &stage;
    let list = |query| async move {
        let listing = stage
            .engine()
            .swift_list_account(&stage.owner, &stage.namespace, &query)
            .await;
        listing
            .unwrap()
            .rows
            .into_iter()
            .map(shown)
            .collect::<Vec<_>>()
    };
    assert_eq!(
        list(ListQuery::default()).await,
        ["a 1 3", "b-1 0 0", "b-2 0 0"]
    );
    let query = ListQuery {
        delimiter: "-".to_owned(),
        reverse: true,
        ..ListQuery::default()
    };
    assert_eq!(list(query).await, ["b-", "a 1 3"]);
}

fn shown(row: AccountRow) -> String {
    match row {
        AccountRow::Container {
            name, count, bytes, ..
        } => format!("{name} {count} {bytes}"),
        AccountRow::Subdir(name) => name,
    }
}

#[tokio::test]
async fn a_user_sees_the_containers_of_his_compartments_only() {
    let stage = Stage::new().await;
    let world = &stage.world;
    let details = world.details("inner");
    let inner = world
        .engine
        .create_compartment(&world.admin, details, None)
        .await
        .unwrap();
    world.create_bucket("inside", &inner.entity.id).await;
    world.create_bucket("outside", &world.root).await;
    let (user, _, _) = world
        .worker("joe", "to inspect buckets in compartment inner")
        .await;
    let secret = auth_token(world, &world.admin, &user.entity.id).await;
    let joe = enter(stage.engine(), &stage.namespace, "joe", &secret).await;
    let query = ListQuery::default();
    let listing = stage
        .engine()
        .swift_list_account(&joe, &stage.namespace, &query);
    let listing = listing.await.unwrap();
    assert_eq!(listing.info.container_count, 1);
    assert!(matches!(&listing.rows[..], [AccountRow::Container { name, .. }] if name == "inside"));
}

#[tokio::test]
async fn account_metadata_merges_and_an_empty_value_removes() {
    let stage = Stage::new().await;
    let change = |set: &[(&str, &str)], remove: &[&str]| MetadataChange {
        set: pairs(set),
        remove: remove.iter().map(|name| (*name).to_owned()).collect(),
    };
    for change in [
        change(&[("A", "1"), ("B", "2"), ("C", "3")], &[]),
        change(&[("b", "")], &["c"]),
    ] {
        let done = stage
            .engine()
            .swift_update_account(&stage.owner, &stage.namespace, &change);
        done.await.unwrap();
    }
    let info = stage
        .engine()
        .swift_account(&stage.owner, &stage.namespace)
        .await
        .unwrap();
    assert_eq!(info.metadata, pairs(&[("a", "1")]));
}

#[tokio::test]
async fn account_limits_hold_over_what_is_stored() {
    let stage = Stage::new().await;
    let items = |from: usize, to: usize| MetadataChange {
        set: (from..to)
            .map(|n| (format!("n{n}"), "v".to_owned()))
            .collect(),
        remove: Vec::new(),
    };
    let post = |change| {
        let stage = &stage;
        async move {
            let done = stage
                .engine()
                .swift_update_account(&stage.owner, &stage.namespace, &change);
            outcome(&done.await)
        }
    };
    assert_eq!(post(items(0, 90)).await, "ok");
    assert_eq!(post(items(0, 90)).await, "ok");
    assert_eq!(post(items(90, 91)).await, "InvalidParameter");
}

#[tokio::test]
async fn only_owners_change_an_account_and_see_its_keys() {
    let stage = Stage::new().await;
    let keys = MetadataChange {
        set: pairs(&[("Temp-URL-Key", "secret")]),
        remove: Vec::new(),
    };
    stage
        .engine()
        .swift_update_account(&stage.owner, &stage.namespace, &keys)
        .await
        .unwrap();
    let world = &stage.world;
    let (user, _, _) = world.worker("joe", "to inspect buckets in tenancy").await;
    let secret = auth_token(world, &world.admin, &user.entity.id).await;
    let joe = enter(stage.engine(), &stage.namespace, "joe", &secret).await;
    let seen = |caller| stage.engine().swift_account(caller, &stage.namespace);
    let owner = seen(&stage.owner).await.unwrap();
    assert_eq!(owner.keys[0].1.expose(), "secret");
    assert!(!format!("{owner:?} {keys:?}").contains("secret"));
    assert!(seen(&joe).await.unwrap().keys.is_empty());
    let done = stage
        .engine()
        .swift_update_account(&joe, &stage.namespace, &keys)
        .await;
    assert_eq!(outcome(&done), "Forbidden");
}
