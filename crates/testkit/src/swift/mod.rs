//! Swift: a real OpenStack Swift on loopback, the clients of its API, its own functional tests, and tables of requests that
//! two servers must answer alike.

mod clients;
mod compare;
mod fill;
mod functional;
mod install;
mod real;
mod run;
mod table;
mod wire;

pub use clients::{rclone_swift, swift_cli};
pub use functional::{Case, Outcome, SuiteReport, SuiteUser, run_functional_suite};
pub use real::{Plan, RealSwift, RealUser};
pub use run::{Disagreement, Site, run_tables};
