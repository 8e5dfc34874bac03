//! What the generator sends: the same requests in a circle, or uploads under names never used before.

use std::cell::Cell;
use std::net::SocketAddr;
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::Result;
use crate::contest::Side;
use crate::load::{Request, Workload};
use crate::process::Process;
use crate::reply::Reply;

/// Names that share a folder on the side that keeps files.
const NAMES_PER_FOLDER: u64 = 10_000;

/// What every reply must be.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Expected {
    pub(crate) statuses: &'static [u16],
    /// The body's length; `None` where the server may choose.
    pub(crate) body_bytes: Option<u64>,
}

impl Expected {
    fn check(self, reply: Reply) -> Result<(), String> {
        let length_fits = self
            .body_bytes
            .is_none_or(|expected| expected == reply.body_bytes);
        match self.statuses.contains(&reply.status) && length_fits {
            true => Ok(()),
            false => Err(format!("a reply of {reply:?} where {self:?} was expected")),
        }
    }
}

/// A side that sends the same requests, at least one, in a circle.
pub(crate) fn cycle<'a>(
    process: &'a Process,
    addr: SocketAddr,
    requests: Vec<Request>,
    expected: Expected,
) -> Side<'a> {
    let requests: Arc<[Request]> = requests.into();
    let workload = move |thread| -> Box<dyn Workload> {
        Box::new(Cycle::new(requests.clone(), thread, expected))
    };
    Side {
        process,
        addr,
        workload: Box::new(workload),
        after_round: None,
    }
}

/// The same requests again and again, in order.
struct Cycle {
    requests: Arc<[Request]>,
    /// Index of the next request.
    next: usize,
    expected: Expected,
}

impl Cycle {
    /// `requests` must not be empty; `offset` says where a thread begins.
    fn new(requests: Arc<[Request]>, offset: usize, expected: Expected) -> Self {
        let next = offset % requests.len();
        Self {
            requests,
            next,
            expected,
        }
    }
}

impl Workload for Cycle {
    fn next(&mut self) -> Option<Request> {
        let request = self.requests[self.next].clone();
        self.next = if self.next + 1 == self.requests.len() {
            0
        } else {
            self.next + 1
        };
        Some(request)
    }

    fn accept(&mut self, reply: Reply, _body: &[u8]) -> Result<(), String> {
        self.expected.check(reply)
    }
}

/// Uploads of one body to one server, each under its own name, through all rounds.
#[derive(Clone)]
pub(crate) struct Uploads {
    base: Arc<str>,
    host: Arc<str>,
    body: Arc<[u8]>,
    /// The number of the next name.
    next: Arc<AtomicU64>,
    expected: Expected,
}

impl Uploads {
    /// Uploads to paths that begin with `base`, answered with one of `statuses`.
    pub(crate) fn new(base: &str, host: &str, body: Arc<[u8]>, statuses: &'static [u16]) -> Self {
        let expected = Expected {
            statuses,
            body_bytes: None,
        };
        Self {
            base: base.into(),
            host: host.into(),
            body,
            next: Arc::default(),
            expected,
        }
    }

    /// The path, below the base, of the upload with this number.
    pub(crate) fn name(number: u64) -> String {
        format!("{:06}/{number:012}", number / NAMES_PER_FOLDER)
    }

    /// A side that uploads, and after each round hands the numbers of that round to `after_round`.
    pub(crate) fn side<'a>(
        self,
        process: &'a Process,
        addr: SocketAddr,
        after_round: impl Fn(Range<u64>) -> Result<()> + 'a,
    ) -> Side<'a> {
        let next = self.next.clone();
        let seen = Cell::new(0);
        Side {
            process,
            addr,
            workload: Box::new(move |_| Box::new(self.clone())),
            after_round: Some(Box::new(move || {
                let end = next.load(Ordering::Relaxed);
                after_round(seen.replace(end)..end)
            })),
        }
    }
}

impl Workload for Uploads {
    fn next(&mut self) -> Option<Request> {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        Some(put(
            &format!("{}{}", self.base, Self::name(number)),
            &self.host,
            self.body.clone(),
        ))
    }

    fn accept(&mut self, reply: Reply, _body: &[u8]) -> Result<(), String> {
        self.expected.check(reply)
    }
}

/// A GET without a body.
pub(crate) fn get(target: &str, host: &str) -> Request {
    let head = format!("GET {target} HTTP/1.1\r\nhost: {host}\r\naccept: */*\r\n\r\n");
    Request {
        head: head.into_bytes().into(),
        body: Arc::default(),
    }
}

/// A PUT of a body of known length.
pub(crate) fn put(target: &str, host: &str, body: Arc<[u8]>) -> Request {
    let length = body.len();
    let head = format!(
        "PUT {target} HTTP/1.1\r\nhost: {host}\r\ncontent-type: application/octet-stream\r\ncontent-length: {length}\r\n\r\n"
    );
    Request {
        head: head.into_bytes().into(),
        body,
    }
}

/// Bytes without pattern, the same for the same seed, so that nothing on the way gains from compressing them
/// (xorshift64*, Vigna 2016).
pub(crate) fn noise(seed: u64, length: usize) -> Arc<[u8]> {
    let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    let mut bytes = Vec::with_capacity(length + 8);
    while bytes.len() < length {
        state ^= state >> 12;
        state ^= state << 25;
        state ^= state >> 27;
        bytes.extend_from_slice(&state.wrapping_mul(0x2545_F491_4F6C_DD1D).to_le_bytes());
    }
    bytes.truncate(length);
    bytes.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    const OK: Expected = Expected {
        statuses: &[200],
        body_bytes: Some(5),
    };

    #[test]
    fn a_cycle_starts_at_its_offset_and_wraps() {
        let requests: Arc<[Request]> = (0..3).map(|n| get(&format!("/{n}"), "h")).collect();
        let mut cycle = Cycle::new(requests.clone(), 5, OK);
        let heads: Vec<_> = (0..3).map(|_| cycle.next().unwrap().head).collect();
        assert_eq!(
            heads,
            [&requests[2], &requests[0], &requests[1]].map(|request| request.head.clone())
        );
    }

    #[test]
    fn a_wrong_status_or_length_is_refused() {
        assert_eq!(
            OK.check(Reply {
                status: 200,
                body_bytes: 5
            }),
            Ok(())
        );
        assert!(
            OK.check(Reply {
                status: 200,
                body_bytes: 4
            })
            .is_err()
        );
        assert!(
            OK.check(Reply {
                status: 206,
                body_bytes: 5
            })
            .is_err()
        );
    }

    #[test]
    fn noise_repeats_for_a_seed_and_differs_between_seeds() {
        assert_eq!(noise(1, 33), noise(1, 33));
        assert_ne!(noise(1, 33), noise(2, 33));
        assert_eq!(noise(1, 33).len(), 33);
    }
}
