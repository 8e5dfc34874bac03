//! The controls of `--dev`: `POST /dev/clock` moves the clock, so that a test need not wait for an expiry, and
//! `POST /dev/upkeep` does at once what the upkeep of buckets would do in its next rounds.

use http::header::CONTENT_TYPE;
use http::{HeaderValue, Method, Response, StatusCode};
use parbuckle_engine::{ControllableEnvironment, Engine};
use serde::{Deserialize, Serialize};

use crate::body::Body;
use crate::exchange::Exchange;
use crate::payload::Payload;
use crate::summary::{Answer, RequestSummary, UNKNOWN_ROUTE};

const CLOCK: &str = "/dev/clock";
const UPKEEP: &str = "/dev/upkeep";
const BODY_BYTES_MAX: u64 = 1024;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ClockDetails {
    /// Negative: back.
    advance_seconds: i64,
}

/// What the upkeep has done since the start of the server.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct UpkeepModel {
    runs: u64,
    deleted: u64,
    versions_deleted: u64,
    archived: u64,
    infrequent_access: u64,
    standard: u64,
    uploads_aborted: u64,
    protected: u64,
    failed: u64,
}

type Refusal = (StatusCode, String);

/// Answers everything under `/dev`.
pub(crate) async fn answer(
    exchange: &Exchange<'_>,
    payload: Payload,
    clock: &ControllableEnvironment,
) -> Answer {
    let known = [CLOCK, UPKEEP].into_iter();
    let route = known
        .clone()
        .find(|path| *path == exchange.parts.uri.path());
    let result = match (route, &exchange.parts.method) {
        (Some(CLOCK), &Method::POST) => move_clock(payload, clock).await.map(|()| None),
        (Some(_), &Method::POST) => keep_up(exchange.engine()).await.map(Some),
        (Some(_), _) => Err((StatusCode::METHOD_NOT_ALLOWED, "Use POST".to_owned())),
        (None, _) => {
            let text = format!("There are only {}", known.collect::<Vec<_>>().join(" and "));
            Err((StatusCode::NOT_FOUND, text))
        }
    };
    let (status, content, detail) = match result {
        Ok(None) => (StatusCode::NO_CONTENT, None, None),
        Ok(Some(json)) => (StatusCode::OK, Some((JSON, json)), None),
        Err((status, text)) => (status, Some((PLAIN, text.clone())), Some(text)),
    };
    let mut response = Response::new(Body::empty());
    *response.status_mut() = status;
    if let Some((content_type, text)) = content {
        *response.body_mut() = Body::bytes(text);
        response.headers_mut().insert(CONTENT_TYPE, content_type);
    }
    let summary = RequestSummary {
        request_id: exchange
            .api
            .request_ids
            .next(exchange.engine().environment()),
        route: route.unwrap_or(UNKNOWN_ROUTE),
        face: "dev",
        detail,
    };
    Answer { response, summary }
}

const PLAIN: HeaderValue = HeaderValue::from_static("text/plain; charset=utf-8");
const JSON: HeaderValue = HeaderValue::from_static("application/json");

async fn move_clock(mut payload: Payload, clock: &ControllableEnvironment) -> Result<(), Refusal> {
    let refuse = |text: String| (StatusCode::BAD_REQUEST, text);
    let body = payload.whole(BODY_BYTES_MAX).await;
    let body = body.map_err(|_| refuse("The body can't be read".to_owned()))?;
    let details: ClockDetails =
        serde_json::from_slice(&body).map_err(|error| refuse(error.to_string()))?;
    clock.advance(details.advance_seconds);
    Ok(())
}

async fn keep_up(engine: &Engine) -> Result<String, Refusal> {
    let failed = |text: String| (StatusCode::INTERNAL_SERVER_ERROR, text);
    let counts = engine.upkeep_fully().await;
    let counts = counts.map_err(|error| failed(error.to_string()))?;
    let model = UpkeepModel {
        runs: counts.runs,
        deleted: counts.deleted,
        versions_deleted: counts.versions_deleted,
        archived: counts.archived,
        infrequent_access: counts.infrequent,
        standard: counts.standard,
        uploads_aborted: counts.uploads_aborted,
        protected: counts.protected,
        failed: counts.failed,
    };
    serde_json::to_string(&model).map_err(|error| failed(error.to_string()))
}
