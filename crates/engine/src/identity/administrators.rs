//! The rule that nobody locks everybody out.
//!
//! A tenancy always has a member of its group Administrators who can sign a request: he is not blocked, may use API keys and
//! has one. The group stays, and so do the statements of the policy that gives it everything (no Deny statement binds the
//! group). Whatever would break this is refused with a conflict and changes nothing.

use parbuckle_model::{Namespace, Ocid};

use super::admission::{conflict, record};
use crate::error::Error;
use crate::keys;
use crate::records::{TenancyRecord, User, kind};
use crate::transact::Tx;

/// Refuses a transaction that leaves no administrator. Call it when everything is written.
pub(crate) async fn require_administrator(tx: &Tx, tenancy: &TenancyRecord) -> Result<(), Error> {
    let ns = &tenancy.namespace;
    let prefix = keys::identity_prefix(
        ns,
        kind::GROUP_MEMBERSHIP,
        &[tenancy.administrators.as_str()],
    );
    for entry in tx.reader().scan(&keys::all(&prefix, usize::MAX)).await? {
        let user = String::from_utf8_lossy(&entry.key[prefix.len()..]).into_owned();
        if can_sign(tx, ns, &user).await? {
            return Ok(());
        }
    }
    Err(conflict(
        "LastAdministrator",
        "The group Administrators must keep a member who is not blocked, may use API keys and has one"
            .to_owned(),
    ))
}

/// Refuses what would take their group from the administrators.
pub(crate) fn keep_group(tenancy: &TenancyRecord, group: &Ocid) -> Result<(), Error> {
    if tenancy.administrators == *group {
        return Err(conflict(
            "LastAdministrator",
            "The group Administrators can't be deleted".to_owned(),
        ));
    }
    Ok(())
}

/// Refuses what would take their policy from the administrators.
pub(crate) fn keep_policy(tenancy: &TenancyRecord, policy: &Ocid) -> Result<(), Error> {
    if tenancy.administrators_policy == *policy {
        return Err(conflict(
            "LastAdministrator",
            "The statements of the policy of the group Administrators can't be changed".to_owned(),
        ));
    }
    Ok(())
}

async fn can_sign(tx: &Tx, namespace: &Namespace, user: &str) -> Result<bool, Error> {
    let found = record::<User>(tx.reader(), keys::identity(namespace, kind::USER, &[user])).await?;
    if !found.is_some_and(|user| !user.blocked && user.capabilities.api_keys) {
        return Ok(false);
    }
    let api_keys = keys::identity_prefix(namespace, kind::API_KEY, &[user]);
    Ok(!tx.reader().scan(&keys::all(&api_keys, 1)).await?.is_empty())
}
