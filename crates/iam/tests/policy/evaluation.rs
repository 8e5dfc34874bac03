//! Who may do what: one rule per test.

use parbuckle_iam::permission::{Operation, Permission};
use parbuckle_iam::policy::*;

use crate::world::{ADMINISTRATORS, Case, ROBOTS, TENANCY, attach, group, path_of, policies};

const DENIED: Decision = Decision::Denied { by_deny: None };

mod subjects {
    use super::*;

    #[test]
    fn without_a_statement_everything_is_denied() {
        assert_eq!(Case::get_object().decide(&policies(&[])), DENIED);
    }

    #[test]
    fn a_member_of_any_listed_group_is_meant() {
        let case = Case::get_object();
        assert!(case.is_allowed_by("Allow group Writers, Readers to read objects in tenancy"));
        assert!(!case.is_allowed_by("Allow group Writers to read objects in tenancy"));
    }

    #[test]
    fn a_member_of_a_dynamic_group_is_meant() {
        let case = Case {
            groups: vec![ROBOTS.0.into()],
            ..Case::get_object()
        };
        assert!(case.is_allowed_by("Allow dynamic-group Robots to read objects in tenancy"));
    }

    #[test]
    fn any_user_means_users_and_services() {
        let statement = "Allow any-user to read objects in tenancy";
        assert!(
            Case {
                groups: vec![],
                ..Case::get_object()
            }
            .is_allowed_by(statement)
        );
        assert!(
            Case {
                service: Some("lifecycle"),
                ..Case::get_object()
            }
            .is_allowed_by(statement)
        );
    }

    #[test]
    fn any_group_means_users_without_services() {
        let statement = "Allow any-group to read objects in tenancy";
        assert!(
            Case {
                groups: vec![],
                ..Case::get_object()
            }
            .is_allowed_by(statement)
        );
        assert!(
            !Case {
                service: Some("lifecycle"),
                ..Case::get_object()
            }
            .is_allowed_by(statement)
        );
    }

    #[test]
    fn a_service_is_meant_by_its_name_and_never_by_a_group() {
        let case = Case {
            service: Some("ObjectStorage-iad"),
            ..Case::get_object()
        };
        assert!(
            case.is_allowed_by("Allow service other, objectstorage-IAD to read objects in tenancy")
        );
        assert!(!case.is_allowed_by("Allow service other to read objects in tenancy"));
        assert!(!case.is_allowed_by("Allow group Readers to read objects in tenancy"));
    }

    #[test]
    fn a_user_is_never_a_service() {
        let statement = "Allow service Alice to read objects in tenancy";
        assert!(!Case::get_object().is_allowed_by(statement));
    }

    #[test]
    fn a_principal_of_another_tenancy_is_denied() {
        let case = Case {
            tenancy_id: "ocid1.tenancy.oc1..other",
            ..Case::get_object()
        };
        assert!(!case.is_allowed_by("Allow any-user to manage all-resources in tenancy"));
    }
}

mod permissions {
    use super::*;

    #[test]
    fn a_verb_grants_its_permissions_and_those_below() {
        let case = Case::get_object();
        assert!(case.is_allowed_by("Allow group Readers to manage objects in tenancy"));
        assert!(!case.is_allowed_by("Allow group Readers to inspect objects in tenancy"));
    }

    #[test]
    fn a_family_grants_each_of_its_types() {
        let case = Case::get_object();
        assert!(case.is_allowed_by("Allow group Readers to read object-family in tenancy"));
        assert!(case.is_allowed_by("Allow group Readers to read all-resources in tenancy"));
    }

    #[test]
    fn a_list_grants_exactly_its_permissions() {
        let case = Case::get_object();
        assert!(
            case.is_allowed_by("Allow group Readers to {OBJECT_INSPECT, OBJECT_READ} in tenancy")
        );
        assert!(
            !case
                .is_allowed_by("Allow group Readers to {OBJECT_INSPECT, OBJECT_CREATE} in tenancy")
        );
    }
}

mod locations {
    use super::*;

    #[test]
    fn a_statement_holds_in_its_compartment_and_below() {
        let case = Case::get_object();
        for location in [
            "tenancy",
            "compartment A",
            "compartment A:B",
            "compartment A:B:C",
        ] {
            let statement = format!("Allow group Readers to read objects in {location}");
            assert!(case.is_allowed_by(&statement), "{location}");
        }
    }

