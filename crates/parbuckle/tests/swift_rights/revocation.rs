//! Revocation under load: while four clients use a right, it ends, in every way it can. No request that starts after the
//! reply to the change is allowed, and nothing of it is stored.
//!
//! `PARBUCKLE_SWIFT_REVOCATION_TRIALS` says how many such requests there are in all; without it, about 300.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::UNIX_EPOCH;

use http::Method;
use parbuckle_testkit::{Call, Reply, TestServer, basic_authorization, temp_url_query};
use serde_json::json;
use tokio::sync::Semaphore;
use tokio::task::JoinHandle;

use crate::PARBUCKLE;
use crate::stage::{block, new_password, path_in, remove_auth_tokens, token};

const CLIENTS: usize = 4;
/// How many requests a client starts after the change.
const AFTER: usize = 3;
/// How often a client succeeds before anything changes.
const WARM_UP: usize = 3;
const TRIALS_DEFAULT: usize = 300;

/// The ways a right can end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Death {
    UserBlocked,
    UserDeleted,
    AuthTokenRemoved,
    PasswordChanged,
    AuthTokensForbidden,
    PasswordForbidden,
    TokenEnded,
    /// That of a user who brings it with each request, and so the next three.
    BasicAuthTokenRemoved,
    BasicAuthTokensForbidden,
    BasicUserBlocked,
    BasicUserDeleted,
    RemovedFromGroup,
    GroupDeleted,
    PolicyDeleted,
    PolicyChanged,
    ListRemoved,
    ListChanged,
    RemovedFromListedGroup,
    PublicListRemoved,
    ContainerKeyRemoved,
    ContainerKeyChanged,
    AccountKeyRemoved,
    SignatureEnded,
}

const DEATHS: [Death; 23] = [
    Death::UserBlocked,
    Death::UserDeleted,
    Death::AuthTokenRemoved,
    Death::PasswordChanged,
    Death::AuthTokensForbidden,
    Death::PasswordForbidden,
    Death::TokenEnded,
    Death::BasicAuthTokenRemoved,
    Death::BasicAuthTokensForbidden,
    Death::BasicUserBlocked,
    Death::BasicUserDeleted,
    Death::RemovedFromGroup,
    Death::GroupDeleted,
    Death::PolicyDeleted,
    Death::PolicyChanged,
    Death::ListRemoved,
    Death::ListChanged,
    Death::RemovedFromListedGroup,
    Death::PublicListRemoved,
    Death::ContainerKeyRemoved,
    Death::ContainerKeyChanged,
    Death::AccountKeyRemoved,
    Death::SignatureEnded,
];

/// What a right rests on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Basis {
    /// A policy, and a token that came of an auth token.
    Policy,
    /// A policy, and a token that came of a password.
    Password,
    /// A policy, and the auth token itself.
    Basic,
    /// A list of the container that names the user.
    UserList,
    /// A list of the container that names a group of the user.
    GroupList,
    /// A list of the container that names everybody. It reads only.
    PublicList,
    ContainerKey,
    AccountKey,
}

impl Death {
    fn basis(self) -> Basis {
        match self {
            Self::PasswordChanged | Self::PasswordForbidden => Basis::Password,
            Self::BasicAuthTokenRemoved
            | Self::BasicAuthTokensForbidden
            | Self::BasicUserBlocked
            | Self::BasicUserDeleted => Basis::Basic,
            Self::ListRemoved | Self::ListChanged => Basis::UserList,
            Self::RemovedFromListedGroup => Basis::GroupList,
            Self::PublicListRemoved => Basis::PublicList,
            Self::ContainerKeyRemoved | Self::ContainerKeyChanged => Basis::ContainerKey,
            Self::AccountKeyRemoved | Self::SignatureEnded => Basis::AccountKey,
            _ => Basis::Policy,
        }
    }

