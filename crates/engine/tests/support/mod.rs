//! What the engine's tests share: services on chosen stores, bodies, listings, and the audit of a service's stores.

pub(crate) mod audit;
pub(crate) mod body;
pub(crate) mod environment;
pub(crate) mod listing;
pub(crate) mod world;

use std::time::Duration;

use jiff::SignedDuration;
use parbuckle_engine::{Error, NewBucket};
use parbuckle_model::{BucketName, Expiry, PartNumber, PublicAccess, StorageTier};

use world::World;

/// The name of an error's kind, such as `BucketNotFound`.
pub(crate) fn kind_of(error: &Error) -> String {
    let text = format!("{:?}", error.kind());
    let end = text.find(|c: char| !c.is_ascii_alphanumeric());
    text[..end.unwrap_or(text.len())].to_owned()
}

/// The kind of the error, or `ok`.
pub(crate) fn outcome<T>(result: &Result<T, Error>) -> String {
    match result {
        Ok(_) => "ok".to_owned(),
        Err(error) => kind_of(error),
    }
}

/// A private bucket to be made in the tenancy's root.
pub(crate) fn new_bucket(world: &World, name: &str) -> NewBucket {
    NewBucket {
        versioning: parbuckle_model::Versioning::Disabled,
        auto_tiering: parbuckle_model::AutoTiering::Disabled,
        name: BucketName::parse(name).unwrap(),
        compartment: world.compartment.clone(),
        public_access: PublicAccess::NoPublicAccess,
        storage_tier: StorageTier::Standard,
        object_events_enabled: false,
        metadata: Vec::new(),
        freeform_tags: Vec::new(),
        defined_tags: Vec::new(),
    }
}

/// So long after now.
pub(crate) fn expires_in(world: &World, lifetime: Duration) -> Expiry {
    let lifetime = SignedDuration::try_from(lifetime).unwrap();
    Expiry::from(world.engine.environment().now() + lifetime)
}

/// A part number.
pub(crate) fn part(number: u16) -> PartNumber {
    PartNumber::new(i64::from(number)).unwrap()
}
