//! Lists of the identity service: filtered, sorted, paged (wire reference section 13).

use parbuckle_iam::permission::Operation;
use parbuckle_model::{Ocid, PageLimit, PageToken};

use super::admission::records_under;
use super::entity::Stored;
use crate::authority::Concern;
use crate::caller::Caller;
use crate::error::Error;
use crate::{Engine, Page, keys};

/// Where a resource is in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LifecycleState {
    /// Being made. Nothing here ever is.
    Creating,
    /// In use.
    Active,
    /// A blocked user.
    Inactive,
    /// Being deleted. Nothing here ever is.
    Deleting,
    /// A deleted compartment.
    Deleted,
}

impl LifecycleState {
    /// OCI's spelling.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Creating => "CREATING",
            Self::Active => "ACTIVE",
            Self::Inactive => "INACTIVE",
            Self::Deleting => "DELETING",
            Self::Deleted => "DELETED",
        }
    }

    /// Parses OCI's spelling.
    pub fn parse(text: &str) -> Option<Self> {
        let all = [
            Self::Creating,
            Self::Active,
            Self::Inactive,
            Self::Deleting,
            Self::Deleted,
        ];
        all.into_iter().find(|state| state.as_str() == text)
    }
}

/// What a list is sorted by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum SortBy {
    /// By name, as bytes.
    #[default]
    Name,
    /// By time of creation.
    TimeCreated,
}

/// In which direction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SortOrder {
    /// Smallest or oldest first.
    Ascending,
    /// Largest or youngest first.
    Descending,
}

/// What of a list is asked for; by default all of it by name.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ListOptions {
    /// Only what has exactly this name.
    pub name: Option<String>,
    /// Only what is in this state.
    pub lifecycle_state: Option<LifecycleState>,
    /// By what it is sorted.
    pub sort_by: SortBy,
    /// Without it, names ascend and times descend.
    pub sort_order: Option<SortOrder>,
    /// Where to go on.
    pub page: Option<PageToken>,
    /// Most items.
    pub limit: PageLimit,
}

impl Engine {
    /// A page of what lies in a compartment and passes `wanted`.
    pub(crate) async fn list_entities<T: Stored>(
        &self,
        caller: &Caller,
        operation: Operation,
        compartment: &Ocid,
        options: &ListOptions,
        wanted: impl Fn(&T) -> bool,
    ) -> Result<Page<T>, Error> {
        let reader = self.kv.snapshot().await?;
        let admin = self.administrator(&*reader, caller).await?;
        admin.admit(operation, Concern::of(compartment))?;
        let prefix = keys::identity_prefix(admin.namespace(), T::KIND, &[]);
        let mut items: Vec<T> = records_under(&*reader, &prefix).await?;
        items.retain(|item| item.entity().compartment == *compartment && wanted(item));
        Ok(options.page_of(items))
    }
}

impl ListOptions {
    /// Filters, sorts and cuts.
    pub(crate) fn page_of<T: Stored>(&self, items: Vec<T>) -> Page<T> {
        let wanted = |item: &T| {
            self.name
                .as_ref()
                .is_none_or(|name| item.entity().name == *name)
                && self
                    .lifecycle_state
                    .is_none_or(|state| item.state() == state)
        };
        let mut items: Vec<(Vec<u8>, T)> = items
            .into_iter()
            .filter(wanted)
            .map(|item| (self.position(&item), item))
            .collect();
        items.sort_by(|(a, _), (b, _)| a.cmp(b));
        if self.descends() {
            items.reverse();
        }
        if let Some(page) = &self.page {
            items.retain(|(position, _)| {
                let order = position.as_slice().cmp(page.position());
                if self.descends() {
                    order.is_lt()
                } else {
                    order.is_gt()
                }
            });
        }
        let more = items.len() > self.limit.value();
        items.truncate(self.limit.value());
        let next = items
            .last()
            .filter(|_| more)
            .map(|(position, _)| PageToken::new(position.clone()));
        let items = items.into_iter().map(|(_, item)| item).collect();
        Page { items, next }
    }

    fn descends(&self) -> bool {
        match (self.sort_order, self.sort_by) {
            (Some(order), _) => order == SortOrder::Descending,
            (None, SortBy::Name) => false,
            (None, SortBy::TimeCreated) => true,
        }
    }

    /// Where an item stands: by what is sorted, then its id, because that is unique.
    fn position<T: Stored>(&self, item: &T) -> Vec<u8> {
        let entity = item.entity();
        let mut position = match self.sort_by {
            SortBy::Name => entity.name.clone().into_bytes(),
            // The offset makes the order of the bytes that of the numbers.
            SortBy::TimeCreated => (entity.time_created.as_millisecond() as u64 ^ 1 << 63)
                .to_be_bytes()
                .to_vec(),
        };
        position.push(0);
        position.extend_from_slice(entity.id.as_str().as_bytes());
        position
    }
}
