//! What each variable of a condition shows, and when it does not apply.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use parbuckle_iam::permission::{Operation, Permission};
use parbuckle_iam::policy::*;

use crate::world::{Case, group};

#[track_caller]
fn shows(case: &Case, variable: &str, value: &str) {
    assert!(
        case.is_allowed_where(&format!("{variable} = '{value}'")),
        "{variable} is not {value}"
    );
    assert!(
        !case.is_allowed_where(&format!("{variable} != '{value}'")),
        "{variable} is {value}"
    );
}

#[test]
fn the_variables_of_the_request_show_who_asks_for_what() {
    let case = Case::get_object();
    shows(&case, "request.user.id", "ocid1.user.oc1..alice");
    shows(&case, "request.user.name", "Alice");
    shows(&case, "request.user.mfaTotpVerified", "false");
    shows(&case, "request.permission", "OBJECT_READ");
    shows(&case, "request.operation", "GetObject");
    shows(&case, "request.region", "iad");
    shows(&case, "request.principal.type", "user");
    shows(&case, "request.principal.id", "ocid1.user.oc1..alice");
}

#[test]
fn a_service_is_a_principal_without_user_and_groups() {
    let case = Case {
        service: Some("lifecycle"),
        ..Case::get_object()
    };
    shows(&case, "request.principal.type", "service");
    for variable in [
        "request.user.id",
        "request.user.name",
        "request.groups.id",
        "request.principal.id",
    ] {
        assert!(
            !case.is_allowed_where(&format!("{variable} != 'x'")),
            "{variable}"
        );
    }
}

#[test]
fn the_groups_of_a_user_are_many_values() {
    let groups = vec![group("Readers"), group("Writers")];
    let case = Case {
        groups,
        ..Case::get_object()
    };
    shows(&case, "request.groups.id", &group("Readers"));
    shows(&case, "request.groups.id", &group("Writers"));
    assert!(case.is_allowed_where("request.groups.id != 'ocid1.group.oc1..x'"));
}

#[test]
fn a_user_without_groups_is_in_none() {
    let case = Case {
        groups: Vec::new(),
        ..Case::get_object()
    };
    assert!(case.is_allowed_where("request.groups.id != 'ocid1.group.oc1..x'"));
    assert!(!case.is_allowed_where("request.groups.id = /*/"));
}

#[test]
fn the_variables_of_the_target_show_where_it_is() {
    let case = Case::get_object();
    shows(&case, "target.compartment.id", "ocid1.compartment.oc1..c");
    shows(&case, "target.compartment.name", "C");
    shows(&case, "target.bucket.name", "photos");
    shows(&case, "target.object.name", "2030/report.pdf");
}

#[test]
fn an_operation_that_needs_two_permissions_asks_twice() {
    let create = Case {
        permission: Permission::ObjectCreate,
        operation: Operation::CommitMultipartUpload,
        ..Case::get_object()
    };
    let overwrite = Case {
        permission: Permission::ObjectOverwrite,
        ..Case::get_object()
    };
    let condition = "request.permission = 'OBJECT_CREATE'";
    assert!(create.is_allowed_where(condition));
    assert!(!overwrite.is_allowed_where(condition));
}

#[test]
fn the_older_name_of_copy_object_is_understood() {
    let case = Case {
        operation: Operation::CopyObject,
        ..Case::get_object()
    };
    shows(&case, "request.operation", "CreateCopyRequest");
}

type DefinedTags = BTreeMap<String, BTreeMap<String, String>>;

static TAGS: LazyLock<DefinedTags> = LazyLock::new(|| {
    let keys = BTreeMap::from([("Team".to_owned(), "Red".to_owned())]);
    BTreeMap::from([("Ops".to_owned(), keys)])
});

#[test]
fn the_tags_of_a_bucket_are_tags_of_everything_in_it() {
    let mut case = Case::get_object();
    case.target.tags = Some(&*TAGS);
    shows(&case, "target.bucket.tag.ops.TEAM", "red");
    shows(&case, "target.resource.tag.ops.TEAM", "red");
}

#[test]
fn a_tag_that_is_not_set_does_not_apply() {
    let mut case = Case::get_object();
    case.target.tags = Some(&*TAGS);
    assert!(!case.is_allowed_where("target.bucket.tag.Ops.Other != 'red'"));
}

