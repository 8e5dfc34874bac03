//! Signing in and the life of tokens.

use parbuckle_engine::{CapabilitiesChange, SecretKind};

use crate::stage::{PEER, Stage, auth_token, outcome};
use crate::world::ALWAYS;

#[tokio::test]
async fn an_auth_token_signs_in_and_makes_a_token_of_32_digits() {
    let stage = Stage::new().await;
    let (_, secret) = stage.stranger("joe").await;
    let signed_in = stage.sign_in("joe", secret.expose()).await.unwrap();
    let digits = signed_in.token.expose().strip_prefix("AUTH_tk").unwrap();
    assert!(digits.len() == 32 && digits.bytes().all(|b| b.is_ascii_hexdigit()));
    assert_eq!(signed_in.expires_in.as_secs(), 30 * 60);
    assert_eq!(stage.token_outcome(&signed_in.token).await, "ok");
}

#[tokio::test]
async fn the_console_password_signs_in() {
    let stage = Stage::new().await;
    let user = stage.world.user("joe@example.com").await;
    let made = stage
        .engine()
        .create_or_reset_password(&stage.world.admin, &user.entity.id);
    let password = made.await.unwrap().password;
    let done = stage.sign_in("Joe@Example.com", password.expose()).await;
    assert_eq!(outcome(&done), "ok");
}

#[tokio::test]
async fn a_customer_secret_key_does_not_sign_in() {
    let stage = Stage::new().await;
    let user = stage.world.user("joe").await;
    let made = stage.engine().create_user_secret(
        &stage.world.admin,
        SecretKind::CustomerSecretKey,
        &user.entity.id,
        "s3",
        None,
    );
    let secret = made.await.unwrap().secret;
    assert_eq!(
        outcome(&stage.sign_in("joe", secret.expose()).await),
        "NotAuthenticated"
    );
}

#[tokio::test]
async fn the_account_is_returned_as_it_was_written() {
    let stage = Stage::new().await;
    let (_, secret) = stage.stranger("joe").await;
    for form in ["", "Storage-", "AUTH_"] {
        let account = format!("{form}{}", stage.namespace);
        let done = stage
            .engine()
            .sign_in(&format!("{account}:joe"), secret.expose(), PEER)
            .await;
        assert_eq!(done.unwrap().account.as_str(), account);
    }
}

#[tokio::test]
async fn every_failure_looks_alike() {
    let stage = Stage::new().await;
    let (_, secret) = stage.stranger("joe").await;
    let own = stage.namespace.as_str();
    let foreign = "elsewhere";
    let mut texts = Vec::new();
    for (login, secret) in [
        (format!("{own}:joe"), "wrong"),
        (format!("{own}:joe"), ""),
        (format!("{own}:sue"), secret.expose().as_str()),
        (format!("{foreign}:joe"), secret.expose().as_str()),
        ("joe".to_owned(), secret.expose().as_str()),
        (format!("{own}:jo\0e"), secret.expose().as_str()),
        (String::new(), ""),
    ] {
        let error = stage
            .engine()
            .sign_in(&login, secret, PEER)
            .await
            .unwrap_err();
        texts.push(format!("{:?}", error.kind()));
    }
    texts.dedup();
    assert_eq!(texts.len(), 1, "{texts:?}");
}

#[tokio::test]
async fn an_active_token_is_returned_again_and_its_end_stays() {
    let stage = Stage::new().await;
    let (_, secret) = stage.stranger("joe").await;
    let first = stage.sign_in("joe", secret.expose()).await.unwrap();
    stage.world.environment.advance(600);
    let second = stage.sign_in("joe", secret.expose()).await.unwrap();
    assert_eq!(first.token, second.token);
    assert!((1195..=1200).contains(&second.expires_in.as_secs()));
}

#[tokio::test]
async fn a_token_ends_after_its_lifetime_and_another_is_made() {
    let stage = Stage::new().await;
    let (_, secret) = stage.stranger("joe").await;
    let first = stage.sign_in("joe", secret.expose()).await.unwrap();
    stage.world.environment.advance(30 * 60);
    assert_eq!(stage.token_outcome(&first.token).await, "NotAuthenticated");
    let second = stage.sign_in("joe", secret.expose()).await.unwrap();
    assert_ne!(first.token, second.token);
    assert_eq!(stage.token_outcome(&second.token).await, "ok");
}

#[tokio::test]
async fn two_credentials_of_a_user_have_tokens_of_their_own() {
    let stage = Stage::new().await;
    let (user, first) = stage.stranger("joe").await;
    let second = auth_token(&stage.world, &stage.world.admin, &user.entity.id).await;
    let first = stage.sign_in("joe", first.expose()).await.unwrap();
    let second = stage.sign_in("joe", second.expose()).await.unwrap();
    assert_ne!(first.token, second.token);
}

