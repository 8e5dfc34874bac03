//! The native Object Storage API: `/n`, `/workRequests`, and `/p` for the holders of pre-authenticated requests
//! (wire reference sections 2 to 8).
//!
//! Each request goes the same way: grammar ([`route`]), request id, proof to caller, parameters, one engine call,
//! reply. A pre-authenticated request is one more way to prove authority, not a second set of handlers.

mod batch;
mod buckets;
mod copy;
mod encryption;
mod error;
mod lifecycle;
mod listing;
mod names;
mod namespaces;
mod objects;
mod options;
mod pars;
mod rename;
mod replication;
mod reply;
mod retention;
mod route;
pub(crate) mod routes;
mod tiers;
mod uploads;
mod versions;
mod work;

use bytes::Bytes;
use http::header::{CONTENT_LENGTH, TRANSFER_ENCODING};
use http::{Method, StatusCode};
use parbuckle_engine::{Authenticated, Caller, Error, Proof, RequestBody};
use parbuckle_iam::signature::BodyRule;

use crate::exchange::Exchange;
use crate::payload::Payload;
use crate::proof;
use crate::summary::{Answer, RequestSummary};
use error::{FaceError, NativeError, not_implemented};
use reply::Reply;
use route::{Access, Action, Route};

/// Largest JSON body. A commit of 10,000 parts has about 0.6 MiB.
const JSON_BYTES_MAX: u64 = 4 << 20;

/// Answers a request. Paths of no other face end here too.
pub(crate) async fn answer(exchange: &Exchange<'_>, payload: Payload) -> Answer {
    let parts = exchange.parts;
    let environment = exchange.engine().environment();
    let request_id = exchange.api.request_ids.next(environment);
    let (template, result) = match route::parse(&parts.method, parts.uri.path()) {
        Ok(route) => (route.template, perform(exchange, route, payload).await),
        Err(misfit) => {
            let error = NativeError::misfit(misfit.template, misfit.reason);
            (misfit.template, Err(error))
        }
    };
    let detail = result.as_ref().err().map(log_line);
    let reply = result.unwrap_or_else(|error| Reply::error(&error, &parts.method));
    Answer {
        response: reply.finish(&request_id, &parts.headers),
        summary: RequestSummary {
            request_id,
            route: template,
            face: "native",
            detail,
        },
    }
}

fn log_line(error: &NativeError) -> String {
    let (_, code) = error.describe();
    match error.cause() {
        Some(cause) => format!("{code}: {} ({cause})", error.message()),
        None => format!("{code}: {}", error.message()),
    }
}

/// A request whose caller is known.
struct Call<'a> {
    exchange: &'a Exchange<'a>,
    caller: Caller,
    /// SHA-256 that a streamed body must have.
    signed_sha256: Option<[u8; 32]>,
    through_par: bool,
}

/// How much of the body an action takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Intake {
    /// None.
    Nothing,
    /// An object's or part's bytes, as they come.
    Stream,
    /// All of it, before anything is done.
    Whole,
}

async fn perform(
    exchange: &Exchange<'_>,
    route: Route<'_>,
    mut payload: Payload,
) -> Result<Reply, NativeError> {
    if !exchange.names_host() {
        let text = "The request must have one Host header".to_owned();
        return Err(FaceError::MalformedRequest(text).into());
    }
    let intake = intake(&route.action, &exchange.parts.method);
    let proven = authenticate(exchange, &route.access, intake).await?;
    let body = match (intake, proven.body_sha256) {
        (Intake::Stream, _) | (Intake::Nothing, None) => Bytes::new(),
        (Intake::Nothing | Intake::Whole, signed) => {
            proof::whole_body(&mut payload, signed, JSON_BYTES_MAX).await?
        }
    };
    let call = Call {
        exchange,
        caller: proven.caller,
        signed_sha256: proven.body_sha256,
        through_par: matches!(route.access, Access::Par(_)),
    };
    act(&call, route.action, payload, &body).await
}

