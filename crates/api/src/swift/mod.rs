//! Oracle Storage Classic: Swift v1 with v1 authentication, `/auth/v1.0` and `/v1` (swift-v1-wire.md).
//!
//! Each request goes the same way: grammar ([`route`]), transaction id, signed URL or token to caller, one engine call,
//! reply. What a container, an ACL or a large object means is the engine's; this face knows headers and formats.

mod account;
mod archive;
mod auth;
mod bulk;
mod conditional;
mod container;
mod copy;
mod cors;
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
mod range;
mod reply;
mod report;
pub(crate) mod route;
pub(crate) mod routes;
mod slo;
mod tempurl;

use std::sync::Arc;

use http::header::{CONNECTION, HeaderValue, REFERER};
use http::{HeaderMap, Method, StatusCode};
use parbuckle_engine::swift::AccountName;
use parbuckle_engine::{BucketPath, Caller, Engine, ErrorKind, ObjectPath, Proof, random};
use parbuckle_model::{BucketName, Namespace, ObjectName};

use crate::exchange::Exchange;
use crate::fields;
use crate::payload::Payload;
use crate::summary::{Answer, RequestId, RequestSummary, UNKNOWN_ROUTE};
use error::{SwiftError, bad_request};
use names::{X_AUTH_TOKEN, X_STORAGE_TOKEN, X_TRANS_ID_EXTRA};
use params::Params;
use reply::Reply;
use route::Target;

/// Begins every token; what does not is no token.
const TOKEN_PREFIX: &str = "AUTH_";

/// Longest piece that a client may add to the transaction id, in bytes.
const TRANS_ID_EXTRA_MAX: usize = 32;

/// Longest line of a request's head, in bytes.
const HEADER_LINE_BYTES_MAX: usize = 8192;

/// Answers a request.
pub(crate) async fn answer(exchange: &Exchange<'_>, payload: Payload) -> Answer {
    let request_id = transaction_id(exchange);
    let too_long = has_long_line(exchange.headers());
    let target = route::parse(exchange.parts.uri.path());
    let result = match &target {
        Ok(_) if too_long => Err(bad_request("Header Line Too Long")),
        Ok(target) => perform(exchange, target, payload).await,
        Err(_) => Err(SwiftError::UNKNOWN_PATH),
    };
    let (target, result) = match target {
        Ok(target) => (Some(target), result),
        Err(error) => (None, Err(error)),
    };
    let detail = result.as_ref().err().map(SwiftError::log_line);
    let mut reply = result.unwrap_or_else(|error| {
        let asks_for_token = !matches!(error, SwiftError::TempUrlInvalid);
        let target = target.as_ref().filter(|_| asks_for_token);
        let realm = target.and_then(|target| realm(exchange, target));
        Reply::error(&error, realm.as_deref())
    });
    if let Some(container) = target.as_ref().and_then(container_of) {
        cors::open(exchange, &container, &mut reply).await;
    }
    if too_long {
        let close = HeaderValue::from_static("close");
        reply.headers.insert(CONNECTION, close);
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
    /// Whether the request came with a token.
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
    if !methods.contains(&method.as_str()) {
        return Err(SwiftError::MethodNotAllowed(methods));
    }
    if *method == Method::OPTIONS {
        return cors::options(exchange, container_of(target).as_ref(), methods).await;
    }
    match target {
        Target::SignIn { account } => auth::sign_in(exchange, account.as_deref()).await,
        Target::Info => Ok(info::capabilities()),
        Target::Healthcheck => Ok(info::healthcheck()),
        Target::Account(_) | Target::Container { .. } | Target::Object { .. } => {
            data(exchange, target, payload).await
        }
    }
}

/// Requests for accounts, containers and objects. What is rare is boxed, so that what is usual stays small.
async fn data(
    exchange: &Exchange<'_>,
    target: &Target,
    payload: Payload,
) -> Result<Reply, SwiftError> {
    let params = Params::parse(exchange.parts.uri.query());
    if tempurl::is_signed(&exchange.parts.method, &params) {
        return Box::pin(by_temp_url(exchange, target, &params, payload)).await;
    }
    let call = authenticated(exchange, params).await?;
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
    let Some(container) = container else {
        return account::act(&call, &account).await;
    };
    let bucket = match bucket_path(&account, container) {
        Ok(bucket) => bucket,
        Err(refusal) => return Err(no_container(&call, &account, refusal).await),
    };
    match object.map(object_name) {
        None => container::act(&call, &bucket).await,
        Some(Ok(object)) => {
            object::act(&call, &account, &ObjectPath { bucket, object }, payload).await
        }
        Some(Err(refusal)) => Err(no_object(&call, &bucket, refusal).await),
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

/// Whether a line of the head is longer than Swift takes.
fn has_long_line(headers: &HeaderMap) -> bool {
    const SEPARATORS: usize = ": \r\n".len();
    headers
        .iter()
        .any(|(name, value)| name.as_str().len() + value.len() + SEPARATORS > HEADER_LINE_BYTES_MAX)
}

/// The caller by the token of the request; nobody known if it has none. `X-Storage-Token` is the other name of
/// `X-Auth-Token`.
async fn authenticated<'a>(
    exchange: &'a Exchange<'a>,
    params: Params,
) -> Result<Call<'a>, SwiftError> {
    let headers = exchange.headers();
    let token = match fields::text(headers, &X_AUTH_TOKEN)? {
        Some(token) => Some(token),
        None => fields::text(headers, &X_STORAGE_TOKEN)?,
    };
    let referrer = headers.get(REFERER).and_then(|value| value.to_str().ok());
    let proof = match token.filter(|token| token.starts_with(TOKEN_PREFIX)) {
        Some(token) => Proof::SwiftToken { token, referrer },
        None => Proof::SwiftAnonymous { referrer },
    };
    let signed_in = matches!(proof, Proof::SwiftToken { .. });
    let caller = exchange.engine().authenticate(proof).await?.caller;
    Ok(Call {
        exchange,
        params,
        caller,
        signed_in,
    })
}

/// An account that can't be named belongs to nobody: whoever asks is refused as for another's.
fn account_of(call: &Call<'_>, name: &str) -> Result<AccountName, SwiftError> {
    let stranger = || match call.signed_in {
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

/// How a container looks that can't be: refused where it would be made, and else missing for whoever may see the account.
async fn no_container(call: &Call<'_>, account: &AccountName, refusal: SwiftError) -> SwiftError {
    if *call.method() == Method::PUT {
        return refusal;
    }
    let (engine, namespace) = (call.engine(), account.namespace());
    let seen = engine.swift_account(&call.caller, namespace).await;
    missing_if(seen.map(|_| ()))
}

/// The same of an object, for whoever may see the container.
async fn no_object(call: &Call<'_>, bucket: &BucketPath, refusal: SwiftError) -> SwiftError {
    if *call.method() == Method::PUT {
        return refusal;
    }
    let seen = call.engine().swift_container(&call.caller, bucket).await;
    missing_if(seen.map(|_| ()))
}

fn missing_if(seen: Result<(), parbuckle_engine::Error>) -> SwiftError {
    match seen {
        Ok(()) => SwiftError::Page(StatusCode::NOT_FOUND),
        Err(error) => error.into(),
    }
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
        let legal = |c: &char| c.is_ascii_graphic();
        text.push('-');
        text.extend(extra.chars().filter(legal).take(TRANS_ID_EXTRA_MAX));
    }
    RequestId::new(HeaderValue::try_from(text).unwrap_or(HeaderValue::from_static("unknown")))
}
