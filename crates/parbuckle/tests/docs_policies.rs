//! The pages "Policies" and "Why was this refused?" are true: each statement in them is sent to a server, each scenario is
//! acted out, and each sentence they show is what the server logs.
//!
//! Their code blocks are of four kinds. `stage` sets the scene for the statements of the page, in the language of
//! [`stage::Stage::perform`]. In `policy`, each statement is accepted; statements of several lines stand between empty lines. In
//! `refused`, each statement has the reply below it. `scenario` is a play of its own, on a server of its own.

#![allow(
    clippy::unwrap_used,
    reason = "helpers of tests; clippy.toml covers only test functions"
)]

#[path = "docs_policies/page.rs"]
mod page;
#[path = "docs_policies/stage.rs"]
mod stage;

use page::{blocks, joined, paragraphs};
use stage::Stage;

const POLICIES: &str = include_str!("../../../docs/policies.md");
const WHY_REFUSED: &str = include_str!("../../../docs/why-refused.md");

#[tokio::test]
async fn each_statement_of_the_policies_page_is_accepted() {
    let mut stage = set_for_statements().await;
    let mut count = 0;
    for block in blocks(POLICIES, "policy") {
        for statement in paragraphs(block) {
            let reply = stage.write_policy("example", None, &statement).await;
            assert_eq!(reply.status, 200, "{statement}\n{reply}");
            count += 1;
        }
    }
    assert!(count > 10, "only {count} statements found");
}

#[tokio::test]
async fn each_statement_said_to_be_refused_is_refused_in_these_words() {
    let mut stage = set_for_statements().await;
    let mut count = 0;
    for block in blocks(POLICIES, "refused") {
        for paragraph in block.split("\n\n") {
            let (statement, refusal) = paragraph.trim().split_once('\n').unwrap();
            let reply = stage.write_policy("example", None, statement).await;
            assert_eq!(reply.to_string(), refusal, "{statement}");
            count += 1;
        }
    }
    assert!(count > 8, "only {count} refusals found");
}

#[tokio::test]
async fn the_scenarios_of_the_policies_page_end_as_it_says() {
    act_all(POLICIES, 8).await;
}

#[tokio::test]
async fn the_scenarios_of_why_refused_end_and_are_logged_as_it_says() {
    act_all(WHY_REFUSED, 10).await;
}

async fn set_for_statements() -> Stage {
    let mut stage = Stage::new().await;
    for block in blocks(POLICIES, "stage") {
        for line in block.lines() {
            stage.perform(line).await;
        }
    }
    stage
}

async fn act_all(page: &str, expected: usize) {
    let scenarios = blocks(page, "scenario");
    assert!(
        scenarios.len() >= expected,
        "only {} scenarios found",
        scenarios.len()
    );
    for scenario in scenarios {
        let mut stage = Stage::new().await;
        for (line, logged) in joined(scenario) {
            stage.perform(line).await;
            if let Some(why) = logged {
                stage.assert_logged(&why).await;
            }
        }
    }
}
