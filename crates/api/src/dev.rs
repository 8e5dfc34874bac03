//! The controls of `--dev`: `POST /dev/clock` moves the clock, so that a test need not wait for an expiry.

use http::header::CONTENT_TYPE;
use http::{HeaderValue, Method, Response, StatusCode};
use parbuckle_engine::ControllableEnvironment;
use serde::Deserialize;

use crate::body::Body;
use crate::exchange::Exchange;
use crate::payload::Payload;
use crate::summary::{Answer, RequestSummary, UNKNOWN_ROUTE};

const CLOCK: &str = "/dev/clock";
const BODY_BYTES_MAX: u64 = 1024;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ClockDetails {
    /// Negative: back.
    advance_seconds: i64,
}

/// Answers everything under `/dev`.
pub(crate) async fn answer(
    exchange: &Exchange<'_>,
    payload: Payload,
    clock: &ControllableEnvironment,
) -> Answer {
    let known = exchange.parts.uri.path() == CLOCK;
    let result = match (known, &exchange.parts.method) {
        (true, &Method::POST) => move_clock(payload, clock).await,
        (true, _) => Err((StatusCode::METHOD_NOT_ALLOWED, "Use POST".to_owned())),
        (false, _) => Err((StatusCode::NOT_FOUND, format!("There is only {CLOCK}"))),
    };
    let (status, text) = match result {
        Ok(()) => (StatusCode::NO_CONTENT, None),
        Err((status, text)) => (status, Some(text)),
    };
    let mut response = Response::new(text.clone().map_or(Body::empty(), Body::bytes));
    *response.status_mut() = status;
    if text.is_some() {
        let plain = HeaderValue::from_static("text/plain; charset=utf-8");
        response.headers_mut().insert(CONTENT_TYPE, plain);
    }
    let summary = RequestSummary {
        request_id: exchange
            .api
            .request_ids
            .next(exchange.engine().environment()),
        route: if known { CLOCK } else { UNKNOWN_ROUTE },
        face: "dev",
        detail: text,
    };
    Answer { response, summary }
}

async fn move_clock(
    mut payload: Payload,
    clock: &ControllableEnvironment,
) -> Result<(), (StatusCode, String)> {
    let refuse = |text: String| (StatusCode::BAD_REQUEST, text);
    let body = payload.whole(BODY_BYTES_MAX).await;
    let body = body.map_err(|_| refuse("The body can't be read".to_owned()))?;
    let details: ClockDetails =
        serde_json::from_slice(&body).map_err(|error| refuse(error.to_string()))?;
    clock.advance(details.advance_seconds);
    Ok(())
}
