//! A server with the container `c`, and its administrator in both dialects.

use http::Method;
use parbuckle_testkit::{Call, SignedClient, TestServer, encode, encode_path};
use serde_json::Value;

pub(crate) struct Stage {
    pub(crate) server: TestServer,
    pub(crate) admin: SignedClient,
    account: String,
    token: String,
}

impl Stage {
    pub(crate) async fn new() -> Self {
        let binary = env!("CARGO_BIN_EXE_parbuckle");
        let server = TestServer::builder(binary).arg("--dev").start().await;
        let account = server.bootstrap().field("swift_account").to_owned();
        let mut stage = Self {
            admin: server.admin(),
            server,
            account,
            token: String::new(),
        };
        stage.sign_in().await;
        stage.swift(Method::PUT, "c").await.expect(201);
        stage
    }

    /// Again, when the clock has been moved.
    pub(crate) async fn sign_in(&mut self) {
        let password = self.server.bootstrap().field("admin_password");
        let call = self.server.anonymous().get("/auth/v1.0");
        let reply = call
            .header("x-storage-user", &format!("{}:admin", self.account))
            .header("x-storage-pass", password)
            .await;
        self.token = reply.expect(200).required("x-auth-token").to_owned();
    }

    /// Lets time pass; everything that is due by then is done.
    pub(crate) async fn pass(&mut self, seconds: u32) -> Value {
        self.server.advance_clock(seconds).await;
        self.sign_in().await;
        let done = self.server.anonymous().post("/dev/upkeep").await;
        done.expect(200).json()
    }

    /// `/v1/{account}/` and what follows, encoded but for slashes.
    pub(crate) fn path(&self, rest: &str) -> String {
        format!("/v1/{}/{}", self.account, encode_path(rest))
    }

    /// A request of the administrator. What follows a `?` in `rest` is the query as it stands.
    pub(crate) fn swift(&self, method: Method, rest: &str) -> Call {
        let (path, query) = match rest.split_once('?') {
            Some((path, query)) => (self.path(path), format!("?{query}")),
            None => (self.path(rest), String::new()),
        };
        let call = self
            .server
            .anonymous()
            .call(method, format!("{path}{query}"));
        call.header("x-auth-token", &self.token)
    }

    /// The same with each part of the path encoded whole.
    pub(crate) fn swift_at(&self, method: Method, parts: &[&str]) -> Call {
        let parts: Vec<String> = parts.iter().map(|part| encode(part)).collect();
        let target = format!("/v1/{}/{}", self.account, parts.join("/"));
        let call = self.server.anonymous().call(method, target);
        call.header("x-auth-token", &self.token)
    }
}
