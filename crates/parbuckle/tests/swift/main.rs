//! The Swift face over a real server: what clients of Oracle Storage Classic and OpenStack Swift send and get back.

#![allow(
    clippy::unwrap_used,
    reason = "a test has nothing better to do than to stop there"
)]

mod account;
mod archive;
mod archive_tier;
mod auth;
mod basic;
mod bulk;
mod common;
mod container;
mod copy;
mod cors;
mod dlo;
mod expiry;
mod listing;
mod object;
mod quota;
mod reads;
mod slo;
mod stage;
mod tempurl;
mod wire;

/// The binary under test.
const PARBUCKLE: &str = env!("CARGO_BIN_EXE_parbuckle");
