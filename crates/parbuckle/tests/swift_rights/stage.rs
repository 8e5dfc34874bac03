//! A server with users of every kind, and containers with every kind of list.

use std::collections::BTreeMap;

use http::Method;
use parbuckle_testkit::{Bootstrap, Call, Reply, SignedClient, TestServer, encode, encode_path};
use serde_json::json;

use crate::PARBUCKLE;
use crate::rows::PERMISSIONS;

/// How long a token holds, and a second more.
const PAST_TOKENS: u32 = 1801;

/// The page that referrers come from.
pub(crate) const PAGE: &str = "http://pages.example.com/x";

/// The key of every container of the table.
pub(crate) const CONTAINER_KEY: &str = "key-of-the-container";
/// The key of the account.
pub(crate) const ACCOUNT_KEY: &str = "key-of-the-account";

/// The lists of a container.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Lists {
    /// None.
    Closed,
    /// Names a reader, a writer, a group, the other account and a page, which may list.
    Open,
    /// Names a page, which may not list.
    Pages,
}

/// A running server.
pub(crate) struct Stage {
    pub(crate) server: TestServer,
    pub(crate) admin: SignedClient,
    /// Such as `Storage-abc`.
    pub(crate) account: String,
    /// That of another tenancy.
    pub(crate) other_account: String,
    /// Tokens by user.
    pub(crate) tokens: BTreeMap<&'static str, String>,
    /// Auth tokens by user.
    pub(crate) secrets: BTreeMap<&'static str, String>,
    /// What the users `just` and `all-but` may do.
    policies: BTreeMap<&'static str, String>,
    /// The secret of a pre-authenticated request.
    pub(crate) par_secret: String,
}

impl Stage {
    pub(crate) async fn set() -> Self {
        let server = TestServer::builder(PARBUCKLE).arg("--dev").start().await;
        let other = server.make_tenancy("other");
        let admin = server.admin();
        let account = server.bootstrap().field("swift_account").to_owned();
        let mut stage = Self {
            other_account: other.field("swift_account").to_owned(),
            tokens: BTreeMap::new(),
            secrets: BTreeMap::new(),
            policies: BTreeMap::new(),
            par_secret: String::new(),
            server,
            admin,
            account,
        };
        let group = stage.admin.create_group("mighty").await;
        let mighty = ["Allow group mighty to manage object-family in tenancy"];
        stage.admin.create_policy("mighty", &mighty).await;
        stage.user("ended", &[&group]).await;
        stage.server.advance_clock(PAST_TOKENS).await;
        stage.sign_in_administrators(&other).await;
        stage.dead_users(&group).await;
        stage.users_with_rights().await;
        stage.containers().await;
        stage
    }

    async fn sign_in_administrators(&mut self, other: &Bootstrap) {
        let password = self.server.bootstrap().field("admin_password").to_owned();
        let own = token(&self.server, &self.account, "admin", &password).await;
        self.tokens.insert("admin", own);
        let (account, password) = (self.other_account.clone(), other.field("admin_password"));
        let of_other = token(&self.server, &account, "admin", password).await;
        self.tokens.insert("other", of_other);
    }

    /// Users with every right, whose tokens have died in every way.
    async fn dead_users(&mut self, group: &str) {
        let id = self.user("blocked", &[group]).await;
        block(&self.admin, &id).await;
        let id = self.user("deleted", &[group]).await;
        self.admin.delete_user(&id).await;
        let id = self.user("incapable", &[group]).await;
        let without = json!({ "canUseAuthTokens": false });
        self.admin.update_capabilities(&id, without).await;
        let id = self.user("no-auth-token", &[group]).await;
        remove_auth_tokens(&self.admin, &id).await;
        let id = self.admin.create_user("new-password").await.id;
        self.admin.add_user_to_group(&id, group).await;
        let password = new_password(&self.admin, &id).await;
        let token = token(&self.server, &self.account, "new-password", &password).await;
        self.tokens.insert("new-password", token);
        new_password(&self.admin, &id).await;
    }

    async fn users_with_rights(&mut self) {
        for name in ["no-policy", "reader", "writer"] {
            self.user(name, &[]).await;
        }
        let listed = self.admin.create_group("listed").await;
        self.user("member", &[&listed]).await;
        for name in ["just", "all-but"] {
            let group = self.admin.create_group(name).await;
            self.user(name, &[&group]).await;
            let nothing = format!("Allow group {name} to {{USER_INSPECT}} in tenancy");
            let policy = self.admin.create_policy(name, &[&nothing]).await;
            self.policies.insert(name, policy);
        }
    }

    async fn containers(&mut self) {
        let post = self.call("admin", Method::POST, "");
        post.header("x-account-meta-temp-url-key", ACCOUNT_KEY)
            .await
            .expect(204);
        for lists in [Lists::Closed, Lists::Open, Lists::Pages] {
            self.container(&container_of(lists), lists, true).await;
        }
        let all = parbuckle_testkit::ParSpec::any_read_write().listing();
        let closed = container_of(Lists::Closed);
        let par = self.admin.create_par(&closed, all).await;
        self.par_secret = par.token().to_owned();
    }

    /// A user in these groups with an auth token, with which he has signed in; his OCID.
    pub(crate) async fn user(&mut self, name: &'static str, groups: &[&str]) -> String {
        let user = self.admin.create_user(name).await;
        for group in groups {
            self.admin.add_user_to_group(&user.id, group).await;
        }
        let (_, secret) = self.admin.create_auth_token(&user.id).await;
        let token = token(&self.server, &self.account, name, &secret).await;
        self.tokens.insert(name, token);
        self.secrets.insert(name, secret);
        user.id
    }

