//! What there is in a tenancy, for the names in policy statements.

use std::collections::{HashMap, HashSet};

use parbuckle_iam::policy::{Directory, GroupKind};
use parbuckle_kv::Reader;

use super::admission::records_under;
use super::entity::Stored;
use super::text::folded;
use crate::authority::Standing;
use crate::error::Error;
use crate::keys;
use crate::records::{Compartment, DynamicGroup, Group};

/// The one identity domain that there is.
const DEFAULT_DOMAIN: &str = "Default";

/// Groups and compartments as one snapshot has them.
pub(crate) struct TenancyDirectory {
    tenancy: String,
    groups: Names,
    dynamic_groups: Names,
    /// Id to parent and name, of compartments that are not deleted.
    compartments: HashMap<String, (String, String)>,
    children: HashMap<(String, String), String>,
}

/// Groups of one kind.
#[derive(Default)]
struct Names {
    ids: HashSet<String>,
    by_name: HashMap<String, String>,
}

impl TenancyDirectory {
    pub(crate) async fn load(reader: &dyn Reader, admin: &Standing) -> Result<Self, Error> {
        let compartments: Vec<Compartment> = all(reader, admin).await?;
        let mut directory = Self {
            tenancy: admin.root().as_str().to_owned(),
            groups: Names::of(all::<Group>(reader, admin).await?),
            dynamic_groups: Names::of(all::<DynamicGroup>(reader, admin).await?),
            compartments: HashMap::new(),
            children: HashMap::new(),
        };
        for compartment in compartments.into_iter().filter(|c| !c.deleted) {
            let entity = compartment.entity;
            let (id, parent) = (entity.id.as_str(), entity.compartment.as_str());
            let child = (parent.to_owned(), folded(&entity.name));
            directory.children.insert(child, id.to_owned());
            let place = (parent.to_owned(), entity.name);
            directory.compartments.insert(id.to_owned(), place);
        }
        directory.compartments.insert(
            directory.tenancy.clone(),
            (String::new(), admin.tenancy().name.clone()),
        );
        Ok(directory)
    }

    fn names(&self, kind: GroupKind) -> &Names {
        match kind {
            GroupKind::Group => &self.groups,
            GroupKind::DynamicGroup => &self.dynamic_groups,
        }
    }
}

impl Directory for TenancyDirectory {
    fn tenancy_id(&self) -> &str {
        &self.tenancy
    }

    fn group_id(&self, kind: GroupKind, domain: &str, name: &str) -> Option<String> {
        if !domain.eq_ignore_ascii_case(DEFAULT_DOMAIN) {
            return None;
        }
        self.names(kind).by_name.get(&folded(name)).cloned()
    }

    fn group_exists(&self, kind: GroupKind, id: &str) -> bool {
        self.names(kind).ids.contains(id)
    }

    fn child_compartment(&self, parent_id: &str, name: &str) -> Option<String> {
        let child = (parent_id.to_owned(), folded(name));
        self.children.get(&child).cloned()
    }

    fn compartment_name(&self, id: &str) -> Option<String> {
        self.compartments.get(id).map(|(_, name)| name.clone())
    }

    fn compartment_parent(&self, id: &str) -> Option<String> {
        let (parent, _) = self.compartments.get(id)?;
        (!parent.is_empty()).then(|| parent.clone())
    }
}

impl Names {
    fn of<T: Stored>(groups: Vec<T>) -> Self {
        let mut names = Self::default();
        for group in groups {
            let (id, name) = (group.entity().id.as_str(), folded(&group.entity().name));
            names.ids.insert(id.to_owned());
            names.by_name.insert(name, id.to_owned());
        }
        names
    }
}

async fn all<T: Stored>(reader: &dyn Reader, admin: &Standing) -> Result<Vec<T>, Error> {
    let prefix = keys::identity_prefix(admin.namespace(), T::KIND, &[]);
    records_under(reader, &prefix).await
}
