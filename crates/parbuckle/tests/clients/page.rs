//! The set-up of the seed page tests: the page's bucket, and its commands run as typed.

use parbuckle_testkit::clients::{Output, shell};
use parbuckle_testkit::{SignedClient, TestServer};

/// The bucket of every example on the pages.
pub(crate) const BUCKET: &str = "MyParBucket";

/// A server with the page's bucket.
pub(crate) async fn page() -> (TestServer, SignedClient) {
    let server = TestServer::start(env!("CARGO_BIN_EXE_parbuckle")).await;
    let admin = server.admin();
    admin.create_bucket(BUCKET).await;
    (server, admin)
}

/// Runs a command of a page; `$NS` is the namespace and `$URL` what the creator handed out.
pub(crate) async fn typed(server: &TestServer, url: &str, line: &str) -> Output {
    shell(server, line)
        .env("NS", server.bootstrap().namespace())
        .env("URL", url)
        .run()
        .await
        .success()
}
