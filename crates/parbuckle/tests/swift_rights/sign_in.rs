//! Failed sign-ins: they cost the same whoever is named, and keep nobody else out.

use std::net::Ipv4Addr;
use std::time::{Duration, Instant};

use parbuckle_testkit::TestServer;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpSocket;

use crate::PARBUCKLE;
use crate::stage::sign_in;

/// Measured sign-ins of each kind.
const MEASURED: usize = 60;
/// What noise may make of it on a busy machine; on a quiet one they differ by a few percent.
const FACTOR: u32 = 2;
/// So many failures are borne.
const FAILURES: usize = 10;

#[tokio::test]
async fn an_unknown_user_costs_as_much_as_a_wrong_password() {
    let server = TestServer::start(PARBUCKLE).await;
    let account = server.bootstrap().field("swift_account").to_owned();
    let admin = server.admin();
    // Users enough that none is kept waiting for his failures.
    for at in 0..MEASURED.div_ceil(FAILURES - 1) {
        let user = admin.create_user(&format!("known-{at}")).await.id;
        admin.create_auth_token(&user).await;
        crate::stage::new_password(&admin, &user).await;
    }
    let mut times = [Vec::new(), Vec::new(), Vec::new()];
    // Taken in turn and in every order, so that what else the machine does is shared.
    for at in 0..MEASURED {
        let number = at / (FAILURES - 1);
        let logins = [
            format!("{account}:known-{number}"),
            format!("{account}:unknown-{number}"),
            format!("Storage-nobodysaccount:known-{number}"),
        ];
        for turn in 0..logins.len() {
            let kind = (at + turn) % logins.len();
            let began = Instant::now();
            sign_in(&server, &logins[kind], "wrong").await.expect(401);
            times[kind].push(began.elapsed());
        }
    }
    let [known, unknown, elsewhere] = times.map(median);
    println!("medians: {known:?} known, {unknown:?} unknown, {elsewhere:?} elsewhere");
    for other in [unknown, elsewhere] {
        let (less, more) = (known.min(other), known.max(other));
        assert!(more < less * FACTOR, "{known:?} and {other:?}");
    }
}

#[tokio::test]
async fn failures_of_one_user_from_one_address_keep_out_nobody_else() {
    let server = TestServer::builder(PARBUCKLE).arg("--dev").start().await;
    let account = server.bootstrap().field("swift_account").to_owned();
    let admin = server.admin();
    let mut secrets = Vec::new();
    for name in ["joe", "sue"] {
        let user = admin.create_user(name).await.id;
        secrets.push(admin.create_auth_token(&user).await.1);
    }
    let login = |name: &str| format!("{account}:{name}");
    for _ in 0..FAILURES {
        sign_in(&server, &login("joe"), "wrong").await.expect(401);
    }
    sign_in(&server, &login("joe"), &secrets[0])
        .await
        .expect(401);
    sign_in(&server, &login("sue"), &secrets[1])
        .await
        .expect(200);
    let elsewhere = sign_in_from(&server, [127, 0, 0, 2], &login("joe"), &secrets[0]).await;
    assert!(elsewhere.starts_with("HTTP/1.1 200 "), "{elsewhere}");
    server.advance_clock(61).await;
    sign_in(&server, &login("joe"), &secrets[0])
        .await
        .expect(200);
}

#[tokio::test]
async fn other_names_of_an_account_give_no_further_tries() {
    let server = TestServer::start(PARBUCKLE).await;
    let account = server.bootstrap().field("swift_account").to_owned();
    let namespace = server.bootstrap().namespace().to_owned();
    let admin = server.admin();
    let user = admin.create_user("joe").await.id;
    let (_, secret) = admin.create_auth_token(&user).await;
    for _ in 0..FAILURES {
        let login = format!("{account}:joe");
        sign_in(&server, &login, "wrong").await.expect(401);
    }
    for name in [namespace.clone(), format!("AUTH_{namespace}")] {
        let login = format!("{name}:JOE");
        sign_in(&server, &login, &secret).await.expect(401);
    }
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort();
    times[times.len() / 2]
}

/// A sign-in from another address of this machine; the raw reply.
async fn sign_in_from(server: &TestServer, from: [u8; 4], login: &str, secret: &str) -> String {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind((Ipv4Addr::from(from), 0).into()).unwrap();
    let address = server.anonymous().address().parse().unwrap();
    let mut stream = socket.connect(address).await.unwrap();
    let head = format!(
        "GET /auth/v1.0 HTTP/1.1\r\nHost: h\r\nConnection: close\r\nX-Auth-User: {login}\r\nX-Auth-Key: {secret}\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    answer
}
