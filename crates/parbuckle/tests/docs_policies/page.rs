//! Blocks of a page, and what stands in them.

/// The contents of the code blocks of one kind, in order.
pub(crate) fn blocks<'a>(page: &'a str, kind: &str) -> Vec<&'a str> {
    let fence = format!("```{kind}\n");
    let starts = page.split(&*fence).skip(1);
    starts
        .map(|rest| rest.split("```").next().unwrap_or_default())
        .collect()
}

/// Statements: one a line, or of several lines between empty ones.
pub(crate) fn paragraphs(block: &str) -> Vec<String> {
    let begins = |line: &str| line.starts_with("Allow ") || line.starts_with("Deny ");
    let mut statements: Vec<String> = Vec::new();
    for line in block.lines().filter(|line| !line.is_empty()) {
        match statements.last_mut() {
            Some(open) if !begins(line) => {
                open.push('\n');
                open.push_str(line);
            }
            _ => statements.push(line.to_owned()),
        }
    }
    statements
}

/// The steps of a scenario, each with the indented lines below it in one.
pub(crate) fn joined(scenario: &str) -> Vec<(&str, Option<String>)> {
    let mut steps: Vec<(&str, Option<String>)> = Vec::new();
    for line in scenario.lines() {
        match (line.strip_prefix("  "), steps.last_mut()) {
            (None, _) => steps.push((line, None)),
            (Some(more), Some((_, logged))) => match logged {
                None => *logged = Some(more.to_owned()),
                Some(text) => {
                    text.push(' ');
                    text.push_str(more);
                }
            },
            (Some(_), None) => panic!("the scenario begins with an indented line"),
        }
    }
    steps
}
