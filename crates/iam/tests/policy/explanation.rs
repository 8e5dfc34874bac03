//! What an explanation tells.

use crate::world::{Case, policies};

fn explain(case: &Case, texts: &[&str]) -> String {
    policies(texts)
        .explain(&case.principal(), &case.request())
        .to_string()
}

#[test]
fn an_allowed_request_names_the_statement_that_allows_it() {
    let text = explain(
        &Case::get_object(),
        &["Allow group Readers to read objects in compartment A"],
    );
    assert_eq!(
        text,
        "GetObject has OBJECT_READ on object '2030/report.pdf', bucket 'Photos', compartment 'acme:A:B:C': \
         policy tests says \"Allow group Readers to read objects in compartment A\"."
    );
}

#[test]
fn a_denied_request_names_the_deny_statement() {
    let text = explain(
        &Case::list_buckets(),
        &[
            "Allow any-user to manage buckets in tenancy",
            "Deny any-user to inspect buckets in tenancy",
        ],
    );
    assert_eq!(
        text,
        "ListBuckets is refused BUCKET_INSPECT on compartment 'acme:A:B:C': policy tests says \
         \"Deny any-user to inspect buckets in tenancy\"."
    );
}

#[test]
fn a_missing_permission_is_named() {
    let text = explain(
        &Case::list_buckets(),
        &["Allow group Writers to read buckets in tenancy"],
    );
    assert_eq!(
        text,
        "ListBuckets needs BUCKET_INSPECT on compartment 'acme:A:B:C', and no statement allows it."
    );
}

#[test]
fn a_statement_for_another_place_is_close() {
    let text = explain(
        &Case::list_buckets(),
        &["Allow group Readers to read buckets in compartment X"],
    );
    assert!(
        text.ends_with(
            "no statement allows it. Close: policy tests says \"Allow group Readers to read buckets in \
             compartment X\", but the target is not in compartment X."
        ),
        "{text}"
    );
}

#[test]
fn a_statement_whose_condition_fails_is_close_with_the_tests_that_failed() {
    let text = explain(
        &Case::get_object(),
        &[
            "Allow group Readers to read objects in tenancy where all {request.region = 'iad', \
           any {target.bucket.name = 'x', target.user.name != 'y'}, any {request.region = 'phx', request.region = 'iad'}}",
        ],
    );
    assert!(
        text.ends_with(
            "but target.bucket.name = 'x' is false (it is 'Photos') and target.user.name != 'y' is false \
             (it does not apply here)."
        ),
        "{text}"
    );
}

#[test]
fn a_failed_test_of_time_shows_the_time() {
    let text = explain(
        &Case::get_object(),
        &[
            "Allow group Readers to read objects in tenancy where request.utc-timestamp before '2030-01-01Z'",
        ],
    );
    assert!(
        text.ends_with(
            "request.utc-timestamp before '2030-01-01T00:00:00Z' is false (it is 2030-06-05T12:00:00Z)."
        ),
        "{text}"
    );
}

#[test]
fn statements_for_other_groups_or_permissions_are_not_close() {
    let case = Case::get_object();
    let set = policies(&[
        "Allow group Writers to manage objects in compartment X",
        "Allow group Readers to inspect objects in compartment X",
        "Deny group Readers to read objects in compartment X",
    ]);
    assert_eq!(
        set.explain(&case.principal(), &case.request()).near_misses,
        []
    );
}
