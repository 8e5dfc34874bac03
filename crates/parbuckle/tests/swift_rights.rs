//! Who may do what through Swift, and for how long (docs/classic.md, "Who may do what").

#![allow(
    clippy::unwrap_used,
    reason = "a test has nothing better to do than to stop there"
)]

#[path = "swift_rights/archive.rs"]
mod archive;
#[path = "swift_rights/callers.rs"]
mod callers;
#[path = "swift_rights/dialects.rs"]
mod dialects;
#[path = "swift_rights/extras.rs"]
mod extras;
#[path = "swift_rights/hiding.rs"]
mod hiding;
#[path = "swift_rights/revocation.rs"]
mod revocation;
#[path = "swift_rights/rows.rs"]
mod rows;
#[path = "swift_rights/secrets.rs"]
mod secrets;
#[path = "swift_rights/sign_in.rs"]
mod sign_in;
#[path = "swift_rights/stage.rs"]
mod stage;
#[path = "swift_rights/table.rs"]
mod table;

/// The binary under test.
const PARBUCKLE: &str = env!("CARGO_BIN_EXE_parbuckle");
