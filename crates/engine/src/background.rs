//! What the service does without being asked: loops that stand beside each other, so that none waits for another.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;

use crate::Engine;
use crate::error::Error;

/// Pause between two rounds of a loop.
pub(crate) const ROUND: Duration = Duration::from_secs(5);

/// Rounds of the work loop between two looks for old work requests: an hour, or less while there is work.
const ROUNDS_TO_FORGET: u64 = 3600 / ROUND.as_secs();

impl Engine {
    /// Works in the background until `stop` turns true: the collector and the counters; work requests; and what buckets
    /// ask for (lifecycle policies, auto-tiering, replication).
    pub async fn run_background(self: Arc<Self>, stop: watch::Receiver<bool>) {
        tokio::join!(
            self.run_collector(stop.clone()),
            self.run_work(stop.clone()),
            self.run_upkeep(stop.clone()),
            self.run_expiry(stop),
        );
    }

    async fn run_collector(&self, mut stop: watch::Receiver<bool>) {
        let started = self.environment.now();
        let mut round = 0;
        while !*stop.borrow() {
            report(self.collect_once(round, started).await);
            round += 1;
            tokio::select! {
                () = tokio::time::sleep(ROUND) => {}
                changed = stop.changed() => if changed.is_err() { return },
            }
        }
    }

    /// A new work request does not wait for the next round.
    async fn run_work(self: &Arc<Self>, mut stop: watch::Receiver<bool>) {
        let mut round: u64 = 0;
        while !*stop.borrow() {
            tokio::select! {
                done = self.work_round(round) => report(done),
                changed = stop.changed() => if changed.is_err() { return },
            }
            round += 1;
            tokio::select! {
                () = tokio::time::sleep(ROUND) => {}
                () = self.work_waits.notified() => {}
                changed = stop.changed() => if changed.is_err() { return },
            }
        }
    }

    async fn work_round(self: &Arc<Self>, round: u64) -> Result<(), Error> {
        self.work_once().await?;
        if round.is_multiple_of(ROUNDS_TO_FORGET) {
            self.forget_work().await?;
        }
        Ok(())
    }

    async fn run_expiry(&self, mut stop: watch::Receiver<bool>) {
        while !*stop.borrow() {
            tokio::select! {
                done = self.expire_once() => report(done),
                changed = stop.changed() => if changed.is_err() { return },
            }
            tokio::select! {
                () = tokio::time::sleep(ROUND) => {}
                changed = stop.changed() => if changed.is_err() { return },
            }
        }
    }

    async fn run_upkeep(&self, mut stop: watch::Receiver<bool>) {
        while !*stop.borrow() {
            tokio::select! {
                done = self.upkeep_once() => report(done),
                changed = stop.changed() => if changed.is_err() { return },
            }
            tokio::select! {
                () = tokio::time::sleep(ROUND) => {}
                () = self.upkeep_waits.notified() => {}
                changed = stop.changed() => if changed.is_err() { return },
            }
        }
    }
}

fn report(done: Result<(), Error>) {
    if let Err(error) = done {
        tracing::warn!(
            cause = error.cause().unwrap_or_default(),
            "background work failed: {error}"
        );
    }
}
