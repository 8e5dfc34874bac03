//! Retention rules (wire reference 3.7, 4.6 and section 11): for how long after its last modification no object of a
//! bucket may be overwritten or deleted.
//!
//! What all rules of a bucket together say stands in the bucket's record, which every write reads: a write and a change
//! of the rules at the same time conflict, and one of them comes after the other. Where objects are placed and taken
//! away (`object/place.rs`) it is enforced.

use jiff::{SignedDuration, Timestamp};
use parbuckle_iam::permission::{Operation, Permission};
use parbuckle_kv::Reader;
use parbuckle_model::{
    BucketId, BucketName, ETag, Namespace, Preconditions, RetentionRuleId, Versioning,
};

use crate::authority::{Access, Act, Need};
use crate::bucket::{check_write, write_bucket};
use crate::caller::Caller;
use crate::error::{Error, ErrorKind};
use crate::records::{
    self, BucketRecord, RetentionDuration, RetentionRecord, RetentionRuleRecord, RetentionUnit,
    StoredTime,
};
use crate::transact::Tx;
use crate::{BucketPath, Engine, keys};

/// Most rules of a bucket (wire reference section 9).
const RULES_MAX: usize = 100;

/// A lock lies at least so far ahead: 14 days (wire reference section 9).
const LOCK_DELAY: SignedDuration = SignedDuration::from_hours(14 * 24);

/// Longest duration: a thousand years.
const DURATION_DAYS_MAX: u64 = 1000 * DAYS_A_YEAR;

const DAYS_A_YEAR: u64 = 365;

const SECONDS_A_DAY: u64 = 24 * 3600;

/// Most bytes of a rule's name.
const NAME_BYTES_MAX: usize = 255;

/// A retention rule.
#[derive(Debug, Clone, PartialEq)]
pub struct RetentionRule {
    /// Its id.
    pub id: RetentionRuleId,
    /// Its name, which need not be unique.
    pub display_name: String,
    /// How long it protects an object after its last modification; nothing means for ever.
    pub duration: Option<RetentionDuration>,
    /// Changes with every update.
    pub etag: ETag,
    /// From then on (inclusive) the rule can only be made longer, and goes only with its bucket.
    pub time_locked: Option<Timestamp>,
    /// When it was made.
    pub time_created: Timestamp,
    /// When it was last changed.
    pub time_modified: Timestamp,
}

/// A rule to be made.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct NewRetentionRule {
    /// Its name; its id when not given.
    pub display_name: Option<String>,
    /// How long it protects; nothing means for ever.
    pub duration: Option<RetentionDuration>,
    /// When it is locked: 14 days ahead or more. Only a rule with a duration can be locked.
    pub time_locked: Option<Timestamp>,
}

/// A change of a rule: what is absent stays.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct RetentionRuleChange {
    /// Its name.
    pub display_name: Option<String>,
    /// How long it protects; `Some(None)` means for ever.
    pub duration: Option<Option<RetentionDuration>>,
    /// When it is locked; `Some(None)` takes a lock back that has not come yet.
    pub time_locked: Option<Option<Timestamp>>,
}

impl Engine {
    /// Makes a rule. Asks for BUCKET_UPDATE and RETENTION_RULE_MANAGE, with a lock for RETENTION_RULE_LOCK besides.
    /// Refused with [`ErrorKind::BucketStateConflict`] while the bucket keeps versions, and for more than 100 rules.
    pub async fn create_retention_rule(
        &self,
        caller: &Caller,
        path: &BucketPath,
        new: NewRetentionRule,
    ) -> Result<RetentionRule, Error> {
        let id = RetentionRuleId::from_random(self.random());
        let now = self.now();
        let record = RetentionRuleRecord {
            id,
            display_name: new.display_name.unwrap_or_else(|| id.to_string()),
            duration: new.duration,
            etag: ETag::from_random(self.random()),
            time_locked: new.time_locked.map(stored_time),
            time_created: now,
            time_modified: now,
        };
        check_rule(&record)?;
        check_lock(record.time_locked, now)?;
        let record = &record;
        self.transact("create_retention_rule", |tx| async move {
            let access = self.enter(tx.reader(), caller, path).await?;
            require_manage(&access, Operation::CreateRetentionRule)?;
            if record.time_locked.is_some() {
                require_lock(&access, Operation::CreateRetentionRule)?;
            }
            let (namespace, bucket) = (&path.namespace, &*access.bucket);
            let mut rules = rules_of(tx.reader(), namespace, &bucket.id).await?;
            if rules.iter().any(|rule| rule.id == id) {
                return Ok(record.clone().into());
            }
            check_room(bucket, rules.len())?;
            rules.push(record.clone());
            tx.put(keys::retention_rule(namespace, &bucket.id, &id), record);
            write_summary(&tx, namespace, bucket, &rules);
            Ok(record.clone().into())
        })
        .await
    }

