//! The load generator: closed loops over kept-open connections, one event loop per thread, every reply checked.

use std::io::{self, IoSlice, Read, Write};
use std::net::SocketAddr;
use std::sync::{Arc, Barrier};
use std::time::{Duration, Instant};

use mio::net::TcpStream;
use mio::{Events, Interest, Poll, Token};

use crate::Result;
use crate::reply::{Reply, ReplyReader};

/// Bytes that one read takes at most; the buffer is reused, so a large body costs the generator one copy.
const READ_BYTES: usize = 256 * 1024;
/// How long after the deadline the requests under way may take before the run counts as failed.
const GRACE: Duration = Duration::from_secs(30);

/// A request as the bytes to send: a head and a body that may be shared with other requests.
#[derive(Clone)]
pub(crate) struct Request {
    pub(crate) head: Arc<[u8]>,
    pub(crate) body: Arc<[u8]>,
}

/// Where a thread of the generator takes its requests from, and what it does with the replies.
pub(crate) trait Workload: Send {
    /// The next request for whichever connection is free; `None` when there are no more.
    fn next(&mut self) -> Option<Request>;
    /// Judges a reply; an error ends the run. `body` is empty unless [`keeps_bodies`](Self::keeps_bodies).
    fn accept(&mut self, reply: Reply, body: &[u8]) -> Result<(), String>;
    /// Whether bodies are collected for [`accept`](Self::accept).
    fn keeps_bodies(&self) -> bool {
        false
    }
}

/// How a load is applied.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Shape {
    /// Connections in all; each has one request under way at a time.
    pub(crate) connections: usize,
    /// Threads of the generator, each with its share of the connections.
    pub(crate) threads: usize,
}

/// What a run did.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Outcome {
    /// Replies received and accepted.
    pub(crate) requests: u64,
    /// From the first request to the last reply.
    pub(crate) elapsed: Duration,
}

/// Sends requests for `duration`, or until the workloads have no more, then waits for the replies under way. Each
/// thread gets its own workload from `workload(thread index)`. The first wrong reply fails the run.
pub(crate) fn run(
    addr: SocketAddr,
    shape: Shape,
    duration: Duration,
    workload: &(dyn Fn(usize) -> Box<dyn Workload> + Sync),
) -> Result<Outcome> {
    let connected = Barrier::new(shape.threads);
    let one_thread = |index: usize| -> Result<(Instant, Instant, u64), String> {
        let connections = (shape.connections + index) / shape.threads;
        let lane = Lane::connect(addr, connections, workload(index));
        // Every thread reaches the barrier, also one that could not connect.
        connected.wait();
        lane.and_then(|lane| lane.run(duration))
    };
    let lanes: Vec<_> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..shape.threads)
            .map(|index| scope.spawn(move || one_thread(index)))
            .collect();
        threads
            .into_iter()
            .map(|thread| {
                thread
                    .join()
                    .unwrap_or_else(|_| Err("a generator thread died".into()))
            })
            .collect()
    });
    let mut outcome: Option<(Instant, Instant, u64)> = None;
    for lane in lanes {
        let (start, end, requests) = lane?;
        outcome = Some(outcome.map_or((start, end, requests), |(s, e, r)| {
            (s.min(start), e.max(end), r + requests)
        }));
    }
    let (start, end, requests) = outcome.ok_or("a load needs at least one thread")?;
    Ok(Outcome {
        requests,
        elapsed: end - start,
    })
}

/// One thread's connections and its event loop.
struct Lane {
    poll: Poll,
    connections: Vec<Connection>,
    workload: Box<dyn Workload>,
}

struct Connection {
    stream: TcpStream,
    request: Option<Request>,
    /// Bytes of the request (head, then body) that the socket has taken.
    sent: usize,
    reader: ReplyReader,
}

impl Lane {
    fn connect(
        addr: SocketAddr,
        count: usize,
        workload: Box<dyn Workload>,
    ) -> Result<Self, String> {
        let open = || -> io::Result<(Poll, Vec<Connection>)> {
            let poll = Poll::new()?;
            let mut connections = Vec::with_capacity(count);
            for index in 0..count {
                let stream = std::net::TcpStream::connect(addr)?;
                stream.set_nodelay(true)?;
                stream.set_nonblocking(true)?;
                let mut stream = TcpStream::from_std(stream);
                poll.registry().register(
                    &mut stream,
                    Token(index),
                    Interest::READABLE | Interest::WRITABLE,
                )?;
                let reader = ReplyReader::new(workload.keeps_bodies());
                connections.push(Connection {
                    stream,
                    request: None,
                    sent: 0,
                    reader,
                });
            }
            Ok((poll, connections))
        };
        let (poll, connections) =
            open().map_err(|error| format!("cannot connect to {addr}: {error}"))?;
        Ok(Self {
            poll,
            connections,
            workload,
        })
    }

