//! One JSON line per request, written behind the requests' backs.
//!
//! A request only appends its line to a buffer in memory; a thread of its own writes the buffer out, [`DELAY`] after
//! the first line came or as soon as it holds [`FLUSH_BYTES`]. A sink that does not keep up costs lines, never
//! requests: beyond [`BUFFER_BYTES`] lines are dropped, counted, and the count is logged.

use std::cell::RefCell;
use std::io::Write;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use jiff::Timestamp;
use jiff::tz::Offset;

const DELAY: Duration = Duration::from_millis(200);
const FLUSH_BYTES: usize = 64 * 1024;
const BUFFER_BYTES: usize = 16 * 1024 * 1024;
/// A buffer that one burst made larger than this is given back.
const KEPT_BYTES: usize = 256 * 1024;

/// What one line says. Route and face are fixed texts and never hold a token or a name that a client chose.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Entry<'a> {
    /// When the request's headers had arrived.
    pub(crate) time: Timestamp,
    /// `None` when the request ended before it was given one.
    pub(crate) request_id: Option<&'a str>,
    pub(crate) face: &'static str,
    pub(crate) method: &'static str,
    pub(crate) route: &'static str,
    /// `None` when the client left before there was a response.
    pub(crate) status: Option<u16>,
    /// Body bytes handed to the connection.
    pub(crate) sent: u64,
    /// Body bytes of the request, if known.
    pub(crate) received: Option<u64>,
    /// From the end of the request's headers to the end of the response.
    pub(crate) micros: u64,
    pub(crate) peer: &'a str,
    /// The response did not reach its end.
    pub(crate) aborted: bool,
    /// Why it was refused or failed, for the operator only.
    pub(crate) cause: Option<&'a str>,
}

/// The log. Dropping it flushes.
#[derive(Debug)]
pub(crate) struct AccessLog {
    shared: Arc<Shared>,
    writer: Option<JoinHandle<()>>,
}

#[derive(Debug, Default)]
struct Shared {
    state: Mutex<State>,
    wake: Condvar,
}

#[derive(Debug, Default)]
struct State {
    lines: Vec<u8>,
    dropped: u64,
    closed: bool,
}

impl AccessLog {
    /// Starts the writing thread; each of its writes hands `sink` whole lines.
    pub(crate) fn start(sink: impl Write + Send + 'static) -> std::io::Result<Self> {
        let shared = Arc::new(Shared::default());
        let writer = std::thread::Builder::new()
            .name("access-log".into())
            .spawn({
                let shared = shared.clone();
                move || write_out(&shared, sink)
            })?;
        Ok(Self {
            shared,
            writer: Some(writer),
        })
    }

    /// Appends a line. Costs no I/O.
    pub(crate) fn write(&self, entry: &Entry<'_>) {
        thread_local! {
            static LINE: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
        }
        LINE.with_borrow_mut(|line| {
            line.clear();
            format_line(line, entry);
            let mut state = self.shared.lock();
            if state.lines.len() + line.len() > BUFFER_BYTES {
                state.dropped += 1;
                return;
            }
            let before = state.lines.len();
            state.lines.extend_from_slice(line);
            let full = before < FLUSH_BYTES && state.lines.len() >= FLUSH_BYTES;
            drop(state);
            if before == 0 || full {
                self.shared.wake.notify_one();
            }
        });
    }
}

impl Drop for AccessLog {
    fn drop(&mut self) {
        self.shared.lock().closed = true;
        self.shared.wake.notify_one();
        if let Some(writer) = self.writer.take() {
            // It ends by itself; if it panicked, the panic was reported when it happened.
            let _ = writer.join();
        }
    }
}

