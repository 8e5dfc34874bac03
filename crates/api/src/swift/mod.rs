//! Oracle Storage Classic: Swift v1 with v1 authentication, `/auth/v1.0`, `/v1` and `/v0` (swift-v1-wire.md).
//!
//! Each request goes the same way: grammar ([`route`]), transaction id, signed URL or token to caller, one engine call,
//! reply. What a container, an ACL or a large object means is the engine's; this face knows headers and formats.

mod account;
mod archive;
mod auth;
mod basic;
mod bulk;
mod caller;
mod conditional;
mod container;
mod content_type;
mod copy;
mod cors;
mod date;
mod dlo;
mod error;
mod expiry;
mod info;
mod listing;
mod metadata;
mod names;
mod object;
mod page;
mod params;
mod policy;
mod range;
mod reply;
mod report;
mod restore;
pub(crate) mod route;
pub(crate) mod routes;
mod slo;
mod tempurl;

use std::sync::Arc;

use http::header::{CONNECTION, HeaderValue};
use http::{HeaderMap, Method, StatusCode};
use parbuckle_engine::swift::{AccountName, Deed};
use parbuckle_engine::{BucketPath, Caller, Engine, ErrorKind, ObjectPath, random};
use parbuckle_model::{BucketName, Namespace, ObjectName};

use crate::exchange::Exchange;
use crate::payload::Payload;
use crate::percent;
use crate::summary::{Answer, RequestId, RequestSummary, UNKNOWN_ROUTE};
use caller::authenticated;
use error::{SwiftError, bad_request};
use names::X_TRANS_ID_EXTRA;
use params::Params;
use reply::Reply;
use route::Target;

/// Longest piece that a client may add to the transaction id, in bytes.
const TRANS_ID_EXTRA_MAX: usize = 32;

/// Longest line of a request's head, in bytes.
const HEADER_LINE_BYTES_MAX: usize = 8192;

/// What a client may ask of its connection, and is told in return.
const KEEP_ALIVE: HeaderValue = HeaderValue::from_static("keep-alive");

/// Answers a request.
pub(crate) async fn answer(exchange: &Exchange<'_>, payload: Payload) -> Answer {
    let request_id = transaction_id(exchange);
    let too_long = has_long_line(exchange.headers());
    let path = exchange.parts.uri.path();
    let target = route::parse(path).and_then(|target| restore::asked(target, exchange.parts));
    let (target, result) = match target {
        Ok(target) => {
            let result = match too_long {
                true => Err(bad_request("Header Line Too Long")),
                false => perform(exchange, &target, payload).await,
            };
            (Some(target), result)
        }
        Err(refusal) => (None, Err(lost(exchange, refusal).await)),
    };
    let detail = result.as_ref().err().map(SwiftError::log_line);
    let mut reply = result.unwrap_or_else(|error| {
        let realm = match (&error, &target) {
            (SwiftError::TempUrlInvalid, _) => None,
            (_, Some(target)) => realm(exchange, target),
            (_, None) => route::seeming_account(path),
        };
        Reply::error(&error, realm.as_deref())
    });
    if let Some(target) = &target
        && let Some(container) = container_of(target)
        && cors::is_told(exchange, target, &reply)
    {
        cors::open(exchange, &container, &mut reply).await;
    }
    if too_long {
        let close = HeaderValue::from_static("close");
        reply.headers.insert(CONNECTION, close);
    } else if exchange.is_http1() && asks_to_stay(exchange.headers()) {
        reply.headers.insert(CONNECTION, KEEP_ALIVE);
    }
    Answer {
        response: reply.finish(&request_id, &exchange.parts.method),
        summary: RequestSummary {
            request_id,
            route: target.map_or(UNKNOWN_ROUTE, |target| target.template()),
            face: "swift",
            detail,
        },
    }
}

/// The account that a refusal names.
fn realm(exchange: &Exchange<'_>, target: &Target) -> Option<String> {
    match target {
        Target::SignIn { account: None } => auth::realm(exchange.headers()),
        _ => target.account().map(str::to_owned),
    }
}

/// A request for data whose caller is known.
struct Call<'a> {
    exchange: &'a Exchange<'a>,
    params: Params,
    caller: Caller,
    /// Whether the request came with a token, or with an auth token.
    signed_in: bool,
}

impl<'a> Call<'a> {
    fn engine(&self) -> &'a Arc<Engine> {
        self.exchange.engine()
    }

    fn headers(&self) -> &'a HeaderMap {
        self.exchange.headers()
    }

    fn method(&self) -> &'a Method {
        &self.exchange.parts.method
    }
}

