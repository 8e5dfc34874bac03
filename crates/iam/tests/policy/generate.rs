//! Random statements and requests. The alphabets are small, so that things meet.

use std::collections::BTreeMap;

use jiff::Timestamp;
use parbuckle_iam::permission::{Operation, Permission, Resource, ResourceType, Verb};
use parbuckle_iam::policy::*;
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::{select, subsequence};

use crate::world::{COMPARTMENTS, GROUPS, ROBOTS, TENANCY, World, path_of};

/// Any statement the parser could make; its names need not exist.
pub(crate) fn statements() -> impl Strategy<Value = Statement> {
    let name = || {
        prop_oneof![
            "[A-Za-z][A-Za-z0-9_.-]{0,8}",
            "[A-Za-z' ]{1,8}",
            Just("id".to_owned()),
            "[ü/:,{}é\"]{1,4}"
        ]
    };
    let group = prop_oneof![
        (option::of(name()), name()).prop_map(|(domain, name)| GroupRef::Name { domain, name }),
        name().prop_map(GroupRef::Id),
    ];
    let subject = prop_oneof![
        vec(group.clone(), 1..4).prop_map(Subject::Groups),
        vec(group, 1..4).prop_map(Subject::DynamicGroups),
        Just(Subject::AnyUser),
        Just(Subject::AnyGroup),
        vec(name(), 1..3).prop_map(Subject::Services),
    ];
    let location = prop_oneof![
        Just(Location::Tenancy),
        vec(name(), 1..4).prop_map(Location::Path),
        name().prop_map(Location::Id),
    ];
    (
        effects(),
        subject,
        grants(),
        location,
        option::of(conditions()),
    )
        .prop_map(|(effect, subject, grant, location, condition)| Statement {
            effect,
            subject,
            grant,
            location,
            condition,
        })
}

/// A statement in the world of the tests, with the compartment it is attached to.
pub(crate) fn attached_statements() -> impl Strategy<Value = AttachedStatement> {
    let groups = vec(select(&GROUPS[..]), 1..3).prop_map(|groups| {
        Subject::Groups(
            groups
                .into_iter()
                .map(|(id, _)| GroupRef::Id(id.to_owned()))
                .collect(),
        )
    });
    let subject = prop_oneof![
        6 => groups,
        1 => Just(Subject::DynamicGroups(vec![GroupRef::Id(ROBOTS.0.to_owned())])),
        1 => Just(Subject::AnyUser),
        1 => Just(Subject::AnyGroup),
        1 => Just(Subject::Services(vec!["Lifecycle".to_owned()])),
    ];
    let place = || prop_oneof![2 => Just(COMPARTMENTS[0]), 1 => select(&COMPARTMENTS[..])];
    (
        effects(),
        subject,
        grants(),
        option::weighted(0.6, conditions()),
        (place(), place()),
    )
        .prop_map(
            |(effect, subject, grant, condition, (attached_to, location))| {
                let location = Location::Id(location.0.to_owned());
                let statement = Statement {
                    effect,
                    subject,
                    grant,
                    location,
                    condition,
                };
                let resolved = statement
                    .clone()
                    .resolve(&World, attached_to.0)
                    .or_else(|_| statement.resolve(&World, TENANCY))
                    .unwrap();
                let attached_to = attached_to.0.to_owned();
                AttachedStatement {
                    policy_name: "generated".into(),
                    attached_to,
                    resolved,
                }
            },
        )
}

fn effects() -> impl Strategy<Value = Effect> {
    prop_oneof![3 => Just(Effect::Allow), 1 => Just(Effect::Deny)]
}

