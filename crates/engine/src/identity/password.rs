//! Console passwords. The server makes them up, shows them once and keeps a proof.

use jiff::Timestamp;
use parbuckle_iam::permission::Operation;
use parbuckle_iam::secret::{PasswordProof, SecretString};
use parbuckle_model::Ocid;

use super::admission::{namespace_of, record, refused, touch_identity};
use crate::caller::Caller;
use crate::error::Error;
use crate::records::{PasswordRecord, kind};
use crate::{Engine, keys};

/// A password that has just been made.
pub struct NewPassword {
    /// The password, shown once.
    pub password: SecretString,
    /// Whose it is, and since when.
    pub info: PasswordInfo,
}

/// What can be told of a password.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PasswordInfo {
    /// The user.
    pub user: Ocid,
    /// When it was made.
    pub time_created: Timestamp,
}

impl Engine {
    /// Gives a user a new console password; an old one ends. A user may give himself one.
    pub async fn create_or_reset_password(
        &self,
        caller: &Caller,
        user: &Ocid,
    ) -> Result<NewPassword, Error> {
        let namespace = namespace_of(caller)?;
        let password = secret_text(self.random());
        let new = &PasswordRecord {
            proof: proof_of(&password, self.random()),
            time_created: self.now(),
        };
        self.transact("create_or_reset_password", |tx| async move {
            let place = keys::identity(namespace, kind::PASSWORD, &[user.as_str()]);
            let there = record::<PasswordRecord>(tx.reader(), place.clone()).await?;
            if there.as_ref() == Some(new) {
                return Ok(());
            }
            let operation = Operation::CreateOrResetUiPassword;
            self.own_user(tx.reader(), caller, operation, user, there.is_some())
                .await?;
            tx.put(place, new);
            touch_identity(&tx, namespace).await
        })
        .await?;
        Ok(NewPassword {
            password,
            info: PasswordInfo {
                user: user.clone(),
                time_created: new.time_created,
            },
        })
    }

    /// What can be told of a user's console password.
    pub async fn password_info(&self, caller: &Caller, user: &Ocid) -> Result<PasswordInfo, Error> {
        let reader = self.kv.snapshot().await?;
        let operation = Operation::GetUserUiPasswordInformation;
        let (admin, _) = self
            .own_user(&*reader, caller, operation, user, true)
            .await?;
        let place = keys::identity(admin.namespace(), kind::PASSWORD, &[user.as_str()]);
        let found = record::<PasswordRecord>(&*reader, place).await?;
        let found = found.ok_or_else(|| refused("the user has no password"))?;
        Ok(PasswordInfo {
            user: user.clone(),
            time_created: found.time_created,
        })
    }
}

/// A password or token: 24 characters of base64url, 143 random bits. It begins with a letter, since command lines take what
/// begins with a hyphen for an option.
pub(crate) fn secret_text(mut random: [u8; 18]) -> SecretString {
    use base64::Engine as _;
    random[0] &= 0x7f;
    SecretString::new(base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(random))
}

/// What is stored of one.
pub(crate) fn proof_of(secret: &SecretString, salt: [u8; 16]) -> Vec<u8> {
    PasswordProof::new(secret.expose().as_bytes(), salt)
        .to_bytes()
        .to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_secret_begins_with_a_hyphen() {
        for first in 0..=u8::MAX {
            let mut random = [0xff; 18];
            random[0] = first;
            let text = secret_text(random);
            assert!(text.expose().starts_with(|c: char| c.is_ascii_alphabetic()));
        }
    }
}