    /// The rules of a bucket, newest first: at most 100. Asks for BUCKET_READ.
    pub async fn retention_rules(
        &self,
        caller: &Caller,
        path: &BucketPath,
    ) -> Result<Vec<RetentionRule>, Error> {
        let reader = self.kv.snapshot().await?;
        let access = self.enter(&*reader, caller, path).await?;
        require_read(&access, Operation::ListRetentionRules)?;
        let mut rules = rules_of(&*reader, &path.namespace, &access.bucket.id).await?;
        rules.sort_by_key(|rule| std::cmp::Reverse(rule.time_created));
        Ok(rules.into_iter().map(Into::into).collect())
    }

    /// One rule. Asks for BUCKET_READ.
    pub async fn retention_rule(
        &self,
        caller: &Caller,
        path: &BucketPath,
        id: &RetentionRuleId,
    ) -> Result<RetentionRule, Error> {
        let reader = self.kv.snapshot().await?;
        let access = self.enter(&*reader, caller, path).await?;
        require_read(&access, Operation::GetRetentionRule)?;
        let rules = rules_of(&*reader, &path.namespace, &access.bucket.id).await?;
        let found = rules.into_iter().find(|rule| rule.id == *id);
        found.map(Into::into).ok_or_else(|| missing(&path.bucket))
    }

    /// Changes a rule. Asks for BUCKET_UPDATE and RETENTION_RULE_MANAGE; where that sets, moves or takes back a lock, for
    /// RETENTION_RULE_LOCK besides. What a locked rule does not allow is [`ErrorKind::RetentionRuleConflict`].
    pub async fn update_retention_rule(
        &self,
        caller: &Caller,
        path: &BucketPath,
        id: &RetentionRuleId,
        change: RetentionRuleChange,
        preconditions: &Preconditions,
    ) -> Result<RetentionRule, Error> {
        let (etag, now) = (ETag::from_random(self.random()), self.now());
        let change = &change;
        self.transact("update_retention_rule", |tx| async move {
            let access = self.enter(tx.reader(), caller, path).await?;
            require_manage(&access, Operation::UpdateRetentionRule)?;
            let (namespace, bucket) = (&path.namespace, &*access.bucket);
            let mut rules = rules_of(tx.reader(), namespace, &bucket.id).await?;
            let rule = rules.iter_mut().find(|rule| rule.id == *id);
            let rule = rule.ok_or_else(|| missing(&path.bucket))?;
            if rule.etag == etag {
                return Ok(rule.clone().into());
            }
            check_write(preconditions, Some(&rule.etag))?;
            let changed = rule.changed(change, etag, now);
            if changed.time_locked != rule.time_locked {
                require_lock(&access, Operation::UpdateRetentionRule)?;
            }
            check_change(rule, &changed, now)?;
            *rule = changed.clone();
            tx.put(keys::retention_rule(namespace, &bucket.id, id), &changed);
            write_summary(&tx, namespace, bucket, &rules);
            Ok(changed.into())
        })
        .await
    }

    /// Deletes a rule that is not locked; a locked one goes only with its bucket
    /// ([`ErrorKind::RetentionRuleConflict`]). Asks for BUCKET_UPDATE and RETENTION_RULE_MANAGE.
    pub async fn delete_retention_rule(
        &self,
        caller: &Caller,
        path: &BucketPath,
        id: &RetentionRuleId,
        preconditions: &Preconditions,
    ) -> Result<(), Error> {
        let now = self.now();
        self.transact("delete_retention_rule", |tx| async move {
            let access = self.enter(tx.reader(), caller, path).await?;
            require_manage(&access, Operation::DeleteRetentionRule)?;
            let (namespace, bucket) = (&path.namespace, &*access.bucket);
            let mut rules = rules_of(tx.reader(), namespace, &bucket.id).await?;
            let Some(at) = rules.iter().position(|rule| rule.id == *id) else {
                return match tx.may_have_happened() {
                    true => Ok(()),
                    false => Err(missing(&path.bucket)),
                };
            };
            let rule = rules.swap_remove(at);
            check_write(preconditions, Some(&rule.etag))?;
            if rule.is_locked(now) {
                return Err(locked(
                    "A locked retention rule is deleted only with its bucket",
                ));
            }
            tx.delete(keys::retention_rule(namespace, &bucket.id, id));
            write_summary(&tx, namespace, bucket, &rules);
            Ok(())
        })
        .await
    }
}

