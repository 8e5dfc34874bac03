//! Users, their state and their capabilities.

use std::ops::ControlFlow::{Break, Continue};

use parbuckle_iam::permission::Operation;
use parbuckle_iam::policy::{Named, Target};
use parbuckle_model::{Namespace, Ocid, Preconditions};

use super::administrators::require_administrator;
use super::entity::{EntityChange, EntityDetails, Stored, finish_change, finish_removal};
use super::listing::{LifecycleState, ListOptions};
use super::membership::remove_memberships_of_user;
use super::retry::RetryToken;
use super::text::{check_text, folded};
use crate::authority::Concern;
use crate::caller::Caller;
use crate::error::Error;
use crate::records::{Capabilities, Entity, User, kind};
use crate::transact::Tx;
use crate::{Engine, Page, keys};

/// A user to be made.
#[derive(Debug, Clone, PartialEq)]
pub struct NewUser {
    /// What he has in common with others.
    pub details: EntityDetails,
    /// His e-mail address.
    pub email: Option<String>,
    /// The identity provider of a federated user.
    pub identity_provider: Option<String>,
    /// The name of a federated user at his identity provider.
    pub external_identifier: Option<String>,
}

/// A change of a user: what is absent stays.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct UserChange {
    /// Description and tags.
    pub common: EntityChange,
    /// His e-mail address.
    pub email: Option<String>,
    /// His name in databases.
    pub db_user_name: Option<String>,
}

/// A change of capabilities: what is absent stays.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct CapabilitiesChange {
    /// The console password.
    pub console_password: Option<bool>,
    /// API keys.
    pub api_keys: Option<bool>,
    /// Auth tokens.
    pub auth_tokens: Option<bool>,
    /// SMTP credentials.
    pub smtp_credentials: Option<bool>,
    /// Database credentials.
    pub db_credentials: Option<bool>,
    /// Customer secret keys.
    pub customer_secret_keys: Option<bool>,
    /// OAuth 2.0 client credentials.
    pub oauth2_client_credentials: Option<bool>,
}

/// Which users to list, besides [`ListOptions`].
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct UserFilter {
    /// Only those of this identity provider.
    pub identity_provider: Option<String>,
    /// Only the one with this name at his identity provider.
    pub external_identifier: Option<String>,
}

impl Stored for User {
    const KIND: u8 = kind::USER;

    fn entity(&self) -> &Entity {
        &self.entity
    }

    fn name_key(&self, namespace: &Namespace) -> Vec<u8> {
        keys::identity(namespace, kind::USER_NAME, &[&folded(&self.entity.name)])
    }

    fn name_taken(&self) -> (&'static str, String) {
        let name = &self.entity.name;
        ("UserAlreadyExists", format!("User '{name}' already exists"))
    }

    fn target(&self) -> Target<'_> {
        Target {
            user: Some(Named {
                id: Some(self.entity.id.as_str()),
                name: &self.entity.name,
            }),
            ..Target::default()
        }
    }

    fn state(&self) -> LifecycleState {
        if self.blocked {
            LifecycleState::Inactive
        } else {
            LifecycleState::Active
        }
    }
}

impl User {
    /// The concern of an operation that he may do for himself without a policy.
    pub(crate) fn own_concern(&self) -> Concern<'_> {
        Concern {
            owner: Some(&self.entity.id),
            ..self.concern()
        }
    }
}

impl Engine {
    /// Makes a user. A federated one can't use a console password until that is changed: his provider knows him by another.
    pub async fn create_user(
        &self,
        caller: &Caller,
        new: NewUser,
        retry: Option<&RetryToken>,
    ) -> Result<User, Error> {
        for (field, text) in [
            ("email", &new.email),
            ("identityProviderId", &new.identity_provider),
            ("externalIdentifier", &new.external_identifier),
        ] {
            check_text(field, text.as_deref().unwrap_or_default())?;
        }
        let federated = new.identity_provider.is_some() || new.external_identifier.is_some();
        let user = User {
            entity: self.new_entity("user", new.details)?,
            blocked: false,
            capabilities: Capabilities {
                console_password: !federated,
                ..Capabilities::ALL
            },
            email: new.email,
            db_user_name: None,
            identity_provider: new.identity_provider,
            external_identifier: new.external_identifier,
        };
        self.create_in_root(caller, Operation::CreateUser, user, retry)
            .await
    }

    /// A page of users.
    pub async fn users(
        &self,
        caller: &Caller,
        compartment: &Ocid,
        filter: &UserFilter,
        options: &ListOptions,
    ) -> Result<Page<User>, Error> {
        let same =
            |wanted: &Option<String>, has: &Option<String>| wanted.is_none() || wanted == has;
        self.list_entities(
            caller,
            Operation::ListUsers,
            compartment,
            options,
            |user: &User| {
                same(&filter.identity_provider, &user.identity_provider)
                    && same(&filter.external_identifier, &user.external_identifier)
            },
        )
        .await
    }

