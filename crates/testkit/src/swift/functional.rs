//! OpenStack Swift's own functional tests, run against another server that speaks its API.

use std::fmt;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};

use super::install::{swift_bin, swift_source};
use crate::server::TestServer;

/// Bounds the whole suite; it takes a minute on a quiet machine.
const PATIENCE: Duration = Duration::from_secs(1200);
const POLL_INTERVAL: Duration = Duration::from_millis(200);
/// What is not run: the API of another service.
const LEFT_OUT: &str = "test/functional/s3api";

/// Somebody whom the suite signs in.
#[derive(Debug, Clone)]
pub struct SuiteUser {
    /// His account.
    pub account: String,
    /// His name.
    pub name: String,
    /// His password or auth token.
    pub password: String,
}

/// What came of the suite.
#[derive(Debug)]
pub struct SuiteReport {
    /// Every test, in the order in which they ran.
    pub cases: Vec<Case>,
    /// The line with which the suite closes.
    pub closing: String,
}

/// What came of one test.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Case {
    /// File, class and method, as in `test_slo.py::TestSlo::test_slo_path_only`.
    pub name: String,
    /// How it ended.
    pub outcome: Outcome,
}

/// How a test ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// As it should.
    Passed,
    /// It did not run, for this reason.
    Skipped(String),
    /// It failed, or broke off, with this message.
    Failed(String),
}

impl fmt::Display for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.outcome {
            Outcome::Passed => write!(f, "{} passes", self.name),
            Outcome::Skipped(reason) => write!(f, "{} is skipped: {reason}", self.name),
            Outcome::Failed(message) => write!(f, "{} fails: {message}", self.name),
        }
    }
}

/// Runs the suite against a server. The first two users administrate an account each; the third has no rights in the
/// first one's. Installs the suite if needed, and blocks until it has run.
pub fn run_functional_suite(server: &TestServer, users: [&SuiteUser; 3]) -> SuiteReport {
    let configuration = server.scratch_file("functional.conf", configuration(server, users));
    let results = server.scratch().join("functional.xml");
    let mut command = Command::new(swift_bin().join("python"));
    command
        .args(["-m", "pytest", "-q", "--tb=short", "-p", "no:cacheprovider"])
        .arg(format!("--junitxml={}", results.display()))
        // The second kind of file is none that pytest would find by itself.
        .args(["-o", "python_files=test_*.py tests.py"])
        .args(["test/functional", "--ignore", LEFT_OUT])
        .current_dir(swift_source())
        .env("SWIFT_TEST_CONFIG_FILE", configuration)
        .env("PYTHONDONTWRITEBYTECODE", "1");
    let output = server.scratch_file("functional.log", "");
    let (status, said) = run(command, &output);
    let xml = std::fs::read_to_string(&results)
        .unwrap_or_else(|error| panic!("{status}, and no results ({error}):\n{said}"));
    SuiteReport {
        cases: cases(&xml),
        closing: said.lines().last().unwrap_or_default().to_owned(),
    }
}

/// The suite's configuration, in which `%` begins an escape.
fn configuration(server: &TestServer, users: [&SuiteUser; 3]) -> String {
    let [first, second, third] = users;
    let lines = [
        "[func_test]".to_owned(),
        format!("auth_uri = {}/auth/v1.0", server.endpoint()),
        format!("account = {}", first.account),
        format!("username = {}", first.name),
        format!("password = {}", first.password),
        format!("account2 = {}", second.account),
        format!("username2 = {}", second.name),
        format!("password2 = {}", second.password),
        format!("username3 = {}", third.name),
        format!("password3 = {}", third.password),
        "collate = C".to_owned(),
        "[unit_test]".to_owned(),
    ];
    lines.join("\n").replace('%', "%%") + "\n"
}

