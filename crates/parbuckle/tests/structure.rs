//! The house keeps its shape: forbidden arrows between crates, and the invariants of ARCHITECTURE.md that a look at
//! the source can check.

#![allow(
    clippy::unwrap_used,
    reason = "a test may stop at what it does not expect"
)]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// Which crates of ours each crate may use. What is not listed is forbidden.
const MAY_USE: [(&str, &[&str]); 7] = [
    ("model", &[]),
    ("iam", &["parbuckle-model"]),
    ("kv", &[]),
    ("blob", &[]),
    (
        "engine",
        &[
            "parbuckle-model",
            "parbuckle-iam",
            "parbuckle-kv",
            "parbuckle-blob",
        ],
    ),
    (
        "api",
        &["parbuckle-model", "parbuckle-iam", "parbuckle-engine"],
    ),
    (
        "parbuckle",
        &[
            "parbuckle-model",
            "parbuckle-iam",
            "parbuckle-kv",
            "parbuckle-blob",
            "parbuckle-engine",
            "parbuckle-api",
        ],
    ),
];

/// What a crate must never know, by the libraries that would bring it.
const MUST_NOT_KNOW: [(&str, &[&str]); 6] = [
    (
        "model",
        &[
            "tokio",
            "async-trait",
            "futures-core",
            "http",
            "hyper",
            "serde",
            "serde_json",
            "minicbor",
            "fjall",
        ],
    ),
    (
        "iam",
        &[
            "tokio",
            "async-trait",
            "http",
            "hyper",
            "axum",
            "serde_json",
            "minicbor",
            "fjall",
        ],
    ),
    (
        "kv",
        &[
            "http",
            "hyper",
            "serde",
            "serde_json",
            "minicbor",
            "jiff",
            "uuid",
        ],
    ),
    (
        "blob",
        &[
            "http",
            "hyper",
            "serde",
            "serde_json",
            "minicbor",
            "jiff",
            "uuid",
            "fjall",
        ],
    ),
    (
        "engine",
        &[
            "http",
            "hyper",
            "hyper-util",
            "serde",
            "serde_json",
            "quick-xml",
            "fjall",
            "rustix",
        ],
    ),
    (
        "api",
        &[
            "minicbor",
            "fjall",
            "rustix",
            "hyper-util",
            "rustls",
            "tokio-rustls",
        ],
    ),
];

/// Longest source file in lines.
const FILE_LINES_MAX: usize = 600;

#[test]
fn no_crate_uses_a_crate_it_must_not_know() {
    for (name, allowed) in MAY_USE {
        for used in dependencies(name)
            .iter()
            .filter(|used| used.starts_with("parbuckle"))
        {
            assert!(
                allowed.contains(&used.as_str()),
                "crates/{name} must not use {used}"
            );
        }
    }
}

#[test]
fn no_crate_brings_in_a_library_for_what_it_must_not_know() {
    for (name, forbidden) in MUST_NOT_KNOW {
        for used in dependencies(name) {
            assert!(
                !forbidden.contains(&used.as_str()),
                "crates/{name} must not use {used}"
            );
        }
    }
}

#[test]
fn every_crate_of_the_workspace_stands_in_the_table() {
    let crates = fs::read_dir(root().join("crates")).unwrap();
    for folder in crates.map(|entry| entry.unwrap().file_name().into_string().unwrap()) {
        let known = MAY_USE.iter().any(|(name, _)| *name == folder) || folder == "testkit";
        assert!(known, "crates/{folder} has no row in MAY_USE");
    }
}

#[test]
fn faces_never_import_each_other() {
    const FACES: [&str; 4] = ["native", "identity", "swift", "console"];
    for (path, text) in sources("crates/api/src") {
        let face = FACES
            .iter()
            .find(|face| path.contains(&format!("src/{face}")));
        for other in FACES
            .iter()
            .filter(|other| face.is_some_and(|face| face != *other))
        {
            assert!(
                !text.contains(&format!("crate::{other}::")),
                "{path} imports the {other} face"
            );
        }
    }
}

#[test]
fn only_authentication_makes_a_caller() {
    for (path, text) in sources("crates/engine/src") {
        let makes = text.contains("Caller { identity");
        assert!(
            !makes || path.ends_with("src/caller.rs"),
            "{path} makes a Caller"
        );
    }
}

#[test]
fn there_is_one_transaction_loop() {
    for (path, text) in sources("crates/engine/src") {
        let begins = text.contains(".begin()") || text.contains(".commit().await");
        assert!(
            !begins || path.ends_with("src/transact.rs"),
            "{path} begins or commits a transaction by itself"
        );
    }
}

#[test]
fn faces_map_errors_without_a_wildcard_arm() {
    for (path, text) in sources("crates/api/src")
        .into_iter()
        .filter(|(path, _)| path.ends_with("/error.rs"))
    {
        let code = text.split("#[cfg(test)]").next().unwrap();
        assert!(
            !code
                .lines()
                .any(|line| line.trim_start().starts_with("_ =>")),
            "{path} has a wildcard arm"
        );
    }
}

#[test]
fn every_source_file_says_what_it_is_for() {
    for (path, text) in all_sources() {
        assert!(
            text.starts_with("//!"),
            "{path} does not begin with a //! line"
        );
    }
}

#[test]
fn no_source_file_is_too_long() {
    for (path, text) in all_sources() {
        let lines = text.lines().count();
        assert!(
            lines <= FILE_LINES_MAX,
            "{path} has {lines} lines; split it by meaning"
        );
    }
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// Names of the libraries that a crate's own code uses; those of its tests do not count.
fn dependencies(name: &str) -> Vec<String> {
    let manifest = fs::read_to_string(root().join("crates").join(name).join("Cargo.toml")).unwrap();
    let manifest: toml::Table = manifest.parse().unwrap();
    let of = |key: &str| {
        manifest
            .get(key)
            .and_then(toml::Value::as_table)
            .cloned()
            .unwrap_or_default()
    };
    of("dependencies")
        .into_iter()
        .map(|(name, _)| name)
        .collect()
}

fn all_sources() -> BTreeMap<String, String> {
    ["crates", "benches"]
        .into_iter()
        .flat_map(sources)
        .collect()
}

/// The Rust files below a folder of the workspace, by path from its root.
fn sources(folder: &str) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    let mut folders = vec![root().join(folder)];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap().map(Result::unwrap) {
            let path = entry.path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let name = path
                    .strip_prefix(root())
                    .unwrap()
                    .to_str()
                    .unwrap()
                    .to_owned();
                found.insert(name, fs::read_to_string(&path).unwrap());
            }
        }
    }
    assert!(!found.is_empty(), "there is no source below {folder}");
    found
}