    #[test]
    fn a_statement_does_not_hold_above_or_beside_its_compartment() {
        let case = Case {
            compartments: path_of("B"),
            ..Case::get_object()
        };
        for location in ["compartment A:B:C", "compartment X"] {
            let statement = format!("Allow group Readers to read objects in {location}");
            assert!(!case.is_allowed_by(&statement), "{location}");
        }
    }

    #[test]
    fn a_statement_does_not_follow_a_compartment_out_of_the_subtree_of_its_policy() {
        let text = "Allow group Readers to read objects in compartment C";
        let set = PolicySet::compile(TENANCY, None, vec![attach("B", text)]);
        let mut case = Case::get_object();
        assert!(case.decide(&set).is_allowed());
        case.compartments
            .retain(|compartment| compartment.name != "B");
        assert_eq!(case.decide(&set), DENIED);
    }

    #[test]
    fn without_a_path_nothing_is_allowed() {
        let case = Case {
            compartments: Vec::new(),
            ..Case::get_object()
        };
        assert!(!case.is_allowed_by("Allow any-user to manage all-resources in tenancy"));
    }
}

mod denials {
    use super::*;

    const ALLOW: &str = "Allow group Readers to manage all-resources in tenancy";

    #[test]
    fn deny_beats_allow_in_either_order() {
        let deny = "Deny group Readers to read objects in compartment A";
        let case = Case::get_object();
        assert_eq!(
            case.decide(&policies(&[ALLOW, deny])),
            Decision::Denied { by_deny: Some(1) }
        );
        assert_eq!(
            case.decide(&policies(&[deny, ALLOW])),
            Decision::Denied { by_deny: Some(0) }
        );
    }

    #[test]
    fn a_deny_holds_only_for_its_subject_place_permission_and_condition() {
        let case = Case::get_object();
        for deny in [
            "Deny group Writers to read objects in tenancy",
            "Deny group Readers to read objects in compartment X",
            "Deny group Readers to manage objects in tenancy",
            "Deny group Readers to read buckets in tenancy",
            "Deny group Readers to read objects in tenancy where target.bucket.name = 'other'",
        ] {
            let decision = case.decide(&policies(&[ALLOW, deny]));
            assert_eq!(decision, Decision::Allowed { statement: 0 }, "{deny}");
        }
    }

    #[test]
    fn denying_inspect_denies_reading_too() {
        let deny = "Deny group Readers to inspect objects in tenancy";
        let decision = Case::get_object().decide(&policies(&[ALLOW, deny]));
        assert_eq!(decision, Decision::Denied { by_deny: Some(1) });
    }

    #[test]
    fn a_deny_whose_variable_does_not_apply_does_not_hold() {
        let deny =
            "Deny group Readers to inspect buckets in tenancy where target.bucket.name != 'x'";
        assert!(
            Case::list_buckets()
                .decide(&policies(&[ALLOW, deny]))
                .is_allowed()
        );
    }

    #[test]
    fn the_default_administrators_group_is_exempt() {
        let groups = vec![group("Readers"), ADMINISTRATORS.to_owned()];
        let case = Case {
            groups,
            ..Case::get_object()
        };
        let set = policies(&[ALLOW, "Deny any-user to inspect all-resources in tenancy"]);
        assert_eq!(case.decide(&set), Decision::Allowed { statement: 0 });
    }
}

mod conditions {
    use super::*;

    fn holds(condition: &str) -> bool {
        Case::get_object().is_allowed_where(condition)
    }

    #[test]
    fn texts_compare_without_case() {
        assert!(holds("target.bucket.name = 'PHOTOS'"));
        assert!(holds("target.object.name = '2030/Report.PDF'"));
        assert!(!holds("target.bucket.name != 'pHOTOS'"));
    }

    #[test]
    fn all_holds_if_each_does_and_any_if_one_does() {
        let (yes, no) = ("request.region = 'IAD'", "request.region = 'phx'");
        assert!(holds(&format!("all {{{yes}, {yes}}}")));
        assert!(!holds(&format!("all {{{yes}, {no}}}")));
        assert!(holds(&format!("any {{{no}, {yes}}}")));
        assert!(!holds(&format!("any {{{no}, {no}}}")));
        assert!(holds(&format!(
            "all {{{yes}, any {{{no}, all {{{yes}}}}}}}"
        )));
    }

