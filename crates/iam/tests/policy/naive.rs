//! A second evaluator, as plain as can be: each statement in turn, everything as text, nothing
//! prepared. It shares the syntax tree with the real one, and no more.

use jiff::tz::TimeZone;
use parbuckle_iam::permission::{Permission, ResourceType, Verb};
use parbuckle_iam::policy::*;

pub(crate) fn is_allowed(
    statements: &[AttachedStatement],
    tenancy_id: &str,
    administrators_id: &str,
    principal: &Principal<'_>,
    request: &AccessRequest<'_>,
) -> bool {
    let applies = |effect: Effect| {
        statements.iter().any(|attached| {
            attached.resolved.statement.effect == effect
                && statement_applies(attached, principal, request)
        })
    };
    let is_administrator = principal.groups.iter().any(|id| id == administrators_id);
    principal.tenancy_id == tenancy_id
        && applies(Effect::Allow)
        && (is_administrator || !applies(Effect::Deny))
}

fn statement_applies(
    attached: &AttachedStatement,
    principal: &Principal<'_>,
    request: &AccessRequest<'_>,
) -> bool {
    let statement = &attached.resolved.statement;
    let above: Vec<&str> = request
        .compartments
        .iter()
        .map(|compartment| compartment.id)
        .collect();
    subject_is(statement, &attached.resolved.groups, principal)
        && speaks_about(statement, request.permission)
        && above.contains(&attached.resolved.compartment_id.as_str())
        && above.contains(&attached.attached_to.as_str())
        && statement
            .condition
            .as_ref()
            .is_none_or(|condition| holds(condition, principal, request))
}

fn subject_is(statement: &Statement, groups: &[String], principal: &Principal<'_>) -> bool {
    match principal.kind {
        PrincipalKind::User { .. } => match statement.subject {
            Subject::AnyUser | Subject::AnyGroup => true,
            Subject::Groups(_) | Subject::DynamicGroups(_) => {
                principal.groups.iter().any(|id| groups.contains(id))
            }
            Subject::Services(_) => false,
        },
        PrincipalKind::Service { name } => match &statement.subject {
            Subject::AnyUser => true,
            Subject::Services(names) => names.iter().any(|known| known.eq_ignore_ascii_case(name)),
            _ => false,
        },
    }
}

fn speaks_about(statement: &Statement, permission: Permission) -> bool {
    match &statement.grant {
        Grant::Permissions { list, .. } => list.contains(&permission),
        Grant::Verb { verb, resource } => {
            let Some((kind, levels)) = levels_of(permission) else {
                return false;
            };
            let fits = |level: &Verb| match statement.effect {
                Effect::Allow => level <= verb,
                Effect::Deny => level >= verb,
            };
            resource.types().contains(&kind) && levels.iter().any(fits)
        }
    }
}

/// The tables of the wire reference (12.1 and 12.3), read from the permission's side.
fn levels_of(permission: Permission) -> Option<(ResourceType, &'static [Verb])> {
    const INSPECT: &[Verb] = &[Verb::Inspect];
    const READ: &[Verb] = &[Verb::Read];
    const USE: &[Verb] = &[Verb::Use];
    const MANAGE: &[Verb] = &[Verb::Manage];
    let (prefix, rest) = match permission.as_str() {
        "PAR_MANAGE" | "RETENTION_RULE_MANAGE" | "RETENTION_RULE_LOCK" => ("BUCKET", "MANAGE"),
        "TENANCY_UPDATE" => return Some((ResourceType::Tenancies, &[Verb::Use, Verb::Manage])),
        "POLICY_READ" => return Some((ResourceType::Policies, INSPECT)),
        name if name.starts_with("DYNAMIC_GROUP_") => name.split_at("DYNAMIC_GROUP".len()),
        name => name.split_once('_')?,
    };
    let kind = match prefix {
        "OBJECTSTORAGE" => return Some((ResourceType::Namespaces, MANAGE)),
        "BUCKET" => ResourceType::Buckets,
        "OBJECT" => ResourceType::Objects,
        "USER" => ResourceType::Users,
        "GROUP" => ResourceType::Groups,
        "DYNAMIC_GROUP" => ResourceType::DynamicGroups,
        "POLICY" => return Some((ResourceType::Policies, MANAGE)),
        "COMPARTMENT" => ResourceType::Compartments,
        "TENANCY" => ResourceType::Tenancies,
        _ => return None,
    };
    let levels = match rest.trim_start_matches('_') {
        "INSPECT" => INSPECT,
        "READ" => READ,
        "UPDATE" | "OVERWRITE" => USE,
        _ => MANAGE,
    };
    Some((kind, levels))
}

fn holds(condition: &Condition, principal: &Principal<'_>, request: &AccessRequest<'_>) -> bool {
    match condition {
        Condition::Any(parts) => parts.iter().any(|part| holds(part, principal, request)),
        Condition::All(parts) => parts.iter().all(|part| holds(part, principal, request)),
        Condition::Test(test) => test_holds(test, principal, request),
    }
}