fn grants() -> impl Strategy<Value = Grant> {
    let mut resources: Vec<Resource> = ResourceType::ALL.into_iter().map(Resource::Type).collect();
    resources.extend([Resource::ObjectFamily; 6]);
    resources.extend([Resource::AllResources; 6]);
    let verb = (select(&Verb::ALL[..]), select(resources.clone()))
        .prop_map(|(verb, resource)| Grant::Verb { verb, resource });
    let list = (select(resources), any::<bool>()).prop_flat_map(|(resource, is_named)| {
        let known: Vec<Permission> = resource.permissions().iter().collect();
        let count = known.len().min(4);
        subsequence(known, 1..=count)
            .prop_shuffle()
            .prop_map(move |list| Grant::Permissions {
                list,
                resource: is_named.then_some(resource),
            })
    });
    prop_oneof![2 => verb, 1 => list]
}

fn conditions() -> impl Strategy<Value = Condition> {
    tests()
        .prop_map(Condition::Test)
        .prop_recursive(4, 24, 4, |inner| {
            prop_oneof![
                vec(inner.clone(), 1..4).prop_map(Condition::Any),
                vec(inner, 1..4).prop_map(Condition::All),
            ]
        })
}

fn tests() -> impl Strategy<Value = Test> {
    let unit = select(
        &[
            CalendarUnit::MonthOfYear,
            CalendarUnit::DayOfMonth,
            CalendarUnit::DayOfWeek,
        ][..],
    );
    let calendar =
        (unit, matches(1_u8..=7)).prop_map(|(unit, matches)| Test::Calendar { unit, matches });
    prop_oneof![
        8 => text_tests(),
        1 => moments().prop_map(Test::Before),
        1 => moments().prop_map(Test::After),
        1 => calendar,
        1 => (0_u32..86_400, 0_u32..86_400).prop_map(|(from, to)| Test::TimeOfDay { from, to }),
    ]
}

/// Variables, each with values that can occur.
fn text_tests() -> impl Strategy<Value = Test> {
    variables().prop_flat_map(|variable| {
        let texts = match variable.to_string().as_str() {
            "request.permission" => select(Permission::ALL)
                .prop_map(|p| p.as_str().to_owned())
                .boxed(),
            "request.operation" => select(Operation::ALL)
                .prop_map(|o| o.name().to_owned())
                .boxed(),
            "request.user.mfaTotpVerified" | "target.group.member" => {
                select(&["true", "false"][..])
                    .prop_map(str::to_owned)
                    .boxed()
            }
            "request.principal.type" => select(&["user", "service"][..])
                .prop_map(str::to_owned)
                .boxed(),
            "target.policy.type" => select(&["allow", "deny"][..])
                .prop_map(str::to_owned)
                .boxed(),
            _ => names().boxed(),
        };
        let value = prop_oneof![
            6 => texts.prop_map(Value::Text),
            2 => "[abB*]{0,4}(/[ab*])?".prop_map(Value::Pattern),
            1 => variables().prop_map(Value::Variable),
        ];
        matches(value).prop_map(move |matches| Test::Text {
            variable: variable.clone(),
            matches,
        })
    })
}

fn variables() -> impl Strategy<Value = Variable> {
    select(
        &[
            "request.user.id",
            "request.user.name",
            "request.user.mfaTotpVerified",
            "request.groups.id",
            "request.permission",
            "request.operation",
            "request.region",
            "request.principal.type",
            "request.principal.id",
            "target.compartment.id",
            "target.compartment.name",
            "target.bucket.name",
            "target.object.name",
            "target.user.id",
            "target.user.name",
            "target.group.id",
            "target.group.name",
            "target.group.member",
            "target.policy.id",
            "target.policy.name",
            "target.policy.type",
            "target.bucket.tag.ns.a",
            "target.resource.tag.ns.b",
        ][..],
    )
    .prop_map(|name| Variable::parse(name).unwrap())
}

/// Texts for names and values: some with what could confuse the printer.
fn names() -> impl Strategy<Value = String> {
    prop_oneof![8 => "[abAB]{1,2}", 2 => "[ab*/]{1,4}", 1 => "[ab'\\\\ ,)}é]{1,5}", 1 => select(&GROUPS[..]).prop_map(|group| group.0.to_owned())]
}

