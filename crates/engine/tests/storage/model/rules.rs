//! Retention rules and the steps on them (wire reference section 9, and "Retention" of section 11).

use jiff::{SignedDuration, Timestamp};
use parbuckle_engine::{
    BucketPath, NewRetentionRule, RetentionDuration, RetentionRule, RetentionRuleChange,
    RetentionUnit,
};
use parbuckle_model::Versioning;

use super::program::{BUCKETS, Condition, Duration, RuleChange, RulePlan, Who};
use super::reference::{Act, Holder, Kind, Reference, write_refusal};
use super::run::{Run, Verdict, agree, preconditions, same, youngest};

/// A lock is not sooner than this.
const LOCK_DAYS: i64 = 14;

/// A rule there is or was.
#[derive(Debug)]
pub(super) struct RefRule {
    pub(super) bucket: String,
    pub(super) rule: RetentionRule,
    pub(super) deleted: bool,
}

impl RefRule {
    /// Whether it protects what was last modified at that time.
    pub(super) fn protects(&self, modified: Timestamp, now: Timestamp) -> bool {
        length(&self.rule).is_none_or(|length| now < modified + length)
    }

    fn is_locked(&self, now: Timestamp) -> bool {
        self.rule.time_locked.is_some_and(|lock| lock <= now)
    }
}

impl Reference {
    /// The rules of a bucket, newest first.
    pub(super) fn rules_of(&self, bucket: &str) -> Vec<RetentionRule> {
        let found = |rule: &&RefRule| !rule.deleted && rule.bucket == bucket;
        let rules = self
            .rules
            .iter()
            .filter(found)
            .map(|rule| rule.rule.clone());
        newest_first(rules.collect())
    }
}

impl Run {
    pub(super) async fn create_rule(&mut self, who: Who, b: usize, plan: RulePlan) -> Verdict {
        let (holder, name, now) = (self.holder(who), BUCKETS[b], self.now());
        let new = NewRetentionRule {
            display_name: plan.named.then(|| format!("rule {}", self.step)),
            duration: plan.duration.map(duration),
            time_locked: plan.locked_in_days.map(|days| in_days(now, days)),
        };
        let expected = lockable(new.time_locked, now)
            .and(valid(&new.duration, new.time_locked))
            .and_then(|()| self.judge(holder, name, Act::Manage))
            .and_then(|()| match self.reference.buckets[name].versioning {
                Versioning::Enabled => Err("BucketStateConflict"),
                Versioning::Disabled | Versioning::Suspended => Ok(()),
            });
        let (caller, path) = (self.caller(holder).await, self.world.bucket(name));
        let engine = &self.world.engine;
        let got = engine.create_retention_rule(&caller, &path, new.clone());
        let Some(((), made)) = same(expected, got.await)? else {
            return Ok(());
        };
        let expected = RetentionRule {
            id: made.id,
            display_name: new.display_name.unwrap_or_else(|| made.id.to_string()),
            duration: new.duration,
            etag: made.etag,
            time_locked: new.time_locked,
            time_created: now,
            time_modified: now,
        };
        agree!(made, expected, "the rule that was made");
        self.reference.rules.push(RefRule {
            bucket: name.to_owned(),
            rule: made,
            deleted: false,
        });
        Ok(())
    }

    pub(super) async fn rule(&mut self, who: Who, rule: usize) -> Verdict {
        let Some((holder, rule, path)) = self.at_rule(who, rule) else {
            return Ok(());
        };
        let expected = self.judge_rule(holder, rule);
        let (caller, rule) = (self.caller(holder).await, &self.reference.rules[rule].rule);
        let engine = &self.world.engine;
        let got = engine.retention_rule(&caller, &path, &rule.id).await;
        if let Some(((), got)) = same(expected, got)? {
            agree!(got, *rule, "the rule");
        }
        Ok(())
    }

    pub(super) async fn list_rules(&mut self, who: Who, b: usize) -> Verdict {
        let (holder, name) = (self.holder(who), BUCKETS[b]);
        let expected = self.judge(holder, name, Act::Manage);
        let (caller, path) = (self.caller(holder).await, self.world.bucket(name));
        let got = self.world.engine.retention_rules(&caller, &path).await;
        if let Some(((), got)) = same(expected, got)? {
            let falling = got.is_sorted_by_key(|rule| std::cmp::Reverse(rule.time_created));
            agree!(falling, true, "the newest rule comes first");
            agree!(newest_first(got), self.reference.rules_of(name), "rules");
        }
        Ok(())
    }

