//! OpenStack Swift's own functional tests, all of them, against the Swift face: each passes but those that
//! `clients/swift_functional.txt` lists with a reason.

use std::collections::BTreeMap;

use parbuckle_testkit::TestServer;
use parbuckle_testkit::swift::{Case, Outcome, SuiteUser, run_functional_suite};

const PARBUCKLE: &str = env!("CARGO_BIN_EXE_parbuckle");
/// The tenancy that is the second account.
const OTHER: &str = "other";
const LIST: &str = include_str!("clients/swift_functional.txt");

#[tokio::test]
async fn every_test_of_swift_itself_passes_or_is_listed() {
    let server = TestServer::start(PARBUCKLE).await;
    let users = users(&server).await;
    let run = move || {
        let [first, second, third] = &users;
        run_functional_suite(&server, [first, second, third])
    };
    let report = tokio::task::spawn_blocking(run).await;
    let report = report.unwrap_or_else(|error| panic!("running the suite: {error}"));
    println!("Swift's functional tests: {}", report.closing);
    let listed = Listed::parse(LIST).unwrap_or_else(|error| panic!("{error}"));
    let found = listed.disagreements(&report.cases);
    assert!(found.is_empty(), "{}", found.join("\n"));
}

#[test]
fn what_is_not_listed_and_what_is_listed_in_vain_are_told() {
    let listed = Listed::parse(
        "# a comment\nskipped 2 of a.py: no such thing here\n    because\nfailing a.py::A::listed\n    because\n\
         failing a.py::A::passes\n    because\n",
    );
    let case = |name: &str, outcome| Case {
        name: name.to_owned(),
        outcome,
    };
    let skipped = || Outcome::Skipped("no such thing here".to_owned());
    let cases = [
        case("a.py::A::fine", Outcome::Passed),
        case("a.py::A::passes", Outcome::Passed),
        case("a.py::A::listed", Outcome::Failed("so".to_owned())),
        case("a.py::A::unlisted", Outcome::Failed("oh".to_owned())),
        case("a.py::A::skipped", skipped()),
        case("b.py::B::skipped", skipped()),
    ];
    let listed = listed.unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(
        listed.disagreements(&cases),
        [
            "a.py::A::unlisted fails: oh",
            "a.py::A::passes is listed as failing, and does not",
            "skipped 1 of a.py: no such thing here; listed are 2",
            "skipped 1 of b.py: no such thing here; listed are 0",
        ]
    );
}

#[test]
fn a_listed_test_needs_a_reason() {
    for list in [
        "failing a.py::A::a\n",
        "skipped 1 of a.py: b\nfailing c\n    why\n",
    ] {
        assert!(Listed::parse(list).is_err(), "{list}");
    }
}

/// What is known not to pass.
#[derive(Default)]
struct Listed {
    failing: Vec<String>,
    /// How many are skipped, by file and the suite's own reason.
    skipped: BTreeMap<(String, String), usize>,
}

impl Listed {
    /// `failing FILE::CLASS::METHOD` or `skipped NUMBER of FILE: the suite's reason`, each with an indented line below that
    /// says why; `#` begins a comment.
    fn parse(text: &str) -> Result<Self, String> {
        let mut listed = Self::default();
        let mut unexplained = None;
        let lines = text.lines().filter(|line| !line.is_empty());
        for line in lines.filter(|line| !line.starts_with('#')) {
            if line.starts_with(' ') {
                unexplained = None;
                continue;
            }
            if let Some(earlier) = unexplained.replace(line) {
                return Err(format!("{earlier}: no reason"));
            }
            if let Some(name) = line.strip_prefix("failing ") {
                listed.failing.push(name.to_owned());
            } else {
                let (key, count) = skipped(line).ok_or(format!("{line}: neither kind of line"))?;
                listed.skipped.insert(key, count);
            }
        }
        match unexplained {
            Some(line) => Err(format!("{line}: no reason")),
            None => Ok(listed),
        }
    }

    /// What the list does not account for, and what it lists in vain.
    fn disagreements(&self, cases: &[Case]) -> Vec<String> {
        let fails = |case: &&Case| matches!(case.outcome, Outcome::Failed(_));
        let failed: Vec<&Case> = cases.iter().filter(fails).collect();
        let is_listed = |case: &&Case| self.failing.contains(&case.name);
        let mut found: Vec<String> = failed
            .iter()
            .filter(|case| !is_listed(case))
            .map(ToString::to_string)
            .collect();
        let in_vain = self
            .failing
            .iter()
            .filter(|name| !failed.iter().any(|case| case.name == **name));
        found.extend(in_vain.map(|name| format!("{name} is listed as failing, and does not")));
        let mut counts: BTreeMap<(String, String), usize> = BTreeMap::new();
        for case in cases {
            if let Outcome::Skipped(reason) = &case.outcome {
                let file = case.name.split("::").next().unwrap_or_default();
                *counts.entry((file.to_owned(), reason.clone())).or_default() += 1;
            }
        }
        let mut keys: Vec<_> = counts.keys().chain(self.skipped.keys()).collect();
        keys.sort();
        keys.dedup();
        for key in keys {
            let [count, listed] =
                [&counts, &self.skipped].map(|map| map.get(key).copied().unwrap_or_default());
            if count != listed {
                let (file, reason) = key;
                found.push(format!(
                    "skipped {count} of {file}: {reason}; listed are {listed}"
                ));
            }
        }
        found
    }
}

fn skipped(line: &str) -> Option<((String, String), usize)> {
    let (count, rest) = line.strip_prefix("skipped ")?.split_once(" of ")?;
    let (file, reason) = rest.split_once(": ")?;
    Some(((file.to_owned(), reason.to_owned()), count.parse().ok()?))
}

/// The administrators of two tenancies, and a user of the first without rights.
async fn users(server: &TestServer) -> [SuiteUser; 3] {
    let bootstrap = server.bootstrap();
    let account = bootstrap.namespace().to_owned();
    let other = server.make_tenancy(OTHER);
    let user = server.admin().create_user("joe").await;
    let (_, token) = server.admin().create_auth_token(&user.id).await;
    [
        SuiteUser {
            account: account.clone(),
            name: bootstrap.field("admin_user_name").to_owned(),
            password: bootstrap.field("admin_password").to_owned(),
        },
        SuiteUser {
            account: other.field("namespace").to_owned(),
            name: other.field("admin_user_name").to_owned(),
            password: other.field("admin_password").to_owned(),
        },
        SuiteUser {
            account,
            name: "joe".to_owned(),
            password: token,
        },
    ]
}
