//! The callers of the table, and how each puts a request.

use http::header::HOST;
use http::{HeaderMap, HeaderValue, Method};
use jiff::Timestamp;
use jiff::fmt::rfc2822::DateTimePrinter;
use parbuckle_testkit::{Call, SignedClient};

use super::row::{Content, Names, Row, absent};
use super::rules::{Asked, Credential, Standing};
use super::stage::{
    BESIDE, BUCKET, Covers, DEATHS, Fate, HeldPar, KINDS, Kind, MIGHTIEST, OBJECT, Stage,
};

/// Who asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Caller {
    Anonymous,
    /// An Authorization header of this text.
    Malformed(&'static str),
    UnknownKey,
    /// The administrator's signature of another request.
    Tampered,
    /// The administrator's request with another body than he has signed.
    SwappedBody,
    /// The administrator's signature with a date so many seconds from now.
    Dated(i64),
    BlockedUser,
    DeletedUser,
    /// An administrator of another tenancy.
    OtherTenancy,
    /// A user whom no policy names.
    NoPolicy,
    /// A user whom no policy names, and whom the request is about.
    Himself,
    /// A user with everything but one thing that the operation needs.
    AllButRight,
    /// A user with just what the operation needs.
    JustRight,
    Administrator,
    /// A pre-authenticated request.
    Par(Kind, Aim),
    /// One for the target that has died.
    DeadPar(Fate),
    /// A secret that was never given.
    InventedSecret,
    /// The secret of an upload.
    UploadSecret(Whose),
}

/// What a pre-authenticated request was made for, as seen from the target.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Aim {
    /// The object, or its prefix.
    Target,
    /// The whole bucket.
    WholeBucket,
    OtherObject,
    OtherBucket,
    /// The target, but the request names another namespace.
    OtherNamespace,
}

/// Of which upload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Whose {
    /// That of the row.
    Target,
    /// Another of the same object.
    Other,
    /// One that has been committed.
    Spent,
}

/// All of them.
pub(crate) fn callers() -> Vec<Caller> {
    let mut all = vec![
        Caller::Anonymous,
        Caller::Malformed("Basic YWRtaW46YWRtaW4="),
        Caller::Malformed("Signature version=\"1\",keyId=\"\",algorithm=\"rsa-sha256\""),
        Caller::UnknownKey,
        Caller::Tampered,
        Caller::SwappedBody,
        Caller::Dated(-400),
        Caller::Dated(400),
        Caller::BlockedUser,
        Caller::DeletedUser,
        Caller::OtherTenancy,
        Caller::NoPolicy,
        Caller::Himself,
        Caller::AllButRight,
        Caller::JustRight,
        Caller::Administrator,
        Caller::InventedSecret,
        Caller::UploadSecret(Whose::Target),
        Caller::UploadSecret(Whose::Other),
        Caller::UploadSecret(Whose::Spent),
    ];
    for kind in KINDS {
        let aims = [
            Aim::Target,
            Aim::OtherObject,
            Aim::OtherBucket,
            Aim::OtherNamespace,
        ];
        all.extend(aims.map(|aim| Caller::Par(kind, aim)));
        if !kind.is_for_one_object() {
            all.push(Caller::Par(kind, Aim::WholeBucket));
        }
    }
    all.extend(DEATHS.map(Caller::DeadPar));
    all
}

