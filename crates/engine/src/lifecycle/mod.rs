//! Lifecycle policies and auto-tiering (wire reference 3.7, 4.6, section 11): what owners want done with objects as they
//! grow old, and the daily run that does it.
//!
//! The policy is a record beside its bucket. A run (`run.rs`) goes through a bucket page by page and picks what may be due;
//! each object is then changed in a transaction of its own (`step.rs`), which looks at everything again. The service acts
//! at the wish of the bucket's owner: no user's rights are asked, and retention rules win.

mod glob;
mod policy;
mod reads;
mod rules;
mod run;
mod step;

pub use policy::LifecyclePolicy;
pub(crate) use reads::{NotedReads, Reads};