async fn perform(
    exchange: &Exchange<'_>,
    target: &Target,
    payload: Payload,
) -> Result<Reply, SwiftError> {
    if !exchange.names_host() {
        return Err(bad_request("The request must have one Host header"));
    }
    let methods = target.methods();
    let method = &exchange.parts.method;
    let is_known = methods.contains(&method.as_str());
    match target {
        Target::Healthcheck => return Ok(info::healthcheck()),
        Target::SignIn { .. } if !is_known => return Err(SwiftError::MethodNotAllowed(methods)),
        Target::SignIn { account } => return auth::sign_in(exchange, account.as_deref()).await,
        _ => {}
    }
    let params = Params::parse(exchange.parts.uri.query());
    if target.is_data() && tempurl::is_signed(method, &params) {
        return Box::pin(by_temp_url(exchange, target, &params, payload)).await;
    }
    if !is_known {
        let refusal = SwiftError::MethodNotAllowed(methods);
        return Err(caller::refused(exchange, refusal).await);
    }
    if *method == Method::OPTIONS {
        return Box::pin(options(exchange, target)).await;
    }
    match target {
        Target::Info => {
            caller::require_good_token(exchange).await?;
            Ok(info::capabilities(exchange.headers()))
        }
        Target::Restore { .. } | Target::RestoreJobs { .. } => {
            Box::pin(restore::act(exchange, target)).await
        }
        _ => data(exchange, target, params, payload).await,
    }
}

/// The refusal of a path that names nothing. Below the path of signing in nothing but GET is known.
async fn lost(exchange: &Exchange<'_>, refusal: SwiftError) -> SwiftError {
    if !route::signs_in(exchange.parts.uri.path()) {
        return caller::refused(exchange, refusal).await;
    }
    match exchange.parts.method {
        Method::GET => refusal,
        _ => SwiftError::MethodNotAllowed(route::SIGN_IN_METHODS),
    }
}

/// OPTIONS is answered to everybody, but not about what can't be an account.
async fn options(exchange: &Exchange<'_>, target: &Target) -> Result<Reply, SwiftError> {
    let signed_in = caller::require_good_token(exchange).await?;
    if let Some(account) = target.account() {
        account_named(account, signed_in)?;
    }
    cors::options(exchange, container_of(target).as_ref(), target.methods()).await
}

/// Requests for accounts, containers and objects. What is rare is boxed, so that what is usual stays small.
async fn data(
    exchange: &Exchange<'_>,
    target: &Target,
    params: Params,
    payload: Payload,
) -> Result<Reply, SwiftError> {
    let call = authenticated(exchange, target, params).await?;
    let (account, container, object) = target.names();
    let account = account_of(&call, account)?;
    match (call.method(), call.params.text("extract-archive")?) {
        (&Method::POST | &Method::DELETE, _) if call.params.has("bulk-delete") => {
            return Box::pin(bulk::delete(&call, account.namespace(), payload)).await;
        }
        (&Method::PUT, Some(kind)) => {
            let base = [container, object].map(|name| name.unwrap_or_default());
            let base = base.join("/");
            return Box::pin(archive::extract(&call, &account, &base, kind, payload)).await;
        }
        _ => {}
    }
    if call.method().as_str() == "COPY" {
        copy::require_destination(call.headers())?;
    }
    let Some(container) = container else {
        return account::act(&call, &account).await;
    };
    let bucket = match bucket_path(&account, container) {
        Ok(bucket) => bucket,
        Err(refusal) => {
            let makes_it = object.is_none() && *call.method() == Method::PUT;
            let refusal = Some(refusal).filter(|_| makes_it);
            return Err(no_container(&call, &account, container, refusal).await);
        }
    };
    match object.map(object_name) {
        None => container::act(&call, &bucket).await,
        Some(Ok(object)) => {
            object::act(&call, &account, &ObjectPath { bucket, object }, payload).await
        }
        Some(Err(refusal)) => {
            let name = object.unwrap_or_default();
            let puts = *call.method() == Method::PUT;
            if puts && !copy::is_asked(call.headers()) {
                conditional::only_new(call.headers())?;
            }
            let refusal = Some(refusal).filter(|_| puts);
            Err(no_object(&call, &bucket, name, refusal).await)
        }
    }
}

/// A request with a signature, which is for one object. Nothing else of its query counts: it was not signed.
async fn by_temp_url(
    exchange: &Exchange<'_>,
    target: &Target,
    params: &Params,
    payload: Payload,
) -> Result<Reply, SwiftError> {
    let (account, Some(container), Some(object)) = target.names() else {
        return Err(SwiftError::TempUrlInvalid);
    };
    let signed = tempurl::Signed::parse(params)?;
    let account = AccountName::parse(account).ok_or(SwiftError::TempUrlInvalid)?;
    let path = ObjectPath {
        bucket: bucket_path(&account, container).map_err(|_| SwiftError::TempUrlInvalid)?,
        object: object_name(object).map_err(|_| SwiftError::TempUrlInvalid)?,
    };
    let call = Call {
        exchange,
        params: Params::default(),
        caller: signed.caller(exchange, &account, &path).await?,
        signed_in: false,
    };
    let mut reply = object::act(&call, &account, &path, payload).await?;
    signed.adapt(call.method(), object, &mut reply);
    Ok(reply)
}