impl Caller {
    /// What he brings, when he asks this of what was set.
    pub(crate) fn credential<'a>(
        self,
        stage: &'a Stage,
        row: &Row,
        set: &'a Names,
        asked: &Asked,
    ) -> Credential<'a> {
        match self {
            Self::Anonymous => Credential::None,
            Self::Malformed(_)
            | Self::UnknownKey
            | Self::Tampered
            | Self::Dated(_)
            | Self::BlockedUser
            | Self::DeletedUser => Credential::Unproven,
            // What an upload sends is not signed.
            Self::SwappedBody => match row.content {
                Content::Json(_) => Credential::Unproven,
                Content::Bytes(_) | Content::Nothing => Credential::User(Standing::WithRight),
            },
            Self::OtherTenancy => Credential::User(Standing::Foreign),
            Self::Himself if row.own_affair => Credential::User(Standing::Himself),
            Self::NoPolicy | Self::Himself => Credential::User(Standing::WithoutRight),
            Self::AllButRight => Credential::User(Standing::AllButRight),
            Self::JustRight | Self::Administrator => Credential::User(Standing::WithRight),
            Self::Par(kind, aim) => Credential::Par(held(stage, kind, aim, asked)),
            Self::DeadPar(fate) => {
                let par = stage.held.iter().find(|par| par.fate == fate);
                Credential::Par(par.unwrap())
            }
            Self::InventedSecret => Credential::DeadSecret("A2b3".repeat(16)),
            Self::UploadSecret(Whose::Target) => match set.get("uploadSecret") {
                Some(secret) => Credential::Upload {
                    secret,
                    upload: &set["uploadId"],
                },
                // The row is about no such upload, so any will do.
                None => Credential::DeadSecret(stage.upload_beside.clone()),
            },
            Self::UploadSecret(Whose::Other) => Credential::DeadSecret(stage.upload_beside.clone()),
            Self::UploadSecret(Whose::Spent) => Credential::DeadSecret(stage.upload_spent.clone()),
        }
    }

    /// Whether he holds a secret and others hold the like, or a mightier one.
    pub(crate) fn is_one_of_many_with_secrets(self) -> bool {
        match self {
            Self::Par(kind, aim) => (kind, aim) != (MIGHTIEST, Aim::Target),
            Self::DeadPar(fate) => fate != Fate::Deleted,
            Self::UploadSecret(whose) => whose != Whose::Target,
            _ => false,
        }
    }

    /// The names that he asks for, given those that he is expected to ask for.
    pub(crate) fn names(self, stage: &Stage, mut names: Names) -> Names {
        if matches!(self, Self::Par(_, Aim::OtherNamespace)) {
            names.insert("namespace", stage.other.namespace.clone());
        }
        names
    }

    /// The request.
    pub(crate) fn call(self, stage: &Stage, row: &Row, set: &Names, asked: &Asked) -> Call {
        let method: Method = row.method.parse().unwrap();
        let (target, body) = (self.target(stage, row, set, asked), row.body(&asked.names));
        let http = stage.admin.http();
        let with = |call: Call| with_content(call, row, &body);
        let signed = |client: &SignedClient| with(client.call(method.clone(), target.clone()));
        match self {
            Self::Malformed(text) => with(http.call(method, target)).header("authorization", text),
            Self::UnknownKey => signed(&unknown_key(stage)),
            Self::Tampered => {
                let other = format!("{target}{}x", if target.contains('?') { '&' } else { '?' });
                let headers = signature(stage, &method, &other, &body);
                with(with_headers(http.call(method, target), row, &headers))
            }
            Self::SwappedBody => {
                // As long as the one that is sent.
                let other = body.replace('{', "[");
                let headers = signature(stage, &method, &target, &other);
                with(with_headers(http.call(method, target), row, &headers))
            }
            Self::Dated(secs) => signed(&stage.admin).header("date", &date_in(stage, secs)),
            Self::BlockedUser => signed(&stage.blocked),
            Self::DeletedUser => signed(&stage.deleted),
            Self::OtherTenancy => signed(&stage.other.admin),
            Self::NoPolicy => signed(&stage.bystander),
            Self::Himself => match set.get("keyId") {
                Some(key_id) => signed(&stage.client_of(key_id)),
                None => signed(&stage.bystander),
            },
            Self::AllButRight => signed(&stage.all_but),
            Self::JustRight => signed(&stage.just_right),
            Self::Administrator => signed(&stage.admin),
            Self::Anonymous
            | Self::Par(..)
            | Self::DeadPar(_)
            | Self::InventedSecret
            | Self::UploadSecret(_) => with(http.call(method, target)),
        }
    }

    /// Who has a secret puts it before whatever he asks for; who has none invents one where there must be one.
    fn target(self, stage: &Stage, row: &Row, set: &Names, asked: &Asked) -> String {
        let target = row.target(&asked.names);
        let secret = match self.credential(stage, row, set, asked) {
            Credential::Par(par) => par.token.clone(),
            Credential::Upload { secret, .. } => secret.to_owned(),
            Credential::DeadSecret(secret) => secret,
            Credential::None | Credential::Unproven | Credential::User(_)
                if row.is_under_secret() =>
            {
                "A2b3".repeat(16)
            }
            Credential::None | Credential::Unproven | Credential::User(_) => return target,
        };
        match row.is_under_secret() {
            true => target.replace("{secret}", &secret),
            false => format!("/p/{secret}{target}"),
        }
    }
}