impl Shared {
    /// A panic elsewhere cannot leave the state half-changed in a way that matters here.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn write_out(shared: &Shared, mut sink: impl Write) {
    let mut lines = Vec::new();
    loop {
        let mut state = shared.lock();
        while state.lines.is_empty() && !state.closed {
            state = shared
                .wake
                .wait(state)
                .unwrap_or_else(PoisonError::into_inner);
        }
        if state.lines.len() < FLUSH_BYTES && !state.closed {
            let waits = |state: &mut State| state.lines.len() < FLUSH_BYTES && !state.closed;
            let waited = shared.wake.wait_timeout_while(state, DELAY, waits);
            (state, _) = waited.unwrap_or_else(PoisonError::into_inner);
        }
        std::mem::swap(&mut lines, &mut state.lines);
        let dropped = std::mem::take(&mut state.dropped);
        let last = state.closed;
        drop(state);
        // Nobody is left to be told that standard error is gone.
        let _ = sink.write_all(&lines).and_then(|()| sink.flush());
        if dropped > 0 {
            tracing::warn!(
                dropped,
                "standard error does not keep up: lines of the access log were dropped"
            );
        }
        if last {
            return;
        }
        lines.clear();
        lines.shrink_to(KEPT_BYTES);
    }
}

fn format_line(out: &mut Vec<u8>, entry: &Entry<'_>) {
    out.extend_from_slice(b"{\"timestamp\":\"");
    push_timestamp(out, entry.time);
    out.extend_from_slice(b"\",\"level\":\"INFO\",\"target\":\"access\"");
    if let Some(request_id) = entry.request_id {
        push_text(out, "request_id", request_id);
    }
    push_text(out, "face", entry.face);
    push_text(out, "method", entry.method);
    push_text(out, "route", entry.route);
    if let Some(status) = entry.status {
        push_number(out, "status", status.into());
    }
    push_number(out, "sent", entry.sent);
    if let Some(received) = entry.received {
        push_number(out, "received", received);
    }
    push_number(out, "micros", entry.micros);
    push_text(out, "peer", entry.peer);
    if entry.aborted {
        out.extend_from_slice(b",\"aborted\":true");
    }
    if let Some(cause) = entry.cause {
        push_text(out, "cause", cause);
    }
    out.extend_from_slice(b"}\n");
}

/// RFC 3339 in UTC with milliseconds. The date and time of day change once a second, so they are kept.
fn push_timestamp(out: &mut Vec<u8>, time: Timestamp) {
    const TO_SECONDS: usize = "2026-11-21T21:17:26".len();
    thread_local! {
        static KEPT: RefCell<(i64, [u8; TO_SECONDS])> = const { RefCell::new((i64::MIN, [0; TO_SECONDS])) };
    }
    // Both parts are rounded down, also before 1970.
    let second = time.as_millisecond().div_euclid(1000);
    let millis = time.as_millisecond().rem_euclid(1000);
    KEPT.with_borrow_mut(|(kept_second, text)| {
        if *kept_second != second {
            let civil = Offset::UTC.to_datetime(time);
            let mut fresh = &mut text[..];
            // A year beyond 9999 does not exist for jiff, so the text always fits.
            let _ = write!(
                fresh,
                "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}",
                civil.year(),
                civil.month(),
                civil.day(),
                civil.hour(),
                civil.minute(),
                civil.second()
            );
            *kept_second = second;
        }
        out.extend_from_slice(text);
    });
    let digit = |n: i64| b'0' + (n % 10) as u8;
    out.extend_from_slice(&[
        b'.',
        digit(millis / 100),
        digit(millis / 10),
        digit(millis),
        b'Z',
    ]);
}

fn push_number(out: &mut Vec<u8>, key: &str, value: u64) {
    out.extend_from_slice(b",\"");
    out.extend_from_slice(key.as_bytes());
    // Writing to a Vec cannot fail.
    let _ = write!(out, "\":{value}");
}

fn push_text(out: &mut Vec<u8>, key: &str, value: &str) {
    out.extend_from_slice(b",\"");
    out.extend_from_slice(key.as_bytes());
    out.extend_from_slice(b"\":\"");
    let plain = |byte: &u8| !matches!(byte, b'"' | b'\\' | 0..=0x1f);
    if value.as_bytes().iter().all(plain) {
        out.extend_from_slice(value.as_bytes());
    } else {
        push_escaped(out, value);
    }
    out.push(b'"');
}

