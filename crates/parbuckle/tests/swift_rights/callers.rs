//! The callers of the table, what each brings, and what that is worth.

use std::time::UNIX_EPOCH;

use http::Method;
use parbuckle_testkit::{Call, basic_authorization, temp_url_query};

use crate::rows::{Act, CONTAINER, OBJECT, RESTORE, RESTORE_JOBS, Row};
use crate::stage::{ACCOUNT_KEY, CONTAINER_KEY, Lists, PAGE, Stage, path_in};

/// Who asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Caller {
    /// No token, and no page he comes from.
    Nobody,
    /// A token that can't be one.
    NotAToken,
    /// A token that looks like one.
    UnknownToken,
    /// The secret of a pre-authenticated request for everything, as a token.
    ParSecret,
    /// A user whose token, or what it came of, has gone.
    Dead(&'static str),
    /// A user with a token whom neither policies nor lists name here.
    Stranger(&'static str),
    /// A user with everything but one thing that the request needs.
    AllButRight,
    /// A user with just what the request needs.
    JustRight,
    Admin,
    /// A user whom the lists of the container name.
    Listed(&'static str),
    /// Nobody, who comes from the page that the lists name.
    Referrer(Lists),
    /// A user without rights who comes from that page.
    StrangerFromPage,
    /// A user who brings his name and an auth token.
    Basic(Basic),
    /// The holder of a signature for the request, made with this key.
    Signed(Key),
    /// The holder of a signature for another method, object or time.
    SignedFor(Else),
}

/// Who brings a name and an auth token, and what that is worth.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Basic {
    /// A user with just what the request needs.
    JustRight,
    /// A user whom neither policies nor lists name here.
    Stranger,
    /// The name of a user, and nobody's auth token.
    Wrong,
    /// A user whose auth token, or he himself, has gone.
    Dead(&'static str),
}

/// Who made a signature.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Key {
    Account,
    Container,
    /// Nobody's key.
    Unknown,
}

/// What a signature is for that does not fit the request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Else {
    Method,
    Object,
    Container,
    Time,
}

/// What a request names. Parts that its template does not have are not used.
#[derive(Clone, Debug)]
pub(crate) struct Target {
    pub(crate) account: String,
    pub(crate) container: String,
    pub(crate) object: String,
}

/// How a request has to end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    Granted,
    /// 401 or 403.
    Refused(u16),
}

/// All of them.
pub(crate) fn callers() -> Vec<Caller> {
    let mut all = vec![
        Caller::Nobody,
        Caller::NotAToken,
        Caller::UnknownToken,
        Caller::ParSecret,
        Caller::Stranger("no-policy"),
        Caller::Stranger("other"),
        Caller::AllButRight,
        Caller::JustRight,
        Caller::Admin,
        Caller::Referrer(Lists::Closed),
        Caller::Referrer(Lists::Open),
        Caller::Referrer(Lists::Pages),
        Caller::StrangerFromPage,
    ];
    let dead = [
        "ended",
        "blocked",
        "deleted",
        "incapable",
        "no-auth-token",
        "new-password",
    ];
    all.extend(dead.map(Caller::Dead));
    let basic = [
        Basic::JustRight,
        Basic::Stranger,
        Basic::Wrong,
        Basic::Dead("blocked"),
        Basic::Dead("deleted"),
        Basic::Dead("incapable"),
        Basic::Dead("no-auth-token"),
    ];
    all.extend(basic.map(Caller::Basic));
    // `other` is named by his account, `member` by his group.
    all.extend(["reader", "writer", "other", "member"].map(Caller::Listed));
    all.extend([Key::Account, Key::Container, Key::Unknown].map(Caller::Signed));
    all.extend([Else::Method, Else::Object, Else::Container, Else::Time].map(Caller::SignedFor));
    all
}

impl Caller {
    /// The container that he asks for. The dead ask where everybody may read: they are refused all the same.
    pub(crate) fn lists(self) -> Lists {
        match self {
            Self::Listed(_)
            | Self::Dead(_)
            | Self::UnknownToken
            | Self::StrangerFromPage
            | Self::Basic(Basic::Wrong | Basic::Dead(_)) => Lists::Open,
            Self::Referrer(lists) => lists,
            _ => Lists::Closed,
        }
    }

    pub(crate) fn verdict(self, row: &Row) -> Verdict {
        match (row.act, self) {
            (Act::SignIn, _)
            | (Act::PublicToKnown, Self::UnknownToken | Self::ParSecret | Self::Dead(_)) => {
                return Verdict::Refused(401);
            }
            (Act::Public | Act::PublicToKnown, _) => return Verdict::Granted,
            _ => {}
        }
        let granted = match self {
            Self::Admin | Self::JustRight | Self::Basic(Basic::JustRight) => row.act != Act::Never,
            Self::Listed(name) => listed(name, row.act),
            Self::Referrer(Lists::Open) | Self::StrangerFromPage => {
                matches!(row.act, Act::List | Act::Read)
            }
            Self::Referrer(Lists::Pages) => row.act == Act::Read,
            Self::Signed(Key::Account | Key::Container) => {
                matches!(row.act, Act::Read | Act::Write | Act::WriteNew)
            }
            _ => false,
        };
        match self {
            _ if granted => Verdict::Granted,
            Self::Stranger(_)
            | Self::AllButRight
            | Self::JustRight
            | Self::Admin
            | Self::Listed(_)
            | Self::StrangerFromPage
            | Self::Basic(Basic::JustRight | Basic::Stranger) => Verdict::Refused(403),
            _ => Verdict::Refused(401),
        }
    }

    /// Whether what is missing looks to him as what he may not have: so it is for whoever has no rights anywhere.
    pub(crate) fn is_blind(self) -> bool {
        let sees = matches!(self, Self::Admin | Self::AllButRight);
        !sees && !self.has_just_right()
    }