#[test]
fn tags_of_other_resources_are_no_bucket_tags() {
    let target = Target {
        tags: Some(&*TAGS),
        ..Target::default()
    };
    let case = Case {
        target,
        ..Case::get_object()
    };
    shows(&case, "target.resource.tag.Ops.Team", "red");
    assert!(!case.is_allowed_where("target.bucket.tag.Ops.Team = 'red'"));
}

#[test]
fn the_variables_of_identity_targets_show_them() {
    let named = |id, name| Some(Named { id: Some(id), name });
    let target = Target {
        user: named("ocid1.user.oc1..bob", "Bob"),
        group: named("ocid1.group.oc1..readers", "Readers"),
        policy: named("ocid1.policy.oc1..p", "P").map(|named| PolicyTarget {
            named,
            has_deny: true,
        }),
        ..Target::default()
    };
    let case = Case {
        target,
        ..Case::get_object()
    };
    shows(&case, "target.user.id", "ocid1.user.oc1..bob");
    shows(&case, "target.user.name", "bob");
    shows(&case, "target.group.id", "ocid1.group.oc1..readers");
    shows(&case, "target.group.name", "readers");
    shows(&case, "target.group.member", "true");
    shows(&case, "target.policy.id", "ocid1.policy.oc1..p");
    shows(&case, "target.policy.name", "p");
    shows(&case, "target.policy.type", "deny");
}

#[test]
fn group_member_is_false_for_a_user_outside_the_group() {
    let group = Some(Named {
        id: Some("ocid1.group.oc1..writers"),
        name: "Writers",
    });
    let case = Case {
        target: Target {
            group,
            ..Target::default()
        },
        ..Case::get_object()
    };
    shows(&case, "target.group.member", "false");
}

mod time {
    use super::*;

    fn holds_at(now: &'static str, condition: &str) -> bool {
        Case {
            now,
            ..Case::get_object()
        }
        .is_allowed_where(condition)
    }

    #[test]
    fn before_and_after_exclude_the_instant_itself() {
        let (before, after) = (
            "request.utc-timestamp before '2030-06-05T12:00:00Z'",
            "request.utc-timestamp after '2030-06-05T12:00:00Z'",
        );
        assert!(
            holds_at("2030-06-05T11:59:59Z", before) && !holds_at("2030-06-05T11:59:59Z", after)
        );
        assert!(
            !holds_at("2030-06-05T12:00:00Z", before) && !holds_at("2030-06-05T12:00:00Z", after)
        );
        assert!(
            !holds_at("2030-06-05T12:00:01Z", before) && holds_at("2030-06-05T12:00:01Z", after)
        );
    }

    #[test]
    fn month_day_and_weekday_are_those_of_utc() {
        // A Wednesday.
        let now = "2030-06-05T23:30:00Z";
        assert!(holds_at(now, "request.utc-timestamp.month-of-year = '6'"));
        assert!(holds_at(
            now,
            "request.utc-timestamp.day-of-month in ('4', '5')"
        ));
        assert!(holds_at(
            now,
            "request.utc-timestamp.day-of-week = 'wednesday'"
        ));
        assert!(!holds_at(
            now,
            "request.utc-timestamp.day-of-week != 'Wednesday'"
        ));
        assert!(holds_at(
            now,
            "request.utc-timestamp.month-of-year not in ('7', '8')"
        ));
    }

    #[test]
    fn between_includes_both_ends() {
        let condition = "request.utc-timestamp.time-of-day between '09:00:00Z' and '17:00:00Z'";
        for (now, expected) in [
            ("2030-06-05T08:59:59Z", false),
            ("2030-06-05T09:00:00Z", true),
            ("2030-06-05T17:00:00.9Z", true),
            ("2030-06-05T17:00:01Z", false),
        ] {
            assert_eq!(holds_at(now, condition), expected, "{now}");
        }
    }

    #[test]
    fn between_runs_over_midnight() {
        let condition = "request.utc-timestamp.time-of-day between '17:00:00Z' and '01:00:00Z'";
        for (now, expected) in [
            ("2030-06-05T16:59:59Z", false),
            ("2030-06-05T17:00:00Z", true),
            ("2030-06-05T00:00:00Z", true),
            ("2030-06-05T01:00:00Z", true),
            ("2030-06-05T01:00:01Z", false),
        ] {
            assert_eq!(holds_at(now, condition), expected, "{now}");
        }
    }
}
