//! A server, its administrator's Swift token, and requests that carry it.

use http::Method;
use parbuckle_testkit::{Call, Http, Reply, TestServer, encode, encode_path};

use crate::PARBUCKLE;

/// A running server and its first account.
pub(crate) struct Stage {
    pub(crate) server: TestServer,
    /// Such as `Storage-abc`.
    pub(crate) account: String,
    pub(crate) token: String,
}

impl Stage {
    pub(crate) async fn new() -> Self {
        let server = TestServer::start(PARBUCKLE).await;
        Self::on(server).await
    }

    /// On a server that was started in another way.
    pub(crate) async fn on(server: TestServer) -> Self {
        let account = server.bootstrap().field("swift_account").to_owned();
        let password = server.bootstrap().field("admin_password").to_owned();
        let reply = sign_in(&server, &account, "admin", &password).await;
        Self {
            account,
            token: reply.expect(200).required("x-auth-token").to_owned(),
            server,
        }
    }

    /// With the container `c`.
    pub(crate) async fn with_container() -> Self {
        let stage = Self::new().await;
        stage.put("c").await.expect(201);
        stage
    }

    pub(crate) fn http(&self) -> Http {
        self.server.anonymous()
    }

    /// `/v1/{account}` and what follows, encoded but for slashes.
    pub(crate) fn path(&self, rest: &str) -> String {
        let slash = if rest.is_empty() { "" } else { "/" };
        format!("/v1/{}{slash}{}", encode(&self.account), encode_path(rest))
    }

    /// A request with the token. What follows a `?` in `rest` is the query as it stands.
    pub(crate) fn call(&self, method: Method, rest: &str) -> Call {
        self.anonymous(method, rest)
            .header("x-auth-token", &self.token)
    }

    /// The same without the token.
    pub(crate) fn anonymous(&self, method: Method, rest: &str) -> Call {
        let (path, query) = match rest.split_once('?') {
            Some((path, query)) => (self.path(path), format!("?{query}")),
            None => (self.path(rest), String::new()),
        };
        self.http().call(method, format!("{path}{query}"))
    }

    pub(crate) fn get(&self, rest: &str) -> Call {
        self.call(Method::GET, rest)
    }

    pub(crate) fn head(&self, rest: &str) -> Call {
        self.call(Method::HEAD, rest)
    }

    pub(crate) fn put(&self, rest: &str) -> Call {
        self.call(Method::PUT, rest)
    }

    pub(crate) fn post(&self, rest: &str) -> Call {
        self.call(Method::POST, rest)
    }

    pub(crate) fn delete(&self, rest: &str) -> Call {
        self.call(Method::DELETE, rest)
    }

    /// A user without any policy: a stage that acts as that user.
    pub(crate) async fn user(&self, name: &str) -> User<'_> {
        let admin = self.server.admin();
        let user = admin.create_user(name).await;
        let (_, secret) = admin.create_auth_token(&user.id).await;
        let reply = sign_in(&self.server, &self.account, name, &secret).await;
        User {
            stage: self,
            token: reply.expect(200).required("x-auth-token").to_owned(),
        }
    }
}

/// Another user of the account.
pub(crate) struct User<'s> {
    stage: &'s Stage,
    token: String,
}

impl User<'_> {
    pub(crate) fn call(&self, method: Method, rest: &str) -> Call {
        self.stage
            .anonymous(method, rest)
            .header("x-auth-token", &self.token)
    }

    /// The same to `/v0`, with what follows a `?` as the query.
    pub(crate) fn v0(&self, method: Method, rest: &str) -> Call {
        let (path, query) = rest.split_once('?').unwrap_or((rest, ""));
        let path = self.stage.path(path).replacen("/v1/", "/v0/", 1);
        let call = self.stage.http().call(method, format!("{path}?{query}"));
        call.header("x-auth-token", &self.token)
    }
}

/// Signs in as Storage Classic documents it.
pub(crate) async fn sign_in(
    server: &TestServer,
    account: &str,
    user: &str,
    password: &str,
) -> Reply {
    server
        .anonymous()
        .get("/auth/v1.0")
        .header("x-storage-user", &format!("{account}:{user}"))
        .header("x-storage-pass", password)
        .await
}

/// The page of a status.
pub(crate) fn page(reason: &str, sentence: &str) -> String {
    format!("<html><h1>{reason}</h1><p>{sentence}</p></html>")
}