fn require_read(access: &Access<'_>, operation: Operation) -> Result<(), Error> {
    access.require(operation, Need::All(&[Permission::BucketRead]), Act::Manage)
}

fn require_manage(access: &Access<'_>, operation: Operation) -> Result<(), Error> {
    let both = [Permission::BucketUpdate, Permission::RetentionRuleManage];
    access.require(operation, Need::All(&both), Act::Manage)
}

fn require_lock(access: &Access<'_>, operation: Operation) -> Result<(), Error> {
    let lock = [Permission::RetentionRuleLock];
    access.require(operation, Need::All(&lock), Act::Manage)
}

async fn rules_of(
    reader: &dyn Reader,
    namespace: &Namespace,
    bucket: &BucketId,
) -> Result<Vec<RetentionRuleRecord>, Error> {
    let prefix = keys::retention_rules(namespace, bucket);
    let entries = reader.scan(&keys::all(&prefix, RULES_MAX)).await?;
    let rules = entries.iter().map(|entry| records::decode(&entry.value));
    rules.collect()
}

/// Keeps in the bucket's record what all its rules together say.
fn write_summary(
    tx: &Tx,
    namespace: &Namespace,
    bucket: &BucketRecord,
    rules: &[RetentionRuleRecord],
) {
    let bucket = BucketRecord {
        retention: summary(rules),
        ..bucket.clone()
    };
    write_bucket(tx, namespace, &bucket);
}

/// The longest of the rules; for ever is longer than any other.
fn summary(rules: &[RetentionRuleRecord]) -> Option<RetentionRecord> {
    let seconds = |rule: &RetentionRuleRecord| rule.duration.map_or(u64::MAX, seconds);
    let longest = rules.iter().map(seconds).max()?;
    Some(RetentionRecord {
        seconds: (longest != u64::MAX).then_some(longest),
    })
}

fn seconds(duration: RetentionDuration) -> u64 {
    days(duration).saturating_mul(SECONDS_A_DAY)
}

fn days(duration: RetentionDuration) -> u64 {
    match duration.unit {
        RetentionUnit::Days => duration.amount,
        RetentionUnit::Years => duration.amount.saturating_mul(DAYS_A_YEAR),
    }
}

/// Checks what holds for every rule, whatever it was before.
fn check_rule(rule: &RetentionRuleRecord) -> Result<(), Error> {
    let name = &rule.display_name;
    if name.is_empty() || name.len() > NAME_BYTES_MAX || name.contains(char::is_control) {
        return Err(invalid(format!(
            "The displayName of a retention rule has 1 to {NAME_BYTES_MAX} bytes and no control characters"
        )));
    }
    match rule.duration.map(days) {
        Some(days) if days == 0 || days > DURATION_DAYS_MAX => Err(invalid(format!(
            "The duration of a retention rule is 1 to {DURATION_DAYS_MAX} days, a year being {DAYS_A_YEAR}"
        ))),
        None if rule.time_locked.is_some() => Err(invalid(
            "Only a retention rule with a duration can be locked",
        )),
        Some(_) | None => Ok(()),
    }
}

/// A lock leaves time to think better of it.
fn check_lock(lock: Option<StoredTime>, now: Timestamp) -> Result<(), Error> {
    match lock {
        Some(lock) if lock.0.duration_since(now) < LOCK_DELAY => {
            Err(invalid("timeRuleLocked must lie at least 14 days ahead"))
        }
        Some(_) | None => Ok(()),
    }
}

fn check_room(bucket: &BucketRecord, rules: usize) -> Result<(), Error> {
    let text = if bucket.versioning == Versioning::Enabled {
        "A bucket that keeps versions can't have retention rules: suspend versioning first"
    } else if rules >= RULES_MAX {
        "The bucket has as many retention rules as it can have: 100"
    } else {
        return Ok(());
    };
    Err(ErrorKind::BucketStateConflict(text.to_owned()).into())
}

