//! The policies of a tenancy, arranged so that a decision costs little.
//!
//! Each compartment has its list of rules: sixteen bytes of permissions, the number of a subject,
//! and the index of the statement. A decision turns the principal into a set of subject numbers,
//! walks the rules of the target's compartment and of those above it, skips by two bit tests, and
//! evaluates conditions only of what is left.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

use super::compiled::Compiled;
use super::request::{AccessRequest, Decision, Principal, PrincipalKind};
use super::resolve::ResolvedStatement;
use super::statement::{Effect, Subject};
use crate::permission::PermissionSet;

/// A resolved statement and the policy it is in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AttachedStatement {
    /// Name of the policy, for explanations.
    pub policy_name: String,
    /// OCID of the compartment the policy is attached to.
    pub attached_to: String,
    /// The statement.
    pub resolved: ResolvedStatement,
}

/// Every statement of a tenancy, compiled. Immutable: any change of policies makes a new one.
#[derive(Debug)]
pub struct PolicySet {
    tenancy_id: Box<str>,
    administrators_id: Option<Box<str>>,
    pub(super) statements: Vec<AttachedStatement>,
    conditions: Vec<Option<Compiled>>,
    compartments: IdMap<Place>,
    /// Numbers of groups, dynamic groups and services, from [`FIRST_NUMBER`] up.
    groups: IdMap<u32>,
    services: HashMap<String, u32>,
    /// What any Deny statement speaks about.
    denied: PermissionSet,
}

/// A compartment that a statement names, and what is said there.
#[derive(Debug)]
struct Place {
    number: u32,
    allow: Vec<Rule>,
    deny: Vec<Rule>,
}

#[derive(Debug, Clone, Copy)]
struct Rule {
    permissions: PermissionSet,
    subject: u32,
    /// Where its policy is attached. A policy speaks about its own subtree only, also after the
    /// named compartment was moved out of it.
    attached_to: u32,
    statement: u32,
}

const ANY_USER: u32 = 0;
const ANY_GROUP: u32 = 1;
const FIRST_NUMBER: u32 = 2;

impl PolicySet {
    /// Compiles the statements of the tenancy. `administrators_id` is the OCID of its default
    /// Administrators group, whose members no Deny statement reaches (wire reference 12.4).
    ///
    /// Decisions name statements by their index in `statements`.
    pub fn compile(
        tenancy_id: &str,
        administrators_id: Option<&str>,
        statements: Vec<AttachedStatement>,
    ) -> Self {
        let mut set = Self {
            tenancy_id: tenancy_id.into(),
            administrators_id: administrators_id.map(Box::from),
            statements: Vec::new(),
            conditions: Vec::with_capacity(statements.len()),
            compartments: IdMap::default(),
            groups: IdMap::default(),
            services: HashMap::new(),
            denied: PermissionSet::EMPTY,
        };
        for (index, attached) in (0..).zip(&statements) {
            set.add(index, attached);
        }
        set.statements = statements;
        set
    }

    /// Whether the principal has the permission on the target, and which statement says so.
    ///
    /// Deny beats Allow; what no statement allows is denied.
    pub fn evaluate(&self, principal: &Principal<'_>, request: &AccessRequest<'_>) -> Decision {
        if !self.is_own(principal) {
            return Decision::Denied { by_deny: None };
        }
        let subjects = self.subjects_of(principal);
        let path: Vec<&Place> = request
            .compartments
            .iter()
            .filter_map(|compartment| self.compartments.get(compartment.id))
            .collect();
        let find = |rules: fn(&Place) -> &[Rule]| {
            let applies = |rule: &&Rule| {
                rule.permissions.contains(request.permission)
                    && subjects.contains(rule.subject)
                    && path.iter().any(|place| place.number == rule.attached_to)
                    && self.condition_holds(rule, principal, request)
            };
            let mut rules = path.iter().flat_map(|place| rules(place));
            rules.find(applies).map(|rule| rule.statement as usize)
        };
        if self.denied.contains(request.permission) && !self.is_administrator(principal) {
            let by_deny = find(|place| &place.deny);
            if by_deny.is_some() {
                return Decision::Denied { by_deny };
            }
        }
        match find(|place| &place.allow) {
            Some(statement) => Decision::Allowed { statement },
            None => Decision::Denied { by_deny: None },
        }
    }

    /// The statement at that index, as decisions name it.
    pub fn statement(&self, index: usize) -> Option<&AttachedStatement> {
        self.statements.get(index)
    }

    /// Whether the principal is of this tenancy. The policies of one do not speak about another.
    pub(super) fn is_own(&self, principal: &Principal<'_>) -> bool {
        *principal.tenancy_id == *self.tenancy_id
    }

