//! Pre-authenticated requests as a test states and uses them.

use serde_json::{Value, json};

use crate::encode_path;

/// Far enough for every test whose subject is not expiry.
const EXPIRES_DEFAULT: &str = "2099-12-31T23:59:59Z";

/// What to ask for when creating a PAR.
#[derive(Clone, Debug)]
pub struct ParSpec {
    json: Value,
}

impl ParSpec {
    /// Read of one object.
    pub fn object_read(object: &str) -> Self {
        Self::of("ObjectRead").with("objectName", object)
    }

    /// Write of one object.
    pub fn object_write(object: &str) -> Self {
        Self::of("ObjectWrite").with("objectName", object)
    }

    /// Read and write of one object.
    pub fn object_read_write(object: &str) -> Self {
        Self::of("ObjectReadWrite").with("objectName", object)
    }

    /// Read of every object in the bucket.
    pub fn any_read() -> Self {
        Self::of("AnyObjectRead")
    }

    /// Write of every object in the bucket.
    pub fn any_write() -> Self {
        Self::of("AnyObjectWrite")
    }

    /// Read and write of every object in the bucket.
    pub fn any_read_write() -> Self {
        Self::of("AnyObjectReadWrite")
    }

    /// Narrows an `any_` PAR to names with this prefix.
    pub fn prefix(self, prefix: &str) -> Self {
        self.with("objectName", prefix)
    }

    /// Lets its user list.
    pub fn listing(self) -> Self {
        self.with("bucketListingAction", "ListObjects")
    }

    /// The name that people see; otherwise `par`.
    pub fn named(self, name: &str) -> Self {
        self.with("name", name)
    }

    /// RFC 3339; otherwise far in the future.
    pub fn expires(self, time: &str) -> Self {
        self.with("timeExpires", time)
    }

    /// The request body (wire reference 4.4).
    pub fn to_json(&self) -> Value {
        self.json.clone()
    }

    fn of(access_type: &str) -> Self {
        let json = json!({
            "name": "par",
            "accessType": access_type,
            "timeExpires": EXPIRES_DEFAULT,
        });
        Self { json }
    }

    fn with(mut self, field: &str, value: &str) -> Self {
        self.json[field] = Value::from(value);
        self
    }
}

/// A PAR that was created, with the secret that is shown only then.
#[derive(Clone)]
pub struct Par {
    /// The id for get and delete.
    pub id: String,
    /// The secret path: ends with the object's name, or with `/o/` for a bucket or a prefix.
    pub access_uri: String,
    /// The whole answer of the create call.
    pub json: Value,
    endpoint: String,
}

impl Par {
    /// Reads the answer of CreatePreauthenticatedRequest.
    pub fn from_answer(json: Value, endpoint: &str) -> Self {
        let text = |field: &str| {
            json[field]
                .as_str()
                .unwrap_or_else(|| panic!("no text {field:?} in {json}"))
                .to_owned()
        };
        Self {
            id: text("id"),
            access_uri: text("accessUri"),
            endpoint: endpoint.to_owned(),
            json,
        }
    }

    /// `http://host:port` + access URI, as a user would build it.
    pub fn url(&self) -> String {
        format!("{}{}", self.endpoint, self.access_uri)
    }

    /// The URL of an object under this PAR, whatever its scope; slashes raw, the rest encoded.
    pub fn url_for(&self, object: &str) -> String {
        format!("{}{}", self.endpoint, self.path_for(object))
    }

    /// The same without scheme and host.
    pub fn path_for(&self, object: &str) -> String {
        format!("{}{}", self.root(), encode_path(object))
    }

    /// `/p/{token}/n/{ns}/b/{bucket}/o/`.
    pub fn root(&self) -> &str {
        // Object names may hold slashes too, so the eight slashes up to `/o/` are counted.
        match self.access_uri.match_indices('/').nth(7) {
            Some((last_slash, _)) => &self.access_uri[..=last_slash],
            None => panic!("an access URI has eight slashes before the object"),
        }
    }

    /// The secret part of the access URI.
    pub fn token(&self) -> &str {
        self.access_uri.split('/').nth(2).unwrap_or_default()
    }
}

/// Without the secret.
impl std::fmt::Debug for Par {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Par")
            .field("id", &self.id)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn par(access_uri: &str) -> Par {
        let json = json!({ "id": "i", "accessUri": access_uri });
        Par::from_answer(json, "http://127.0.0.1:1")
    }

    #[test]
    fn a_bucket_par_addresses_any_object() {
        let par = par("/p/tok/n/ns/b/bk/o/");
        assert_eq!(par.path_for("a b/c"), "/p/tok/n/ns/b/bk/o/a%20b/c");
        assert_eq!(par.url(), "http://127.0.0.1:1/p/tok/n/ns/b/bk/o/");
        assert_eq!(par.token(), "tok");
    }

    #[test]
    fn an_object_par_can_be_pointed_at_another_object() {
        let par = par("/p/tok/n/ns/b/bk/o/x/o/y");
        assert_eq!(par.path_for("z"), "/p/tok/n/ns/b/bk/o/z");
    }
}
