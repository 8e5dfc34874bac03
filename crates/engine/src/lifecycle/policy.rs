//! Lifecycle policies as owners manage them (wire reference 3.7, 4.6).

use std::collections::HashSet;

use jiff::Timestamp;
use parbuckle_iam::permission::{Operation, Permission};
use parbuckle_kv::Reader;
use parbuckle_model::{BucketId, ETag, Namespace, Preconditions};

use super::glob::Glob;
use crate::authority::{Act, Need};
use crate::bucket::{check_write, write_bucket};
use crate::caller::Caller;
use crate::error::{Error, ErrorKind};
use crate::records::{
    self, LifecycleAction, LifecycleRecord, LifecycleRule, LifecycleTarget, ObjectNameFilter,
    StoredETag,
};
use crate::{BucketPath, Engine, keys};

/// Most rules of a policy (wire reference section 9).
const RULES_MAX: usize = 1000;

/// Most patterns of a rule, inclusions and exclusions together (wire reference section 9).
const PATTERNS_MAX: usize = 20;

/// Most characters of a pattern or prefix; no object name is longer.
const PATTERN_CHARS_MAX: usize = 1024;

/// Most characters of a rule's name.
const NAME_CHARS_MAX: usize = 255;

/// The lifecycle policy of a bucket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LifecyclePolicy {
    /// New with every policy that is put.
    pub etag: ETag,
    /// When it was put.
    pub time_created: Timestamp,
    /// In the order given.
    pub rules: Vec<LifecycleRule>,
}

impl Engine {
    /// Puts the lifecycle policy of a bucket in the place of the one that is there. The service carries it out at the
    /// owner's wish, about once a day, until it is deleted.
    pub async fn put_lifecycle_policy(
        &self,
        caller: &Caller,
        path: &BucketPath,
        rules: Vec<LifecycleRule>,
        preconditions: &Preconditions,
    ) -> Result<LifecyclePolicy, Error> {
        check_rules(&rules).map_err(ErrorKind::InvalidParameter)?;
        let policy = LifecycleRecord {
            etag: ETag::from_random(self.random()),
            time_created: self.now(),
            rules,
        };
        let policy = &policy;
        self.transact("put_lifecycle_policy", |tx| async move {
            let access = self.enter(tx.reader(), caller, path).await?;
            let needs = [
                Permission::BucketUpdate,
                Permission::ObjectCreate,
                Permission::ObjectDelete,
            ];
            access.require(
                Operation::PutObjectLifecyclePolicy,
                Need::All(&needs),
                Act::Manage,
            )?;
            let current = access.bucket.lifecycle_etag.map(|etag| etag.0);
            if current == Some(policy.etag) {
                return Ok(());
            }
            check_write(preconditions, current.as_ref())?;
            let mut bucket = (*access.bucket).clone();
            bucket.lifecycle_etag = Some(StoredETag(policy.etag));
            write_bucket(&tx, &path.namespace, &bucket);
            let key = keys::lifecycle_policy(&path.namespace, &bucket.id);
            tx.put(key, policy);
            Ok(())
        })
        .await?;
        Ok(policy.clone().into())
    }

    /// The lifecycle policy of a bucket, or [`ErrorKind::LifecyclePolicyNotFound`].
    pub async fn lifecycle_policy(
        &self,
        caller: &Caller,
        path: &BucketPath,
    ) -> Result<LifecyclePolicy, Error> {
        let reader = self.kv.snapshot().await?;
        let access = self.enter(&*reader, caller, path).await?;
        access.require(
            Operation::GetObjectLifecyclePolicy,
            Need::All(&[Permission::BucketRead]),
            Act::Manage,
        )?;
        let found = stored_policy(&*reader, &path.namespace, &access.bucket.id).await?;
        found.map(Into::into).ok_or_else(|| not_found(path))
    }

