//! Numbers for `/metrics`. Labels are fixed texts: never a token, a name or a path that a client chose.

use std::cell::RefCell;
use std::collections::HashMap;
use std::time::Duration;

use metrics::{
    Counter, Gauge, Histogram, counter, describe_counter, describe_gauge, describe_histogram,
    gauge, histogram,
};
use metrics_exporter_prometheus::{BuildError, Matcher, PrometheusBuilder, PrometheusHandle};
use parbuckle_engine::UpkeepCounts;

const REQUESTS: &str = "parbuckle_http_requests_total";
const ABORTED: &str = "parbuckle_http_requests_aborted_total";
const DURATION: &str = "parbuckle_http_request_duration_seconds";
const SENT: &str = "parbuckle_http_response_body_bytes_total";
const RECEIVED: &str = "parbuckle_http_request_body_bytes_total";
const CONNECTIONS: &str = "parbuckle_connections_open";
const CONNECTION_ENDS: &str = "parbuckle_connections_closed_total";
const UPKEEP_RUNS: &str = "parbuckle_bucket_upkeep_runs_total";
const UPKEEP_OBJECTS: &str = "parbuckle_bucket_upkeep_objects_total";

/// Upper bounds, inclusive, in seconds.
const DURATION_BUCKETS: [f64; 14] = [
    0.000_1, 0.000_25, 0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 1.0, 5.0, 30.0,
];

/// Installs the recorder for the whole process; the handle renders it. Fails when one is installed already.
pub(crate) fn start() -> Result<PrometheusHandle, BuildError> {
    let handle = PrometheusBuilder::new()
        .set_buckets_for_metric(Matcher::Full(DURATION.into()), &DURATION_BUCKETS)?
        .install_recorder()?;
    describe_counter!(
        REQUESTS,
        "Requests whose response ended, by face, route, method and class of status"
    );
    describe_counter!(ABORTED, "Requests whose response did not reach its end");
    describe_histogram!(
        DURATION,
        "From the end of a request's headers to the end of its response"
    );
    describe_counter!(SENT, "Bytes of response bodies handed to connections");
    describe_counter!(RECEIVED, "Bytes of request bodies");
    describe_gauge!(CONNECTIONS, "Connections open now");
    describe_counter!(CONNECTION_ENDS, "Connections that ended, by reason");
    describe_counter!(
        UPKEEP_RUNS,
        "Daily runs of lifecycle policies and auto-tiering, one for each bucket"
    );
    describe_counter!(
        UPKEEP_OBJECTS,
        "Objects, versions and uploads that such runs found due, by what became of them"
    );
    gauge!("parbuckle_build_info", "version" => env!("CARGO_PKG_VERSION")).set(1.0);
    open_connections().set(0.0);
    Ok(handle)
}

/// The gauge of open connections.
pub(crate) fn open_connections() -> Gauge {
    gauge!(CONNECTIONS)
}

/// Counts the end of a connection.
pub(crate) fn connection_ended(reason: &'static str) {
    counter!(CONNECTION_ENDS, "reason" => reason).increment(1);
}

/// Takes over what lifecycle policies and auto-tiering have done since the start.
pub(crate) fn bucket_upkeep(totals: &UpkeepCounts) {
    counter!(UPKEEP_RUNS).absolute(totals.runs);
    for (outcome, count) in [
        ("deleted", totals.deleted),
        ("version_deleted", totals.versions_deleted),
        ("to_archive", totals.archived),
        ("to_infrequent_access", totals.infrequent),
        ("to_standard", totals.standard),
        ("upload_aborted", totals.uploads_aborted),
        ("protected", totals.protected),
        ("failed", totals.failed),
    ] {
        counter!(UPKEEP_OBJECTS, "outcome" => outcome).absolute(count);
    }
}

/// What is counted of one request.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Request {
    pub(crate) face: &'static str,
    pub(crate) route: &'static str,
    pub(crate) method: &'static str,
    /// `None` when the client left before there was a response.
    pub(crate) status: Option<u16>,
    pub(crate) aborted: bool,
    pub(crate) sent: u64,
    pub(crate) received: u64,
    pub(crate) duration: Duration,
}

/// Counts one request.
pub(crate) fn request_ended(request: &Request) {
    thread_local! {
        // Looking a metric up in the registry costs more than counting does, so each thread keeps what it found.
        static KNOWN: RefCell<HashMap<Labels, Handles>> = RefCell::default();
    }
    let labels = Labels {
        face: request.face,
        route: request.route,
        method: request.method,
        class: request.status.map_or("none", status_class),
    };
    KNOWN.with_borrow_mut(|known| {
        let handles = known.entry(labels).or_insert_with(|| labels.handles());
        handles.requests.increment(1);
        handles.duration.record(request.duration.as_secs_f64());
        handles.sent.increment(request.sent);
        handles.received.increment(request.received);
        if request.aborted {
            handles.aborted.increment(1);
        }
    });
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct Labels {
    face: &'static str,
    route: &'static str,
    method: &'static str,
    class: &'static str,
}

struct Handles {
    requests: Counter,
    aborted: Counter,
    duration: Histogram,
    sent: Counter,
    received: Counter,
}

impl Labels {
    fn handles(self) -> Handles {
        let Self {
            face,
            route,
            method,
            class,
        } = self;
        Handles {
            requests: counter!(REQUESTS, "face" => face, "route" => route, "method" => method, "status" => class),
            aborted: counter!(ABORTED, "face" => face, "route" => route, "method" => method),
            duration: histogram!(DURATION, "face" => face, "route" => route, "method" => method),
            sent: counter!(SENT, "face" => face),
            received: counter!(RECEIVED, "face" => face),
        }
    }
}

fn status_class(status: u16) -> &'static str {
    match status / 100 {
        1 => "1xx",
        2 => "2xx",
        3 => "3xx",
        4 => "4xx",
        _ => "5xx",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_shows_up_under_its_route_template_and_class_of_status() {
        let recorder = PrometheusBuilder::new().build_recorder();
        let handle = recorder.handle();
        metrics::with_local_recorder(&recorder, || {
            request_ended(&Request {
                face: "native",
                route: "/n/{ns}/b/{b}",
                method: "GET",
                status: Some(404),
                aborted: false,
                sent: 7,
                received: 0,
                duration: Duration::from_millis(1),
            });
        });
        let line = r#"parbuckle_http_requests_total{face="native",route="/n/{ns}/b/{b}",method="GET",status="4xx"} 1"#;
        assert!(
            handle.render().lines().any(|one| one == line),
            "{}",
            handle.render()
        );
    }
}
