//! The Swift face beside a real OpenStack Swift: the requests of the tables in `clients/swift_*.txt` go to both servers,
//! and the answers agree in everything but what the tables list with a reason.

use parbuckle_testkit::TestServer;
use parbuckle_testkit::swift::{RealSwift, RealUser, Site, run_tables};

const PARBUCKLE: &str = env!("CARGO_BIN_EXE_parbuckle");
/// The tenancy that is the other account.
const OTHER: &str = "other";
/// The users that have no rights but those that ACLs give them.
const ORDINARY: [&str; 2] = ["joe", "ann"];

macro_rules! tables {
    ($($name:literal),*) => {
        [$(($name, include_str!(concat!("clients/swift_", $name, ".txt")))),*]
    };
}

const TABLES: [(&str, &str); 16] = tables![
    "signing_in",
    "accounts",
    "containers",
    "limits",
    "listings",
    "access",
    "objects",
    "conditions",
    "copies",
    "dynamic",
    "static",
    "bulk",
    "expiry",
    "temp_urls",
    "cors",
    "paths"
];

#[tokio::test]
async fn the_face_answers_as_a_real_swift_does() {
    let server = TestServer::start(PARBUCKLE).await;
    let ours = our_site(&server).await;
    let (swift, theirs) = real_site(&ours);
    let run = move || run_tables(&swift, &theirs, &ours, &TABLES);
    let found = tokio::task::spawn_blocking(run).await;
    let found = found.unwrap_or_else(|error| panic!("comparing: {error}"));
    let shown: Vec<_> = found.iter().map(ToString::to_string).collect();
    assert!(
        found.is_empty(),
        "{}\n{} disagreements that no table accounts for",
        shown.join("\n"),
        found.len()
    );
}

/// Two tenancies, the users of the first, and the administrator of the second.
async fn our_site(server: &TestServer) -> Site {
    let bootstrap = server.bootstrap();
    let other = server.make_tenancy(OTHER);
    let account = bootstrap.namespace().to_owned();
    let other_account = other.field("namespace").to_owned();
    let login = |account: &str, name: &str| format!("{account}:{name}");
    let mut users = vec![
        (
            "admin",
            login(&account, bootstrap.field("admin_user_name")),
            bootstrap.field("admin_password").to_owned(),
        ),
        (
            "boss",
            login(&other_account, other.field("admin_user_name")),
            other.field("admin_password").to_owned(),
        ),
    ];
    for name in ORDINARY {
        let user = server.admin().create_user(name).await;
        let (_, token) = server.admin().create_auth_token(&user.id).await;
        users.push((name, login(&account, name), token));
    }
    let address = server.endpoint().trim_start_matches("http://").parse();
    Site {
        address: address.unwrap_or_else(|error| panic!("{}: {error}", server.endpoint())),
        account,
        other_account,
        users,
    }
}

/// A real Swift with accounts and users of the same names.
fn real_site(ours: &Site) -> (RealSwift, Site) {
    let mut users = Vec::new();
    let mut site_users = Vec::new();
    for (name, login, _) in &ours.users {
        let (account, user) = login.split_once(':').unwrap_or_default();
        let password = format!("{name}-secret");
        users.push(RealUser {
            account: account.to_owned(),
            name: user.to_owned(),
            password: password.clone(),
            admin: !ORDINARY.contains(name),
        });
        site_users.push((*name, login.clone(), password));
    }
    let swift = RealSwift::start(&users);
    let site = Site {
        address: swift.address(),
        users: site_users,
        ..ours.clone()
    };
    (swift, site)
}
