//! Storage Classic: signing in, rights, accounts, containers, objects, large objects, expiry and signed URLs, and what of
//! it holds for the native API.

#![allow(
    clippy::unwrap_used,
    reason = "helpers of tests; clippy.toml covers only test functions"
)]

mod access;
mod accounts;
mod containers;
mod expiry;
mod large;
mod listings;
mod objects;
mod retries;
mod rules;
mod sign_in;
mod stage;
mod temp_urls;
#[allow(dead_code, reason = "the tests of identity use the rest")]
#[path = "../identity/world.rs"]
mod world;
