//! Set-up calls of the Identity API (wire reference section 13): compartments, groups, policies, users who sign.

use aws_lc_rs::encoding::{AsDer, PublicKeyX509Der};
use aws_lc_rs::rsa::{KeyPair, KeySize};
use aws_lc_rs::signature::KeyPair as _;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde_json::{Value, json};

use super::{Admin, Answer};
use crate::Result;

const IDENTITY: &str = "/20160918";

impl Admin {
    /// The tenancy's OCID, which is also its root compartment's.
    pub(crate) fn tenancy(&self) -> &str {
        self.key_id.split('/').next().unwrap_or_default()
    }

    /// Creates a compartment below `parent` and gives its OCID.
    pub(crate) fn create_compartment(&self, parent: &str, name: &str) -> Result<String> {
        self.create("compartments", parent, name, json!({}))
    }

    /// Creates a group and gives its OCID.
    pub(crate) fn create_group(&self, name: &str) -> Result<String> {
        self.create("groups", self.tenancy(), name, json!({}))
    }

    /// Creates a policy that is attached to `compartment`.
    pub(crate) fn create_policy(
        &self,
        compartment: &str,
        name: &str,
        statements: &[String],
    ) -> Result<()> {
        let fields = json!({ "statements": statements });
        self.create("policies", compartment, name, fields)
            .map(|_| ())
    }

    /// Creates a bucket elsewhere than in the root compartment.
    pub(crate) fn create_bucket_in(&self, compartment: &str, bucket: &str) -> Result<()> {
        let details = json!({ "name": bucket, "compartmentId": compartment });
        self.post(&format!("/n/{}/b", self.namespace), &details)
            .map(|_| ())
    }

    /// Creates a user who is a member of these groups, and gives a client that signs as him.
    pub(crate) fn create_user_in(&self, name: &str, groups: &[String]) -> Result<Self> {
        let user = self.create("users", self.tenancy(), name, json!({}))?;
        for group in groups {
            let details = json!({ "userId": user, "groupId": group });
            self.post(&format!("{IDENTITY}/userGroupMemberships"), &details)?;
        }
        let key = KeyPair::generate(KeySize::Rsa2048).map_err(|_| "no key could be made")?;
        let details = json!({ "key": public_pem(&key)? });
        let answer = self.post(&format!("{IDENTITY}/users/{user}/apiKeys"), &details)?;
        Ok(Self {
            addr: self.addr,
            namespace: self.namespace.clone(),
            compartment: self.compartment.clone(),
            key_id: field(&answer, "keyId")?,
            key,
        })
    }

    fn create(
        &self,
        kind: &str,
        compartment: &str,
        name: &str,
        mut details: Value,
    ) -> Result<String> {
        details["compartmentId"] = json!(compartment);
        details["name"] = json!(name);
        details["description"] = json!("made by the bench");
        field(&self.post(&format!("{IDENTITY}/{kind}"), &details)?, "id")
    }
}

fn field(answer: &Answer, name: &str) -> Result<String> {
    let json: Value = serde_json::from_slice(&answer.body)?;
    let text = json[name].as_str();
    Ok(text
        .ok_or_else(|| format!("an answer without {name}"))?
        .to_owned())
}

/// The public half of a key as UploadApiKey takes it.
fn public_pem(key: &KeyPair) -> Result<String> {
    let der: PublicKeyX509Der<'_> = key
        .public_key()
        .as_der()
        .map_err(|_| "the public key can't be encoded")?;
    let encoded = BASE64.encode(der.as_ref());
    Ok(format!(
        "-----BEGIN PUBLIC KEY-----\n{encoded}\n-----END PUBLIC KEY-----\n"
    ))
}
