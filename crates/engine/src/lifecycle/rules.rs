//! What the rules of a policy say about a name: pure functions over parsed patterns.

use parbuckle_model::StorageTier;

use super::glob::Glob;
use crate::records::{LifecycleAction, LifecycleRule, LifecycleTarget, LifecycleTimeUnit};

const DAY: u64 = 24 * 60 * 60;

/// The enabled rules of a policy, ready for use.
#[derive(Debug, Default)]
pub(super) struct Rules(Vec<Rule>);

#[derive(Debug)]
struct Rule {
    target: LifecycleTarget,
    action: LifecycleAction,
    /// The age in seconds from which it applies.
    age: u64,
    prefixes: Vec<String>,
    included: Vec<Glob>,
    excluded: Vec<Glob>,
}

/// The ages in seconds from which the rules that are about a name apply.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Ages {
    delete: Option<u64>,
    archive: Option<u64>,
    infrequent: Option<u64>,
    abort: Option<u64>,
}

/// What is to be done with an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    Delete,
    MoveTo(StorageTier),
}

impl Rules {
    /// Parses the rules. A text that says what is wrong otherwise.
    pub(super) fn parse(rules: &[LifecycleRule]) -> Result<Self, &'static str> {
        let enabled = rules.iter().filter(|rule| rule.enabled);
        enabled.map(parse).collect::<Result<_, _>>().map(Self)
    }

    /// Whether any rule is about these.
    pub(super) fn concern(&self, target: LifecycleTarget) -> bool {
        self.0.iter().any(|rule| rule.target == target)
    }

    /// From which ages on the rules apply to a name, as far as `age` seconds reach.
    pub(super) fn ages(&self, target: LifecycleTarget, name: &str, age: u64) -> Ages {
        let mut ages = Ages::default();
        for rule in &self.0 {
            let least = ages.of(rule.action);
            let matters = rule.target == target
                && rule.age <= age
                && least.is_none_or(|least| rule.age < least);
            if matters && rule.covers(name) {
                *least = Some(rule.age);
            }
        }
        ages
    }
}

impl Ages {
    /// What is to be done with an object of this age in seconds and this tier. Deleting comes before moving, and
    /// Archive before InfrequentAccess; nothing moves to a warmer tier.
    pub(super) fn step(&self, age: u64, tier: StorageTier) -> Option<Step> {
        let applies = |from: Option<u64>| from.is_some_and(|from| age >= from);
        if applies(self.delete) {
            Some(Step::Delete)
        } else if applies(self.archive) && tier != StorageTier::Archive {
            Some(Step::MoveTo(StorageTier::Archive))
        } else if applies(self.infrequent) && tier == StorageTier::Standard {
            Some(Step::MoveTo(StorageTier::InfrequentAccess))
        } else {
            None
        }
    }

    /// Whether a delete marker of this age in seconds is to be deleted.
    pub(super) fn delete_at(&self, age: u64) -> bool {
        self.delete.is_some_and(|from| age >= from)
    }

    /// Whether an upload of this age in seconds is to be aborted.
    pub(super) fn abort_at(&self, age: u64) -> bool {
        self.abort.is_some_and(|from| age >= from)
    }

    /// Whether no rule applies.
    pub(super) fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    fn of(&mut self, action: LifecycleAction) -> &mut Option<u64> {
        match action {
            LifecycleAction::Delete => &mut self.delete,
            LifecycleAction::Archive => &mut self.archive,
            LifecycleAction::InfrequentAccess => &mut self.infrequent,
            LifecycleAction::Abort => &mut self.abort,
        }
    }
}

impl Rule {
    fn covers(&self, name: &str) -> bool {
        let matches = |globs: &[Glob]| globs.iter().any(|glob| glob.matches(name));
        let included = (self.prefixes.is_empty() && self.included.is_empty())
            || self.prefixes.iter().any(|prefix| name.starts_with(prefix))
            || matches(&self.included);
        included && !matches(&self.excluded)
    }
}

fn parse(rule: &LifecycleRule) -> Result<Rule, &'static str> {
    let filter = rule.filter.clone().unwrap_or_default();
    let unit = match rule.time_unit {
        LifecycleTimeUnit::Days => DAY,
        LifecycleTimeUnit::Years => 365 * DAY,
    };
    Ok(Rule {
        target: rule.target,
        action: rule.action,
        age: u64::from(rule.time_amount) * unit,
        included: globs(&filter.inclusion_patterns)?,
        excluded: globs(&filter.exclusion_patterns)?,
        prefixes: filter.inclusion_prefixes,
    })
}

