//! docs/compatibility.md says of every route what the server does with it, and which client shows it in which test.

use std::fs;
use std::path::{Path, PathBuf};

use parbuckle_api::{NATIVE_ROUTES, RouteRow};

const DOC: &str = include_str!("../../../docs/compatibility.md");

/// Those whose word counts.
const CLIENTS: [&str; 6] = [
    "oci CLI",
    "Python SDK",
    "TypeScript SDK",
    "rclone",
    "ocifs",
    "curl",
];

/// A client's proof that an operation works.
struct Proof<'a> {
    client: &'a str,
    /// A test, or a script that a test runs.
    file: &'a str,
    /// What the client is told to do there.
    words: &'a str,
}

#[test]
fn the_compatibility_table_agrees_with_the_routes() {
    let mut rows = rows();
    for route in NATIVE_ROUTES {
        let row = rows.remove(position(&rows, route));
        let state = state(row, route);
        let fits = match route.implemented {
            true => state == "complete" || state.starts_with("partial: "),
            false => state == "refused: 501",
        };
        assert!(fits, "{row}: implemented is {}", route.implemented);
    }
    assert!(rows.is_empty(), "rows without a route: {rows:?}");
}

#[test]
fn whatever_is_there_is_shown_by_a_client_in_a_test_and_nothing_else_is() {
    let rows = rows();
    for route in NATIVE_ROUTES {
        let row = rows[position(&rows, route)];
        let proofs = proofs(row);
        assert_eq!(!proofs.is_empty(), route.implemented, "{row}");
        for Proof {
            client,
            file,
            words,
        } in proofs
        {
            assert!(CLIENTS.contains(&client), "{row}: {client} is no client");
            let text = text_of(file).unwrap_or_else(|| panic!("{row}: there is no test {file}"));
            let done = text.lines().any(|line| code(line).contains(words));
            assert!(done, "{row}: nothing in {file} does {words}");
        }
    }
}

#[test]
fn every_script_that_shows_something_is_run_by_a_test() {
    let tests = test_sources();
    for file in rows().into_iter().flat_map(proofs).map(|proof| proof.file) {
        let is_test = tests.iter().any(|(path, _)| path.ends_with(file));
        let names = [format!("clients/{file}\""), format!("run(\"{file}\"")];
        let is_run = tests
            .iter()
            .any(|(_, text)| names.iter().any(|name| text.contains(name)));
        assert!(is_test || is_run, "no test runs {file}");
    }
}

/// The rows of the table of operations.
fn rows() -> Vec<&'static str> {
    let is_row = |line: &&str| line.starts_with("| ") && line.contains("| `");
    DOC.lines().filter(is_row).collect()
}

fn position(rows: &[&str], route: &RouteRow) -> usize {
    let begins = beginning(route);
    let at = rows.iter().position(|row| row.starts_with(&begins));
    at.unwrap_or_else(|| panic!("no row begins {begins}"))
}

fn beginning(route: &RouteRow) -> String {
    let RouteRow {
        method,
        template,
        operation,
        ..
    } = route;
    format!("| {operation} | `{method} {template}` | ")
}

fn state<'a>(row: &'a str, route: &RouteRow) -> &'a str {
    let rest = &row[beginning(route).len()..];
    rest.split(" | ").next().unwrap_or_default()
}

/// The last column: `client (file: words), ...`, with file and words between backticks.
fn proofs(row: &str) -> Vec<Proof<'_>> {
    let column = row.trim_end_matches(" |").rsplit(" | ").next();
    let column = column.unwrap_or_default().trim_end_matches("`)");
    if !column.contains(" (`") {
        return Vec::new();
    }
    let proof = |text| parse(text).unwrap_or_else(|| panic!("{row}: {text:?} is no proof"));
    column.split("`), ").map(proof).collect()
}

fn parse(text: &str) -> Option<Proof<'_>> {
    let (client, rest) = text.split_once(" (`")?;
    let (file, words) = rest.split_once("`: `")?;
    Some(Proof {
        client,
        file,
        words,
    })
}

/// The line without what is only said.
fn code(line: &str) -> &str {
    match line.trim_start() {
        comment if comment.starts_with("//") || comment.starts_with('#') => "",
        code => code,
    }
}

fn text_of(file: &str) -> Option<String> {
    let tests = folder();
    let found = [tests.join(file), tests.join("clients").join(file)];
    found.iter().find_map(|path| fs::read_to_string(path).ok())
}

fn test_sources() -> Vec<(PathBuf, String)> {
    let entries = fs::read_dir(folder()).expect("the tests have a folder");
    let paths = entries.map(|entry| entry.expect("it can be read").path());
    let sources = paths.filter(|path| path.extension().is_some_and(|end| end == "rs"));
    sources
        .map(|path| {
            let text = fs::read_to_string(&path).expect("a source is text");
            (path, text)
        })
        .collect()
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests")
}