    #[test]
    fn in_holds_if_one_value_matches() {
        assert!(holds("target.bucket.name in ('x', 'photos')"));
        assert!(!holds("target.bucket.name in ('x', 'y')"));
        assert!(holds("target.bucket.name not in ('x', 'y')"));
        assert!(!holds("target.bucket.name not in ('x', 'photos')"));
    }

    #[test]
    fn a_pattern_has_asterisks() {
        assert!(holds("target.bucket.name = /Pho*/"));
        assert!(holds("target.bucket.name in ('x', /*TOS/)"));
        assert!(!holds("target.bucket.name = /*hot/"));
        assert!(holds("target.bucket.name != /x*/"));
    }

    #[test]
    fn a_quoted_object_name_is_a_pattern_too() {
        assert!(holds("target.object.name = '2030/*'"));
        assert!(holds("target.object.name in ('x', '*.pdf')"));
        assert!(!holds("target.object.name != '*.pdf'"));
    }

    #[test]
    fn a_quoted_text_is_no_pattern_for_other_variables() {
        assert!(!holds("target.bucket.name = 'Pho*'"));
    }

    #[test]
    fn a_test_of_a_variable_that_does_not_apply_is_false_even_not_equal() {
        let case = Case::list_buckets();
        for condition in [
            "target.bucket.name = 'x'",
            "target.bucket.name != 'x'",
            "target.bucket.name in ('x')",
            "target.bucket.name not in ('x')",
            "target.bucket.name not in (/x*/)",
            "target.object.name != 'x'",
            "target.user.name != 'x'",
            "target.group.member = 'false'",
            "target.policy.type != 'deny'",
            "target.bucket.tag.Ops.Team != 'x'",
            "request.region != target.bucket.name",
            "request.region in ('iad', target.bucket.name)",
        ] {
            assert!(!case.is_allowed_where(condition), "{condition}");
        }
    }

    #[test]
    fn a_variable_compares_with_another_variable() {
        let id = Some("ocid1.user.oc1..alice");
        let own = Target {
            user: Some(Named { id, name: "alice" }),
            ..Target::default()
        };
        let other = Target {
            user: Some(Named {
                id: Some("x"),
                name: "bob",
            }),
            ..own
        };
        let condition = "target.user.id = request.user.id";
        assert!(
            Case {
                target: own,
                ..Case::get_object()
            }
            .is_allowed_where(condition)
        );
        assert!(
            !Case {
                target: other,
                ..Case::get_object()
            }
            .is_allowed_where(condition)
        );
    }
}

/// The statements of the wire reference's list of what is seen in the wild (12.5).
mod in_the_wild {
    use super::*;

    #[test]
    fn writers_of_one_bucket_may_create_and_list_and_no_more() {
        let statement = "Allow group Readers to manage objects in compartment A where all \
            {target.bucket.name='Photos', any {request.permission='OBJECT_CREATE', request.permission='OBJECT_INSPECT'}}";
        for permission in Permission::ALL {
            let case = Case {
                permission: *permission,
                ..Case::get_object()
            };
            let expected = matches!(
                permission,
                Permission::ObjectCreate | Permission::ObjectInspect
            );
            assert_eq!(case.is_allowed_by(statement), expected, "{permission}");
        }
    }

    #[test]
    fn managers_of_pars_get_no_other_right_to_buckets() {
        let statement = "Allow group Readers to manage buckets in tenancy where request.permission='PAR_MANAGE'";
        for permission in Permission::ALL {
            let case = Case {
                permission: *permission,
                ..Case::get_object()
            };
            assert_eq!(
                case.is_allowed_by(statement),
                *permission == Permission::ParManage,
                "{permission}"
            );
        }
    }

    #[test]
    fn everything_but_one_operation() {
        let statement = "Allow group Readers to manage object-family in tenancy \
            where request.operation != 'DeleteObjectVersion'";
        assert!(Case::get_object().is_allowed_by(statement));
        let case = Case {
            permission: Permission::ObjectVersionDelete,
            operation: Operation::DeleteObjectVersion,
            ..Case::get_object()
        };
        assert!(!case.is_allowed_by(statement));
    }
}
