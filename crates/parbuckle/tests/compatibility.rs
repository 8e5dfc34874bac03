//! docs/compatibility.md says of every route what the server does with it.

use parbuckle_api::NATIVE_ROUTES;

#[test]
fn the_compatibility_table_agrees_with_the_routes() {
    let doc = include_str!("../../../docs/compatibility.md");
    let mut rows: Vec<&str> = doc
        .lines()
        .filter(|line| line.starts_with("| ") && line.contains("| `"))
        .collect();
    for route in NATIVE_ROUTES {
        let begins = format!(
            "| {} | `{} {}` | ",
            route.operation, route.method, route.template
        );
        let at = rows.iter().position(|row| row.starts_with(&begins));
        let row = rows.remove(at.unwrap_or_else(|| panic!("no row begins {begins}")));
        let state = row[begins.len()..].split(" | ").next().unwrap_or_default();
        let fits = match route.implemented {
            true => state == "complete" || state.starts_with("partial: "),
            false => state == "refused: 501",
        };
        assert!(fits, "{row}: implemented is {}", route.implemented);
    }
    assert!(rows.is_empty(), "rows without a route: {rows:?}");
}