    /// A user. Everybody may see himself.
    pub async fn user(&self, caller: &Caller, id: &Ocid) -> Result<User, Error> {
        let reader = self.kv.snapshot().await?;
        let (_, user) = self
            .own_user(&*reader, caller, Operation::GetUser, id, true)
            .await?;
        Ok(user)
    }

    /// Changes a user's description, addresses and tags.
    pub async fn update_user(
        &self,
        caller: &Caller,
        id: &Ocid,
        change: UserChange,
        preconditions: &Preconditions,
    ) -> Result<User, Error> {
        change.common.check()?;
        check_text("email", change.email.as_deref().unwrap_or_default())?;
        check_text(
            "dbUserName",
            change.db_user_name.as_deref().unwrap_or_default(),
        )?;
        let change = &change;
        self.change_user(caller, Operation::UpdateUser, id, preconditions, |user| {
            change.common.apply(&mut user.entity);
            user.email = change.email.clone().or(user.email.take());
            user.db_user_name = change.db_user_name.clone().or(user.db_user_name.take());
        })
        .await
    }

    /// Blocks or unblocks a user. Blocking is ours: OCI only unblocks, after failed logins.
    pub async fn update_user_state(
        &self,
        caller: &Caller,
        id: &Ocid,
        blocked: bool,
        preconditions: &Preconditions,
    ) -> Result<User, Error> {
        self.change_user(
            caller,
            Operation::UpdateUserState,
            id,
            preconditions,
            |user| {
                user.blocked = blocked;
            },
        )
        .await
    }

    /// Changes which credentials a user may use. PARs made with a kind that he loses rest until he has it again.
    pub async fn update_user_capabilities(
        &self,
        caller: &Caller,
        id: &Ocid,
        change: CapabilitiesChange,
        preconditions: &Preconditions,
    ) -> Result<User, Error> {
        let operation = Operation::UpdateUserCapabilities;
        self.change_user(caller, operation, id, preconditions, |user| {
            user.capabilities = change.applied(user.capabilities);
        })
        .await
    }

    /// Deletes a user with his memberships and credentials. His PARs are dead for ever.
    pub async fn delete_user(
        &self,
        caller: &Caller,
        id: &Ocid,
        preconditions: &Preconditions,
    ) -> Result<(), Error> {
        let operation = Operation::DeleteUser;
        self.transact("delete_user", |tx| async move {
            let begun = self
                .begin_removal::<User>(&tx, caller, operation, id, preconditions)
                .await?;
            let Continue((admin, user)) = begun else {
                return Ok(());
            };
            remove_memberships_of_user(&tx, admin.namespace(), id).await?;
            remove_credentials(&tx, admin.namespace(), id).await?;
            finish_removal(&tx, &admin, &user).await?;
            require_administrator(&tx, admin.tenancy()).await
        })
        .await
    }

    async fn change_user(
        &self,
        caller: &Caller,
        operation: Operation,
        id: &Ocid,
        preconditions: &Preconditions,
        apply: impl Fn(&mut User),
    ) -> Result<User, Error> {
        let etag = self.new_etag();
        let apply = &apply;
        self.transact(operation.name(), |tx| async move {
            let begun = self
                .begin_change::<User>(&tx, caller, operation, id, preconditions, etag)
                .await?;
            let (admin, mut user) = match begun {
                Break(done) => return Ok(done),
                Continue(found) => found,
            };
            apply(&mut user);
            user.entity.etag = etag;
            finish_change(&tx, &admin, &user).await?;
            require_administrator(&tx, admin.tenancy()).await?;
            Ok(user)
        })
        .await
    }
}

impl CapabilitiesChange {
    fn applied(&self, was: Capabilities) -> Capabilities {
        Capabilities {
            console_password: self.console_password.unwrap_or(was.console_password),
            api_keys: self.api_keys.unwrap_or(was.api_keys),
            auth_tokens: self.auth_tokens.unwrap_or(was.auth_tokens),
            smtp_credentials: self.smtp_credentials.unwrap_or(was.smtp_credentials),
            db_credentials: self.db_credentials.unwrap_or(was.db_credentials),
            customer_secret_keys: self
                .customer_secret_keys
                .unwrap_or(was.customer_secret_keys),
            oauth2_client_credentials: self
                .oauth2_client_credentials
                .unwrap_or(was.oauth2_client_credentials),
        }
    }
}

async fn remove_credentials(tx: &Tx, namespace: &Namespace, user: &Ocid) -> Result<(), Error> {
    tx.delete(keys::identity(namespace, kind::PASSWORD, &[user.as_str()]));
    for kind in [kind::API_KEY, kind::AUTH_TOKEN, kind::SECRET_KEY] {
        let prefix = keys::identity_prefix(namespace, kind, &[user.as_str()]);
        for entry in tx.reader().scan(&keys::all(&prefix, usize::MAX)).await? {
            tx.delete(entry.key.to_vec());
        }
    }
    Ok(())
}