#[tokio::test]
async fn a_token_dies_with_its_auth_token() {
    let stage = Stage::new().await;
    let (user, secret) = stage.stranger("joe").await;
    let token = stage.sign_in("joe", secret.expose()).await.unwrap().token;
    let (admin, id) = (&stage.world.admin, &user.entity.id);
    let kind = SecretKind::AuthToken;
    let listed = stage.engine().user_secrets(admin, kind, id).await.unwrap();
    stage
        .engine()
        .delete_user_secret(admin, kind, id, &listed[0].id, &ALWAYS)
        .await
        .unwrap();
    assert_eq!(stage.token_outcome(&token).await, "NotAuthenticated");
}

#[tokio::test]
async fn a_token_dies_with_the_password_it_came_of() {
    let stage = Stage::new().await;
    let user = stage.world.user("joe").await;
    let reset = || {
        stage
            .engine()
            .create_or_reset_password(&stage.world.admin, &user.entity.id)
    };
    let password = reset().await.unwrap().password;
    let token = stage.sign_in("joe", password.expose()).await.unwrap().token;
    let newer = reset().await.unwrap().password;
    assert_eq!(stage.token_outcome(&token).await, "NotAuthenticated");
    let again = stage.sign_in("joe", newer.expose()).await.unwrap();
    assert_ne!(again.token, token);
}

#[tokio::test]
async fn a_token_dies_with_the_capability_for_its_credential() {
    let stage = Stage::new().await;
    let (user, secret) = stage.stranger("joe").await;
    let token = stage.sign_in("joe", secret.expose()).await.unwrap().token;
    let change = CapabilitiesChange {
        auth_tokens: Some(false),
        ..CapabilitiesChange::default()
    };
    let id = &user.entity.id;
    stage
        .engine()
        .update_user_capabilities(&stage.world.admin, id, change, &ALWAYS)
        .await
        .unwrap();
    assert_eq!(stage.token_outcome(&token).await, "NotAuthenticated");
    assert_eq!(
        outcome(&stage.sign_in("joe", secret.expose()).await),
        "NotAuthenticated"
    );
}

#[tokio::test]
async fn a_token_dies_with_its_user() {
    let stage = Stage::new().await;
    let (user, secret) = stage.stranger("joe").await;
    let token = stage.sign_in("joe", secret.expose()).await.unwrap().token;
    stage
        .engine()
        .delete_user(&stage.world.admin, &user.entity.id, &ALWAYS)
        .await
        .unwrap();
    assert_eq!(stage.token_outcome(&token).await, "NotAuthenticated");
}

#[tokio::test]
async fn a_caller_whose_credential_has_gone_meanwhile_must_sign_in_again() {
    let stage = Stage::new().await;
    stage
        .put_container("c", crate::stage::acls("own", ""))
        .await;
    let (user, caller) = stage.caller("joe").await;
    let (admin, id, kind) = (&stage.world.admin, &user.entity.id, SecretKind::AuthToken);
    let listed = stage.engine().user_secrets(admin, kind, id).await.unwrap();
    stage
        .engine()
        .delete_user_secret(admin, kind, id, &listed[0].id, &ALWAYS)
        .await
        .unwrap();
    assert_eq!(
        stage.read_outcome(&caller, "c", "o").await,
        "NotAuthenticated"
    );
}

#[tokio::test]
async fn after_ten_failures_even_the_right_secret_is_refused_for_the_rest_of_a_minute() {
    let stage = Stage::new().await;
    let (_, secret) = stage.stranger("joe").await;
    for _ in 0..10 {
        assert!(stage.sign_in("joe", "wrong").await.is_err());
    }
    assert_eq!(
        outcome(&stage.sign_in("joe", secret.expose()).await),
        "NotAuthenticated"
    );
    let login = format!("{}:joe", stage.namespace);
    let elsewhere = "192.0.2.1".parse().unwrap();
    let done = stage
        .engine()
        .sign_in(&login, secret.expose(), elsewhere)
        .await;
    assert_eq!(outcome(&done), "ok");
    stage.world.environment.advance(60);
    assert_eq!(outcome(&stage.sign_in("joe", secret.expose()).await), "ok");
}

#[tokio::test]
async fn ended_tokens_are_removed_and_active_ones_stay() {
    let stage = Stage::new().await;
    let (_, secret) = stage.stranger("joe").await;
    stage.sign_in("joe", secret.expose()).await.unwrap();
    stage.world.environment.advance(30 * 60);
    let active = stage.sign_in("joe", secret.expose()).await.unwrap().token;
    stage.engine().forget_ended_tokens().await.unwrap();
    assert_eq!(stage.token_outcome(&active).await, "ok");
    let again = stage.sign_in("joe", secret.expose()).await.unwrap().token;
    assert_eq!(active, again);
}