fn push_escaped(out: &mut Vec<u8>, value: &str) {
    for &byte in value.as_bytes() {
        match byte {
            b'"' | b'\\' => out.extend_from_slice(&[b'\\', byte]),
            0..=0x1f => {
                // Writing to a Vec cannot fail.
                let _ = write!(out, "\\u{byte:04x}");
            }
            _ => out.push(byte),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ENTRY: Entry<'static> = Entry {
        time: Timestamp::UNIX_EPOCH,
        request_id: Some("ABC"),
        face: "native",
        method: "GET",
        route: "/n/{ns}/b/{b}/o/{o}",
        status: Some(200),
        sent: 4096,
        received: Some(0),
        micros: 123,
        peer: "127.0.0.1:5555",
        aborted: false,
        cause: None,
    };

    fn line(entry: &Entry<'_>) -> String {
        let mut out = Vec::new();
        format_line(&mut out, entry);
        String::from_utf8(out).unwrap()
    }

    #[derive(Clone, Default)]
    struct Sink(Arc<Mutex<Vec<u8>>>);

    impl Write for Sink {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_line_is_one_json_object_with_a_fixed_order_of_keys() {
        insta::assert_snapshot!(line(&ENTRY), @r#"{"timestamp":"1970-01-01T00:00:00.000Z","level":"INFO","target":"access","request_id":"ABC","face":"native","method":"GET","route":"/n/{ns}/b/{b}/o/{o}","status":200,"sent":4096,"received":0,"micros":123,"peer":"127.0.0.1:5555"}"#);
    }

    #[test]
    fn an_aborted_request_without_a_response_says_so() {
        let entry = Entry {
            request_id: None,
            status: None,
            received: None,
            aborted: true,
            ..ENTRY
        };
        insta::assert_snapshot!(line(&entry), @r#"{"timestamp":"1970-01-01T00:00:00.000Z","level":"INFO","target":"access","face":"native","method":"GET","route":"/n/{ns}/b/{b}/o/{o}","sent":4096,"micros":123,"peer":"127.0.0.1:5555","aborted":true}"#);
    }

    #[test]
    fn a_cause_is_escaped_so_that_it_cannot_forge_a_line() {
        let cause = "a \"quoted\" back\\slash,\nnew line and snow \u{2603}";
        let parsed: serde_json::Value = serde_json::from_str(&line(&Entry {
            cause: Some(cause),
            ..ENTRY
        }))
        .unwrap();
        assert_eq!(parsed["cause"], cause);
        assert_eq!(
            line(&Entry {
                cause: Some(cause),
                ..ENTRY
            })
            .matches('\n')
            .count(),
            1
        );
    }

    #[test]
    fn timestamps_follow_the_clock_forwards_and_backwards() {
        let text = |millis| {
            let mut out = Vec::new();
            push_timestamp(&mut out, Timestamp::from_millisecond(millis).unwrap());
            String::from_utf8(out).unwrap()
        };
        assert_eq!(text(1_795_295_846_123), "2026-11-21T21:17:26.123Z");
        assert_eq!(text(1_795_295_847_000), "2026-11-21T21:17:27.000Z");
        assert_eq!(text(-1), "1969-12-31T23:59:59.999Z");
        assert_eq!(text(1_795_295_846_999), "2026-11-21T21:17:26.999Z");
    }

    #[test]
    fn dropping_the_log_writes_every_line() {
        let sink = Sink::default();
        let log = AccessLog::start(sink.clone()).unwrap();
        for _ in 0..1000 {
            log.write(&ENTRY);
        }
        drop(log);
        let written = String::from_utf8(sink.0.lock().unwrap().clone()).unwrap();
        assert_eq!(written.lines().count(), 1000);
        assert!(
            written
                .lines()
                .all(|one| format!("{one}\n") == line(&ENTRY))
        );
    }

    #[test]
    fn a_single_line_is_written_without_further_requests() {
        let sink = Sink::default();
        let log = AccessLog::start(sink.clone()).unwrap();
        log.write(&ENTRY);
        let patience = std::time::Instant::now();
        while sink.0.lock().unwrap().is_empty() {
            assert!(
                patience.elapsed() < Duration::from_secs(10),
                "the line was not written"
            );
            std::thread::yield_now();
        }
        drop(log);
    }
}