    /// Gives `just` or `all-but` these permissions and no others.
    pub(crate) async fn allow(&self, name: &'static str, permissions: &[&str]) {
        assert!(permissions.iter().all(|p| PERMISSIONS.contains(p)));
        let permissions = permissions.join(", ");
        let statement = format!("Allow group {name} to {{{permissions}}} in tenancy");
        let policy = &self.policies[name];
        self.admin.update_policy(policy, &[&statement]).await;
    }

    /// Makes a container with a key, and the object `o` if it is to be filled.
    pub(crate) async fn container(&self, name: &str, lists: Lists, filled: bool) {
        self.container_of_class(name, lists, filled, "Standard")
            .await;
    }

    /// The same of a storage class.
    pub(crate) async fn container_of_class(
        &self,
        name: &str,
        lists: Lists,
        filled: bool,
        class: &str,
    ) {
        let account = &self.account;
        let put = self
            .call("admin", Method::PUT, name)
            .header("x-storage-class", class)
            .header("x-container-meta-temp-url-key", CONTAINER_KEY)
            .header("x-container-meta-color", "blue");
        let put = match lists {
            Lists::Closed => put,
            Lists::Open => {
                let other = &self.other_account;
                let members = format!("{account}.listed");
                let read =
                    format!("{account}:reader,{members},{other},.r:pages.example.com,.rlistings");
                let write = format!("{account}:writer,{members}");
                put.header("x-container-read", &read)
                    .header("x-container-write", &write)
            }
            Lists::Pages => put.header("x-container-read", ".r:pages.example.com"),
        };
        put.await.expect(201);
        if filled {
            let put = self.call("admin", Method::PUT, &format!("{name}/o"));
            let put = put.header("x-object-meta-color", "red").body("content");
            put.await.expect(201);
        }
    }

    /// `/v1/{account}` and what follows, encoded but for slashes.
    pub(crate) fn path(&self, rest: &str) -> String {
        path_in(&self.account, rest)
    }

    /// A request with a user's token.
    pub(crate) fn call(&self, user: &str, method: Method, rest: &str) -> Call {
        self.anonymous(method, rest)
            .header("x-auth-token", &self.tokens[user])
    }

    pub(crate) fn anonymous(&self, method: Method, rest: &str) -> Call {
        self.server.anonymous().call(method, self.path(rest))
    }

    /// All that there is, as its administrator sees it.
    pub(crate) async fn picture(&self) -> String {
        let mut picture = String::new();
        let mut see = async |method: Method, rest: &str| {
            let (path, query) = rest.split_once('?').unwrap_or((rest, "format=json"));
            let target = format!("{}?{query}", self.path(path));
            let call = self.server.anonymous().call(method, target);
            let reply = call.header("x-auth-token", &self.tokens["admin"]).await;
            picture.push_str(&format!("{rest}: {}\n", essence(&reply)));
        };
        see(Method::GET, "").await;
        for lists in [Lists::Closed, Lists::Open, Lists::Pages] {
            let container = container_of(lists);
            see(Method::GET, &container).await;
            see(Method::HEAD, &container).await;
            see(Method::GET, &format!("{container}/o")).await;
        }
        picture
    }
}

/// The container that refusals are tried on.
pub(crate) fn container_of(lists: Lists) -> String {
    format!("{lists:?}").to_lowercase()
}

pub(crate) fn path_in(account: &str, rest: &str) -> String {
    let slash = if rest.is_empty() { "" } else { "/" };
    format!("/v1/{}{slash}{}", encode(account), encode_path(rest))
}

/// What a reply tells, without what differs from request to request.
pub(crate) fn essence(reply: &Reply) -> String {
    const FLEETING: [&str; 4] = [
        "date",
        "x-trans-id",
        "x-openstack-request-id",
        "www-authenticate",
    ];
    let headers: BTreeMap<_, _> = reply
        .headers
        .iter()
        .filter(|(name, _)| !FLEETING.contains(&name.as_str()))
        .map(|(name, value)| (name.as_str(), value.to_str().unwrap_or("?")))
        .collect();
    format!("{} {headers:?} {}", reply.status, reply.text())
}

/// Signs in, which has to succeed; the token.
pub(crate) async fn token(server: &TestServer, account: &str, user: &str, secret: &str) -> String {
    let reply = sign_in(server, &format!("{account}:{user}"), secret).await;
    reply.expect(200).required("x-auth-token").to_owned()
}

pub(crate) async fn sign_in(server: &TestServer, login: &str, secret: &str) -> Reply {
    let call = server.anonymous().get("/auth/v1.0");
    call.header("x-storage-user", login)
        .header("x-storage-pass", secret)
        .await
}

pub(crate) async fn block(admin: &SignedClient, user: &str) {
    let target = format!("/20160918/users/{user}/state");
    let blocked = json!({ "blocked": true });
    admin.put(target).json(&blocked).await.expect(200);
}

/// CreateOrResetUIPassword.
pub(crate) async fn new_password(admin: &SignedClient, user: &str) -> String {
    let reply = admin.post(format!("/20160918/users/{user}/uiPassword"));
    let json = reply.await.expect(200).json();
    json["password"].as_str().unwrap().to_owned()
}

pub(crate) async fn remove_auth_tokens(admin: &SignedClient, user: &str) {
    let target = format!("/20160918/users/{user}/authTokens");
    let all = admin.get(&target).await.expect(200).json();
    for token in all.as_array().unwrap() {
        let id = encode(token["id"].as_str().unwrap());
        admin.delete(format!("{target}/{id}")).await.expect(204);
    }
}
