//! Why a request was allowed or refused, in words, for the owner and the log.

use std::fmt;

use super::compiled::{Compiled, Values};
use super::request::{AccessRequest, Decision, Principal, PrincipalKind};
use super::set::{AttachedStatement, PolicySet};
use super::statement::{Condition, Effect, Subject, Test};
use crate::permission::Permission;

/// Most near misses that are told.
const NEAR_MISSES_MAX: usize = 10;

/// A decision and its reasons. Display tells them in sentences.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Explanation {
    /// What [`PolicySet::evaluate`] decides.
    pub decision: Decision,
    /// The permission that was asked for.
    pub permission: Permission,
    /// The statement that decided, if one did.
    pub statement: Option<Quotation>,
    /// If nothing allows: statements that give this principal the permission in other cases.
    pub near_misses: Vec<NearMiss>,
    operation: &'static str,
    target: String,
}

/// A statement and the policy it is in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Quotation {
    /// Name of the policy.
    pub policy_name: String,
    /// Canonical text.
    pub text: String,
}

/// A statement that would have allowed, but for these reasons.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NearMiss {
    /// The statement.
    pub statement: Quotation,
    /// What did not fit, each a clause such as `target.bucket.name = 'a' is false (it is 'b')`.
    pub reasons: Vec<String>,
}

impl PolicySet {
    /// The decision of [`PolicySet::evaluate`], and why. Slower than deciding.
    pub fn explain(&self, principal: &Principal<'_>, request: &AccessRequest<'_>) -> Explanation {
        let decision = self.evaluate(principal, request);
        let deciding = match decision {
            Decision::Allowed { statement }
            | Decision::Denied {
                by_deny: Some(statement),
            } => self.statement(statement),
            Decision::Denied { by_deny: None } => None,
        };
        let near_misses = match decision {
            Decision::Denied { by_deny: None } => self.near_misses(principal, request),
            _ => Vec::new(),
        };
        Explanation {
            decision,
            permission: request.permission,
            statement: deciding.map(quote),
            near_misses,
            operation: request.operation.name(),
            target: describe_target(request),
        }
    }

    fn near_misses(&self, principal: &Principal<'_>, request: &AccessRequest<'_>) -> Vec<NearMiss> {
        self.statements
            .iter()
            .filter(|attached| {
                let statement = &attached.resolved.statement;
                self.is_own(principal)
                    && statement.effect == Effect::Allow
                    && statement.permissions().contains(request.permission)
                    && speaks_about(attached, principal)
            })
            .take(NEAR_MISSES_MAX)
            .map(|attached| NearMiss {
                statement: quote(attached),
                reasons: reasons_against(attached, principal, request),
            })
            .collect()
    }
}

fn quote(attached: &AttachedStatement) -> Quotation {
    Quotation {
        policy_name: attached.policy_name.clone(),
        text: attached.resolved.statement.to_string(),
    }
}

fn speaks_about(attached: &AttachedStatement, principal: &Principal<'_>) -> bool {
    match (&attached.resolved.statement.subject, principal.kind) {
        (Subject::AnyUser, _) | (Subject::AnyGroup, PrincipalKind::User { .. }) => true,
        (Subject::Groups(_) | Subject::DynamicGroups(_), PrincipalKind::User { .. }) => principal
            .groups
            .iter()
            .any(|id| attached.resolved.groups.contains(id)),
        (Subject::Services(names), PrincipalKind::Service { name }) => names
            .iter()
            .any(|known| known.to_lowercase() == name.to_lowercase()),
        _ => false,
    }
}

fn reasons_against(
    attached: &AttachedStatement,
    principal: &Principal<'_>,
    request: &AccessRequest<'_>,
) -> Vec<String> {
    let mut reasons = Vec::new();
    let is_on_path = |id: &str| request.compartments.iter().any(|above| above.id == id);
    if !is_on_path(&attached.resolved.compartment_id) {
        let location = &attached.resolved.statement.location;
        reasons.push(format!("the target is not in {location}"));
    } else if !is_on_path(&attached.attached_to) {
        reasons.push("the target is no longer below the compartment of the policy".to_owned());
    }
    if let Some(condition) = &attached.resolved.statement.condition {
        false_tests(condition, principal, request, &mut reasons);
    }
    reasons
}

/// Adds each test that makes the condition false, with the value it saw.
fn false_tests(
    condition: &Condition,
    principal: &Principal<'_>,
    request: &AccessRequest<'_>,
    reasons: &mut Vec<String>,
) {
    if Compiled::new(condition).holds(principal, request) {
        return;
    }
    match condition {
        Condition::Any(parts) | Condition::All(parts) => {
            for part in parts {
                false_tests(part, principal, request, reasons);
            }
        }
        Condition::Test(test) => {
            let seen = seen(test, principal, request);
            reasons.push(format!("{test} is false ({seen})"));
        }
    }
}

/// What a test saw in place of the value it wanted.
fn seen(test: &Test, principal: &Principal<'_>, request: &AccessRequest<'_>) -> String {
    let Test::Text { variable, .. } = test else {
        return format!("it is {}", request.now);
    };
    match variable.values(principal, request) {
        None => "it does not apply here".to_owned(),
        Some(Values::One(value)) => format!("it is '{value}'"),
        Some(Values::Many(values)) => format!("it has {} values", values.len()),
    }
}

fn describe_target(request: &AccessRequest<'_>) -> String {
    let mut words = Vec::new();
    let target = &request.target;
    for (kind, name) in [
        ("object", target.object_name),
        ("bucket", target.bucket_name),
        ("user", target.user.map(|user| user.name)),
        ("group", target.group.map(|group| group.name)),
        ("policy", target.policy.map(|policy| policy.named.name)),
    ] {
        words.extend(name.map(|name| format!("{kind} '{name}'")));
    }
    let path: Vec<&str> = request
        .compartments
        .iter()
        .rev()
        .map(|above| above.name)
        .collect();
    words.push(format!("compartment '{}'", path.join(":")));
    words.join(", ")
}

impl fmt::Display for Explanation {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            permission,
            operation,
            target,
            ..
        } = self;
        match (&self.decision, &self.statement) {
            (Decision::Allowed { .. }, Some(statement)) => {
                write!(
                    out,
                    "{operation} has {permission} on {target}: {statement}."
                )
            }
            (Decision::Denied { .. }, Some(statement)) => {
                write!(
                    out,
                    "{operation} is refused {permission} on {target}: {statement}."
                )
            }
            (_, None) => {
                write!(
                    out,
                    "{operation} needs {permission} on {target}, and no statement allows it."
                )?;
                self.near_misses
                    .iter()
                    .try_for_each(|near| write!(out, " Close: {near}."))
            }
        }
    }
}

impl fmt::Display for Quotation {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "policy {} says \"{}\"", self.policy_name, self.text)
    }
}

impl fmt::Display for NearMiss {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            out,
            "{}, but {}",
            self.statement,
            self.reasons.join(" and ")
        )
    }
}
