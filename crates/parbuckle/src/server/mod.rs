//! The listener: accepts connections up to the limit, and drains them when the server stops.

mod body;
mod connection;
mod opening;
mod service;
mod watch;

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch as signal};
use tokio::time::{Instant, sleep};
use tokio_rustls::TlsAcceptor;

pub(crate) use service::App;

/// After a failed accept, mostly for want of file descriptors: time for some to come free.
const ACCEPT_PAUSE: Duration = Duration::from_millis(250);
/// A saturated server says so no more often than this.
const SATURATION_NOTICE: Duration = Duration::from_secs(60);

/// A bound listener that is not served yet.
pub(crate) struct Listener {
    socket: TcpListener,
    tls: Option<TlsAcceptor>,
}

impl Listener {
    /// Binds the address; port 0 takes a free port.
    pub(crate) async fn bind(address: SocketAddr, tls: Option<TlsAcceptor>) -> io::Result<Self> {
        Ok(Self {
            socket: TcpListener::bind(address).await?,
            tls,
        })
    }

    /// The address with the real port.
    pub(crate) fn address(&self) -> io::Result<SocketAddr> {
        self.socket.local_addr()
    }

    /// Serves until `stop` turns true; then lets requests in flight finish, up to the drain time-out. Returns
    /// whether all connections had ended by then; those that had not go on until the runtime ends.
    pub(crate) async fn serve(self, app: Arc<App>, mut stop: signal::Receiver<bool>) -> bool {
        let limit = app.limits.max_connections;
        let slots = Arc::new(Semaphore::new(limit));
        let protocols = Arc::new(connection::Protocols::new(&app.limits));
        let mut acceptor = Acceptor {
            listener: &self,
            slots: slots.clone(),
            noticed: None,
        };
        loop {
            let (accepted, slot) = tokio::select! {
                biased;
                _ = stop.wait_for(|stop| *stop) => break,
                accepted = acceptor.accept() => accepted,
            };
            let serving = connection::serve(
                app.clone(),
                protocols.clone(),
                self.tls.clone(),
                accepted,
                stop.clone(),
            );
            tokio::spawn(async move {
                serving.await;
                drop(slot);
            });
        }
        drop(self);
        app.draining.store(true, Ordering::Relaxed);
        let all = u32::try_from(limit).unwrap_or(u32::MAX);
        tokio::time::timeout(app.limits.drain_timeout, slots.acquire_many(all))
            .await
            .is_ok()
    }
}

struct Acceptor<'a> {
    listener: &'a Listener,
    slots: Arc<Semaphore>,
    noticed: Option<Instant>,
}

impl Acceptor<'_> {
    /// The next connection and the slot it occupies. Survives every error. Dropping the future loses no connection.
    async fn accept(&mut self) -> ((TcpStream, SocketAddr), OwnedSemaphorePermit) {
        let slot = self.slot().await;
        loop {
            match self.listener.socket.accept().await {
                Ok((stream, address)) => {
                    // Without it a peer waits up to 40 ms for its own delayed acknowledgement. Fails only on a
                    // connection that is gone already, which the first read will find.
                    let _ = stream.set_nodelay(true);
                    return ((stream, address), slot);
                }
                Err(error) if is_of_one_connection(&error) => {}
                Err(error) => {
                    tracing::error!(%error, "accepting a connection failed; trying again");
                    sleep(ACCEPT_PAUSE).await;
                }
            }
        }
    }

    async fn slot(&mut self) -> OwnedSemaphorePermit {
        if let Ok(slot) = self.slots.clone().try_acquire_owned() {
            return slot;
        }
        if self
            .noticed
            .is_none_or(|last| last.elapsed() > SATURATION_NOTICE)
        {
            self.noticed = Some(Instant::now());
            tracing::warn!("the limit of connections is reached: further ones wait to be accepted");
        }
        self.slots
            .clone()
            .acquire_owned()
            .await
            .expect("nobody closes this semaphore")
    }
}

/// Whether the error concerns a connection that ended before it was accepted, and not the listener.
fn is_of_one_connection(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    matches!(
        error.kind(),
        ConnectionAborted | ConnectionRefused | ConnectionReset
    )
}
