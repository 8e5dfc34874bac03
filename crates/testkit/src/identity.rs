//! Steps of the Identity API (`/20160918`, wire reference section 13).

use serde_json::{Value, json};

use crate::encode;
use crate::http::Reply;
use crate::key::TestKey;
use crate::sign::Signer;
use crate::storage::SignedClient;

const BASE: &str = "/20160918";

/// A user and a client that acts as that user.
#[derive(Debug)]
pub struct UserClient {
    /// The user's OCID.
    pub id: String,
    /// Signs with the user's own new key.
    pub client: SignedClient,
}

/// The answer of CreateUser.
#[derive(Clone, Debug)]
pub struct NewUser {
    /// The user's OCID.
    pub id: String,
    /// The whole answer.
    pub json: Value,
}

impl SignedClient {
    /// Creates a user with an API key, in the named groups' ids.
    pub async fn create_user_client(&self, name: &str, group_ids: &[&str]) -> UserClient {
        let user = self.create_user(name).await;
        for group_id in group_ids {
            self.add_user_to_group(&user.id, group_id).await;
        }
        let client = self.add_key(&user.id).await;
        UserClient {
            id: user.id,
            client,
        }
    }

    /// Makes a new key, uploads its public half for the user and returns a client that signs with it.
    pub async fn add_key(&self, user_id: &str) -> SignedClient {
        let key = TestKey::generate();
        let answer = self.upload_api_key(user_id, &key.public_pem()).await;
        let key_id = text(&answer.json(), "keyId");
        self.signed_by(Signer::new(key_id, key, self.clock().clone()))
    }

    /// CreateUser in the tenancy.
    pub async fn create_user(&self, name: &str) -> NewUser {
        let body = self.described(name, json!({}));
        let json = self
            .post(format!("{BASE}/users"))
            .json(&body)
            .await
            .expect(200)
            .json();
        NewUser {
            id: text(&json, "id"),
            json,
        }
    }

    /// DeleteUser.
    pub async fn delete_user(&self, user_id: &str) -> Reply {
        self.delete(user_path(user_id)).await.expect(204)
    }

    /// UpdateUserState: unblocks a user.
    pub async fn unblock_user(&self, user_id: &str) -> Reply {
        let target = format!("{}/state", user_path(user_id));
        self.put(target)
            .json(&json!({ "blocked": false }))
            .await
            .expect(200)
    }

    /// UpdateUserCapabilities, for example `{"canUseApiKeys": false}`.
    pub async fn update_capabilities(&self, user_id: &str, capabilities: Value) -> Reply {
        let target = format!("{}/capabilities", user_path(user_id));
        self.put(target).json(&capabilities).await.expect(200)
    }

    /// UploadApiKey; the answer holds `keyId` and `fingerprint`.
    pub async fn upload_api_key(&self, user_id: &str, public_pem: &str) -> Reply {
        let target = format!("{}/apiKeys", user_path(user_id));
        self.post(target)
            .json(&json!({ "key": public_pem }))
            .await
            .expect(200)
    }

    /// DeleteApiKey.
    pub async fn delete_api_key(&self, user_id: &str, fingerprint: &str) -> Reply {
        let target = format!("{}/apiKeys/{}", user_path(user_id), encode(fingerprint));
        self.delete(target).await.expect(204)
    }

    /// CreateAuthToken; returns (id, token).
    pub async fn create_auth_token(&self, user_id: &str) -> (String, String) {
        let target = format!("{}/authTokens", user_path(user_id));
        let body = json!({ "description": "made by a test" });
        let answer = self.post(target).json(&body).await.expect(200).json();
        (text(&answer, "id"), text(&answer, "token"))
    }

    /// CreateGroup; returns its OCID.
    pub async fn create_group(&self, name: &str) -> String {
        self.create_described("groups", name, json!({})).await
    }

    /// DeleteGroup.
    pub async fn delete_group(&self, group_id: &str) -> Reply {
        self.delete(format!("{BASE}/groups/{}", encode(group_id)))
            .await
            .expect(204)
    }

    /// AddUserToGroup; returns the OCID of the membership.
    pub async fn add_user_to_group(&self, user_id: &str, group_id: &str) -> String {
        let body = json!({ "userId": user_id, "groupId": group_id });
        let target = format!("{BASE}/userGroupMemberships");
        text(
            &self.post(target).json(&body).await.expect(200).json(),
            "id",
        )
    }

    /// RemoveUserFromGroup.
    pub async fn remove_membership(&self, membership_id: &str) -> Reply {
        let target = format!("{BASE}/userGroupMemberships/{}", encode(membership_id));
        self.delete(target).await.expect(204)
    }

    /// CreatePolicy in the tenancy's root compartment; returns its OCID.
    pub async fn create_policy(&self, name: &str, statements: &[&str]) -> String {
        self.create_described("policies", name, json!({ "statements": statements }))
            .await
    }

    /// UpdatePolicy: replaces the statements.
    pub async fn update_policy(&self, policy_id: &str, statements: &[&str]) -> Reply {
        let target = format!("{BASE}/policies/{}", encode(policy_id));
        self.put(target)
            .json(&json!({ "statements": statements }))
            .await
            .expect(200)
    }

    /// DeletePolicy.
    pub async fn delete_policy(&self, policy_id: &str) -> Reply {
        self.delete(format!("{BASE}/policies/{}", encode(policy_id)))
            .await
            .expect(204)
    }

    /// CreateCompartment below the root; returns its OCID.
    pub async fn create_compartment(&self, name: &str) -> String {
        self.create_described("compartments", name, json!({})).await
    }

    async fn create_described(&self, collection: &str, name: &str, fields: Value) -> String {
        let body = self.described(name, fields);
        let answer = self
            .post(format!("{BASE}/{collection}"))
            .json(&body)
            .await
            .expect(200);
        text(&answer.json(), "id")
    }

    /// The three fields that every create takes, and more.
    fn described(&self, name: &str, fields: Value) -> Value {
        let mut body = json!({
            "compartmentId": self.tenancy(),
            "name": name,
            "description": "made by a test",
        });
        for (field, value) in fields.as_object().into_iter().flatten() {
            body[field] = value.clone();
        }
        body
    }
}

fn user_path(user_id: &str) -> String {
    format!("{BASE}/users/{}", encode(user_id))
}

fn text(json: &Value, field: &str) -> String {
    json[field]
        .as_str()
        .unwrap_or_else(|| panic!("no text {field:?} in {json}"))
        .to_owned()
}