fn test_holds(test: &Test, principal: &Principal<'_>, request: &AccessRequest<'_>) -> bool {
    let now = request.now.to_zoned(TimeZone::UTC);
    match test {
        Test::Before(time) => request.now < *time,
        Test::After(time) => *time < request.now,
        Test::TimeOfDay { from, to } => {
            let text = |seconds: u32| {
                format!(
                    "{:02}:{:02}:{:02}",
                    seconds / 3600,
                    seconds % 3600 / 60,
                    seconds % 60
                )
            };
            let (from, to, now) = (text(*from), text(*to), now.strftime("%H:%M:%S").to_string());
            if from <= to {
                from <= now && now <= to
            } else {
                now <= to || from <= now
            }
        }
        Test::Calendar { unit, matches } => {
            let format = match unit {
                CalendarUnit::MonthOfYear => "%m",
                CalendarUnit::DayOfMonth => "%d",
                CalendarUnit::DayOfWeek => "%u",
            };
            let number: u8 = now.strftime(format).to_string().parse().unwrap();
            matches.operands().contains(&number) != matches.is_negated()
        }
        Test::Text { variable, matches } => {
            let Some(values) = values_of(variable, principal, request) else {
                return false;
            };
            let mut found = false;
            for operand in matches.operands() {
                match operand {
                    Value::Text(text) if variable.to_string() == "target.object.name" => {
                        found |= values.iter().any(|value| glob(text, value));
                    }
                    Value::Text(text) => {
                        found |= values.iter().any(|value| lower(value) == lower(text))
                    }
                    Value::Pattern(pattern) => {
                        found |= values.iter().any(|value| glob(pattern, value))
                    }
                    Value::Variable(other) => match values_of(other, principal, request) {
                        None => return false,
                        Some(others) => {
                            found |= values.iter().any(|value| {
                                others.iter().any(|other| lower(other) == lower(value))
                            });
                        }
                    },
                }
            }
            found != matches.is_negated()
        }
    }
}

fn values_of(
    variable: &Variable,
    principal: &Principal<'_>,
    request: &AccessRequest<'_>,
) -> Option<Vec<String>> {
    let (user_id, user_name) = match principal.kind {
        PrincipalKind::User { id, name } => (Some(id), Some(name)),
        PrincipalKind::Service { .. } => (None, None),
    };
    let target = &request.target;
    let name = variable.to_string();
    let value = match name.as_str() {
        "request.user.id" | "request.principal.id" => user_id,
        "request.user.name" => user_name,
        "request.user.mfaTotpVerified" => user_id.map(|_| "false"),
        "request.groups.id" => return user_id.map(|_| principal.groups.to_vec()),
        "request.permission" => Some(request.permission.as_str()),
        "request.operation" => Some(request.operation.name()),
        "request.region" => Some(request.region_key),
        "request.principal.type" => Some(if user_id.is_some() { "user" } else { "service" }),
        "target.compartment.id" => Some(request.compartments.first()?.id),
        "target.compartment.name" => Some(request.compartments.first()?.name),
        "target.bucket.name" => target.bucket_name,
        "target.object.name" => target.object_name,
        "target.user.id" => target.user?.id,
        "target.user.name" => Some(target.user?.name),
        "target.group.id" => target.group?.id,
        "target.group.name" => Some(target.group?.name),
        "target.group.member" => {
            let id = target.group?.id?.to_owned();
            user_id.map(|_| {
                if principal.groups.contains(&id) {
                    "true"
                } else {
                    "false"
                }
            })
        }
        "target.policy.id" => target.policy?.named.id,
        "target.policy.name" => Some(target.policy?.named.name),
        "target.policy.type" => Some(if target.policy?.has_deny {
            "deny"
        } else {
            "allow"
        }),
        _ => {
            let mut parts = name.split('.').skip(3);
            let is_bucket_tag = name.starts_with("target.bucket.");
            if is_bucket_tag && target.bucket_name.is_none() {
                return None;
            }
            target.tags?.value(parts.next()?, parts.next()?)
        }
    };
    value.map(|value| vec![value.to_owned()])
}

fn lower(text: &str) -> String {
    text.to_lowercase()
}

/// Tries every length an asterisk could stand for.
fn glob(pattern: &str, text: &str) -> bool {
    fn go(pattern: &[char], text: &[char]) -> bool {
        match pattern.split_first() {
            None => text.is_empty(),
            Some(('*', rest)) => (0..=text.len()).any(|taken| go(rest, &text[taken..])),
            Some((first, rest)) => text.first() == Some(first) && go(rest, &text[1..]),
        }
    }
    let chars = |text: &str| lower(text).chars().collect::<Vec<_>>();
    go(&chars(pattern), &chars(text))
}