    pub(super) async fn update_rule(
        &mut self,
        who: Who,
        rule: usize,
        change: RuleChange,
        condition: Condition,
    ) -> Verdict {
        let Some((holder, rule, path)) = self.at_rule(who, rule) else {
            return Ok(());
        };
        let now = self.now();
        let change = RetentionRuleChange {
            display_name: change.renamed.then(|| format!("renamed {}", self.step)),
            duration: change.duration.map(|new| new.map(duration)),
            time_locked: change
                .locked_in_days
                .map(|days| days.map(|days| in_days(now, days))),
        };
        let was = &self.reference.rules[rule];
        let mut is = was.rule.clone();
        is.display_name = change.display_name.clone().unwrap_or(is.display_name);
        is.duration = change.duration.unwrap_or(is.duration);
        is.time_locked = change.time_locked.unwrap_or(is.time_locked);
        is.time_modified = now;
        let expected = self
            .judge_rule(holder, rule)
            .and_then(|()| write_refusal(condition, true))
            .and_then(|()| changeable(was, &is, now));
        let conditions = preconditions(condition, Some(was.rule.etag));
        let (caller, id) = (self.caller(holder).await, was.rule.id);
        let engine = &self.world.engine;
        let got = engine.update_retention_rule(&caller, &path, &id, change, &conditions);
        if let Some(((), got)) = same(expected, got.await)? {
            let was = &mut self.reference.rules[rule].rule;
            agree!(got.etag == was.etag, false, "the etag stays the same");
            is.etag = got.etag;
            agree!(got, is, "the rule that was changed");
            *was = is;
        }
        Ok(())
    }

    pub(super) async fn delete_rule(
        &mut self,
        who: Who,
        rule: usize,
        condition: Condition,
    ) -> Verdict {
        let Some((holder, rule, path)) = self.at_rule(who, rule) else {
            return Ok(());
        };
        let found = &self.reference.rules[rule];
        let expected = self
            .judge_rule(holder, rule)
            .and_then(|()| write_refusal(condition, true))
            .and_then(|()| match found.is_locked(self.now()) {
                true => Err("RetentionRuleConflict"),
                false => Ok(()),
            });
        let conditions = preconditions(condition, Some(found.rule.etag));
        let (caller, id) = (self.caller(holder).await, found.rule.id);
        let engine = &self.world.engine;
        let got = engine.delete_retention_rule(&caller, &path, &id, &conditions);
        if same(expected, got.await)?.is_some() {
            self.reference.rules[rule].deleted = true;
        }
        Ok(())
    }

    /// Who works on which rule: mostly one that is there.
    fn at_rule(&self, who: Who, number: usize) -> Option<(Holder, usize, BucketPath)> {
        let rules = &self.reference.rules;
        let there: Vec<usize> = (0..rules.len()).filter(|r| !rules[*r].deleted).collect();
        let rule = match youngest(number, there.len()).filter(|_| number < 5) {
            Some(found) => there[found],
            None => youngest(number, rules.len())?,
        };
        let path = self.world.bucket(&rules[rule].bucket);
        Some((self.holder(who), rule, path))
    }

    fn judge_rule(&self, holder: Holder, rule: usize) -> Result<(), Kind> {
        let rule = &self.reference.rules[rule];
        self.judge(holder, &rule.bucket, Act::Manage)?;
        match rule.deleted {
            true => Err("RetentionRuleNotFound"),
            false => Ok(()),
        }
    }
}

/// Rules that were made at the same moment are in no particular order.
pub(super) fn newest_first(mut rules: Vec<RetentionRule>) -> Vec<RetentionRule> {
    rules.sort_by_key(|rule| (std::cmp::Reverse(rule.time_created), rule.id));
    rules
}

/// Until its lock a rule may become anything that could be made; then only longer.
fn changeable(was: &RefRule, is: &RetentionRule, now: Timestamp) -> Result<(), Kind> {
    let lock_moves = was.rule.time_locked != is.time_locked;
    if !was.is_locked(now) {
        valid(&is.duration, is.time_locked)?;
        return match lock_moves {
            true => lockable(is.time_locked, now),
            false => Ok(()),
        };
    }
    let shorter = length(is).is_none() || length(is) < length(&was.rule);
    if lock_moves || shorter || was.rule.display_name != is.display_name {
        return Err("RetentionRuleConflict");
    }
    Ok(())
}

/// A duration is not zero, and there is one where there is a lock.
fn valid(duration: &Option<RetentionDuration>, lock: Option<Timestamp>) -> Result<(), Kind> {
    match duration {
        Some(duration) if duration.amount == 0 => Err("InvalidParameter"),
        None if lock.is_some() => Err("InvalidParameter"),
        Some(_) | None => Ok(()),
    }
}

fn lockable(lock: Option<Timestamp>, now: Timestamp) -> Result<(), Kind> {
    match lock {
        Some(lock) if lock < in_days(now, LOCK_DAYS) => Err("InvalidParameter"),
        Some(_) | None => Ok(()),
    }
}

fn in_days(now: Timestamp, days: i64) -> Timestamp {
    now + SignedDuration::from_hours(24 * days)
}

fn duration(plan: Duration) -> RetentionDuration {
    let (amount, unit) = match plan {
        Duration::Days(days) => (days, RetentionUnit::Days),
        Duration::Years(years) => (years, RetentionUnit::Years),
    };
    RetentionDuration { amount, unit }
}

/// Nothing means for ever.
fn length(rule: &RetentionRule) -> Option<SignedDuration> {
    let duration = rule.duration?;
    let days = match duration.unit {
        RetentionUnit::Days => duration.amount,
        RetentionUnit::Years => 365 * duration.amount,
    };
    Some(SignedDuration::from_hours(
        24 * i64::try_from(days).unwrap(),
    ))
}
