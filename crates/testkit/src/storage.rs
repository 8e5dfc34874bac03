//! A signing client of the native Object Storage API, with the steps that most tests begin with.

use std::sync::Arc;

use bytes::Bytes;
use http::Method;
use serde_json::{Value, json};

use crate::clock::Clock;
use crate::encode;
use crate::http::{Call, Http, Reply};
use crate::par::{Par, ParSpec};
use crate::server::Bootstrap;
use crate::sign::Signer;

/// One user's client. Steps panic unless they succeed; the verbs return whatever came back.
#[derive(Clone, Debug)]
pub struct SignedClient {
    http: Http,
    signer: Arc<Signer>,
    clock: Clock,
    namespace: String,
    compartment: String,
    tenancy: String,
}

impl SignedClient {
    pub(crate) fn new(
        http: Http,
        signer: Arc<Signer>,
        bootstrap: &Bootstrap,
        clock: Clock,
    ) -> Self {
        Self {
            http,
            signer,
            clock,
            namespace: bootstrap.namespace().to_owned(),
            compartment: bootstrap.compartment_ocid().to_owned(),
            tenancy: bootstrap.tenancy_ocid().to_owned(),
        }
    }

    /// A signed GET of the raw target (path and query), to be awaited.
    pub fn get(&self, target: impl Into<String>) -> Call {
        self.call(Method::GET, target)
    }

    /// A signed HEAD.
    pub fn head(&self, target: impl Into<String>) -> Call {
        self.call(Method::HEAD, target)
    }

    /// A signed PUT.
    pub fn put(&self, target: impl Into<String>) -> Call {
        self.call(Method::PUT, target)
    }

    /// A signed POST.
    pub fn post(&self, target: impl Into<String>) -> Call {
        self.call(Method::POST, target)
    }

    /// A signed DELETE.
    pub fn delete(&self, target: impl Into<String>) -> Call {
        self.call(Method::DELETE, target)
    }

    /// A signed request with any method.
    pub fn call(&self, method: Method, target: impl Into<String>) -> Call {
        self.http.call(method, target).signed(self.signer.clone())
    }

    /// The same server without a signature.
    pub fn http(&self) -> &Http {
        &self.http
    }

    /// The namespace of the tenancy.
    pub fn namespace(&self) -> &str {
        &self.namespace
    }

    /// The compartment that new buckets go to.
    pub fn compartment(&self) -> &str {
        &self.compartment
    }

    /// The tenancy, which is also the root compartment.
    pub fn tenancy(&self) -> &str {
        &self.tenancy
    }

    pub(crate) fn signed_by(&self, signer: Signer) -> Self {
        Self {
            signer: Arc::new(signer),
            ..self.clone()
        }
    }

    pub(crate) fn clock(&self) -> &Clock {
        &self.clock
    }

    /// `/n/{ns}/b`.
    pub fn buckets_path(&self) -> String {
        format!("/n/{}/b", self.namespace)
    }

    /// `/n/{ns}/b/{bucket}`.
    pub fn bucket_path(&self, bucket: &str) -> String {
        format!("{}/{}", self.buckets_path(), encode(bucket))
    }

    /// `/n/{ns}/b/{bucket}/o/{object}`, the name strictly encoded as the Python SDK does.
    pub fn object_path(&self, bucket: &str, object: &str) -> String {
        format!("{}/o/{}", self.bucket_path(bucket), encode(object))
    }

    /// `/n/{ns}/b/{bucket}/p/{id}`, the id strictly encoded.
    pub fn par_path(&self, bucket: &str, id: &str) -> String {
        format!("{}/p/{}", self.bucket_path(bucket), encode(id))
    }

    /// CreateBucket with defaults.
    pub async fn create_bucket(&self, name: &str) -> Reply {
        self.create_bucket_with(name, json!({})).await
    }

    /// CreateBucket with further fields, for example `{"publicAccessType": "ObjectRead"}`.
    pub async fn create_bucket_with(&self, name: &str, fields: Value) -> Reply {
        let mut body = json!({ "name": name, "compartmentId": self.compartment });
        for (field, value) in fields.as_object().into_iter().flatten() {
            body[field] = value.clone();
        }
        self.post(self.buckets_path()).json(&body).await.expect(200)
    }

    /// PutObject.
    pub async fn put_object(&self, bucket: &str, object: &str, body: impl Into<Bytes>) -> Reply {
        self.put(self.object_path(bucket, object))
            .body(body)
            .await
            .expect(200)
    }

    /// The whole body of an object.
    pub async fn read_object(&self, bucket: &str, object: &str) -> Bytes {
        self.get(self.object_path(bucket, object))
            .await
            .expect(200)
            .body
    }

    /// DeleteObject.
    pub async fn delete_object(&self, bucket: &str, object: &str) -> Reply {
        self.delete(self.object_path(bucket, object))
            .await
            .expect(204)
    }

    /// The names that one ListObjects call returns; `query` begins with `?` or is empty.
    pub async fn list_names(&self, bucket: &str, query: &str) -> Vec<String> {
        let target = format!("{}/o{query}", self.bucket_path(bucket));
        names(&self.get(target).await.expect(200))
    }

    /// CreatePreauthenticatedRequest.
    pub async fn create_par(&self, bucket: &str, spec: ParSpec) -> Par {
        let target = format!("{}/p", self.bucket_path(bucket));
        let reply = self.post(target).json(&spec.to_json()).await.expect(200);
        Par::from_answer(reply.json(), &format!("http://{}", self.http.address()))
    }

    /// DeletePreauthenticatedRequest.
    pub async fn delete_par(&self, bucket: &str, par: &Par) -> Reply {
        self.delete(self.par_path(bucket, &par.id))
            .await
            .expect(204)
    }
}

/// The object names in a ListObjects answer, in its order.
pub(crate) fn names(reply: &Reply) -> Vec<String> {
    let json = reply.json();
    let objects = json["objects"].as_array().cloned().unwrap_or_default();
    objects
        .iter()
        .map(|object| object["name"].as_str().unwrap_or_default().to_owned())
        .collect()
}
