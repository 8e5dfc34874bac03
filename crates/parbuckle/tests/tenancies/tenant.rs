//! The command, and the administrator that it makes.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use parbuckle_testkit::{Par, ParSpec, SignedClient, Signer, TestKey, TestServer, encode};
use serde_json::{Value, json};

use crate::PARBUCKLE;

/// How a command ended.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

/// `parbuckle tenancy` with these arguments, to be run.
pub(crate) fn command(data: &Path, args: &[&str]) -> Command {
    let mut command = Command::new(PARBUCKLE);
    for (name, _) in std::env::vars_os() {
        if name.as_encoded_bytes().starts_with(b"PARBUCKLE_") {
            command.env_remove(name);
        }
    }
    command
        .arg("tenancy")
        .args(args)
        .arg("--data-dir")
        .arg(data);
    command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

/// Runs `parbuckle tenancy` with these arguments.
pub(crate) fn tenancy(data: &Path, args: &[&str]) -> Ran {
    Ran::from(command(data, args).output().unwrap())
}

/// Runs `parbuckle tenancy create NAME`, which has to succeed; returns what it printed, by label.
pub(crate) fn create(data: &Path, name: &str) -> BTreeMap<String, String> {
    let ran = tenancy(data, &["create", name]);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    let lines = ran.stdout.lines().map(|line| {
        let (label, value) = line.split_once(": ").unwrap();
        (label.to_owned(), value.to_owned())
    });
    lines.collect()
}

/// The folder of a tenancy's administrator.
pub(crate) fn admin_folder(data: &Path, name: &str) -> PathBuf {
    data.join("admin").join(name)
}

/// A tenancy's `bootstrap.json`.
pub(crate) fn bootstrap(data: &Path, name: &str) -> Value {
    let text = fs::read(admin_folder(data, name).join("bootstrap.json")).unwrap();
    serde_json::from_slice(&text).unwrap()
}

/// The permission bits of a file or folder.
pub(crate) fn mode_of(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o7777
}

impl From<Output> for Ran {
    fn from(output: Output) -> Self {
        Self {
            code: output.status.code(),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }
}

/// The administrator of an added tenancy, as its own files make him.
pub(crate) struct Tenant {
    /// Signs as the administrator. Its own paths are those of the first tenancy: only its verbs are of use.
    pub(crate) client: SignedClient,
    pub(crate) namespace: String,
    pub(crate) ocid: String,
}

impl Tenant {
    /// Reads the files that the command wrote.
    pub(crate) fn read(server: &TestServer, name: &str) -> Self {
        let config = fs::read_to_string(admin_folder(server.data_dir(), name).join("config"));
        let fields: BTreeMap<_, _> = config
            .as_ref()
            .unwrap()
            .lines()
            .filter_map(|line| line.split_once('='))
            .collect();
        let key_id = [fields["tenancy"], fields["user"], fields["fingerprint"]].join("/");
        let key = TestKey::read_pem(Path::new(fields["key_file"]));
        let bootstrap = bootstrap(server.data_dir(), name);
        Self {
            client: server.signed_by(Signer::new(key_id, key, server.clock().clone())),
            namespace: bootstrap["namespace"].as_str().unwrap().to_owned(),
            ocid: bootstrap["tenancy_ocid"].as_str().unwrap().to_owned(),
        }
    }

    /// What the server answers to the question for the namespace.
    pub(crate) async fn asked_namespace(&self) -> Value {
        self.client.get("/n").await.expect(200).json()
    }

    /// `/n/{namespace}/b/{bucket}` and what follows.
    pub(crate) fn path(&self, bucket: &str, rest: &str) -> String {
        format!("/n/{}/b/{bucket}{rest}", self.namespace)
    }

    pub(crate) async fn create_bucket(&self, name: &str) {
        let body = json!({ "name": name, "compartmentId": self.ocid });
        let target = format!("/n/{}/b", self.namespace);
        self.client.post(target).json(&body).await.expect(200);
    }

    pub(crate) async fn put_object(&self, bucket: &str, object: &str, body: &'static str) {
        let target = self.path(bucket, &format!("/o/{}", encode(object)));
        self.client.put(target).body(body).await.expect(200);
    }

    pub(crate) async fn read_object(&self, bucket: &str, object: &str) -> String {
        let target = self.path(bucket, &format!("/o/{}", encode(object)));
        self.client.get(target).await.expect(200).text()
    }

    pub(crate) async fn create_par(&self, bucket: &str, spec: ParSpec) -> Par {
        let target = self.path(bucket, "/p");
        let reply = self.client.post(target).json(&spec.to_json()).await;
        let endpoint = format!("http://{}", self.client.http().address());
        Par::from_answer(reply.expect(200).json(), &endpoint)
    }

    /// Creates a resource of the identity service in the root compartment; returns its OCID.
    pub(crate) async fn create_identity(
        &self,
        collection: &str,
        name: &str,
        extra: Value,
    ) -> String {
        let mut body = json!({ "compartmentId": self.ocid, "name": name, "description": "d" });
        for (field, value) in extra.as_object().unwrap() {
            body[field] = value.clone();
        }
        let target = format!("/20160918/{collection}");
        let reply = self.client.post(target).json(&body).await.expect(200);
        reply.json()["id"].as_str().unwrap().to_owned()
    }
}
