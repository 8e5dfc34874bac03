//! What a pre-authenticated request permits (wire reference section 7.2; seed "Options").

use crate::names::{ObjectName, ObjectPrefix};

/// Longest PAR in bytes, object name included (wire reference section 9).
pub const PAR_BYTES_MAX: usize = 3500;

/// The six access types.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AccessType {
    /// Read one object.
    ObjectRead,
    /// Write one object.
    ObjectWrite,
    /// Read and write one object.
    ObjectReadWrite,
    /// Read any object, or any under a prefix.
    AnyObjectRead,
    /// Write any object, or any under a prefix.
    AnyObjectWrite,
    /// Read and write any object, or any under a prefix.
    AnyObjectReadWrite,
}

impl AccessType {
    /// All types.
    pub const ALL: [Self; 6] = [
        Self::ObjectRead,
        Self::ObjectWrite,
        Self::ObjectReadWrite,
        Self::AnyObjectRead,
        Self::AnyObjectWrite,
        Self::AnyObjectReadWrite,
    ];

    /// OCI's spelling.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::ObjectRead => "ObjectRead",
            Self::ObjectWrite => "ObjectWrite",
            Self::ObjectReadWrite => "ObjectReadWrite",
            Self::AnyObjectRead => "AnyObjectRead",
            Self::AnyObjectWrite => "AnyObjectWrite",
            Self::AnyObjectReadWrite => "AnyObjectReadWrite",
        }
    }

    /// Parses OCI's spelling.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|v| v.as_str() == text)
    }

    /// Whether it lets objects be read.
    pub fn reads(self) -> bool {
        !matches!(self, Self::ObjectWrite | Self::AnyObjectWrite)
    }

    /// Whether it lets objects be written.
    pub fn writes(self) -> bool {
        !matches!(self, Self::ObjectRead | Self::AnyObjectRead)
    }

    /// Whether it speaks of one object.
    pub fn is_single_object(self) -> bool {
        matches!(
            self,
            Self::ObjectRead | Self::ObjectWrite | Self::ObjectReadWrite
        )
    }
}

/// Whether the holder may list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ListingAction {
    /// No; also when nothing was given.
    Deny,
    /// Names within the scope.
    ListObjects,
}

impl ListingAction {
    /// OCI's spelling.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Deny => "Deny",
            Self::ListObjects => "ListObjects",
        }
    }

    /// Parses OCI's spelling.
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Deny, Self::ListObjects]
            .into_iter()
            .find(|v| v.as_str() == text)
    }
}

/// Which objects a PAR speaks of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ParTarget {
    /// This one.
    Object(ObjectName),
    /// All whose names begin so.
    Prefix(ObjectPrefix),
    /// All of the bucket.
    Bucket,
}

/// A combination of access type, object name and listing action that no PAR can have.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct InvalidPar(pub &'static str);

/// What the holder of a PAR may do, as long as its creator may.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ParScope {
    access: AccessType,
    target: ParTarget,
    listing: Option<ListingAction>,
}

impl ParScope {
    /// Checks that the parts fit together. `object` is the object of the single-object types, the prefix of the
    /// others; an empty prefix is the whole bucket.
    pub fn new(
        access: AccessType,
        object: Option<&str>,
        listing: Option<ListingAction>,
    ) -> Result<Self, InvalidPar> {
        let target = match (access.is_single_object(), object) {
            (true, Some(name)) => ParTarget::Object(
                ObjectName::parse(name.as_bytes())
                    .map_err(|_| InvalidPar("objectName is not a valid object name"))?,
            ),
            (true, None) => return Err(InvalidPar("objectName is required for this accessType")),
            (false, None | Some("")) => ParTarget::Bucket,
            (false, Some(prefix)) => ParTarget::Prefix(
                ObjectPrefix::parse(prefix.as_bytes())
                    .map_err(|_| InvalidPar("objectName is not a valid prefix"))?,
            ),
        };
        if access.is_single_object() && listing == Some(ListingAction::ListObjects) {
            return Err(InvalidPar(
                "bucketListingAction ListObjects needs an accessType for any object",
            ));
        }
        Ok(Self {
            access,
            target,
            listing,
        })
    }

    /// The access type.
    pub fn access(&self) -> AccessType {
        self.access
    }

    /// The target.
    pub fn target(&self) -> &ParTarget {
        &self.target
    }

    /// The listing action, if one was given.
    pub fn listing(&self) -> Option<ListingAction> {
        self.listing
    }

    /// The object name or prefix as it was given.
    pub fn object_name(&self) -> Option<&str> {
        match &self.target {
            ParTarget::Object(name) => Some(name.as_str()),
            ParTarget::Prefix(prefix) => Some(prefix.as_str()),
            ParTarget::Bucket => None,
        }
    }

    /// Whether an object of this name lies within the target.
    pub fn covers(&self, object: &ObjectName) -> bool {
        match &self.target {
            ParTarget::Object(name) => name == object,
            ParTarget::Prefix(prefix) => object.as_str().starts_with(prefix.as_str()),
            ParTarget::Bucket => true,
        }
    }

    /// Whether listing is permitted. A write-only PAR can be made with ListObjects, but lists nothing.
    pub fn lists(&self) -> bool {
        self.listing == Some(ListingAction::ListObjects)
            && self.access.reads()
            && !self.access.is_single_object()
    }

    /// The prefix that every listed name must have; empty for the whole bucket.
    pub fn listing_prefix(&self) -> &str {
        match &self.target {
            ParTarget::Prefix(prefix) => prefix.as_str(),
            ParTarget::Object(_) | ParTarget::Bucket => "",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(text: &str) -> ObjectName {
        ObjectName::parse(text.as_bytes()).unwrap()
    }

    #[test]
    fn an_object_par_covers_exactly_its_object() {
        let scope = ParScope::new(AccessType::ObjectRead, Some("a/b"), None).unwrap();
        assert!(scope.covers(&name("a/b")));
        assert!(!scope.covers(&name("a/bc")) && !scope.covers(&name("a")));
    }

    #[test]
    fn a_prefix_par_covers_the_left_most_characters() {
        let scope = ParScope::new(AccessType::AnyObjectRead, Some("service"), None).unwrap();
        assert!(scope.covers(&name("services.html")) && scope.covers(&name("service")));
        assert!(!scope.covers(&name("Services.html")) && !scope.covers(&name("a/service")));
    }

    #[test]
    fn an_object_type_needs_an_object_name() {
        assert!(ParScope::new(AccessType::ObjectWrite, None, None).is_err());
    }

    #[test]
    fn an_object_type_cannot_list() {
        assert!(
            ParScope::new(
                AccessType::ObjectRead,
                Some("a"),
                Some(ListingAction::ListObjects)
            )
            .is_err()
        );
        assert!(
            ParScope::new(AccessType::ObjectRead, Some("a"), Some(ListingAction::Deny)).is_ok()
        );
    }

    #[test]
    fn a_write_only_par_may_carry_list_objects_but_does_not_list() {
        let scope = ParScope::new(
            AccessType::AnyObjectWrite,
            None,
            Some(ListingAction::ListObjects),
        )
        .unwrap();
        assert!(!scope.lists());
    }

    #[test]
    fn an_empty_prefix_is_the_whole_bucket() {
        let scope = ParScope::new(AccessType::AnyObjectReadWrite, Some(""), None).unwrap();
        assert_eq!(scope.target(), &ParTarget::Bucket);
    }
}
