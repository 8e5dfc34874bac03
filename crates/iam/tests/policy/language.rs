//! What is a statement, how it is printed, and what is refused with which words.

use parbuckle_iam::policy::Statement;

fn print(text: &str) -> String {
    Statement::parse(text)
        .unwrap_or_else(|error| panic!("{text}: {error}"))
        .to_string()
}

fn refusal(text: &str) -> String {
    match Statement::parse(text) {
        Ok(statement) => panic!("accepted as {statement}"),
        Err(error) => error.to_string(),
    }
}

#[track_caller]
fn accepts(text: &str, canonical: &str) {
    assert_eq!(print(text), canonical);
    assert_eq!(Statement::parse(canonical), Statement::parse(text));
}

#[test]
fn keywords_ignore_case_and_white_space_is_free() {
    accepts(
        "\n ALLOW\tGroup Readers\r\n TO Read OBJECTS in TENANCY\n WHERE\n  ALL{ request.region='iad',Any {request.REGION = 'phx' } }  ",
        "Allow group Readers to read objects in tenancy where all {request.region = 'iad', any {request.region = 'phx'}}",
    );
}

#[test]
fn a_group_list_mixes_names_domains_quotes_and_ids() {
    accepts(
        "Allow group A , 'B C', Default/D,'My Domain'/'E F', \"G's\", id ocid1.group.oc1..x to use buckets in tenancy",
        "Allow group A, 'B C', Default/D, 'My Domain'/'E F', \"G's\", id ocid1.group.oc1..x to use buckets in tenancy",
    );
}

#[test]
fn a_group_called_id_is_quoted() {
    accepts(
        "Allow group 'id' to use buckets in tenancy",
        "Allow group 'id' to use buckets in tenancy",
    );
}

#[test]
fn every_kind_of_subject_is_accepted() {
    for subject in [
        "any-user",
        "any-group",
        "dynamic-group Robots",
        "service objectstorage-us-ashburn-1, Other",
    ] {
        let text = format!("Allow {subject} to manage object-family in tenancy");
        accepts(&text, &text);
    }
}

#[test]
fn deny_is_a_statement_like_allow() {
    accepts(
        "deny any-user to INSPECT users in tenancy",
        "Deny any-user to inspect users in tenancy",
    );
}

#[test]
fn a_permission_list_may_name_its_resource_or_not() {
    accepts(
        "Allow any-group to {object_read,OBJECT_INSPECT, OBJECT_READ} in tenancy",
        "Allow any-group to {OBJECT_READ, OBJECT_INSPECT} in tenancy",
    );
    accepts(
        "Allow any-group to { PAR_MANAGE } Buckets in tenancy",
        "Allow any-group to {PAR_MANAGE} buckets in tenancy",
    );
}

#[test]
fn every_kind_of_location_is_accepted() {
    for location in [
        "tenancy",
        "compartment A",
        "compartment A:B:C",
        "compartment 'A B':C",
        "compartment id ocid1.compartment.oc1..x",
    ] {
        let text = format!("Allow any-group to read buckets in {location}");
        accepts(&text, &text);
    }
    accepts(
        "Allow any-group to read buckets in compartment A : B",
        "Allow any-group to read buckets in compartment A:B",
    );
}

fn print_condition(condition: &str) -> String {
    let start = "Allow any-group to read buckets in tenancy where ";
    let printed = print(&format!("{start}{condition}"));
    printed.strip_prefix(start).unwrap().to_owned()
}

fn refuse_condition(condition: &str) -> String {
    refusal(&format!(
        "Allow any-group to read buckets in tenancy where {condition}"
    ))
}

#[test]
fn every_comparison_of_texts_is_accepted() {
    for condition in [
        "target.bucket.name = 'a'",
        "target.bucket.name != \"it's\"",
        "target.bucket.name in ('a', /b*/, target.object.name)",
        "target.bucket.name not in ('a')",
        "target.object.name = /a/b*/",
        "target.bucket.tag.Ops.Team = 'x'",
        "target.resource.tag.Ops.Team = 'x'",
        "request.user.id = target.user.id",
    ] {
        assert_eq!(print_condition(condition), condition);
    }
}

#[test]
fn comparisons_need_no_white_space() {
    assert_eq!(
        print_condition(
            "any{target.bucket.name='a',target.bucket.name!=/*b/,target.bucket.name in('c','d')}"
        ),
        "any {target.bucket.name = 'a', target.bucket.name != /*b/, target.bucket.name in ('c', 'd')}"
    );
}

