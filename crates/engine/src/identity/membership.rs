//! Memberships of users in groups.

use std::ops::ControlFlow::{self, Break, Continue};

use parbuckle_iam::permission::Operation;
use parbuckle_iam::policy::Target;
use parbuckle_kv::Reader;
use parbuckle_model::{Namespace, Ocid, PageLimit, PageToken};

use super::administrators::require_administrator;
use super::admission::{conflict, namespace_of, record, refused, touch_identity};
use super::entity::{Stored, find};
use super::retry::{RetryToken, invalidated};
use crate::authority::{Concern, Standing};
use crate::bucket::list_page;
use crate::caller::Caller;
use crate::error::{Error, ErrorKind};
use crate::records::{self, Group, Membership, User, kind};
use crate::transact::Tx;
use crate::{Engine, Page, keys};

/// Which memberships to list.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct MembershipFilter {
    /// Only those of this user.
    pub user: Option<Ocid>,
    /// Only those of this group.
    pub group: Option<Ocid>,
}

impl Engine {
    /// Makes a user a member of a group.
    pub async fn add_user_to_group(
        &self,
        caller: &Caller,
        user: &Ocid,
        group: &Ocid,
        retry: Option<&RetryToken>,
    ) -> Result<Membership, Error> {
        let (id, now) = (self.identity_ocid("groupmembership"), self.now());
        let namespace = namespace_of(caller)?;
        let new = &Membership {
            id,
            compartment: user.clone(),
            user: user.clone(),
            group: group.clone(),
            time_created: now,
        };
        self.transact("add_user_to_group", |tx| async move {
            let admin = match self.begin_adding(&tx, caller, new, retry).await? {
                Break(made) => return Ok(made),
                Continue(admin) => admin,
            };
            let membership = Membership {
                compartment: admin.root().clone(),
                ..new.clone()
            };
            let [_, by_user, _] = membership.keys(namespace);
            let there = tx.reader().get_many(&[by_user]).await?.pop().flatten();
            if there.is_some() {
                return Err(conflict(
                    "UserGroupMembershipAlreadyExists",
                    "The user is a member of the group already".to_owned(),
                ));
            }
            membership.write(&tx, namespace);
            touch_identity(&tx, namespace).await?;
            Ok(membership)
        })
        .await
    }

    /// Admits an addition. Breaks with what has been made already, as `Engine::begin_creation` does.
    async fn begin_adding(
        &self,
        tx: &Tx,
        caller: &Caller,
        new: &Membership,
        retry: Option<&RetryToken>,
    ) -> Result<ControlFlow<Membership, Standing>, Error> {
        let namespace = namespace_of(caller)?;
        if let Some(made) = find_membership(tx.reader(), namespace, &new.id).await? {
            return Ok(Break(made));
        }
        let operation = Operation::AddUserToGroup;
        let admin = self.administrator(tx.reader(), caller).await?;
        self.admit_member(tx.reader(), &admin, operation, &new.user, &new.group)
            .await?;
        let claimed = self
            .claim(tx, &admin, operation, retry, new.id.as_str())
            .await?;
        let Some(earlier) = claimed else {
            return Ok(Continue(admin));
        };
        let key = keys::identity(namespace, kind::MEMBERSHIP, &[&earlier]);
        record(tx.reader(), key).await?.map(Break).ok_or_else(|| {
            invalidated("The membership that the first request with this retry token made is gone")
        })
    }

    /// A page of memberships.
    pub async fn memberships(
        &self,
        caller: &Caller,
        compartment: &Ocid,
        filter: &MembershipFilter,
        page: Option<&PageToken>,
        limit: PageLimit,
    ) -> Result<Page<Membership>, Error> {
        let reader = self.kv.snapshot().await?;
        let admin = self.administrator(&*reader, caller).await?;
        let ns = admin.namespace();
        let user = match &filter.user {
            Some(id) => find::<User>(&*reader, ns, id).await?,
            None => None,
        };
        let group = match &filter.group {
            Some(id) => find::<Group>(&*reader, ns, id).await?,
            None => None,
        };
        let concern = Concern {
            compartment,
            target: target_of(user.as_ref(), group.as_ref()),
            owner: None,
        };
        admin.admit(Operation::ListUserGroupMemberships, concern)?;
        if compartment != admin.root() {
            return Ok(Page {
                items: Vec::new(),
                next: None,
            });
        }
        let (prefix, by_index) = match (&filter.user, &filter.group) {
            (Some(user), _) => (
                keys::identity_prefix(ns, kind::USER_MEMBERSHIP, &[user.as_str()]),
                true,
            ),
            (None, Some(group)) => (
                keys::identity_prefix(ns, kind::GROUP_MEMBERSHIP, &[group.as_str()]),
                true,
            ),
            (None, None) => (keys::identity_prefix(ns, kind::MEMBERSHIP, &[]), false),
        };
        let (entries, next) = list_page(&*reader, &prefix, page, limit).await?;
        let mut items = Vec::with_capacity(entries.len());
        for entry in entries {
            let membership: Membership = if by_index {
                indexed(&*reader, ns, &entry.value).await?
            } else {
                records::decode(&entry.value)?
            };
            if filter
                .group
                .as_ref()
                .is_none_or(|group| membership.group == *group)
            {
                items.push(membership);
            }
        }
        Ok(Page { items, next })
    }