    /// Whether he is to be given what a row needs, and no more.
    pub(crate) fn has_just_right(self) -> bool {
        matches!(self, Self::JustRight | Self::Basic(Basic::JustRight))
    }

    /// Whether he, or one of those that he stands for, may read objects where he asks.
    pub(crate) fn may_read(self) -> bool {
        match self {
            Self::Listed(name) => name != "writer",
            Self::Referrer(lists) => lists != Lists::Closed,
            Self::StrangerFromPage | Self::AllButRight => true,
            _ => false,
        }
    }

    pub(crate) fn call(self, stage: &Stage, row: &Row, target: &Target) -> Call {
        let query = self.query(stage, row, target);
        let path = target.path(row);
        let method = Method::from_bytes(row.method.as_bytes()).unwrap();
        let query = match (row.query(), query.as_str()) {
            ("", query) => query.to_owned(),
            (asked, "") => format!("?{asked}"),
            (asked, query) => format!("{query}&{asked}"),
        };
        let call = stage
            .server
            .anonymous()
            .call(method, format!("{path}{query}"));
        let call = with_content(call, row, target);
        let token = |text: &str| call.clone().header("x-auth-token", text);
        match self {
            Self::Nobody | Self::Signed(_) | Self::SignedFor(_) => call,
            Self::NotAToken => token("no-token-at-all"),
            Self::UnknownToken => token("AUTH_tk0123456789abcdef0123456789abcdef"),
            Self::ParSecret => token(&format!("AUTH_{}", stage.par_secret)),
            Self::Dead(name) => token(&stage.tokens[name]).header("referer", PAGE),
            Self::Stranger(name) | Self::Listed(name) => token(&stage.tokens[name]),
            Self::AllButRight => token(&stage.tokens["all-but"]),
            Self::JustRight => token(&stage.tokens["just"]),
            Self::Admin => token(&stage.tokens["admin"]),
            Self::Referrer(_) => call.header("referer", PAGE),
            Self::StrangerFromPage => token(&stage.tokens["no-policy"]).header("referer", PAGE),
            Self::Basic(basic) => {
                let (user, secret) = match basic {
                    Basic::JustRight => ("just", stage.secrets["just"].as_str()),
                    Basic::Stranger => ("no-policy", stage.secrets["no-policy"].as_str()),
                    Basic::Wrong => ("reader", "no-auth-token-at-all"),
                    Basic::Dead(name) => (name, stage.secrets[name].as_str()),
                };
                let header = basic_authorization(user, secret);
                call.header("authorization", &header)
                    .header("referer", PAGE)
            }
        }
    }

    /// The signature that he brings, if he does.
    fn query(self, stage: &Stage, row: &Row, target: &Target) -> String {
        let now = stage.server.clock().now().duration_since(UNIX_EPOCH);
        let now = i64::try_from(now.unwrap().as_secs()).unwrap();
        let (account, container) = (&target.account, &target.container);
        let (soon, object) = (now + 600, &target.object);
        let path = format!("/v1/{account}/{container}/{object}");
        match self {
            Self::Signed(Key::Account) => temp_url_query(ACCOUNT_KEY, row.method, &path, soon),
            Self::Signed(Key::Container) => temp_url_query(CONTAINER_KEY, row.method, &path, soon),
            Self::Signed(Key::Unknown) => temp_url_query("unknown", row.method, &path, soon),
            Self::SignedFor(other) => {
                let closed = format!("/v1/{account}/{container}");
                let (method, path, end) = match other {
                    // A signature for PUT opens HEAD too.
                    Else::Method => ("DELETE", path.clone(), soon),
                    Else::Object => (row.method, format!("{closed}/{object}2"), soon),
                    Else::Container => (row.method, format!("{closed}2/{object}"), soon),
                    Else::Time => (row.method, path.clone(), now - 1),
                };
                let method = match (other, row.method) {
                    (Else::Method, "DELETE") => "PUT",
                    _ => method,
                };
                temp_url_query(CONTAINER_KEY, method, &path, end)
            }
            _ => String::new(),
        }
    }
}

impl Target {
    fn path(&self, row: &Row) -> String {
        match row.template {
            OBJECT => path_in(
                &self.account,
                &format!("{}/{}", self.container, self.object),
            ),
            CONTAINER => path_in(&self.account, &self.container),
            RESTORE => {
                let rest = format!("{}/{}", self.container, self.object);
                path_in(&self.account, &rest).replacen("/v1/", "/v0/", 1)
            }
            RESTORE_JOBS => path_in(&self.account, &self.container).replacen("/v1/", "/v0/", 1),
            template => template.replace("{account}", &self.account),
        }
    }
}

/// What the lists of an open container give these.
fn listed(name: &str, act: Act) -> bool {
    let (reads, writes) = match name {
        "member" => (true, true),
        "writer" => (false, true),
        _ => (true, false),
    };
    match act {
        Act::List | Act::Read => reads,
        Act::Write | Act::WriteNew => writes,
        Act::Copy => reads && writes,
        _ => false,
    }
}

/// What a request brings that changes something.
fn with_content(call: Call, row: &Row, target: &Target) -> Call {
    match (row.method, row.template) {
        ("PUT", OBJECT) => call.header("x-object-meta-color", "green").body("changed"),
        ("POST", OBJECT) => call.header("x-object-meta-color", "green"),
        ("PUT" | "POST", CONTAINER) => call
            .header("x-container-meta-color", "green")
            .header("x-container-read", ".r:*"),
        ("POST", _) => call.header("x-account-meta-color", "green"),
        ("COPY", _) => call.header("destination", &format!("{}/copied", target.container)),
        _ => call,
    }
}
