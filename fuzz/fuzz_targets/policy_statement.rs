//! Statements of policies: whatever parses is printed as a text that means the same.

#![no_main]

use libfuzzer_sys::fuzz_target;
use parbuckle_iam::policy::Statement;

fuzz_target!(|text: &str| {
    let Ok(statement) = Statement::parse(text) else {
        return;
    };
    let printed = statement.to_string();
    assert_eq!(Statement::parse(&printed), Ok(statement), "{printed}");
});