    /// A membership.
    pub async fn membership(&self, caller: &Caller, id: &Ocid) -> Result<Membership, Error> {
        let reader = self.kv.snapshot().await?;
        let admin = self.administrator(&*reader, caller).await?;
        let found = find_membership(&*reader, admin.namespace(), id).await?;
        let found = found.ok_or_else(|| refused("there is no such membership"))?;
        let operation = Operation::GetUserGroupMembership;
        self.admit_member(&*reader, &admin, operation, &found.user, &found.group)
            .await?;
        Ok(found)
    }

    /// Ends a membership.
    pub async fn remove_user_from_group(&self, caller: &Caller, id: &Ocid) -> Result<(), Error> {
        let namespace = namespace_of(caller)?;
        self.transact("remove_user_from_group", |tx| async move {
            let Some(found) = find_membership(tx.reader(), namespace, id).await? else {
                return if tx.may_have_happened() {
                    Ok(())
                } else {
                    Err(refused("there is no such membership"))
                };
            };
            let admin = self.administrator(tx.reader(), caller).await?;
            let operation = Operation::RemoveUserFromGroup;
            self.admit_member(tx.reader(), &admin, operation, &found.user, &found.group)
                .await?;
            found.delete(&tx, namespace);
            touch_identity(&tx, namespace).await?;
            require_administrator(&tx, admin.tenancy()).await
        })
        .await
    }

    /// Admits an operation that is about a user and a group.
    async fn admit_member(
        &self,
        reader: &dyn Reader,
        admin: &Standing,
        operation: Operation,
        user: &Ocid,
        group: &Ocid,
    ) -> Result<(), Error> {
        let user = find::<User>(reader, admin.namespace(), user).await?;
        let group = find::<Group>(reader, admin.namespace(), group).await?;
        let (Some(user), Some(group)) = (user, group) else {
            return Err(refused("there is no such user or group"));
        };
        let concern = Concern {
            compartment: admin.root(),
            target: target_of(Some(&user), Some(&group)),
            owner: None,
        };
        admin.admit(operation, concern)
    }
}

impl Membership {
    /// Writes it and its indexes.
    pub(crate) fn write(&self, tx: &Tx, namespace: &Namespace) {
        let [by_id, by_user, by_group] = self.keys(namespace);
        tx.put(by_id, self);
        for index in [by_user, by_group] {
            tx.put_raw(index, self.id.as_str().to_owned().into());
        }
    }

    fn delete(&self, tx: &Tx, namespace: &Namespace) {
        for key in self.keys(namespace) {
            tx.delete(key);
        }
    }

    /// Its own key and its two indexes.
    fn keys(&self, namespace: &Namespace) -> [Vec<u8>; 3] {
        let (user, group) = (self.user.as_str(), self.group.as_str());
        [
            keys::identity(namespace, kind::MEMBERSHIP, &[self.id.as_str()]),
            keys::identity(namespace, kind::USER_MEMBERSHIP, &[user, group]),
            keys::identity(namespace, kind::GROUP_MEMBERSHIP, &[group, user]),
        ]
    }
}

/// Ends all memberships of a user.
pub(crate) async fn remove_memberships_of_user(
    tx: &Tx,
    namespace: &Namespace,
    user: &Ocid,
) -> Result<(), Error> {
    remove_all(tx, namespace, kind::USER_MEMBERSHIP, user).await
}

/// Ends all memberships in a group.
pub(crate) async fn remove_memberships_of_group(
    tx: &Tx,
    namespace: &Namespace,
    group: &Ocid,
) -> Result<(), Error> {
    remove_all(tx, namespace, kind::GROUP_MEMBERSHIP, group).await
}

async fn remove_all(tx: &Tx, namespace: &Namespace, index: u8, of: &Ocid) -> Result<(), Error> {
    let prefix = keys::identity_prefix(namespace, index, &[of.as_str()]);
    for entry in tx.reader().scan(&keys::all(&prefix, usize::MAX)).await? {
        let membership = indexed(tx.reader(), namespace, &entry.value).await?;
        membership.delete(tx, namespace);
    }
    Ok(())
}

/// The membership that an index entry names.
async fn indexed(
    reader: &dyn Reader,
    namespace: &Namespace,
    id: &[u8],
) -> Result<Membership, Error> {
    let id = String::from_utf8_lossy(id);
    let found = record(reader, keys::identity(namespace, kind::MEMBERSHIP, &[&id])).await?;
    found.ok_or_else(|| {
        Error::from(ErrorKind::Internal).because("an index names a membership that is not there")
    })
}

async fn find_membership(
    reader: &dyn Reader,
    namespace: &Namespace,
    id: &Ocid,
) -> Result<Option<Membership>, Error> {
    record(
        reader,
        keys::identity(namespace, kind::MEMBERSHIP, &[id.as_str()]),
    )
    .await
}

fn target_of<'a>(user: Option<&'a User>, group: Option<&'a Group>) -> Target<'a> {
    Target {
        user: user.and_then(|user| user.target().user),
        group: group.map(Group::named),
        ..Target::default()
    }
}
