//! Permissions, the resource types and verbs that bundle them, and what each operation needs
//! (wire reference, sections 12.1 to 12.3).

mod name;
mod operation;
mod resource;

pub use name::{Permission, PermissionSet};
pub use operation::{Operation, Requirement};
pub use resource::{Resource, ResourceType, Verb};
