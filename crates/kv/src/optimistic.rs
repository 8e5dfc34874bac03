//! Optimistic concurrency: what a transaction read, and what committed lately.
//!
//! Every commit has a number, higher than all before it. A transaction that read the state of number n may
//! commit when no commit above n wrote a key that could have changed one of its answers. Reads that nothing
//! changed since could as well have happened at the moment of the commit, so the order of commits is a
//! serial order.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Weak};

use bytes::Bytes;

use crate::view::KeyRange;

/// The answers a transaction was given depend on these keys and ranges, and on nothing else.
#[derive(Debug, Default)]
pub(crate) struct ReadSet {
    pub(crate) keys: Vec<Vec<u8>>,
    pub(crate) ranges: Vec<KeyRange>,
}

impl ReadSet {
    fn is_empty(&self) -> bool {
        self.keys.is_empty() && self.ranges.is_empty()
    }
}

/// The keys written by recent commits.
pub(crate) struct History {
    /// The number of the newest commit that wrote each key.
    newest: BTreeMap<Bytes, u64>,
    /// The keys of each commit number, oldest first.
    commits: VecDeque<(u64, Vec<Bytes>)>,
    /// Commits up to this number (inclusive) are forgotten.
    watermark: u64,
    /// Keys held in `commits`; a key counts once per commit that wrote it.
    key_count: usize,
    key_count_max: usize,
}

impl History {
    /// A history that starts behind commit number `watermark` and holds about `key_count_max` keys at most.
    pub(crate) fn new(watermark: u64, key_count_max: usize) -> Self {
        Self {
            newest: BTreeMap::new(),
            commits: VecDeque::new(),
            watermark,
            key_count: 0,
            key_count_max,
        }
    }

    /// Whether a commit above `number` could have changed what `reads` stands for. Also true when this is no
    /// longer known.
    pub(crate) fn conflicts(&self, reads: &ReadSet, number: u64) -> bool {
        if reads.is_empty() {
            return false;
        }
        if number < self.watermark {
            return true;
        }
        let newer = |written: &u64| *written > number;
        reads
            .keys
            .iter()
            .any(|key| self.newest.get(key.as_slice()).is_some_and(newer))
            || reads.ranges.iter().any(|range| {
                !range.is_empty()
                    && self
                        .newest
                        .range::<[u8], _>(range.bounds())
                        .any(|(_, w)| newer(w))
            })
    }

    /// Notes that commit `number` (never below an earlier one) wrote `keys`. Whether it had written one of them before.
    pub(crate) fn record(&mut self, number: u64, keys: Vec<Bytes>) -> bool {
        let mut again = false;
        for key in &keys {
            again |= self.newest.insert(key.clone(), number) == Some(number);
        }
        self.key_count += keys.len();
        self.commits.push_back((number, keys));
        again
    }

    /// Forgets commits that no transaction on a state at or above `oldest` can conflict with, and the
    /// oldest others while there are too many keys.
    pub(crate) fn forget(&mut self, oldest: u64) {
        while let Some((number, _)) = self.commits.front()
            && (*number <= oldest || self.key_count > self.key_count_max)
        {
            self.watermark = self.watermark.max(*number);
            self.forget_front();
        }
    }

    /// Transactions on a state below this number are refused.
    pub(crate) fn watermark(&self) -> u64 {
        self.watermark
    }

    fn forget_front(&mut self) {
        let Some((number, keys)) = self.commits.pop_front() else {
            return;
        };
        self.key_count -= keys.len();
        for key in keys {
            if self.newest.get(&key) == Some(&number) {
                self.newest.remove(&key);
            }
        }
    }
}

/// Which states are still in someone's hands.
pub(crate) struct LiveStates<S> {
    states: VecDeque<(u64, Weak<S>)>,
}

impl<S> LiveStates<S> {
    pub(crate) fn new() -> Self {
        Self {
            states: VecDeque::new(),
        }
    }

    /// Adds the state of commit `number`, which is above all numbers added before.
    pub(crate) fn add(&mut self, number: u64, state: &Arc<S>) {
        self.states.push_back((number, Arc::downgrade(state)));
    }

    /// The lowest number that is still held; `None` when no state is.
    pub(crate) fn oldest(&mut self) -> Option<u64> {
        while let Some((number, state)) = self.states.front() {
            if state.strong_count() > 0 {
                return Some(*number);
            }
            self.states.pop_front();
        }
        None
    }

    /// Stops watching states below `number`.
    pub(crate) fn ignore_below(&mut self, number: u64) {
        while self.states.front().is_some_and(|(held, _)| *held < number) {
            self.states.pop_front();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_of(key: &[u8]) -> ReadSet {
        ReadSet {
            keys: vec![key.to_vec()],
            ranges: Vec::new(),
        }
    }

    #[test]
    fn a_forgotten_commit_refuses_older_readers() {
        let mut history = History::new(0, 100);
        history.record(1, vec![Bytes::from_static(b"a")]);
        history.forget(1);
        assert!(history.conflicts(&read_of(b"other"), 0));
        assert!(!history.conflicts(&read_of(b"a"), 1));
    }

    #[test]
    fn too_many_keys_push_the_oldest_commits_out() {
        let mut history = History::new(0, 2);
        for number in 1..=4 {
            history.record(number, vec![Bytes::from(number.to_string())]);
        }
        history.forget(0);
        assert_eq!(history.watermark(), 2);
        assert!(history.conflicts(&read_of(b"3"), 2));
        assert!(!history.conflicts(&read_of(b"1"), 2));
    }

    #[test]
    fn a_key_written_again_is_kept_when_its_first_write_is_forgotten() {
        let mut history = History::new(0, 100);
        history.record(1, vec![Bytes::from_static(b"a")]);
        history.record(2, vec![Bytes::from_static(b"a")]);
        history.forget(1);
        assert!(history.conflicts(&read_of(b"a"), 1));
    }

    #[test]
    fn the_oldest_live_state_is_the_first_one_still_held() {
        let mut live = LiveStates::new();
        let states: Vec<_> = (0..3).map(Arc::new).collect();
        for (number, state) in (0..).zip(&states) {
            live.add(number, state);
        }
        let kept = Arc::clone(&states[1]);
        drop(states);
        assert_eq!(live.oldest(), Some(1));
        drop(kept);
        assert_eq!(live.oldest(), None);
    }
}
