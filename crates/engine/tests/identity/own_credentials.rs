//! Users manage their own credentials without a policy, and nobody else's.

use parbuckle_engine::{SecretKind, User};

use crate::world::{ALWAYS, World, key, outcome};

async fn alone(world: &World, name: &str) -> (User, parbuckle_engine::Caller) {
    let user = world.user(name).await;
    let caller = world.signed(&user).await;
    (user, caller)
}

#[tokio::test]
async fn a_user_without_any_policy_manages_his_own_credentials() {
    let world = World::new().await;
    let (user, caller) = alone(&world, "bob").await;
    let (engine, id) = (&world.engine, &user.entity.id);
    engine.user(&caller, id).await.unwrap();
    engine.create_or_reset_password(&caller, id).await.unwrap();
    engine.password_info(&caller, id).await.unwrap();
    for kind in [SecretKind::AuthToken, SecretKind::CustomerSecretKey] {
        let made = engine
            .create_user_secret(&caller, kind, id, "mine", None)
            .await
            .unwrap()
            .info;
        assert_eq!(
            engine.user_secrets(&caller, kind, id).await.unwrap().len(),
            1
        );
        let label = Some("still mine");
        engine
            .update_user_secret(&caller, kind, id, &made.id, label, &ALWAYS)
            .await
            .unwrap();
        engine
            .delete_user_secret(&caller, kind, id, &made.id, &ALWAYS)
            .await
            .unwrap();
    }
    let keys = engine.api_keys(&caller, id).await.unwrap();
    engine
        .delete_api_key(&caller, id, &keys[0].fingerprint)
        .await
        .unwrap();
}

#[tokio::test]
async fn a_user_without_any_policy_sees_and_changes_nothing_of_others() {
    let world = World::new().await;
    let (_, caller) = alone(&world, "bob").await;
    let other = world.user("eve").await;
    let (engine, id) = (&world.engine, &other.entity.id);
    let (token, pem) = (SecretKind::AuthToken, key().public_key().to_pem());
    let refused = [
        outcome(engine.user(&caller, id).await),
        outcome(engine.create_or_reset_password(&caller, id).await),
        outcome(
            engine
                .create_user_secret(&caller, token, id, "x", None)
                .await,
        ),
        outcome(engine.user_secrets(&caller, token, id).await),
        outcome(engine.upload_api_key(&caller, id, &pem, None).await),
        outcome(engine.api_keys(&caller, id).await),
    ];
    assert_eq!(refused, ["NotAuthorizedOrNotFound"; 6]);
}

#[tokio::test]
async fn a_user_can_not_change_his_own_state_capabilities_or_existence() {
    let world = World::new().await;
    let (user, caller) = alone(&world, "bob").await;
    let (engine, id) = (&world.engine, &user.entity.id);
    let change = Default::default();
    let refused = [
        outcome(engine.update_user_state(&caller, id, false, &ALWAYS).await),
        outcome(
            engine
                .update_user_capabilities(&caller, id, change, &ALWAYS)
                .await,
        ),
        outcome(
            engine
                .update_user(&caller, id, Default::default(), &ALWAYS)
                .await,
        ),
        outcome(engine.delete_user(&caller, id, &ALWAYS).await),
    ];
    assert_eq!(refused, ["NotAuthorizedOrNotFound"; 4]);
}

#[tokio::test]
async fn a_user_has_at_most_three_keys_two_tokens_and_two_secret_keys() {
    let world = World::new().await;
    let user = world.user("bob").await;
    let (engine, admin, id) = (&world.engine, &world.admin, &user.entity.id);
    for (kind, code) in [
        (SecretKind::AuthToken, "AuthTokenLimitExceeded"),
        (
            SecretKind::CustomerSecretKey,
            "CustomerSecretKeyLimitExceeded",
        ),
    ] {
        for expected in ["ok", "ok", code] {
            let made = engine.create_user_secret(admin, kind, id, "x", None).await;
            assert_eq!(outcome(made), expected);
        }
    }
    for expected in ["ok", "ok", "ok", "ApiKeyLimitExceeded"] {
        let new = parbuckle_iam::signature::SigningKey::generate().unwrap();
        let made = engine
            .upload_api_key(admin, id, &new.public_key().to_pem(), None)
            .await;
        assert_eq!(outcome(made), expected);
    }
}

#[tokio::test]
async fn a_key_is_uploaded_once_and_must_be_rsa() {
    let world = World::new().await;
    let user = world.user("bob").await;
    let (engine, admin, id) = (&world.engine, &world.admin, &user.entity.id);
    let pem = key().public_key().to_pem();
    engine.upload_api_key(admin, id, &pem, None).await.unwrap();
    let again = engine.upload_api_key(admin, id, &pem, None).await;
    assert_eq!(outcome(again), "ApiKeyAlreadyExists");
    let bad = engine.upload_api_key(admin, id, "ssh-rsa AAAA", None).await;
    assert_eq!(outcome(bad), "InvalidParameter");
}

#[tokio::test]
async fn a_deleted_users_credentials_are_gone() {
    let world = World::new().await;
    let (user, caller) = alone(&world, "bob").await;
    let id = &user.entity.id;
    world
        .engine
        .delete_user(&world.admin, id, &ALWAYS)
        .await
        .unwrap();
    assert_eq!(
        outcome(world.engine.api_keys(&caller, id).await),
        "NotAuthorizedOrNotFound"
    );
    assert_eq!(outcome(world.sign_in(id).await), "NotAuthenticated");
    let listed = world.engine.api_keys(&world.admin, id).await;
    assert_eq!(outcome(listed), "NotAuthorizedOrNotFound");
}
