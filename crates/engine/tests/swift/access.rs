//! Who may do what: policies, ACLs, referrers.

use crate::stage::{Stage, acls, auth_token, enter};

#[tokio::test]
async fn a_user_without_a_policy_is_forbidden_everything_whether_or_not_it_exists() {
    let stage = Stage::new().await;
    stage.put_container("c", acls("", "")).await;
    stage.put("c", "o", b"x").await;
    let (_, joe) = stage.caller("joe").await;
    for container in ["c", "missing"] {
        assert_eq!(stage.read_outcome(&joe, container, "o").await, "Forbidden");
        assert_eq!(stage.put_outcome(&joe, container, "o").await, "Forbidden");
        assert_eq!(stage.list_outcome(&joe, container).await, "Forbidden");
    }
    let account = stage.engine().swift_account(&joe, &stage.namespace).await;
    assert_eq!(crate::stage::outcome(&account), "Forbidden");
}

#[tokio::test]
async fn nobody_must_sign_in_whether_or_not_it_exists() {
    let stage = Stage::new().await;
    stage.put_container("c", acls("", "")).await;
    stage.put("c", "o", b"x").await;
    for container in ["c", "missing"] {
        let done = stage.read_outcome(&stage.nobody, container, "o").await;
        assert_eq!(done, "NotAuthenticated");
    }
}

#[tokio::test]
async fn whoever_has_rights_learns_what_is_missing() {
    let stage = Stage::new().await;
    stage.put_container("c", acls("", "")).await;
    assert_eq!(
        stage.read_outcome(&stage.owner, "c", "o").await,
        "ObjectNotFound"
    );
    assert_eq!(
        stage.read_outcome(&stage.owner, "missing", "o").await,
        "BucketNotFound"
    );
}

#[tokio::test]
async fn rights_in_any_compartment_are_enough_to_learn_that_a_container_is_missing() {
    let stage = Stage::new().await;
    let rest = "to manage objects in tenancy where target.bucket.name = 'mine'";
    let (user, _, _) = stage.world.worker("joe", rest).await;
    let secret = auth_token(&stage.world, &stage.world.admin, &user.entity.id).await;
    let joe = enter(stage.engine(), &stage.namespace, "joe", &secret).await;
    assert_eq!(
        stage.read_outcome(&joe, "mine", "o").await,
        "BucketNotFound"
    );
    assert_eq!(stage.read_outcome(&joe, "other", "o").await, "Forbidden");
}

#[tokio::test]
async fn a_token_of_another_account_is_forbidden_until_an_acl_names_its_user() {
    let stage = Stage::new().await;
    stage.put_container("c", acls("", "")).await;
    stage.put("c", "o", b"x").await;
    let world = &stage.world;
    let foreign = world
        .engine
        .namespace(&world.foreigner, None)
        .await
        .unwrap();
    let mut fred = world.new_user("fred");
    fred.details.compartment = world.foreign_root.clone();
    let fred = world
        .engine
        .create_user(&world.foreigner, fred, None)
        .await
        .unwrap();
    let secret = auth_token(world, &world.foreigner, &fred.entity.id).await;
    let foreigner = enter(stage.engine(), &foreign, "fred", &secret).await;
    assert_eq!(stage.read_outcome(&foreigner, "c", "o").await, "Forbidden");
    assert_eq!(
        stage.read_outcome(&foreigner, "missing", "o").await,
        "Forbidden"
    );
    stage
        .put_container("c", acls(&format!("{foreign}:fred"), ""))
        .await;
    assert_eq!(stage.read_outcome(&foreigner, "c", "o").await, "ok");
}

