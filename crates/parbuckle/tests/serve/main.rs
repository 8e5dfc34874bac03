//! `parbuckle serve` as a process: how it starts, what it lets a peer do, what it tells, how it stops.

#![allow(
    clippy::unwrap_used,
    reason = "a test has nothing better to do than to stop there"
)]

mod connections;
mod process;
mod start;
mod stop;
mod telemetry;
mod tls;

/// The binary under test.
const PARBUCKLE: &str = env!("CARGO_BIN_EXE_parbuckle");
