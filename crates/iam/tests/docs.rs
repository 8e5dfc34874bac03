//! The tables of `docs/policies.md` are those of the code.

use parbuckle_iam::permission::{
    Operation, PermissionSet, Requirement, Resource, ResourceType, Verb,
};
use parbuckle_iam::policy::Statement;

const PAGE: &str = include_str!("../../../docs/policies.md");

#[test]
fn the_table_of_verbs_is_complete_and_true() {
    let mut table =
        String::from("| resource type | inspect | read | use | manage |\n|---|---|---|---|---|\n");
    for resource in ResourceType::ALL {
        let mut below = PermissionSet::EMPTY;
        table.push_str(&format!("| `{}` |", resource.as_str()));
        for verb in Verb::ALL {
            let granted = Resource::Type(resource).granted_by(verb);
            let added = granted.iter().filter(|one| !below.contains(*one));
            table.push_str(&format!(" {} |", list(added.collect())));
            below = granted;
        }
        table.push('\n');
    }
    assert_holds(&table);
}

#[test]
fn the_table_of_operations_is_complete_and_true() {
    let mut table = String::from("| operation | needs |\n|---|---|\n");
    for operation in Operation::ALL {
        let needs = match operation.requires() {
            Requirement::Nothing => "nothing".to_owned(),
            Requirement::AllOf(all) if all == PermissionSet::ALL => "every permission".to_owned(),
            Requirement::AllOf(all) => list(all),
            Requirement::AnyOf(any) => list(any).replace(", ", " or "),
            Requirement::ByExistence {
                always,
                create,
                overwrite,
            } => {
                let always = list(always);
                let and = if always.is_empty() { "" } else { ", " };
                format!("{always}{and}{create} for a new one, {overwrite} for one that exists")
            }
        };
        table.push_str(&format!("| {} | {needs} |\n", operation.name()));
    }
    assert_holds(&table);
}

#[test]
fn every_variable_in_the_table_of_variables_can_be_tested() {
    let table = PAGE.split("| variable |").nth(1).unwrap();
    let mut count = 0;
    for row in table.lines().skip(2).take_while(|row| row.starts_with('|')) {
        let variable = row.split('`').nth(1).unwrap();
        let test = row.rsplit('`').nth(1).unwrap();
        assert!(
            test.starts_with(variable.split('<').next().unwrap()),
            "{row}"
        );
        let text = format!("Allow any-user to read objects in tenancy where {test}");
        assert!(
            Statement::parse(&text).is_ok(),
            "{:?}",
            Statement::parse(&text)
        );
        count += 1;
    }
    assert_eq!(count, 28);
}

fn list(permissions: PermissionSet) -> String {
    let names: Vec<&str> = permissions.iter().map(|one| one.as_str()).collect();
    names.join(", ")
}

#[track_caller]
fn assert_holds(table: &str) {
    assert!(
        PAGE.contains(table),
        "docs/policies.md must hold this table:\n{table}"
    );
}
