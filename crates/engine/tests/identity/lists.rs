//! Lists: pages of any size agree, filters and orders do what they say.

use parbuckle_engine::{LifecycleState, ListOptions, NewUser, SortBy, SortOrder, UserFilter};
use parbuckle_model::PageLimit;

use crate::world::{ALWAYS, World};

/// The names on all pages.
async fn names(world: &World, options: &ListOptions, filter: &UserFilter) -> Vec<String> {
    let mut options = options.clone();
    let mut names = Vec::new();
    loop {
        let (engine, root) = (&world.engine, &world.root);
        let page = engine
            .users(&world.admin, root, filter, &options)
            .await
            .unwrap();
        assert!(page.items.len() <= options.limit.value());
        names.extend(page.items.into_iter().map(|user| user.entity.name));
        match page.next {
            Some(next) => options.page = Some(next),
            None => return names,
        }
    }
}

async fn with_users() -> World {
    let world = World::new().await;
    for name in [
        "delta", "Alpha", "charlie", "bravo", "echo", "foxtrot", "golf",
    ] {
        world.environment.advance(1);
        world.user(name).await;
    }
    world
}

#[tokio::test]
async fn pages_of_every_size_agree_in_every_order() {
    let world = with_users().await;
    let by_name = [
        "Alpha", "admin", "bravo", "charlie", "delta", "echo", "foxtrot", "golf",
    ];
    let by_age = [
        "admin", "delta", "Alpha", "charlie", "bravo", "echo", "foxtrot", "golf",
    ];
    for (sort_by, ascending) in [(SortBy::Name, by_name), (SortBy::TimeCreated, by_age)] {
        for (order, reversed) in [(SortOrder::Ascending, false), (SortOrder::Descending, true)] {
            let mut expected = ascending.to_vec();
            if reversed {
                expected.reverse();
            }
            for limit in ["1", "3", "7", "8", "1000"] {
                let options = ListOptions {
                    sort_by,
                    sort_order: Some(order),
                    limit: PageLimit::parse(limit).unwrap(),
                    ..ListOptions::default()
                };
                let found = names(&world, &options, &UserFilter::default()).await;
                assert_eq!(found, expected, "{sort_by:?} {order:?} {limit}");
            }
        }
    }
}

#[tokio::test]
async fn names_ascend_and_times_descend_unless_asked_otherwise() {
    let world = with_users().await;
    let options = |sort_by| ListOptions {
        sort_by,
        ..ListOptions::default()
    };
    let by_name = names(&world, &options(SortBy::Name), &UserFilter::default()).await;
    assert_eq!(by_name[0], "Alpha");
    let by_age = names(
        &world,
        &options(SortBy::TimeCreated),
        &UserFilter::default(),
    )
    .await;
    assert_eq!(by_age[0], "golf");
}

#[tokio::test]
async fn a_list_can_be_of_one_name_or_one_state() {
    let world = with_users().await;
    let named = ListOptions {
        name: Some("echo".to_owned()),
        ..ListOptions::default()
    };
    let everybody = UserFilter::default();
    let echo = world
        .engine
        .users(&world.admin, &world.root, &everybody, &named);
    let echo = echo.await.unwrap().items.remove(0);
    let id = &echo.entity.id;
    world
        .engine
        .update_user_state(&world.admin, id, true, &ALWAYS)
        .await
        .unwrap();
    let inactive = ListOptions {
        lifecycle_state: Some(LifecycleState::Inactive),
        ..ListOptions::default()
    };
    assert_eq!(
        names(&world, &inactive, &UserFilter::default()).await,
        ["echo"]
    );
}

#[tokio::test]
async fn federated_users_are_found_by_provider_and_identifier() {
    let world = with_users().await;
    let federated = NewUser {
        identity_provider: Some("ocid1.saml2idp.oc1..x".to_owned()),
        external_identifier: Some("ann@example.com".to_owned()),
        ..world.new_user("idp/ann@example.com")
    };
    let made = world
        .engine
        .create_user(&world.admin, federated, None)
        .await
        .unwrap();
    assert!(!made.capabilities.console_password && made.capabilities.api_keys);
    let by_provider = UserFilter {
        identity_provider: Some("ocid1.saml2idp.oc1..x".to_owned()),
        external_identifier: None,
    };
    let by_identifier = UserFilter {
        identity_provider: None,
        external_identifier: Some("ann@example.com".to_owned()),
    };
    for filter in [by_provider, by_identifier] {
        let found = names(&world, &ListOptions::default(), &filter).await;
        assert_eq!(found, ["idp/ann@example.com"]);
    }
}
