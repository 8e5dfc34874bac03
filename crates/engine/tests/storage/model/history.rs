//! A bucket of the reference: for each name its versions, oldest first (wire reference section 11, "Versioning").

use std::collections::BTreeMap;

use jiff::Timestamp;
use parbuckle_engine::{ObjectInfo, ObjectVersion};
use parbuckle_model::{ETag, PublicAccess, VersionId, Versioning};

use super::reference::Kind;

#[derive(Debug)]
pub(super) struct RefBucket {
    pub(super) etag: ETag,
    pub(super) public: PublicAccess,
    pub(super) versioning: Versioning,
    /// No history in it is empty.
    histories: BTreeMap<String, Vec<RefVersion>>,
}

#[derive(Debug, Clone)]
pub(super) struct RefObject {
    pub(super) info: ObjectInfo,
    pub(super) bytes: Vec<u8>,
}

#[derive(Debug, Clone)]
pub(super) enum RefVersion {
    Object(Box<RefObject>),
    Marker(VersionId, Timestamp),
}

impl RefVersion {
    pub(super) fn id(&self) -> VersionId {
        match self {
            Self::Object(object) => object.info.version_id,
            Self::Marker(id, _) => *id,
        }
    }

    /// As a listing has it.
    pub(super) fn shown(&self) -> ObjectVersion {
        match self {
            Self::Object(object) => ObjectVersion::Object(object.info.clone()),
            Self::Marker(version_id, time) => ObjectVersion::DeleteMarker {
                version_id: *version_id,
                time: *time,
            },
        }
    }

    /// None for a delete marker.
    pub(super) fn bytes(&self) -> &[u8] {
        self.object().map_or(&[], |object| &object.bytes)
    }

    pub(super) fn object(&self) -> Option<&RefObject> {
        match self {
            Self::Object(object) => Some(object.as_ref()),
            Self::Marker(..) => None,
        }
    }
}

impl RefBucket {
    pub(super) fn new(etag: ETag, public: PublicAccess, versioning: Versioning) -> Self {
        Self {
            etag,
            public,
            versioning,
            histories: BTreeMap::new(),
        }
    }

    /// All versions of a name, oldest first.
    pub(super) fn history(&self, name: &str) -> &[RefVersion] {
        self.histories.get(name).map_or(&[], Vec::as_slice)
    }

    /// The youngest version, if it is an object.
    pub(super) fn current(&self, name: &str) -> Option<&RefObject> {
        self.history(name).last()?.object()
    }

    pub(super) fn version(&self, name: &str, id: VersionId) -> Option<&RefVersion> {
        self.history(name).iter().find(|version| version.id() == id)
    }

    /// The current objects, by name.
    pub(super) fn objects(&self) -> impl Iterator<Item = (&String, &RefObject)> {
        let names = self.names();
        names.filter_map(|name| Some((name, self.current(name)?)))
    }

    /// All versions, by name and then youngest first.
    pub(super) fn versions(&self) -> impl Iterator<Item = (&String, &RefVersion)> {
        let of_name = |(name, history)| {
            let history: &Vec<RefVersion> = history;
            history.iter().rev().map(move |version| (name, version))
        };
        self.histories.iter().flat_map(of_name)
    }

    /// All versions that are not current, in the same order.
    pub(super) fn old_versions(&self) -> impl Iterator<Item = (&String, &RefVersion)> {
        let is_current = |name: &str, version: &RefVersion| {
            let current = self.current(name);
            current.is_some_and(|current| current.info.version_id == version.id())
        };
        self.versions()
            .filter(move |(name, version)| !is_current(name, version))
    }

    /// Names that have versions, hidden ones included.
    pub(super) fn names(&self) -> impl Iterator<Item = &String> {
        self.histories.keys()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.histories.is_empty()
    }

    /// Number and bytes of all objects, old versions included, delete markers not.
    pub(super) fn counts(&self) -> (u64, u64) {
        let objects = self.versions().filter_map(|(_, version)| version.object());
        objects.fold((0, 0), |(count, bytes), object| {
            (count + 1, bytes + object.info.size)
        })
    }

    /// Makes an object current. Only enabled versioning keeps what it replaces.
    pub(super) fn put(&mut self, name: &str, object: RefObject) {
        let history = self.histories.entry(name.to_owned()).or_default();
        let replaces = matches!(history.last(), Some(RefVersion::Object(_)));
        if replaces && self.versioning != Versioning::Enabled {
            history.pop();
        }
        history.push(RefVersion::Object(Box::new(object)));
    }

    /// Whether deleting the current object leaves a delete marker: so that it stays as an old version, or so that older
    /// versions do not come back.
    pub(super) fn marks(&self, name: &str) -> bool {
        match self.versioning {
            Versioning::Disabled => false,
            Versioning::Enabled => true,
            Versioning::Suspended => self.history(name).len() > 1,
        }
    }

    /// Takes the current object away, under `marker` where there is to be one.
    pub(super) fn delete(&mut self, name: &str, marker: Option<(VersionId, Timestamp)>) {
        let history = self.histories.get_mut(name).unwrap();
        if self.versioning != Versioning::Enabled {
            history.pop();
        }
        history.extend(marker.map(|(id, time)| RefVersion::Marker(id, time)));
        self.histories.retain(|_, history| !history.is_empty());
    }

    /// Takes one version away; what is then the youngest is current, if it is an object.
    pub(super) fn delete_version(&mut self, name: &str, id: VersionId) {
        let history = self.histories.get_mut(name).unwrap();
        history.retain(|version| version.id() != id);
        self.histories.retain(|_, history| !history.is_empty());
    }

    /// Whether versioning may become so: once enabled it is never disabled, and it is suspended only where it was
    /// enabled; it is not enabled beside retention rules.
    pub(super) fn may_become(&self, wanted: Versioning, retained: bool) -> Result<(), Kind> {
        match (self.versioning, wanted) {
            (was, wanted) if was == wanted => Ok(()),
            (_, Versioning::Disabled) | (Versioning::Disabled, Versioning::Suspended) => {
                Err("InvalidParameter")
            }
            (_, Versioning::Enabled) if retained => Err("BucketStateConflict"),
            (_, Versioning::Enabled | Versioning::Suspended) => Ok(()),
        }
    }
}