fn matches<T: Clone + std::fmt::Debug>(
    operand: impl Strategy<Value = T> + Clone,
) -> impl Strategy<Value = Matches<T>> {
    prop_oneof![
        operand.clone().prop_map(Matches::Is),
        operand.clone().prop_map(Matches::IsNot),
        vec(operand.clone(), 1..4).prop_map(Matches::In),
        vec(operand, 1..4).prop_map(Matches::NotIn),
    ]
}

fn moments() -> impl Strategy<Value = Timestamp> {
    (1_900_000_000_i64..1_900_000_000 + 400 * 86_400)
        .prop_map(|second| Timestamp::from_second(second).unwrap())
}

/// Who asks for what, with its own texts.
#[derive(Debug, Clone)]
pub(crate) struct Question {
    groups: Vec<String>,
    service: Option<String>,
    texts: Vec<Option<String>>,
    permission: Permission,
    operation: Operation,
    now: Timestamp,
    compartment: &'static str,
    tags: Option<BTreeMap<String, BTreeMap<String, String>>>,
    has_deny: Option<bool>,
}

pub(crate) fn questions() -> impl Strategy<Value = Question> {
    let mut ids: Vec<String> = GROUPS.iter().map(|(id, _)| (*id).to_owned()).collect();
    ids.push(ROBOTS.0.to_owned());
    let tags = proptest::collection::btree_map("[ab]", names(), 0..3);
    (
        (
            subsequence(ids, 0..=3),
            option::weighted(0.1, Just("lifecycle".to_owned())),
        ),
        vec(option::weighted(0.7, names()), 8),
        (asked_permissions(), select(Operation::ALL)),
        moments(),
        select(&["acme", "A", "B", "C", "X"][..]),
        option::of(tags.prop_map(|keys| BTreeMap::from([("ns".to_owned(), keys)]))),
        option::of(any::<bool>()),
    )
        .prop_map(
            |(
                (groups, service),
                texts,
                (permission, operation),
                now,
                compartment,
                tags,
                has_deny,
            )| {
                Question {
                    groups,
                    service,
                    texts,
                    permission,
                    operation,
                    now,
                    compartment,
                    tags,
                    has_deny,
                }
            },
        )
}

/// Those of objects and buckets more often than the others.
fn asked_permissions() -> impl Strategy<Value = Permission> {
    let storage: Vec<Permission> = Resource::ObjectFamily.permissions().iter().collect();
    prop_oneof![2 => select(storage), 1 => select(Permission::ALL)]
}

impl Question {
    /// Asks it in the form the evaluators take.
    pub(crate) fn ask<T>(&self, answer: impl FnOnce(&Principal<'_>, &AccessRequest<'_>) -> T) -> T {
        let text = |index: usize| self.texts[index].as_deref();
        let named = |id: usize, name: usize| text(name).map(|name| Named { id: text(id), name });
        let kind = match &self.service {
            Some(name) => PrincipalKind::Service { name },
            None => PrincipalKind::User {
                id: text(0).unwrap_or("a"),
                name: text(1).unwrap_or("b"),
            },
        };
        let principal = Principal {
            tenancy_id: TENANCY,
            kind,
            groups: &self.groups,
        };
        let compartments = path_of(self.compartment);
        let policy = self.has_deny.zip(named(6, 7));
        let tags = self.tags.as_ref();
        let target = Target {
            bucket_name: text(2),
            object_name: text(3),
            tags: tags.map(|tags| tags as &(dyn Tags + Sync)),
            user: named(4, 5),
            group: named(5, 6),
            policy: policy.map(|(has_deny, named)| PolicyTarget { named, has_deny }),
        };
        let request = AccessRequest {
            permission: self.permission,
            operation: self.operation,
            now: self.now,
            region_key: "ab",
            compartments: &compartments,
            target,
        };
        answer(&principal, &request)
    }
}
