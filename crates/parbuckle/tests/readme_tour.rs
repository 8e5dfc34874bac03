//! The README's tour gives exactly what it prints.

use std::fmt::Write as _;

use parbuckle_testkit::{TestServer, clients};

/// Ends the output of one command.
const MARK: &str = "--end-of-command--";

#[tokio::test]
async fn the_tour_of_the_readme_prints_what_it_says() {
    let server = TestServer::start(env!("CARGO_BIN_EXE_parbuckle")).await;
    let readme = include_str!("../../../README.md");
    let steps = steps(readme);
    assert!(
        steps.len() > 10,
        "the README has only {} steps",
        steps.len()
    );
    let mut script = String::from("exec 2>&1\n");
    for step in &steps {
        let command = step
            .command
            .replace("http://127.0.0.1:9085", server.endpoint());
        writeln!(script, "{command}\necho\necho {MARK}").expect("writing to a string");
    }
    let output = run(&server, &script).await;
    let mut printed = output.split(MARK);
    for step in &steps {
        let printed = printed.next().unwrap_or_default().trim();
        let fits = lines(&step.output).len() == lines(printed).len()
            && lines(&step.output)
                .iter()
                .zip(lines(printed))
                .all(|(expected, line)| fits(expected, line));
        assert!(
            fits,
            "$ {}\nexpected:\n{}\nprinted:\n{printed}\n\n{output}",
            step.command, step.output
        );
    }
}

struct Step {
    command: String,
    output: String,
}

/// The commands of the `console` blocks, each with the output that follows it.
fn steps(readme: &str) -> Vec<Step> {
    let mut steps: Vec<Step> = Vec::new();
    for block in readme.split("```console\n").skip(1) {
        let block = block.split("```").next().unwrap_or_default();
        let mut continues = false;
        for line in block.lines() {
            match (line.strip_prefix("$ "), steps.last_mut()) {
                (Some(command), _) => steps.push(Step {
                    command: command.to_owned(),
                    output: String::new(),
                }),
                (None, Some(step)) if continues => {
                    step.command = format!("{}\n{line}", step.command)
                }
                (None, Some(step)) => step.output = format!("{}{line}\n", step.output),
                (None, None) => panic!("the block begins without a command: {line}"),
            }
            continues = line.ends_with('\\');
        }
    }
    steps
}

/// Runs the script where `parbuckle-data` and `venv` are what the tour expects them to be.
async fn run(server: &TestServer, script: &str) -> String {
    std::os::unix::fs::symlink(server.data_dir(), server.scratch().join("parbuckle-data"))
        .expect("a link to the data folder");
    // The tour's first command makes a venv; the tests have the same programs already.
    let install = "python3 -m venv venv && ./venv/bin/pip install --quiet oci-cli";
    assert!(
        script.contains(install),
        "the tour installs the CLI in another way now"
    );
    let script = script.replacen(
        install,
        "mkdir -p venv/bin && ln -s \"$(command -v oci)\" venv/bin/oci",
        1,
    );
    clients::shell(server, &script)
        .run()
        .await
        .success()
        .stdout
        .replace('\r', "\n")
}

fn lines(text: &str) -> Vec<&str> {
    text.lines()
        .map(str::trim_end)
        .filter(|line| !line.is_empty())
        .collect()
}

/// `…` stands for anything.
fn fits(expected: &str, line: &str) -> bool {
    match expected.split_once('…') {
        Some((begin, end)) => line.starts_with(begin) && line.ends_with(end),
        None => expected == line,
    }
}