/// A PAR that was made so. Whoever asks for an object that is missing holds the PAR for that one.
fn held<'a>(stage: &'a Stage, kind: Kind, aim: Aim, asked: &Asked) -> &'a HeldPar {
    let object = match asked.changed {
        Some("object") => absent(OBJECT),
        _ => OBJECT.to_owned(),
    };
    let bucket = if aim == Aim::OtherBucket {
        BESIDE
    } else {
        BUCKET
    };
    let fits = |covers: &Covers| match (covers, aim) {
        (Covers::Bucket, aim) => aim == Aim::WholeBucket,
        (_, Aim::WholeBucket) => false,
        (covers, Aim::OtherObject) => !covers.covers(OBJECT) && !covers.covers(&absent(OBJECT)),
        (covers, _) => covers.covers(&object),
    };
    let par = stage.held.iter().find(|par| {
        par.fate == Fate::Alive && par.kind == kind && par.bucket == bucket && fits(&par.covers)
    });
    par.unwrap_or_else(|| panic!("nobody made a PAR {kind:?} {aim:?}"))
}

fn with_content(call: Call, row: &Row, body: &str) -> Call {
    let call = row
        .headers
        .iter()
        .fold(call, |call, (name, value)| call.header(name, value));
    match row.content {
        Content::Nothing => call,
        Content::Json(_) => call
            .header("content-type", "application/json")
            .body(body.to_owned()),
        Content::Bytes(_) => call.body(body.to_owned()),
    }
}

/// An administrator's id with a fingerprint of no key of his.
fn unknown_key(stage: &Stage) -> SignedClient {
    let owner = stage.chief_key_id.rsplit_once('/').unwrap().0;
    stage.client_of(&format!("{owner}/{}", ["cd"; 16].join(":")))
}

/// What an administrator adds to a request that he signs.
fn signature(stage: &Stage, method: &Method, target: &str, body: &str) -> HeaderMap {
    let mut headers = HeaderMap::new();
    let host = HeaderValue::from_str(stage.admin.http().address()).unwrap();
    headers.insert(HOST, host);
    let signer = stage.signer_of(&stage.chief_key_id);
    signer.authorize(method, target, &mut headers, body.as_bytes());
    headers
}

/// A request with these headers, but for those that it gets anyway.
fn with_headers(call: Call, row: &Row, headers: &HeaderMap) -> Call {
    let anyway = |name: &str| match row.content {
        Content::Json(_) => ["host", "content-length", "content-type"].contains(&name),
        Content::Bytes(_) | Content::Nothing => ["host", "content-length"].contains(&name),
    };
    headers
        .iter()
        .filter(|(name, _)| !anyway(name.as_str()))
        .fold(call, |call, (name, value)| {
            call.header(name.as_str(), value.to_str().unwrap())
        })
}

/// The text of a Date header.
fn date_in(stage: &Stage, secs: i64) -> String {
    let time: Timestamp = stage.server.clock().rfc3339_in(secs).parse().unwrap();
    DateTimePrinter::new()
        .timestamp_to_rfc9110_string(&time)
        .unwrap()
}
