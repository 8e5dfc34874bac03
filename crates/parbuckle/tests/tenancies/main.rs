//! `parbuckle tenancy`: adding tenancies beside the first, with and without a running server, and what then keeps them
//! apart.

#![allow(
    clippy::unwrap_used,
    reason = "a test has nothing better to do than to stop there"
)]

mod create;
mod isolation;
mod socket;
mod tenant;

/// The binary under test.
const PARBUCKLE: &str = env!("CARGO_BIN_EXE_parbuckle");
