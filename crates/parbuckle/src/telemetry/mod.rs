//! What the server tells its operator: events, a line per request, and numbers.

pub(crate) mod access_log;
pub(crate) mod events;
pub(crate) mod metrics;