/// Before its lock a rule can be changed at will, and the lock with it; from then on it can only be made longer.
fn check_change(
    was: &RetentionRuleRecord,
    is: &RetentionRuleRecord,
    now: Timestamp,
) -> Result<(), Error> {
    if !was.is_locked(now) {
        check_rule(is)?;
        return match is.time_locked == was.time_locked {
            true => Ok(()),
            false => check_lock(is.time_locked, now),
        };
    }
    if is.time_locked != was.time_locked || is.display_name != was.display_name {
        return Err(locked(
            "Of a locked retention rule only the duration can be changed",
        ));
    }
    let longer = match (was.duration, is.duration) {
        (Some(was), Some(is)) => seconds(is) >= seconds(was),
        (None, None) => true,
        (None, Some(_)) | (Some(_), None) => false,
    };
    if !longer {
        return Err(locked("A locked retention rule can only be made longer"));
    }
    check_rule(is)
}

impl RetentionRuleRecord {
    fn is_locked(&self, now: Timestamp) -> bool {
        self.time_locked.is_some_and(|lock| lock.0 <= now)
    }

    fn changed(&self, change: &RetentionRuleChange, etag: ETag, now: Timestamp) -> Self {
        let name = change.display_name.as_ref();
        let lock = change.time_locked.map(|lock| lock.map(stored_time));
        Self {
            display_name: name.unwrap_or(&self.display_name).clone(),
            duration: change.duration.unwrap_or(self.duration),
            time_locked: lock.unwrap_or(self.time_locked),
            etag,
            time_modified: now,
            ..self.clone()
        }
    }
}

impl From<RetentionRuleRecord> for RetentionRule {
    fn from(r: RetentionRuleRecord) -> Self {
        Self {
            id: r.id,
            display_name: r.display_name,
            duration: r.duration,
            etag: r.etag,
            time_locked: r.time_locked.map(|time| time.0),
            time_created: r.time_created,
            time_modified: r.time_modified,
        }
    }
}

/// A time as it will be read back: in whole milliseconds.
fn stored_time(time: Timestamp) -> StoredTime {
    StoredTime(Timestamp::from_millisecond(time.as_millisecond()).unwrap_or(time))
}

fn missing(bucket: &BucketName) -> Error {
    ErrorKind::RetentionRuleNotFound(bucket.clone()).into()
}

fn locked(text: &str) -> Error {
    ErrorKind::RetentionRuleConflict(text.to_owned()).into()
}

fn invalid(text: impl Into<String>) -> Error {
    ErrorKind::InvalidParameter(text.into()).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(duration: Option<RetentionDuration>) -> RetentionRuleRecord {
        RetentionRuleRecord {
            id: RetentionRuleId::from_bytes([1; 16]),
            display_name: "r".to_owned(),
            duration,
            etag: ETag::from_bytes([2; 16]),
            time_locked: None,
            time_created: Timestamp::UNIX_EPOCH,
            time_modified: Timestamp::UNIX_EPOCH,
        }
    }

    fn lasting(amount: u64, unit: RetentionUnit) -> RetentionRuleRecord {
        rule(Some(RetentionDuration { amount, unit }))
    }

    fn summed(rules: &[RetentionRuleRecord]) -> Option<Option<u64>> {
        summary(rules).map(|summary| summary.seconds)
    }

    #[test]
    fn the_longest_rule_counts_and_for_ever_is_longest() {
        let (day, year) = (
            lasting(1, RetentionUnit::Days),
            lasting(1, RetentionUnit::Years),
        );
        let more = lasting(366, RetentionUnit::Days);
        assert_eq!(summed(&[]), None);
        assert_eq!(summed(std::slice::from_ref(&day)), Some(Some(86_400)));
        assert_eq!(
            summed(&[day.clone(), year.clone()]),
            Some(Some(365 * 86_400))
        );
        assert_eq!(summed(&[year, more.clone(), day]), Some(Some(366 * 86_400)));
        assert_eq!(summed(&[more, rule(None)]), Some(None));
    }

    #[test]
    fn durations_run_from_a_day_to_a_thousand_years() {
        for (amount, unit, fits) in [
            (0, RetentionUnit::Days, false),
            (1, RetentionUnit::Days, true),
            (365_000, RetentionUnit::Days, true),
            (365_001, RetentionUnit::Days, false),
            (0, RetentionUnit::Years, false),
            (1000, RetentionUnit::Years, true),
            (1001, RetentionUnit::Years, false),
            (u64::MAX, RetentionUnit::Years, false),
        ] {
            let checked = check_rule(&lasting(amount, unit));
            assert_eq!(checked.is_ok(), fits, "{amount} {unit:?}");
        }
    }
}