    /// Deletes the lifecycle policy of a bucket. A missing one is [`ErrorKind::LifecyclePolicyNotFound`].
    pub async fn delete_lifecycle_policy(
        &self,
        caller: &Caller,
        path: &BucketPath,
        preconditions: &Preconditions,
    ) -> Result<(), Error> {
        self.transact("delete_lifecycle_policy", |tx| async move {
            let access = self.enter(tx.reader(), caller, path).await?;
            access.require(
                Operation::DeleteObjectLifecyclePolicy,
                Need::All(&[Permission::BucketUpdate]),
                Act::Manage,
            )?;
            let Some(StoredETag(current)) = access.bucket.lifecycle_etag else {
                return if tx.may_have_happened() {
                    Ok(())
                } else {
                    Err(not_found(path))
                };
            };
            check_write(preconditions, Some(&current))?;
            let mut bucket = (*access.bucket).clone();
            bucket.lifecycle_etag = None;
            write_bucket(&tx, &path.namespace, &bucket);
            tx.delete(keys::lifecycle_policy(&path.namespace, &bucket.id));
            Ok(())
        })
        .await
    }
}

impl From<LifecycleRecord> for LifecyclePolicy {
    fn from(r: LifecycleRecord) -> Self {
        Self {
            etag: r.etag,
            time_created: r.time_created,
            rules: r.rules,
        }
    }
}

/// The policy of a bucket, if it has one.
pub(super) async fn stored_policy(
    reader: &dyn Reader,
    namespace: &Namespace,
    bucket: &BucketId,
) -> Result<Option<LifecycleRecord>, Error> {
    let key = keys::lifecycle_policy(namespace, bucket);
    records::decode_optional(reader.get_many(&[key]).await?.pop().flatten().as_ref())
}

/// Everything that can be wrong with rules, in words.
fn check_rules(rules: &[LifecycleRule]) -> Result<(), String> {
    if rules.len() > RULES_MAX {
        let count = rules.len();
        return Err(format!(
            "A lifecycle policy has at most {RULES_MAX} rules; this has {count}"
        ));
    }
    let mut names = HashSet::new();
    for rule in rules {
        let name = &rule.name;
        check_rule(rule).map_err(|what| format!("The lifecycle rule {name:?}: {what}"))?;
        if !names.insert(name) {
            return Err(format!("Two lifecycle rules have the name {name:?}"));
        }
    }
    Ok(())
}

fn check_rule(rule: &LifecycleRule) -> Result<(), String> {
    if !(1..=NAME_CHARS_MAX).contains(&rule.name.chars().count()) {
        return Err(format!("name must have 1 to {NAME_CHARS_MAX} characters"));
    }
    if rule.time_amount == 0 {
        return Err("timeAmount must be at least 1".to_owned());
    }
    let aborts = rule.action == LifecycleAction::Abort;
    if aborts != (rule.target == LifecycleTarget::Uploads) {
        let text = "the action ABORT goes with the target multipart-uploads, and no other does";
        return Err(text.to_owned());
    }
    rule.filter.as_ref().map_or(Ok(()), check_filter)
}

fn check_filter(filter: &ObjectNameFilter) -> Result<(), String> {
    let patterns = || {
        let inclusions = filter.inclusion_patterns.iter();
        inclusions.chain(&filter.exclusion_patterns)
    };
    let count = patterns().count();
    if count > PATTERNS_MAX {
        return Err(format!(
            "it may have {PATTERNS_MAX} patterns, inclusions and exclusions together; it has {count}"
        ));
    }
    // An empty prefix would be about everything, which nobody means who gives one.
    for text in patterns().chain(&filter.inclusion_prefixes) {
        if !(1..=PATTERN_CHARS_MAX).contains(&text.chars().count()) {
            return Err(format!(
                "prefixes and patterns have 1 to {PATTERN_CHARS_MAX} characters"
            ));
        }
    }
    for pattern in patterns() {
        Glob::parse(pattern).map_err(|what| format!("the pattern {pattern:?}: {what}"))?;
    }
    Ok(())
}

