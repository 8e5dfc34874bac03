//! Buckets, objects, uploads and PARs: against a reference model, page by page, under faults, under contention, and
//! what each PAR permits.
//!
//! `PARBUCKLE_PROPTEST_CASES` sets the number of random programs and `PARBUCKLE_PROPTEST_SEED` repeats a run. A program
//! has 2 to 101 steps, 51 on average, so that a million random operations are 20,000 programs, which take a few minutes:
//!
//! ```sh
//! PARBUCKLE_PROPTEST_CASES=20000 cargo test -p parbuckle-engine --test storage model::random -- --nocapture
//! ```

#![allow(
    clippy::unwrap_used,
    reason = "helpers of tests; clippy.toml covers only test functions"
)]

mod auto_tiering;
mod batch;
mod checksums;
mod collector;
mod concurrency;
mod emptied;
mod encryption;
mod faults;
mod lifecycle;
mod listing;
mod model;
mod par_rights;
mod place;
mod power_cut;
mod races;
mod rename;
mod replication;
mod retention;
mod script;
mod shelf;
mod strangers;
#[path = "../support/mod.rs"]
mod support;
mod tiers;
mod version_lists;
mod versions;
mod work;
