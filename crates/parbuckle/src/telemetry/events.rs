//! Events other than requests: JSON lines on standard error through `tracing`, stamped by the injected clock.

use std::fmt;
use std::sync::Arc;

use parbuckle_engine::Environment;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::time::FormatTime;

/// Sends events to standard error for the rest of the process, and panics with them. `filter` was checked with the
/// configuration. Has no effect when called a second time.
pub(crate) fn start(filter: &str, environment: Arc<dyn Environment>) {
    let subscriber = tracing_subscriber::fmt()
        .json()
        .flatten_event(true)
        .with_current_span(false)
        .with_span_list(false)
        .with_timer(Clock(environment))
        .with_env_filter(EnvFilter::new(filter))
        .with_writer(std::io::stderr)
        .finish();
    if tracing::subscriber::set_global_default(subscriber).is_ok() {
        std::panic::set_hook(Box::new(|panic| {
            let location = panic.location().map(ToString::to_string);
            tracing::error!(location, message = panic.payload_as_str(), "panic");
        }));
    }
}

struct Clock(Arc<dyn Environment>);

impl FormatTime for Clock {
    fn format_time(&self, out: &mut Writer<'_>) -> fmt::Result {
        write!(out, "{:.3}", self.0.now())
    }
}