#[tokio::test]
async fn a_read_acl_lets_a_user_read_and_list_and_not_write() {
    let stage = Stage::new().await;
    let (_, joe) = stage.caller("joe").await;
    let (_, sue) = stage.caller("sue").await;
    stage
        .put_container("c", acls(&format!("{}:JOE", stage.namespace), ""))
        .await;
    stage.put("c", "o", b"x").await;
    assert_eq!(stage.read_outcome(&joe, "c", "o").await, "ok");
    assert_eq!(stage.list_outcome(&joe, "c").await, "ok");
    assert_eq!(stage.put_outcome(&joe, "c", "o").await, "Forbidden");
    assert_eq!(stage.read_outcome(&sue, "c", "o").await, "Forbidden");
}

#[tokio::test]
async fn a_write_acl_lets_a_user_write_and_not_read() {
    let stage = Stage::new().await;
    let (_, joe) = stage.caller("joe").await;
    stage
        .put_container("c", acls("", &format!("Storage-{}", stage.namespace)))
        .await;
    assert_eq!(stage.put_outcome(&joe, "c", "o").await, "ok");
    assert_eq!(stage.put_outcome(&joe, "c", "o").await, "ok");
    assert_eq!(stage.read_outcome(&joe, "c", "o").await, "Forbidden");
    assert_eq!(stage.list_outcome(&joe, "c").await, "Forbidden");
    let path = stage.object("c", "o");
    stage
        .engine()
        .swift_delete_object(&joe, &path)
        .await
        .unwrap();
}

#[tokio::test]
async fn a_role_in_an_acl_means_the_group_of_that_name() {
    let stage = Stage::new().await;
    let (user, joe) = stage.caller("joe").await;
    let acl = format!("{}.Storage.Readers", stage.namespace);
    stage.put_container("c", acls(&acl, "")).await;
    stage.put("c", "o", b"x").await;
    assert_eq!(stage.read_outcome(&joe, "c", "o").await, "Forbidden");
    let group = stage.world.group("readers").await;
    stage.world.join(&user, &group.entity.id).await;
    assert_eq!(stage.read_outcome(&joe, "c", "o").await, "ok");
}

#[tokio::test]
async fn a_referrer_rule_lets_nobody_read_and_list_only_with_rlistings() {
    let stage = Stage::new().await;
    stage.put_container("c", acls(".r:.example.com", "")).await;
    stage.put("c", "o", b"x").await;
    let page = stage.visitor_of("https://www.example.com/x").await;
    assert_eq!(stage.read_outcome(&page, "c", "o").await, "ok");
    assert_eq!(stage.list_outcome(&page, "c").await, "NotAuthenticated");
    assert_eq!(
        stage.read_outcome(&stage.nobody, "c", "o").await,
        "NotAuthenticated"
    );
    stage.put_container("c", acls(".r:*,.rlistings", "")).await;
    assert_eq!(stage.read_outcome(&stage.nobody, "c", "o").await, "ok");
    assert_eq!(stage.list_outcome(&stage.nobody, "c").await, "ok");
}

#[tokio::test]
async fn acls_grant_nothing_through_the_native_api() {
    let stage = Stage::new().await;
    stage.put_container("c", acls(".r:*,.rlistings", "")).await;
    stage.put("c", "o", b"x").await;
    let anonymous = parbuckle_engine::Proof::Anonymous;
    let anonymous = stage.engine().authenticate(anonymous).await.unwrap().caller;
    let path = stage.object("c", "o");
    let done = stage
        .engine()
        .read_object(&anonymous, &path, Default::default())
        .await;
    assert_eq!(crate::stage::outcome(&done), "BucketNotFound");
}

#[tokio::test]
async fn only_owners_see_acls() {
    let stage = Stage::new().await;
    let (_, joe) = stage.caller("joe").await;
    stage
        .put_container("c", acls(stage.namespace.as_str(), ""))
        .await;
    let path = stage.container("c");
    let seen = |caller| stage.engine().swift_container(caller, &path);
    let acls = seen(&stage.owner).await.unwrap().acls.unwrap();
    assert_eq!(acls.read, stage.namespace.as_str());
    assert_eq!(seen(&joe).await.unwrap().acls, None);
}