/// The container that a request is about, or whose object it is about; nothing if there can't be one.
fn container_of(target: &Target) -> Option<BucketPath> {
    let (account, container, _) = target.names();
    bucket_path(&AccountName::parse(account)?, container?).ok()
}

/// Whether a client asks that the connection stay.
fn asks_to_stay(headers: &HeaderMap) -> bool {
    let asked = headers.get(CONNECTION).map(HeaderValue::as_bytes);
    asked.is_some_and(|asked| asked.eq_ignore_ascii_case(KEEP_ALIVE.as_bytes()))
}

/// Whether a line of the head is longer than Swift takes.
fn has_long_line(headers: &HeaderMap) -> bool {
    const SEPARATORS: usize = ": \r\n".len();
    headers
        .iter()
        .any(|(name, value)| name.as_str().len() + value.len() + SEPARATORS > HEADER_LINE_BYTES_MAX)
}

/// The account of this name.
fn account_of(call: &Call<'_>, name: &str) -> Result<AccountName, SwiftError> {
    account_named(name, call.signed_in)
}

/// An account that can't be named belongs to nobody: whoever asks is refused as for another's.
fn account_named(name: &str, signed_in: bool) -> Result<AccountName, SwiftError> {
    let stranger = || match signed_in {
        true => ErrorKind::NamespaceNotFound.into(),
        false => SwiftError::Page(StatusCode::UNAUTHORIZED),
    };
    AccountName::parse(name).ok_or_else(stranger)
}

fn bucket_path(account: &AccountName, container: &str) -> Result<BucketPath, SwiftError> {
    let bucket = BucketName::parse_classic(container).map_err(|error| bad_request(error.0))?;
    Ok(BucketPath {
        namespace: Namespace::clone(account.namespace()),
        bucket,
    })
}

fn object_name(object: &str) -> Result<ObjectName, SwiftError> {
    ObjectName::parse_classic(object.as_bytes())
        .map_err(|error| SwiftError::Plain(StatusCode::BAD_REQUEST, error.0.into()))
}

/// How a container looks that can't be, its name being too long: missing for whoever may see the account, and refused with
/// `refusal` where it would be made, by whoever may make one.
async fn no_container(
    call: &Call<'_>,
    account: &AccountName,
    name: &str,
    refusal: Option<SwiftError>,
) -> SwiftError {
    let kept: String = name
        .chars()
        .take(BucketName::CLASSIC_CHARACTERS_MAX)
        .collect();
    match (refusal, bucket_path(account, &kept)) {
        (Some(refusal), Ok(path)) => {
            caller::refused_deed(call, refusal, Deed::PutContainer(&path)).await
        }
        (Some(refusal), Err(_)) => refusal,
        (None, _) => {
            let missing = SwiftError::Page(StatusCode::NOT_FOUND);
            caller::refused_deed(call, missing, Deed::SeeAccount(account.namespace())).await
        }
    }
}

/// The same of an object. The right to make it is asked for what of its name can be one.
async fn no_object(
    call: &Call<'_>,
    bucket: &BucketPath,
    name: &str,
    refusal: Option<SwiftError>,
) -> SwiftError {
    match (refusal, longest_name(name)) {
        (Some(refusal), Some(object)) => {
            let bucket = bucket.clone();
            let path = ObjectPath { bucket, object };
            caller::refused_deed(call, refusal, Deed::WriteObject(&path)).await
        }
        (Some(refusal), None) => refusal,
        (None, _) => {
            let missing = SwiftError::Page(StatusCode::NOT_FOUND);
            caller::refused_deed(call, missing, Deed::SeeContainer(bucket)).await
        }
    }
}

/// The longest name that a text begins with.
fn longest_name(text: &str) -> Option<ObjectName> {
    let mut bytes = 0;
    let kept = text.chars().take(ObjectName::CLASSIC_CHARACTERS_MAX);
    let kept = kept.take_while(|c| {
        bytes += c.len_utf8();
        bytes <= ObjectName::CLASSIC_BYTES_MAX
    });
    object_name(&kept.collect::<String>()).ok()
}

/// `tx`, 21 hexadecimal digits, a hyphen and the time in ten; what the client adds follows behind another hyphen.
fn transaction_id(exchange: &Exchange<'_>) -> RequestId {
    let environment = exchange.engine().environment();
    let random = u128::from_be_bytes(random(environment));
    let seconds = environment.now().as_second();
    // 84 bits: 21 digits.
    let mut text = format!("tx{:021x}-{seconds:010x}", random >> 44);
    let extra = exchange.headers().get(X_TRANS_ID_EXTRA);
    if let Some(extra) = extra.and_then(|extra| extra.to_str().ok()) {
        let extra = &extra[..extra.len().min(TRANS_ID_EXTRA_MAX)];
        text.push_str(&format!("-{}", percent::encode_path(extra)));
    }
    RequestId::new(HeaderValue::try_from(text).unwrap_or(HeaderValue::from_static("unknown")))
}