    fn add(&mut self, index: u32, attached: &AttachedStatement) {
        let resolved = &attached.resolved;
        let statement = &resolved.statement;
        let permissions = statement.permissions();
        let subjects = self.numbers_of(&statement.subject, &resolved.groups);
        let attached_to = self.place(&attached.attached_to).number;
        let place = self.place(&resolved.compartment_id);
        let rules = match statement.effect {
            Effect::Allow => &mut place.allow,
            Effect::Deny => &mut place.deny,
        };
        rules.extend(subjects.into_iter().map(|subject| Rule {
            permissions,
            subject,
            attached_to,
            statement: index,
        }));
        if statement.effect == Effect::Deny {
            self.denied = self.denied.union(permissions);
        }
        self.conditions
            .push(statement.condition.as_ref().map(Compiled::new));
    }

    fn place(&mut self, id: &str) -> &mut Place {
        let number = count(&self.compartments);
        let new = || Place {
            number,
            allow: Vec::new(),
            deny: Vec::new(),
        };
        self.compartments.entry(id.into()).or_insert_with(new)
    }

    /// The numbers of a statement's subjects, new ones where needed.
    fn numbers_of(&mut self, subject: &Subject, groups: &[String]) -> Vec<u32> {
        let mut next = FIRST_NUMBER + count(&self.groups) + count(&self.services);
        let mut number = |known: Option<u32>| {
            known.unwrap_or_else(|| {
                next += 1;
                next - 1
            })
        };
        match subject {
            Subject::AnyUser => vec![ANY_USER],
            Subject::AnyGroup => vec![ANY_GROUP],
            Subject::Groups(_) | Subject::DynamicGroups(_) => {
                let add = |id: &String| {
                    let number = number(self.groups.get(id.as_str()).copied());
                    *self.groups.entry(id.as_str().into()).or_insert(number)
                };
                groups.iter().map(add).collect()
            }
            Subject::Services(names) => {
                let add = |name: &String| {
                    let name = name.to_lowercase();
                    let number = number(self.services.get(&name).copied());
                    *self.services.entry(name).or_insert(number)
                };
                names.iter().map(add).collect()
            }
        }
    }

    /// The numbers of everything statements can call this principal.
    fn subjects_of(&self, principal: &Principal<'_>) -> Numbers {
        let mut subjects =
            Numbers::up_to(FIRST_NUMBER + count(&self.groups) + count(&self.services));
        subjects.insert(ANY_USER);
        match principal.kind {
            PrincipalKind::User { .. } => {
                subjects.insert(ANY_GROUP);
                let known = principal
                    .groups
                    .iter()
                    .filter_map(|id| self.groups.get(id.as_str()));
                known.for_each(|number| subjects.insert(*number));
            }
            PrincipalKind::Service { name } => {
                let known = self.services.get(&name.to_lowercase());
                known
                    .into_iter()
                    .for_each(|number| subjects.insert(*number));
            }
        }
        subjects
    }

    fn is_administrator(&self, principal: &Principal<'_>) -> bool {
        let administrators = self.administrators_id.as_deref();
        administrators.is_some_and(|id| principal.groups.iter().any(|group| group == id))
    }

    fn condition_holds(
        &self,
        rule: &Rule,
        principal: &Principal<'_>,
        request: &AccessRequest<'_>,
    ) -> bool {
        let condition = &self.conditions[rule.statement as usize];
        condition
            .as_ref()
            .is_none_or(|condition| condition.holds(principal, request))
    }
}

/// A set of small numbers, one bit each.
struct Numbers(Vec<u64>);

impl Numbers {
    fn up_to(end: u32) -> Self {
        Self(vec![0; end.div_ceil(64) as usize])
    }

    fn insert(&mut self, number: u32) {
        self.0[number as usize / 64] |= 1 << (number % 64);
    }

    fn contains(&self, number: u32) -> bool {
        self.0[number as usize / 64] >> (number % 64) & 1 == 1
    }
}

fn count<K, V, S>(map: &HashMap<K, V, S>) -> u32 {
    u32::try_from(map.len()).expect("fewer names than bytes of memory for them")
}

/// A map by OCID.
type IdMap<V> = HashMap<Box<str>, V, BuildHasherDefault<IdHasher>>;

/// Hashes the last eight bytes of an OCID: they are 40 of its random bits, made by this server, and
/// hashing all 80 would be the greater part of a decision.
#[derive(Default)]
struct IdHasher(u64);

impl Hasher for IdHasher {
    fn write(&mut self, bytes: &[u8]) {
        let number = match bytes.last_chunk() {
            Some(tail) => u64::from_le_bytes(*tail),
            None => bytes
                .iter()
                .fold(0, |number, byte| (number << 8) | u64::from(*byte)),
        };
        self.0 = (self.0 ^ number).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    }

    /// The mark after a text, which tells nothing here.
    fn write_u8(&mut self, _: u8) {}

    fn finish(&self) -> u64 {
        self.0.rotate_left(32)
    }
}
