//! Eight clients that use a pre-authenticated request.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use parbuckle_testkit::{Http, Par, Reply};
use tokio::sync::Semaphore;

use super::field::{Field, SEEN};

pub(crate) const CLIENTS: usize = 8;
/// How many requests a client starts after a change.
pub(crate) const AFTER: usize = 3;
/// How often a client succeeds before anything changes.
const WARM_UP: usize = 3;

/// What the clients do with a PAR.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Use {
    Get,
    Put,
}

/// Eight clients at work.
pub(crate) struct Load {
    changed: Arc<AtomicBool>,
    clients: Vec<tokio::task::JoinHandle<Vec<Request>>>,
}

/// A request that was started after the change.
pub(crate) struct Request {
    pub(crate) object: String,
    pub(crate) body: Option<String>,
    pub(crate) reply: Reply,
}

impl Load {
    /// Starts the clients; returns when each has succeeded several times.
    pub(crate) async fn start(field: &Field, par: &Par, how: Use) -> Self {
        let changed = Arc::new(AtomicBool::new(false));
        let warm = Arc::new(Semaphore::new(0));
        let client = |number| {
            let client = Client {
                http: field.admin.http().clone(),
                par: par.clone(),
                how,
                number,
                changed: changed.clone(),
                warm: warm.clone(),
            };
            tokio::spawn(client.work())
        };
        let clients = (0..CLIENTS).map(client).collect();
        let all = u32::try_from(CLIENTS * WARM_UP).unwrap();
        drop(warm.acquire_many(all).await.unwrap());
        Self { changed, clients }
    }

    /// To be called with the reply to a change. Returns every request that started later.
    pub(crate) async fn finish_after_change(self) -> Vec<Request> {
        self.changed.store(true, Ordering::SeqCst);
        let mut late = Vec::new();
        for client in self.clients {
            late.extend(client.await.unwrap());
        }
        assert_eq!(late.len(), CLIENTS * AFTER);
        late
    }
}

struct Client {
    http: Http,
    par: Par,
    how: Use,
    number: usize,
    changed: Arc<AtomicBool>,
    warm: Arc<Semaphore>,
}

impl Client {
    /// Uses the PAR until it has done so several times after the change.
    async fn work(self) -> Vec<Request> {
        let mut connection = self.http.connect().await;
        let mut late = Vec::new();
        for turn in 0_usize.. {
            let (object, body) = match self.how {
                Use::Get => (SEEN.to_owned(), None),
                Use::Put => (
                    format!("in/{}", self.number),
                    Some(format!("{} {turn}", self.number)),
                ),
            };
            let path = self.par.path_for(&object);
            let call = match &body {
                None => self.http.get(path),
                Some(body) => self.http.put(path).body(body.clone()),
            };
            let is_late = self.changed.load(Ordering::SeqCst);
            let reply = match connection.send(call.clone()).await {
                Ok(reply) => reply,
                // The server closed the connection with its last refusal.
                Err(_) => {
                    connection = self.http.connect().await;
                    connection.send(call).await.unwrap()
                }
            };
            if is_late {
                late.push(Request {
                    object,
                    body,
                    reply,
                });
            } else if reply.status == 200 {
                self.warm.add_permits(1);
            }
            if late.len() == AFTER {
                return late;
            }
        }
        late
    }
}