fn not_found(path: &BucketPath) -> Error {
    ErrorKind::LifecyclePolicyNotFound(path.bucket.clone()).into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::records::LifecycleTimeUnit;

    fn rule(name: &str) -> LifecycleRule {
        LifecycleRule {
            name: name.to_owned(),
            target: LifecycleTarget::Objects,
            action: LifecycleAction::Delete,
            time_amount: 1,
            time_unit: LifecycleTimeUnit::Days,
            enabled: true,
            filter: None,
        }
    }

    fn with(change: impl FnOnce(&mut LifecycleRule)) -> Result<(), String> {
        let mut rule = rule("r");
        change(&mut rule);
        check_rules(&[rule])
    }

    fn with_filter(prefixes: &[String], included: &[String], excluded: &[String]) -> bool {
        let filter = ObjectNameFilter {
            inclusion_prefixes: prefixes.to_vec(),
            inclusion_patterns: included.to_vec(),
            exclusion_patterns: excluded.to_vec(),
        };
        with(|rule| rule.filter = Some(filter)).is_ok()
    }

    #[test]
    fn a_policy_has_at_most_a_thousand_rules() {
        let mut rules: Vec<_> = (0..1000).map(|n| rule(&n.to_string())).collect();
        assert!(check_rules(&rules).is_ok() && check_rules(&[]).is_ok());
        rules.push(rule("one more"));
        assert!(check_rules(&rules).is_err());
    }

    #[test]
    fn names_are_unique_and_not_empty() {
        assert!(check_rules(&[rule("a"), rule("b")]).is_ok());
        assert!(check_rules(&[rule("a"), rule("a")]).is_err());
        assert!(check_rules(&[rule("")]).is_err());
        assert!(check_rules(&[rule(&"é".repeat(255))]).is_ok());
        assert!(check_rules(&[rule(&"é".repeat(256))]).is_err());
    }

    #[test]
    fn abort_goes_with_uploads_and_nothing_else_does() {
        use {LifecycleAction as A, LifecycleTarget as T};
        for target in [T::Objects, T::PreviousVersions, T::Uploads] {
            for action in [A::Archive, A::InfrequentAccess, A::Delete, A::Abort] {
                let fits = (action == A::Abort) == (target == T::Uploads);
                let checked = with(|rule| (rule.action, rule.target) = (action, target));
                assert_eq!(checked.is_ok(), fits, "{action:?} {target:?}");
            }
        }
    }

    #[test]
    fn an_age_of_nothing_is_refused() {
        assert!(with(|rule| rule.time_amount = 0).is_err());
    }

    #[test]
    fn a_rule_has_at_most_twenty_patterns_in_all() {
        let patterns = |count| vec!["a*".to_owned(); count];
        assert!(with_filter(&[], &patterns(12), &patterns(8)));
        assert!(!with_filter(&[], &patterns(12), &patterns(9)));
    }

    #[test]
    fn prefixes_and_patterns_have_1_to_1024_characters() {
        let text = |length| ["é".repeat(length)];
        for (length, good) in [(0, false), (1, true), (1024, true), (1025, false)] {
            assert_eq!(with_filter(&text(length), &[], &[]), good, "{length}");
            assert_eq!(with_filter(&[], &text(length), &[]), good, "{length}");
            assert_eq!(with_filter(&[], &[], &text(length)), good, "{length}");
        }
    }

    #[test]
    fn a_refusal_names_the_rule_and_the_pattern() {
        let filter = ObjectNameFilter {
            exclusion_patterns: vec!["[a".to_owned()],
            ..ObjectNameFilter::default()
        };
        let refused = with(|rule| rule.filter = Some(filter)).unwrap_err();
        assert_eq!(
            refused,
            "The lifecycle rule \"r\": the pattern \"[a\": a [ has no ]"
        );
    }
}