#[test]
fn permissions_and_operations_are_printed_in_ocis_spelling() {
    assert_eq!(
        print_condition("all {request.permission='object_read', REQUEST.operation != 'getobject'}"),
        "all {request.permission = 'OBJECT_READ', request.operation != 'GetObject'}"
    );
}

#[test]
fn every_form_of_time_is_accepted() {
    for (text, canonical) in [
        (
            "request.utc-timestamp before '2020-04-01T15:00:00Z'",
            "request.utc-timestamp before '2020-04-01T15:00:00Z'",
        ),
        (
            "request.utc-timestamp after '2020-04-01T05:00Z'",
            "request.utc-timestamp after '2020-04-01T05:00:00Z'",
        ),
        (
            "request.utc-timestamp after '2020-04-01Z'",
            "request.utc-timestamp after '2020-04-01T00:00:00Z'",
        ),
        (
            "request.utc-timestamp.time-of-day between '17:00' and '01:02:03Z'",
            "request.utc-timestamp.time-of-day between '17:00:00Z' and '01:02:03Z'",
        ),
        (
            "request.utc-timestamp.month-of-year in ('6', '7')",
            "request.utc-timestamp.month-of-year in ('6', '7')",
        ),
        (
            "request.utc-timestamp.day-of-month != '1'",
            "request.utc-timestamp.day-of-month != '1'",
        ),
        (
            "request.utc-timestamp.day-of-week = 'monday'",
            "request.utc-timestamp.day-of-week = 'Monday'",
        ),
    ] {
        assert_eq!(print_condition(text), canonical);
    }
}

#[test]
fn an_error_says_where_and_what_was_expected() {
    assert_eq!(
        refusal("Allow group Readers two read objects in tenancy"),
        "expected `to` (at byte 20, near `two`)"
    );
    assert_eq!(
        refusal("Allow group Readers to read objects in"),
        "expected `tenancy` or `compartment` (at byte 38, near `end of statement`)"
    );
}

#[test]
fn each_place_names_what_it_expects() {
    for (text, expected) in [
        ("", "expected `Allow` or `Deny`"),
        (
            "Permit any-user to read objects in tenancy",
            "expected `Allow` or `Deny`",
        ),
        (
            "Allow user x to read objects in tenancy",
            "expected `group`, `dynamic-group`",
        ),
        (
            "Allow group '' to read objects in tenancy",
            "expected a group's name",
        ),
        ("Allow group A, to read objects in tenancy", "expected `to`"),
        (
            "Allow group 'A to read objects in tenancy",
            "this quotation has no end",
        ),
        (
            "Allow any-user to write objects in tenancy",
            "expected `inspect`, `read`, `use`, `manage` or `{`",
        ),
        (
            "Allow any-user to {} in tenancy",
            "expected the name of a permission",
        ),
        ("Allow any-user to {OBJECT_READ in tenancy", "expected `}`"),
        ("Allow any-user to read objects on tenancy", "expected `in`"),
        (
            "Allow any-user to read objects in compartment A:",
            "expected a compartment's name",
        ),
        (
            "Allow any-user to read objects in tenancy if",
            "expected `where` or the end of the statement",
        ),
        (
            "Allow any-user to read objects in tenancy where",
            "expected a condition",
        ),
        (
            "Allow any-user to read objects in tenancy where request.region='a' x",
            "expected the end of the statement",
        ),
    ] {
        let refusal = refusal(text);
        assert!(refusal.starts_with(expected), "{text}: {refusal}");
    }
}

#[test]
fn each_place_in_a_condition_names_what_it_expects() {
    for (condition, expected) in [
        ("all {}", "expected a condition"),
        ("all {request.region='a'", "expected `,` or `}`"),
        ("all request.region='a'", "expected `{`"),
        (
            "request.region like 'a'",
            "expected `=`, `!=`, `in` or `not in`",
        ),
        (
            "request.region before 'a'",
            "expected `=`, `!=`, `in` or `not in`",
        ),
        (
            "request.region in ()",
            "Invalid right-hand side in condition",
        ),
        ("request.region in ('a'", "expected `,` or `)`"),
        ("request.region not 'a'", "expected `in`"),
        ("request.region = /a", "this pattern has no closing slash"),
        (
            "request.utc-timestamp = '2020-04-01Z'",
            "expected `before` or `after`",
        ),
        (
            "request.utc-timestamp.time-of-day = '01:00'",
            "expected `between`",
        ),
        (
            "request.utc-timestamp.time-of-day between '01:00' to '02:00'",
            "expected `and`",
        ),
    ] {
        let refusal = refuse_condition(condition);
        assert!(refusal.starts_with(expected), "{condition}: {refusal}");
    }
}