    /// 403 for whom the server still knows.
    fn refusal(self) -> u16 {
        match self {
            Self::RemovedFromGroup
            | Self::GroupDeleted
            | Self::PolicyDeleted
            | Self::PolicyChanged
            | Self::ListRemoved
            | Self::ListChanged
            | Self::RemovedFromListedGroup => 403,
            _ => 401,
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_ends_a_right_ends_it_for_the_very_next_request() {
    let trials = match std::env::var("PARBUCKLE_SWIFT_REVOCATION_TRIALS") {
        Ok(text) => text.parse().unwrap(),
        Err(_) => TRIALS_DEFAULT,
    };
    let field = Field::set().await;
    let rounds = trials.div_ceil(DEATHS.len() * CLIENTS * AFTER);
    let mut counted = 0;
    for round in 0..rounds {
        for death in DEATHS {
            counted += field.dies(death, &format!("{death:?}-{round}")).await;
        }
    }
    println!("{counted} requests after a change, 0 allowed");
}

/// A server with an administrator's token.
struct Field {
    server: TestServer,
    account: String,
    password: String,
}

/// A right to the container of this name, and what it hangs on.
struct Grant {
    name: String,
    user: String,
    group: String,
    membership: String,
    policy: String,
    /// What proves who asks: a header and its value.
    proof: Option<(&'static str, String)>,
}

impl Field {
    async fn set() -> Self {
        let server = TestServer::builder(PARBUCKLE).arg("--dev").start().await;
        Self {
            account: server.bootstrap().field("swift_account").to_owned(),
            password: server.bootstrap().field("admin_password").to_owned(),
            server,
        }
    }

    /// One way to die, once for reading and once for writing; the number of requests after it.
    async fn dies(&self, death: Death, name: &str) -> usize {
        let uses = match death.basis() {
            Basis::PublicList => &[Method::GET][..],
            _ => &[Method::GET, Method::PUT],
        };
        let mut counted = 0;
        for method in uses {
            let grant = self.grant(&format!("{name}-{method}"), death.basis()).await;
            let load = Load::start(self, &grant, death.basis(), method).await;
            self.kill(&grant, death).await;
            for (body, reply) in load.finish_after_change().await {
                let expected = death.refusal();
                assert_eq!(reply.status, expected, "{death:?}\n{}", reply.dump());
                let stored = self.admin(Method::GET, &format!("{}/o", grant.name)).await;
                let stored = stored.await.expect(200).text();
                assert!(
                    *method == Method::GET || stored != body,
                    "{death:?}: {body}"
                );
                counted += 1;
            }
        }
        counted
    }

    /// A request of the administrator, who signs in for it: clocks move.
    async fn admin(&self, method: Method, rest: &str) -> Call {
        let token = token(&self.server, &self.account, "admin", &self.password).await;
        let call = self
            .server
            .anonymous()
            .call(method, path_in(&self.account, rest));
        call.header("x-auth-token", &token)
    }

    async fn grant(&self, name: &str, basis: Basis) -> Grant {
        let admin = self.server.admin();
        let group = admin.create_group(name).await;
        let user = admin.create_user(name).await.id;
        let membership = admin.add_user_to_group(&user, &group).await;
        let statement = match basis {
            Basis::Policy | Basis::Password | Basis::Basic => "manage object-family",
            _ => "{USER_INSPECT}",
        };
        let statement = format!("Allow group {name} to {statement} in tenancy");
        let policy = admin.create_policy(name, &[&statement]).await;
        let secret = match basis {
            Basis::Password => new_password(&admin, &user).await,
            _ => admin.create_auth_token(&user).await.1,
        };
        let proof = match basis {
            Basis::PublicList | Basis::ContainerKey | Basis::AccountKey => None,
            Basis::Basic => Some(("authorization", basic_authorization(name, &secret))),
            _ => {
                let token = token(&self.server, &self.account, name, &secret).await;
                Some(("x-auth-token", token))
            }
        };
        let grant = Grant {
            name: name.to_owned(),
            user,
            group,
            membership,
            policy,
            proof,
        };
        self.fill(&grant, basis).await;
        grant
    }

    async fn fill(&self, grant: &Grant, basis: Basis) {
        let (account, name) = (&self.account, &grant.name);
        let list = match basis {
            Basis::UserList => format!("{account}:{name}"),
            Basis::GroupList => format!("{account}.{name}"),
            Basis::PublicList => ".r:*".to_owned(),
            _ => String::new(),
        };
        let put = self.admin(Method::PUT, name).await;
        let put = put
            .header("x-container-read", &list)
            .header("x-container-meta-temp-url-key", "container-key");
        let put = match basis {
            Basis::PublicList => put,
            _ => put.header("x-container-write", &list),
        };
        put.await.expect(201);
        let object = self.admin(Method::PUT, &format!("{name}/o")).await;
        object.body("content").await.expect(201);
        let post = self.admin(Method::POST, "").await;
        let post = post.header("x-account-meta-temp-url-key", "account-key");
        post.await.expect(204);
    }

    /// The request that the grant allows.
    fn request(&self, grant: &Grant, basis: Basis, method: &Method) -> Call {
        let rest = format!("{}/o", grant.name);
        let path = format!("/v1/{}/{rest}", self.account);
        let now = self.server.clock().now().duration_since(UNIX_EPOCH);
        let soon = i64::try_from(now.unwrap().as_secs()).unwrap() + 600;
        let query = match basis {
            Basis::ContainerKey => temp_url_query("container-key", method.as_str(), &path, soon),
            Basis::AccountKey => temp_url_query("account-key", method.as_str(), &path, soon),
            _ => String::new(),
        };
        let target = format!("{}{query}", path_in(&self.account, &rest));
        let call = self.server.anonymous().call(method.clone(), target);
        match &grant.proof {
            Some((header, value)) => call.header(header, value),
            None => call,
        }
    }

    /// Makes the change, and returns with its reply.
    async fn kill(&self, grant: &Grant, death: Death) {
        match death {
            Death::ListRemoved
            | Death::ListChanged
            | Death::PublicListRemoved
            | Death::ContainerKeyRemoved
            | Death::ContainerKeyChanged
            | Death::AccountKeyRemoved => self.kill_by_swift(grant, death).await,
            Death::TokenEnded | Death::SignatureEnded => self.server.advance_clock(1801).await,
            _ => self.kill_by_identity(grant, death).await,
        }
    }

    async fn kill_by_swift(&self, grant: &Grant, death: Death) {
        let (rest, headers) = match death {
            Death::ListRemoved => (
                grant.name.as_str(),
                &[("x-container-read", ""), ("x-remove-container-write", "x")][..],
            ),
            Death::ListChanged => (
                grant.name.as_str(),
                &[
                    ("x-container-read", "somebody:else"),
                    ("x-container-write", "somebody:else"),
                ][..],
            ),
            Death::PublicListRemoved => {
                (grant.name.as_str(), &[("x-remove-container-read", "x")][..])
            }
            Death::ContainerKeyRemoved => (
                grant.name.as_str(),
                &[("x-remove-container-meta-temp-url-key", "x")][..],
            ),
            Death::ContainerKeyChanged => (
                grant.name.as_str(),
                &[("x-container-meta-temp-url-key", "another")][..],
            ),
            _ => ("", &[("x-account-meta-temp-url-key", "")][..]),
        };
        let post = self.admin(Method::POST, rest).await;
        let post = headers.iter().fold(post, |post, (n, v)| post.header(n, v));
        post.await.expect(204);
    }

    async fn kill_by_identity(&self, grant: &Grant, death: Death) {
        let (admin, user) = (self.server.admin(), &grant.user);
        match death {
            Death::UserBlocked | Death::BasicUserBlocked => block(&admin, user).await,
            Death::UserDeleted | Death::BasicUserDeleted => drop(admin.delete_user(user).await),
            Death::AuthTokenRemoved | Death::BasicAuthTokenRemoved => {
                remove_auth_tokens(&admin, user).await;
            }
            Death::PasswordChanged => drop(new_password(&admin, user).await),
            Death::AuthTokensForbidden | Death::BasicAuthTokensForbidden => {
                let without = json!({ "canUseAuthTokens": false });
                admin.update_capabilities(user, without).await;
            }
            Death::PasswordForbidden => {
                let without = json!({ "canUseConsolePassword": false });
                admin.update_capabilities(user, without).await;
            }
            Death::RemovedFromGroup | Death::RemovedFromListedGroup => {
                admin.remove_membership(&grant.membership).await;
            }
            Death::GroupDeleted => drop(admin.delete_group(&grant.group).await),
            Death::PolicyDeleted => drop(admin.delete_policy(&grant.policy).await),
            Death::PolicyChanged => {
                let name = &grant.name;
                let less = format!("Allow group {name} to {{USER_INSPECT}} in tenancy");
                admin.update_policy(&grant.policy, &[&less]).await;
            }
            other => panic!("{other:?} is no change of identity"),
        }
    }
}

/// Clients at work.
struct Load {
    changed: Arc<AtomicBool>,
    clients: Vec<JoinHandle<Vec<(String, Reply)>>>,
}

impl Load {
    /// Starts the clients; returns when each may be thought to have succeeded several times.
    async fn start(field: &Field, grant: &Grant, basis: Basis, method: &Method) -> Self {
        let changed = Arc::new(AtomicBool::new(false));
        let warm = Arc::new(Semaphore::new(0));
        let client = |number| {
            let call = field.request(grant, basis, method);
            let writes = *method == Method::PUT;
            tokio::spawn(work(call, writes, number, changed.clone(), warm.clone()))
        };
        let clients = (0..CLIENTS).map(client).collect();
        let all = u32::try_from(CLIENTS * WARM_UP).unwrap();
        let patience = std::time::Duration::from_secs(30);
        let warmed = tokio::time::timeout(patience, warm.acquire_many(all)).await;
        let permits = warmed.unwrap_or_else(|_| panic!("{} is not allowed", grant.name));
        drop(permits.unwrap());
        Self { changed, clients }
    }

    /// To be called with the reply to a change. The bodies and replies of all requests that started later.
    async fn finish_after_change(self) -> Vec<(String, Reply)> {
        self.changed.store(true, Ordering::SeqCst);
        let mut late = Vec::new();
        for client in self.clients {
            late.extend(client.await.unwrap());
        }
        assert_eq!(late.len(), CLIENTS * AFTER);
        late
    }
}

/// Sends the same request, with another body each time, until it has done so several times after the change.
async fn work(
    call: Call,
    writes: bool,
    number: usize,
    changed: Arc<AtomicBool>,
    warm: Arc<Semaphore>,
) -> Vec<(String, Reply)> {
    let mut late = Vec::new();
    for turn in 0.. {
        let body = format!("{number} {turn}");
        let is_late = changed.load(Ordering::SeqCst);
        let reply = match writes {
            true => call.clone().body(body.clone()).await,
            false => call.clone().await,
        };
        if is_late {
            late.push((body, reply));
        } else if reply.status / 100 == 2 {
            warm.add_permits(1);
        }
        if late.len() == AFTER {
            break;
        }
    }
    late
}
