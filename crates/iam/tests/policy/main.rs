//! The policy language: what is accepted and refused, what names mean, who may do what, and that a
//! second, naive evaluator agrees.

#![allow(
    clippy::unwrap_used,
    reason = "a test that cannot be set up has failed"
)]

mod evaluation;
mod explanation;
mod generate;
mod language;
mod naive;
mod properties;
mod resolution;
mod variables;
mod world;