#[test]
fn an_unquoted_value_is_refused_in_ocis_words() {
    let refusal = refuse_condition("request.permission=OBJECT_READ");
    assert!(
        refusal.starts_with("Invalid right-hand side in condition: OBJECT_READ;"),
        "{refusal}"
    );
}

#[test]
fn what_is_not_enforced_is_refused() {
    for (text, expected) in [
        (
            "Define tenancy T as ocid1.tenancy.oc1..x",
            "`define` statements (access between tenancies)",
        ),
        (
            "Endorse group A to read objects in tenancy T",
            "`endorse` statements (access between tenancies)",
        ),
        (
            "Admit group A of tenancy T to read objects in tenancy",
            "`admit` statements (access between tenancies)",
        ),
        (
            "Deny admit any-user to read objects in tenancy",
            "`admit` statements (access between tenancies)",
        ),
        (
            "Allow resource x to read objects in tenancy",
            "`resource` subjects are not supported",
        ),
        (
            "Allow any-user to manage instances in tenancy",
            "unknown resource type",
        ),
        (
            "Allow any-user to {INSTANCE_READ} in tenancy",
            "unknown permission",
        ),
        (
            "Allow any-user to {OBJECT_READ} buckets in tenancy",
            "OBJECT_READ is no permission of buckets",
        ),
    ] {
        let refusal = refusal(text);
        assert!(refusal.starts_with(expected), "{text}: {refusal}");
    }
}

#[test]
fn a_variable_that_is_not_enforced_is_refused() {
    for variable in [
        "request.networkSource.name",
        "request.ad",
        "request.vcn.id",
        "request.principal.group.tag.Ops.Team",
        "request.principal.compartment.tag.Ops.Team",
        "target.resource.compartment.tag.Ops.Team",
        "target.instance.id",
        "bucket",
    ] {
        let refusal = refuse_condition(&format!("{variable} = 'a'"));
        assert!(
            refusal.starts_with("unknown variable, or one that is not enforced here"),
            "{refusal}"
        );
    }
}

#[test]
fn a_value_that_can_never_occur_is_refused() {
    for (condition, expected) in [
        (
            "request.permission = 'OBJECT_WRITE'",
            "expected the name of a permission",
        ),
        (
            "request.operation in ('GetObject', 'GetObjects')",
            "expected the name of an operation",
        ),
        ("target.group.member = 'yes'", "expected 'true' or 'false'"),
        (
            "request.principal.type = 'instance'",
            "expected 'user' or 'service'",
        ),
        ("target.policy.type = 'admit'", "expected 'allow' or 'deny'"),
        (
            "request.utc-timestamp.day-of-week = 'Funday'",
            "expected a day from 'Monday' to 'Sunday'",
        ),
        (
            "request.utc-timestamp.month-of-year = '13'",
            "expected a month from '1' to '12'",
        ),
        (
            "request.utc-timestamp.day-of-month = '0'",
            "expected a day from '1' to '31'",
        ),
        (
            "request.utc-timestamp before 'tomorrow'",
            "expected a time in UTC",
        ),
        (
            "request.utc-timestamp before '2020-02-30Z'",
            "expected a time in UTC",
        ),
        (
            "request.utc-timestamp before '2020-04-01T15:00:00+02:00'",
            "expected a time in UTC",
        ),
        (
            "request.utc-timestamp.time-of-day between '24:00' and '25:00'",
            "expected a time of day in UTC",
        ),
        (
            "request.utc-timestamp.time-of-day between '9' and '17'",
            "expected a time of day in UTC",
        ),
    ] {
        let refusal = refuse_condition(condition);
        assert!(refusal.starts_with(expected), "{condition}: {refusal}");
    }
}

#[test]
fn nesting_has_a_limit() {
    let nested = |depth: usize| {
        format!(
            "{}request.region='a'{}",
            "all {".repeat(depth),
            "}".repeat(depth)
        )
    };
    print_condition(&nested(16));
    for depth in [17, 100_000] {
        let refusal = refuse_condition(&nested(depth));
        assert!(
            refusal.starts_with("conditions are nested deeper than 16"),
            "{refusal}"
        );
    }
}

#[test]
fn an_error_in_the_midst_of_other_scripts_is_still_told() {
    let refusal = refusal("Allow group Ünï to read objekté in tenancy");
    assert_eq!(
        refusal,
        "unknown resource type (at byte 26, near `objekté`)"
    );
}
