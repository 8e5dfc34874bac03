//! Identity: tenancies, users, groups, policies, compartments and credentials, and the view of them that
//! authorization uses (wire reference sections 12 and 13).
//!
//! Every change is one transaction that asks policies on its own snapshot and bumps the tenancy's epoch. Permissions are
//! asked before anything is written: the compiled view of an epoch must never see uncommitted changes.

mod administrators;
mod admission;
mod api_key;
mod cache;
mod compartment;
mod directory;
mod dynamic_group;
mod entity;
mod group;
mod listing;
mod membership;
mod password;
mod place;
mod policy;
mod retry;
mod secret;
mod tenancy;
mod text;
mod user;
mod work_request;

pub(crate) use cache::{IdentityCache, PrincipalNow, Question, TenancyIdentity};

pub use api_key::ApiKey;
pub use compartment::{AccessLevel, CompartmentChange, ListedCompartment};
pub use dynamic_group::{DynamicGroupChange, NewDynamicGroup};
pub use entity::{EntityChange, EntityDetails};
pub use listing::{LifecycleState, ListOptions, SortBy, SortOrder};
pub use membership::MembershipFilter;
pub use password::{NewPassword, PasswordInfo};
pub use place::{AvailabilityDomain, FaultDomain, IdentityDomain, Region, RegionSubscription};
pub use policy::{NewPolicy, PolicyChange};
pub use retry::RetryToken;
pub use secret::{NewUserSecret, SecretKind, UserSecret};
pub use tenancy::{Tenancy, TenancyPlan};
pub use user::{CapabilitiesChange, NewUser, UserChange, UserFilter};
pub use work_request::WorkRequest;
