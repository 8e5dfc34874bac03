//! Failed sign-ins of late: who fails too often from one address waits, and nobody else does.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};

use jiff::{SignedDuration, Timestamp};

use super::LoginName;
use crate::caller::token_hash;

/// Failures of one user from one address within a window, before the rest of the window is refused.
const FAILURES_MAX: u32 = 10;

/// The window, from the first failure on.
const WINDOW: SignedDuration = SignedDuration::from_secs(60);

/// Pairs of user and address that are remembered.
const REMEMBERED_MAX: usize = 10_000;

/// Failures by user and address, in bounded memory.
#[derive(Debug, Default)]
pub(crate) struct SignInFailures(Mutex<HashMap<Culprit, Failures>>);

/// A user's name (hashed: it may be a password typed into the wrong field) and where he comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Culprit {
    user: [u8; 32],
    /// An IPv4 address, or the network (/64) of an IPv6 address: whoever has one address of that has all.
    place: u128,
}

#[derive(Debug, Clone, Copy)]
struct Failures {
    count: u32,
    since: Timestamp,
}

impl Culprit {
    /// `login` is what he calls himself: an account has three names, and all of them are the same user.
    pub(crate) fn new(login: &str, peer: IpAddr) -> Self {
        let user = match LoginName::parse(login) {
            Some(login) => format!("{}:{}", login.account.namespace(), login.user),
            None => login.to_owned(),
        };
        Self {
            user: token_hash(&user.to_lowercase()).0,
            place: match peer.to_canonical() {
                IpAddr::V4(address) => u128::from(u32::from(address)),
                IpAddr::V6(address) => u128::from(address) >> 64 << 64,
            },
        }
    }
}

impl SignInFailures {
    /// Whether this pair has failed too often.
    pub(crate) fn refuses(&self, culprit: &Culprit, now: Timestamp) -> bool {
        let failures = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        failures
            .get(culprit)
            .is_some_and(|f| f.count >= FAILURES_MAX && !f.is_over(now))
    }

    /// Notes a failure.
    pub(crate) fn note(&self, culprit: Culprit, now: Timestamp) {
        let mut failures = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if failures.len() >= REMEMBERED_MAX && !failures.contains_key(&culprit) {
            failures.retain(|_, f| !f.is_over(now));
            // Under a flood the oldest are forgotten: nobody else waits because of it.
            if failures.len() >= REMEMBERED_MAX
                && let Some(oldest) = failures.iter().min_by_key(|(_, f)| f.since)
            {
                let oldest = *oldest.0;
                failures.remove(&oldest);
            }
        }
        let fresh = Failures {
            count: 0,
            since: now,
        };
        let entry = failures.entry(culprit).or_insert(fresh);
        if entry.is_over(now) {
            *entry = fresh;
        }
        entry.count += 1;
    }

    /// Forgets the failures of somebody who has succeeded.
    pub(crate) fn forget(&self, culprit: &Culprit) {
        let mut failures = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        failures.remove(culprit);
    }
}

impl Failures {
    fn is_over(&self, now: Timestamp) -> bool {
        now.duration_since(self.since) >= WINDOW
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn culprit(user: &str, place: &str) -> Culprit {
        Culprit::new(user, place.parse().unwrap())
    }

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(1_900_000_000 + seconds).unwrap()
    }

    fn failed(times: u32) -> SignInFailures {
        let failures = SignInFailures::default();
        (0..times).for_each(|_| failures.note(culprit("a:joe", "192.0.2.1"), at(0)));
        failures
    }

    #[test]
    fn who_fails_ten_times_in_a_minute_waits_for_the_rest_of_it() {
        let joe = culprit("A:Joe", "192.0.2.1");
        assert!(!failed(9).refuses(&joe, at(59)));
        assert!(failed(10).refuses(&joe, at(59)));
        assert!(!failed(10).refuses(&joe, at(60)));
    }

    #[test]
    fn all_names_of_an_account_mean_the_same_user() {
        for login in ["Storage-a:joe", "AUTH_a:JOE"] {
            assert!(failed(10).refuses(&culprit(login, "192.0.2.1"), at(1)));
        }
    }

    #[test]
    fn other_users_and_other_addresses_do_not_wait() {
        let failures = failed(10);
        assert!(!failures.refuses(&culprit("a:joe", "192.0.2.2"), at(1)));
        assert!(!failures.refuses(&culprit("a:sue", "192.0.2.1"), at(1)));
    }

    #[test]
    fn addresses_of_one_ipv6_network_are_one_place() {
        let failures = SignInFailures::default();
        for n in 0..10 {
            failures.note(culprit("a:joe", &format!("2001:db8:0:1::{n}")), at(0));
        }
        assert!(failures.refuses(&culprit("a:joe", "2001:db8:0:1:ffff::"), at(1)));
        assert!(!failures.refuses(&culprit("a:joe", "2001:db8:0:2::"), at(1)));
    }

    #[test]
    fn memory_is_bounded_and_the_oldest_are_forgotten() {
        let failures = failed(10);
        for n in 0..REMEMBERED_MAX as u32 {
            failures.note(culprit(&n.to_string(), "192.0.2.9"), at(1));
        }
        assert_eq!(failures.0.lock().unwrap().len(), REMEMBERED_MAX);
        assert!(!failures.refuses(&culprit("a:joe", "192.0.2.1"), at(1)));
    }
}
