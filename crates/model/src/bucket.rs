//! What a bucket's owner chooses among (wire reference 4.1, 11).

/// Public access of a bucket (wire reference 4.1, 11).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum PublicAccess {
    /// Only callers with rights.
    #[default]
    NoPublicAccess,
    /// Anyone reads and lists objects.
    ObjectRead,
    /// Anyone reads objects whose name he knows.
    ObjectReadWithoutList,
}

impl PublicAccess {
    /// OCI's spelling.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::NoPublicAccess => "NoPublicAccess",
            Self::ObjectRead => "ObjectRead",
            Self::ObjectReadWithoutList => "ObjectReadWithoutList",
        }
    }

    /// Parses OCI's spelling.
    pub fn parse(text: &str) -> Option<Self> {
        [
            Self::NoPublicAccess,
            Self::ObjectRead,
            Self::ObjectReadWithoutList,
        ]
        .into_iter()
        .find(|v| v.as_str() == text)
    }
}

/// Whether a bucket keeps what is overwritten and deleted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Versioning {
    /// Never has.
    #[default]
    Disabled,
    /// Does.
    Enabled,
    /// Has, and keeps those versions, but makes no more.
    Suspended,
}

impl Versioning {
    /// OCI's spelling.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Disabled => "Disabled",
            Self::Enabled => "Enabled",
            Self::Suspended => "Suspended",
        }
    }

    /// Parses OCI's spelling.
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Disabled, Self::Enabled, Self::Suspended]
            .into_iter()
            .find(|v| v.as_str() == text)
    }
}

/// Whether objects that nobody reads move to a cheaper tier by themselves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum AutoTiering {
    /// They stay.
    #[default]
    Disabled,
    /// To InfrequentAccess, and back when they are read.
    InfrequentAccess,
}

impl AutoTiering {
    /// OCI's spelling.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Disabled => "Disabled",
            Self::InfrequentAccess => "InfrequentAccess",
        }
    }

    /// Parses OCI's spelling.
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Disabled, Self::InfrequentAccess]
            .into_iter()
            .find(|v| v.as_str() == text)
    }
}
