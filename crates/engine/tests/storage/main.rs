//! Buckets, objects, uploads and PARs: against a reference model, page by page, under faults, under contention, and
//! what each PAR permits.
//!
//! `PARBUCKLE_PROPTEST_CASES` sets the number of random programs and `PARBUCKLE_PROPTEST_SEED` repeats a run.

#![allow(
    clippy::unwrap_used,
    reason = "helpers of tests; clippy.toml covers only test functions"
)]

mod collector;
mod concurrency;
mod faults;
mod listing;
mod model;
mod par_rights;
mod place;
mod power_cut;
mod races;
mod script;
mod strangers;
#[path = "../support/mod.rs"]
mod support;