    /// Runs the loop; gives the times of the first request and the last reply, and the count of replies.
    fn run(mut self, duration: Duration) -> Result<(Instant, Instant, u64), String> {
        let start = Instant::now();
        let deadline = start + duration;
        let mut buffer = vec![0; READ_BYTES];
        let mut progress = Progress {
            deadline,
            last_reply: start,
            requests: 0,
            busy: 0,
        };
        for connection in &mut self.connections {
            connection.begin(&mut *self.workload, &mut progress)?;
        }
        let mut events = Events::with_capacity(256);
        while progress.busy > 0 {
            if Instant::now() > deadline + GRACE {
                return Err(format!(
                    "{} requests had no reply {} s after the deadline",
                    progress.busy,
                    GRACE.as_secs()
                ));
            }
            match self.poll.poll(&mut events, Some(Duration::from_secs(1))) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                other => other.map_err(|error| format!("poll: {error}"))?,
            }
            for event in &events {
                let connection = &mut self.connections[event.token().0];
                if event.is_writable() {
                    connection.send()?;
                }
                if event.is_readable() || event.is_read_closed() || event.is_error() {
                    connection.receive(&mut buffer, &mut *self.workload, &mut progress)?;
                }
            }
        }
        Ok((start, progress.last_reply, progress.requests))
    }
}

struct Progress {
    deadline: Instant,
    last_reply: Instant,
    requests: u64,
    /// Connections with a request under way.
    busy: usize,
}

impl Connection {
    fn begin(
        &mut self,
        workload: &mut dyn Workload,
        progress: &mut Progress,
    ) -> Result<(), String> {
        self.request = workload.next();
        self.sent = 0;
        progress.busy += usize::from(self.request.is_some());
        self.send()
    }

    fn send(&mut self) -> Result<(), String> {
        let Some(request) = &self.request else {
            return Ok(());
        };
        let length = request.head.len() + request.body.len();
        while self.sent < length {
            let head = request.head.get(self.sent..).unwrap_or_default();
            let body = &request.body[self.sent.saturating_sub(request.head.len())..];
            match self
                .stream
                .write_vectored(&[IoSlice::new(head), IoSlice::new(body)])
            {
                Ok(written) => self.sent += written,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => {
                    return Err(format!(
                        "sending failed after {} of {length} bytes: {error}",
                        self.sent
                    ));
                }
            }
        }
        Ok(())
    }

    /// Reads what has arrived and, after a whole reply, sends the next request. A read that does not fill the buffer
    /// has emptied the socket: later bytes raise a new event (epoll(7), edge-triggered).
    fn receive(
        &mut self,
        buffer: &mut [u8],
        workload: &mut dyn Workload,
        progress: &mut Progress,
    ) -> Result<(), String> {
        loop {
            let read = match self.stream.read(buffer) {
                Ok(0) if self.request.is_none() => return Ok(()),
                Ok(0) => {
                    return Err("the server closed a connection with a request under way".into());
                }
                Ok(read) => read,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(()),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(format!("receiving failed: {error}")),
            };
            if let Some((used, reply)) = self.reader.feed(&buffer[..read])? {
                if used < read {
                    return Err(format!("{} bytes after the end of a reply", read - used));
                }
                self.finish(reply, workload, progress)?;
            }
            if read < buffer.len() {
                return Ok(());
            }
        }
    }

    fn finish(
        &mut self,
        reply: Reply,
        workload: &mut dyn Workload,
        progress: &mut Progress,
    ) -> Result<(), String> {
        let request = self
            .request
            .take()
            .ok_or("a reply that no request asked for")?;
        workload.accept(reply, self.reader.kept().1)?;
        let length = request.head.len() + request.body.len();
        if self.sent < length {
            return Err(format!(
                "status {} after {} of {length} request bytes",
                reply.status, self.sent
            ));
        }
        progress.last_reply = Instant::now();
        progress.requests += 1;
        progress.busy -= 1;
        if progress.last_reply < progress.deadline {
            self.begin(workload, progress)?;
        }
        Ok(())
    }
}