/// Runs a command to its end; returns how it ended, and all that it wrote.
fn run(mut command: Command, output: &Path) -> (ExitStatus, String) {
    let file = || {
        std::fs::File::options()
            .append(true)
            .open(output)
            .unwrap_or_else(|error| panic!("writing {}: {error}", output.display()))
    };
    command.stdin(Stdio::null()).stdout(file()).stderr(file());
    let child = command.spawn();
    let mut child = child.unwrap_or_else(|error| panic!("running {command:?}: {error}"));
    let ended = ended(&mut child);
    let said = std::fs::read_to_string(output).unwrap_or_default();
    match ended {
        Some(status) => (status, said),
        None => panic!("{command:?} still runs after {PATIENCE:?}:\n{said}"),
    }
}

/// How a process ends; nothing if it does not, and then it is killed.
fn ended(child: &mut Child) -> Option<ExitStatus> {
    let began = Instant::now();
    while began.elapsed() < PATIENCE {
        match child.try_wait() {
            Ok(Some(status)) => return Some(status),
            Ok(None) => std::thread::sleep(POLL_INTERVAL),
            Err(error) => panic!("waiting for the suite: {error}"),
        }
    }
    // Fails only if it has ended in this moment.
    let _ = child.kill();
    let _ = child.wait();
    None
}

/// The tests of a results file in JUnit's form.
fn cases(xml: &str) -> Vec<Case> {
    let mut reader = Reader::from_str(xml);
    let mut cases: Vec<Case> = Vec::new();
    loop {
        let event = reader.read_event();
        match event.unwrap_or_else(|error| panic!("reading the results: {error}")) {
            Event::Eof => return cases,
            Event::Start(tag) | Event::Empty(tag) => add(&mut cases, &tag),
            _ => {}
        }
    }
}

/// Adds the test that a tag begins, or what a tag within says of the last one.
fn add(cases: &mut Vec<Case>, tag: &BytesStart<'_>) {
    let outcome = match tag.name().as_ref() {
        "testcase" => {
            let name = name(&attribute(tag, "classname"), &attribute(tag, "name"));
            return cases.push(Case {
                name,
                outcome: Outcome::Passed,
            });
        }
        "skipped" => Outcome::Skipped(attribute(tag, "message")),
        "failure" | "error" => Outcome::Failed(attribute(tag, "message")),
        _ => return,
    };
    if let Some(case) = cases.last_mut() {
        case.outcome = outcome;
    }
}

/// `file.py::Class::method` of `test.functional.file.Class` and `method`; what stands for a whole file has no class.
fn name(class: &str, method: &str) -> String {
    let class = class.strip_prefix("test.functional.").unwrap_or(class);
    match class.split_once('.') {
        Some((file, class)) => format!("{file}.py::{class}::{method}"),
        None if class.is_empty() => method.to_owned(),
        None => format!("{class}.py::{method}"),
    }
}

fn attribute(tag: &BytesStart<'_>, name: &str) -> String {
    let found = tag.try_get_attribute(name);
    let found = found.unwrap_or_else(|error| panic!("reading the results: {error}"));
    let value = found.map(|attribute| {
        let value = attribute.normalized_value(quick_xml::XmlVersion::Implicit1_0);
        value.unwrap_or_else(|error| panic!("reading the results: {error}"))
    });
    value.unwrap_or_default().into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_results_tell_what_became_of_each_test() {
        let xml = r#"<?xml version="1.0"?><testsuites><testsuite name="pytest">
            <testcase classname="test.functional.tests.TestFile" name="testCopy" time="1" />
            <testcase classname="test.functional.test_slo.TestSlo" name="test_a">
                <failure message="a &lt; b">trace</failure></testcase>
            <testcase classname="test.functional.test_slo.TestSlo" name="test_b">
                <skipped type="pytest.skip" message="not here">where</skipped></testcase>
            </testsuite></testsuites>"#;
        let shown: Vec<String> = cases(xml).iter().map(ToString::to_string).collect();
        assert_eq!(
            shown,
            [
                "tests.py::TestFile::testCopy passes",
                "test_slo.py::TestSlo::test_a fails: a < b",
                "test_slo.py::TestSlo::test_b is skipped: not here",
            ]
        );
    }
}