/// One line for each operation. What streams takes the payload; for all others the body was read whole.
async fn act(
    call: &Call<'_>,
    action: Action<'_>,
    payload: Payload,
    body: &[u8],
) -> Result<Reply, NativeError> {
    use Action as A;
    match action {
        A::Preflight => Ok(Reply::preflight(call.exchange.headers())),
        A::GetNamespace => buckets::namespace(call).await,
        A::CreateBucket(namespace) => buckets::create(call, namespace, body).await,
        A::ListBuckets(namespace) => buckets::list(call, &namespace).await,
        A::GetBucket(bucket) => buckets::get(call, &bucket).await,
        A::HeadBucket(bucket) => buckets::head(call, &bucket).await,
        A::UpdateBucket(bucket) => buckets::update(call, &bucket, body).await,
        A::DeleteBucket(bucket) => buckets::delete(call, &bucket).await,
        A::ListObjects(bucket) => listing::list(call, &bucket).await,
        // Starting an upload takes no body, so none need be announced.
        A::PutObject(object) if uploads::is_start(call)? => {
            uploads::create_through_par(call, object).await
        }
        A::PutObject(object) => objects::put(call, object, announced(call, payload)?).await,
        A::GetObject(object) => objects::get(call, &object).await,
        A::HeadObject(object) => objects::head(call, &object).await,
        A::DeleteObject(object) => objects::delete(call, &object).await,
        A::CreateUpload(bucket) => uploads::create(call, bucket, body).await,
        A::ListUploads(bucket) => uploads::list(call, &bucket).await,
        A::UploadPart(object, address) => {
            uploads::put_part(call, object, &address, announced(call, payload)?).await
        }
        A::CommitUpload(object, address) => uploads::commit(call, object, &address, body).await,
        A::AbortUpload(object, address) => uploads::abort(call, object, &address).await,
        A::ListParts(object) => uploads::list_parts(call, object).await,
        A::CreatePar(bucket) => pars::create(call, &bucket, body).await,
        A::ListPars(bucket) => pars::list(call, &bucket).await,
        A::GetPar(bucket, id) => pars::get(call, &bucket, &id).await,
        A::DeletePar(bucket, id) => pars::delete(call, &bucket, &id).await,
        A::GetNamespaceMetadata(namespace) => namespaces::metadata(call, &namespace).await,
        A::UpdateNamespaceMetadata(namespace) => namespaces::update(call, &namespace, body).await,
        A::ListVersions(bucket) => versions::list(call, &bucket).await,
        A::ReencryptBucket(bucket) => encryption::reencrypt_bucket(call, &bucket).await,
        A::ReencryptObject(object) => encryption::reencrypt_object(call, &object, body).await,
        A::BatchDelete(bucket) => batch::delete(call, &bucket, body).await,
        A::Rename(bucket) => rename::rename(call, bucket, body).await,
        A::Copy(bucket) => copy::start(call, bucket, body).await,
        A::Restore(bucket) => tiers::restore(call, bucket, body).await,
        A::UpdateTier(bucket) => tiers::update(call, bucket, body).await,
        A::PutLifecycle(bucket) => lifecycle::put(call, &bucket, body).await,
        A::GetLifecycle(bucket) => lifecycle::get(call, &bucket).await,
        A::DeleteLifecycle(bucket) => lifecycle::delete(call, &bucket).await,
        A::CreateRetentionRule(bucket) => retention::create(call, &bucket, body).await,
        A::ListRetentionRules(bucket) => retention::list(call, &bucket).await,
        A::GetRetentionRule(bucket, id) => retention::get(call, &bucket, &id).await,
        A::UpdateRetentionRule(bucket, id) => retention::update(call, &bucket, &id, body).await,
        A::DeleteRetentionRule(bucket, id) => retention::delete(call, &bucket, &id).await,
        A::MakeWritable(bucket) => replication::make_writable(call, &bucket).await,
        A::CreateReplicationPolicy(bucket) => replication::create(call, &bucket, body).await,
        A::ListReplicationPolicies(bucket) => replication::list(call, &bucket).await,
        A::GetReplicationPolicy(bucket, id) => replication::get(call, &bucket, &id).await,
        A::DeleteReplicationPolicy(bucket, id) => replication::delete(call, &bucket, &id).await,
        A::ListReplicationSources(bucket) => replication::sources(call, &bucket).await,
        A::ListWorkRequests => work::list(call).await,
        A::GetWorkRequest(id) => work::get(call, &id).await,
        A::CancelWorkRequest(id) => work::cancel(call, &id).await,
        A::ListWorkRequestErrors(id) => work::errors(call, &id).await,
        A::ListWorkRequestLogs(id) => work::logs(call, &id).await,
        A::Unsupported(operation) => Err(not_implemented(operation)),
    }
}

fn intake(action: &Action<'_>, method: &Method) -> Intake {
    match action {
        Action::PutObject(_) | Action::UploadPart(..) => Intake::Stream,
        _ if [Method::POST, Method::PUT].contains(method) => Intake::Whole,
        _ => Intake::Nothing,
    }
}

async fn authenticate(
    exchange: &Exchange<'_>,
    access: &Access<'_>,
    intake: Intake,
) -> Result<Authenticated, Error> {
    let rule = match intake {
        Intake::Nothing => BodyRule::NoBody,
        Intake::Stream => BodyRule::Streamed,
        Intake::Whole => BodyRule::Hashed,
    };
    // An Authorization header means nothing beside a secret.
    let proof = match access {
        Access::Signature => return proof::signed(exchange, rule).await,
        Access::SignatureOrNobody => return proof::signed_or_anonymous(exchange, rule).await,
        Access::Par(secret) => Proof::ParSecret(secret.expose()),
        Access::Upload(secret) => Proof::UploadSecret(secret.expose()),
        Access::Nobody => Proof::Anonymous,
    };
    exchange.engine().authenticate(proof).await
}

/// The body for the engine. One without any sign of its end can't be told from the next request (wire reference A.7).
fn announced(call: &Call<'_>, payload: Payload) -> Result<RequestBody, NativeError> {
    let headers = call.exchange.headers();
    let framed = headers.contains_key(CONTENT_LENGTH) || headers.contains_key(TRANSFER_ENCODING);
    if call.exchange.is_http1() && !framed {
        return Err(FaceError::LengthRequired.into());
    }
    Ok(payload.into_request_body())
}

/// 200 without headers and body.
fn ok() -> Reply {
    Reply::new(StatusCode::OK)
}