fn globs(patterns: &[String]) -> Result<Vec<Glob>, &'static str> {
    patterns
        .iter()
        .map(|pattern| Glob::parse(pattern))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::records::ObjectNameFilter;

    fn rule(action: LifecycleAction, days: u32) -> LifecycleRule {
        LifecycleRule {
            name: "r".to_owned(),
            target: LifecycleTarget::Objects,
            action,
            time_amount: days,
            time_unit: LifecycleTimeUnit::Days,
            enabled: true,
            filter: None,
        }
    }

    fn filtered(prefixes: &[&str], included: &[&str], excluded: &[&str]) -> Rules {
        let texts = |list: &[&str]| list.iter().map(|text| (*text).to_owned()).collect();
        let filter = ObjectNameFilter {
            inclusion_prefixes: texts(prefixes),
            inclusion_patterns: texts(included),
            exclusion_patterns: texts(excluded),
        };
        let rule = LifecycleRule {
            filter: Some(filter),
            ..rule(LifecycleAction::Delete, 1)
        };
        Rules::parse(&[rule]).unwrap()
    }

    fn covers(rules: &Rules, name: &str) -> bool {
        !rules.ages(LifecycleTarget::Objects, name, DAY).is_empty()
    }

    fn step(rules: &[LifecycleRule], age: u64, tier: StorageTier) -> Option<Step> {
        let rules = Rules::parse(rules).unwrap();
        rules
            .ages(LifecycleTarget::Objects, "o", age)
            .step(age, tier)
    }

    #[test]
    fn a_rule_applies_from_its_age_on() {
        let rules = [rule(LifecycleAction::Delete, 1)];
        assert_eq!(step(&rules, DAY - 1, StorageTier::Standard), None);
        let delete = Some(Step::Delete);
        assert_eq!(step(&rules, DAY, StorageTier::Standard), delete);
    }

    #[test]
    fn a_year_has_365_days() {
        let rules = [LifecycleRule {
            time_unit: LifecycleTimeUnit::Years,
            ..rule(LifecycleAction::Delete, 2)
        }];
        assert_eq!(step(&rules, 730 * DAY - 1, StorageTier::Standard), None);
        assert!(step(&rules, 730 * DAY, StorageTier::Standard).is_some());
    }

    #[test]
    fn deleting_comes_before_moving_and_archive_before_infrequent_access() {
        use LifecycleAction as A;
        let all = [A::InfrequentAccess, A::Archive, A::Delete].map(|action| rule(action, 1));
        let tier = StorageTier::Standard;
        assert_eq!(step(&all, DAY, tier), Some(Step::Delete));
        let archive = Some(Step::MoveTo(StorageTier::Archive));
        assert_eq!(step(&all[..2], DAY, tier), archive);
    }

    #[test]
    fn nothing_moves_to_a_warmer_tier() {
        let infrequent = [rule(LifecycleAction::InfrequentAccess, 1)];
        assert_eq!(step(&infrequent, DAY, StorageTier::Archive), None);
        let archive = [rule(LifecycleAction::Archive, 1)];
        assert_eq!(step(&archive, DAY, StorageTier::Archive), None);
        assert!(step(&archive, DAY, StorageTier::InfrequentAccess).is_some());
    }

    #[test]
    fn a_rule_that_is_not_enabled_does_nothing() {
        let mut off = rule(LifecycleAction::Delete, 1);
        off.enabled = false;
        assert_eq!(step(&[off], DAY, StorageTier::Standard), None);
    }

    #[test]
    fn prefixes_and_patterns_include_each_for_itself() {
        let rules = filtered(&["logs/"], &["*.tmp"], &[]);
        assert!(covers(&rules, "logs/a") && covers(&rules, "x.tmp"));
        assert!(!covers(&rules, "a"));
    }

    #[test]
    fn an_exclusion_wins_over_every_inclusion() {
        let rules = filtered(&["logs/"], &["*"], &["*.keep"]);
        assert!(covers(&rules, "logs/a") && !covers(&rules, "logs/a.keep"));
    }

    #[test]
    fn a_filter_that_only_excludes_is_about_all_others() {
        let rules = filtered(&[], &[], &["a*"]);
        assert!(covers(&rules, "b") && !covers(&rules, "ab"));
    }
}
