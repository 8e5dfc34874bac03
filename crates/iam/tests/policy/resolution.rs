//! What the names in a statement mean, seen from the compartment of its policy.

use parbuckle_iam::policy::{ResolveError, ResolvedStatement, Statement};

use crate::world::{COMPARTMENTS, ROBOTS, TENANCY, World, group};

fn resolve(attached_to: &str, text: &str) -> Result<ResolvedStatement, ResolveError> {
    let attached_to = id_of(attached_to);
    Statement::parse(text).unwrap().resolve(&World, attached_to)
}

fn resolve_location(attached_to: &str, location: &str) -> Result<String, ResolveError> {
    let text = format!("Allow any-user to read objects in {location}");
    resolve(attached_to, &text).map(|resolved| resolved.compartment_id)
}

fn id_of(name: &str) -> &'static str {
    COMPARTMENTS
        .iter()
        .find(|(_, known, _)| *known == name)
        .unwrap()
        .0
}

#[test]
fn groups_become_ocids_in_order() {
    let text = "Allow group readers, Default/Writers, id ocid1.group.oc1..spaced to read objects in tenancy";
    let resolved = resolve("acme", text).unwrap();
    assert_eq!(
        resolved.groups,
        [group("Readers"), group("Writers"), group("Far Readers")]
    );
}

#[test]
fn dynamic_groups_are_no_groups() {
    let resolved = resolve(
        "acme",
        "Allow dynamic-group Robots to read objects in tenancy",
    )
    .unwrap();
    assert_eq!(resolved.groups, [ROBOTS.0]);
    let refused = resolve("acme", "Allow group Robots to read objects in tenancy");
    assert_eq!(refused, Err(ResolveError::Group("Robots".into())));
}

#[test]
fn an_unknown_group_is_refused_in_ocis_words() {
    let error = resolve("acme", "Allow group Nobody to read objects in tenancy").unwrap_err();
    assert_eq!(
        error.to_string(),
        "The group Nobody specified in the policy statement does not exist under current compartment hierarchy."
    );
}

#[test]
fn a_group_of_another_domain_is_unknown() {
    let refused = resolve(
        "acme",
        "Allow group 'Other Domain'/Readers to read objects in tenancy",
    );
    assert_eq!(
        refused,
        Err(ResolveError::Group("Other Domain/Readers".into()))
    );
}

#[test]
fn an_unknown_ocid_is_refused() {
    let refused = resolve(
        "acme",
        "Allow group id ocid1.group.oc1..none to read objects in tenancy",
    );
    assert_eq!(
        refused,
        Err(ResolveError::Group("ocid1.group.oc1..none".into()))
    );
    let refused = resolve_location("acme", "compartment id ocid1.compartment.oc1..none");
    let expected = ResolveError::OutsideSubtree("ocid1.compartment.oc1..none".into());
    assert_eq!(refused, Err(expected));
}

#[test]
fn the_tenancy_is_its_root_compartment() {
    assert_eq!(resolve_location("acme", "tenancy").as_deref(), Ok(TENANCY));
}

#[test]
fn only_a_policy_of_the_root_speaks_about_the_tenancy() {
    let refused = resolve_location("A", "tenancy").unwrap_err();
    assert_eq!(
        refused.to_string(),
        "Compartment tenancy does not exist or is not part of the policy compartment subtree"
    );
}

#[test]
fn a_path_begins_below_the_compartment_of_the_policy() {
    assert_eq!(
        resolve_location("acme", "compartment A:B:C").as_deref(),
        Ok(id_of("C"))
    );
    assert_eq!(
        resolve_location("A", "compartment B:C").as_deref(),
        Ok(id_of("C"))
    );
    assert_eq!(
        resolve_location("B", "compartment c").as_deref(),
        Ok(id_of("C"))
    );
}

#[test]
fn a_path_may_begin_with_the_compartment_of_the_policy() {
    assert_eq!(
        resolve_location("C", "compartment C").as_deref(),
        Ok(id_of("C"))
    );
    assert_eq!(
        resolve_location("A", "compartment A:B").as_deref(),
        Ok(id_of("B"))
    );
}

#[test]
fn a_path_does_not_skip_levels_or_leave_the_subtree() {
    for (attached_to, path) in [
        ("acme", "C"),
        ("acme", "A:C"),
        ("A", "X"),
        ("B", "A"),
        ("B", "A:B"),
    ] {
        let refused = resolve_location(attached_to, &format!("compartment {path}"));
        assert_eq!(
            refused,
            Err(ResolveError::Compartment(path.into())),
            "{attached_to}"
        );
    }
}

#[test]
fn an_unknown_compartment_is_refused_in_ocis_words() {
    let error = resolve_location("acme", "compartment A:Z").unwrap_err();
    assert_eq!(
        error.to_string(),
        "The compartment A:Z specified in the policy statement does not exist under current compartment hierarchy."
    );
}

#[test]
fn a_compartment_by_ocid_must_be_in_the_subtree() {
    let by_id = |name: &str| format!("compartment id {}", id_of(name));
    assert_eq!(
        resolve_location("A", &by_id("A")).as_deref(),
        Ok(id_of("A"))
    );
    assert_eq!(
        resolve_location("A", &by_id("C")).as_deref(),
        Ok(id_of("C"))
    );
    for outside in ["X", "acme"] {
        let refused = resolve_location("A", &by_id(outside));
        assert_eq!(
            refused,
            Err(ResolveError::OutsideSubtree(id_of(outside).into()))
        );
    }
}
