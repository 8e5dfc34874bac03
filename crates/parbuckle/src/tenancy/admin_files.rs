//! The files of a tenancy's administrator: written before the tenancy that they belong to, kept true to the listener
//! afterwards.
//!
//! The order makes an interruption harmless. Files of a tenancy that was never made are overwritten by the next
//! attempt, which finds no tenancy; a tenancy whose administrator nobody knows cannot come about.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use parbuckle_engine::TenancyPlan;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::name::TenancyName;
use crate::files::{make_private_folder, write_private};

const FOLDER: &str = "admin";
const CONFIG: &str = "config";
const KEY: &str = "oci_api_key.pem";
const BOOTSTRAP: &str = "bootstrap.json";
/// The OCI CLI warns about a key file that does not end so.
const KEY_LABEL: &str = "OCI_API_KEY";
/// Oracle's form of an account name (Swift reference, section 1).
const SWIFT_ACCOUNT_PREFIX: &str = "Storage-";

/// What scripts need to use the server (DESIGN section 6). Not `Debug`: it holds the password.
#[derive(Serialize, Deserialize)]
struct Bootstrap {
    endpoint: String,
    namespace: String,
    tenancy_ocid: String,
    compartment_ocid: String,
    region: String,
    admin_user_ocid: String,
    admin_user_name: String,
    admin_password: String,
    swift_auth_url: String,
    swift_account: String,
    /// Whatever else the owner of the file put there.
    #[serde(flatten)]
    other: Map<String, Value>,
}

/// Why the administrator's files could not be written or read. The text names the file.
#[derive(Debug, thiserror::Error)]
pub(crate) enum AdminFilesError {
    #[error("cannot write {}: {source}", path.display())]
    Unwritable { path: PathBuf, source: io::Error },
    #[error("cannot read {}: {source}", path.display())]
    Unreadable { path: PathBuf, source: io::Error },
    #[error("{} is not what was written for the administrator: {source}", path.display())]
    Malformed {
        path: PathBuf,
        source: serde_json::Error,
    },
    #[error("the data folder {} must have a path that client configurations can hold: UTF-8, in one line", .0.display())]
    Path(PathBuf),
}

/// The files of one tenancy's administrator.
pub(super) struct AdminFiles {
    folder: PathBuf,
}

/// How clients reached the server when the files were written or refreshed.
pub(super) struct LastKnown {
    pub(super) endpoint: String,
    pub(super) region: String,
}

impl AdminFiles {
    /// Those of the tenancy that the first start makes in `data`, which must be absolute.
    pub(super) fn of_first(data: &Path) -> Self {
        Self {
            folder: data.join(FOLDER),
        }
    }

    /// Those of a tenancy that an operator adds in `data`, which must be absolute.
    pub(super) fn of(data: &Path, name: &TenancyName) -> Self {
        Self {
            folder: data.join(FOLDER).join(name.as_str()),
        }
    }

    /// The OCI configuration file, profile DEFAULT.
    pub(super) fn config(&self) -> PathBuf {
        self.folder.join(CONFIG)
    }

    /// Writes all of them for a tenancy that is about to be made, over those that may be there.
    pub(super) fn write(
        &self,
        plan: &TenancyPlan,
        region: &str,
        endpoint: &str,
    ) -> Result<(), AdminFilesError> {
        let config = self.config_text(plan, region)?;
        let mut key = plan.api_key_pem.expose().trim_end().to_owned();
        if !key.ends_with(KEY_LABEL) {
            key.push('\n');
            key.push_str(KEY_LABEL);
        }
        key.push('\n');
        let bootstrap = Bootstrap {
            endpoint: endpoint.to_owned(),
            namespace: plan.namespace.to_string(),
            tenancy_ocid: plan.tenancy_ocid.to_string(),
            compartment_ocid: plan.compartment_ocid.to_string(),
            region: region.to_owned(),
            admin_user_ocid: plan.admin_user_ocid.to_string(),
            admin_user_name: plan.admin_user_name.clone(),
            admin_password: plan.admin_password.expose().clone(),
            swift_auth_url: swift_auth_url(endpoint),
            swift_account: format!("{SWIFT_ACCOUNT_PREFIX}{}", plan.namespace),
            other: Map::new(),
        };
        make_private_folder(&self.folder).map_err(|source| self.unwritable(None, source))?;
        self.put(KEY, key.as_bytes())?;
        self.put(CONFIG, config.as_bytes())?;
        self.put_bootstrap(&bootstrap)
    }

    /// Brings the fields of `bootstrap.json` that depend on the listener up to date, unless the owner has removed the
    /// file.
    pub(super) fn refresh(&self, endpoint: &str) -> Result<(), AdminFilesError> {
        let Some(mut bootstrap) = self.bootstrap()? else {
            return Ok(());
        };
        let auth_url = swift_auth_url(endpoint);
        if bootstrap.endpoint != endpoint || bootstrap.swift_auth_url != auth_url {
            bootstrap.endpoint = endpoint.to_owned();
            bootstrap.swift_auth_url = auth_url;
            self.put_bootstrap(&bootstrap)?;
        }
        Ok(())
    }

    /// What the last start wrote, unless the owner has removed the file.
    pub(super) fn last_known(&self) -> Result<Option<LastKnown>, AdminFilesError> {
        Ok(self.bootstrap()?.map(|bootstrap| LastKnown {
            endpoint: bootstrap.endpoint,
            region: bootstrap.region,
        }))
    }

    fn bootstrap(&self) -> Result<Option<Bootstrap>, AdminFilesError> {
        let path = self.folder.join(BOOTSTRAP);
        let bytes = match fs::read(&path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(source) => return Err(AdminFilesError::Unreadable { path, source }),
        };
        serde_json::from_slice(&bytes)
            .map(Some)
            .map_err(|source| AdminFilesError::Malformed { path, source })
    }

    /// OCI configuration of wire reference 14.2.
    fn config_text(&self, plan: &TenancyPlan, region: &str) -> Result<String, AdminFilesError> {
        let key_file = self.key_file()?;
        Ok(format!(
            "[DEFAULT]\nuser={user}\nfingerprint={fingerprint}\ntenancy={tenancy}\nregion={region}\nkey_file={key_file}\n",
            user = plan.admin_user_ocid,
            fingerprint = plan.fingerprint,
            tenancy = plan.tenancy_ocid,
        ))
    }

    /// The path of the key, as one line of text.
    fn key_file(&self) -> Result<String, AdminFilesError> {
        match self.folder.join(KEY).to_str() {
            Some(path) if !path.chars().any(char::is_control) => Ok(path.to_owned()),
            _ => Err(AdminFilesError::Path(self.folder.clone())),
        }
    }

    fn put_bootstrap(&self, bootstrap: &Bootstrap) -> Result<(), AdminFilesError> {
        let mut text = serde_json::to_string_pretty(bootstrap)
            .expect("texts and JSON values always serialize");
        text.push('\n');
        self.put(BOOTSTRAP, text.as_bytes())
    }

    fn put(&self, name: &str, bytes: &[u8]) -> Result<(), AdminFilesError> {
        write_private(&self.folder, name, bytes)
            .map_err(|source| self.unwritable(Some(name), source))
    }

    fn unwritable(&self, name: Option<&str>, source: io::Error) -> AdminFilesError {
        let path = name.map_or_else(|| self.folder.clone(), |name| self.folder.join(name));
        AdminFilesError::Unwritable { path, source }
    }
}

fn swift_auth_url(endpoint: &str) -> String {
    format!("{endpoint}/auth/v1.0")
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use parbuckle_engine::SystemEnvironment;

    use super::*;

    fn plan() -> TenancyPlan {
        TenancyPlan::new(&SystemEnvironment::default(), "parbuckle").unwrap()
    }

    fn bootstrap(data: &Path) -> Value {
        serde_json::from_slice(&fs::read(data.join("admin/bootstrap.json")).unwrap()).unwrap()
    }

    #[test]
    fn the_files_are_private_and_say_what_the_plan_says() {
        let data = tempfile::tempdir().unwrap();
        let admin = AdminFiles::of_first(data.path());
        let plan = plan();
        admin
            .write(&plan, "local-1", "http://127.0.0.1:9085")
            .unwrap();

        let mode = |name: &str| {
            fs::metadata(data.path().join(name))
                .unwrap()
                .permissions()
                .mode()
                & 0o7777
        };
        assert_eq!(mode("admin"), 0o700);
        for name in [
            "admin/config",
            "admin/oci_api_key.pem",
            "admin/bootstrap.json",
        ] {
            assert_eq!(mode(name), 0o600, "{name}");
        }
        let key_file = data.path().join("admin/oci_api_key.pem");
        assert_eq!(
            fs::read_to_string(admin.config()).unwrap(),
            format!(
                "[DEFAULT]\nuser={}\nfingerprint={}\ntenancy={}\nregion=local-1\nkey_file={}\n",
                plan.admin_user_ocid,
                plan.fingerprint,
                plan.tenancy_ocid,
                key_file.display()
            )
        );
        let key = fs::read_to_string(key_file).unwrap();
        assert!(
            key.starts_with("-----BEGIN") && key.ends_with("-----\nOCI_API_KEY\n"),
            "the key file has another form"
        );
        let json = bootstrap(data.path());
        let fields: Vec<_> = json
            .as_object()
            .unwrap()
            .keys()
            .map(String::as_str)
            .collect();
        assert_eq!(
            fields,
            [
                "admin_password",
                "admin_user_name",
                "admin_user_ocid",
                "compartment_ocid",
                "endpoint",
                "namespace",
                "region",
                "swift_account",
                "swift_auth_url",
                "tenancy_ocid"
            ]
        );
        assert_eq!(json["endpoint"], "http://127.0.0.1:9085");
        assert_eq!(json["swift_auth_url"], "http://127.0.0.1:9085/auth/v1.0");
    }

    #[test]
    fn a_refresh_changes_the_urls_and_keeps_the_rest() {
        let data = tempfile::tempdir().unwrap();
        let admin = AdminFiles::of_first(data.path());
        let plan = plan();
        admin.write(&plan, "local-1", "http://127.0.0.1:1").unwrap();
        let mut before = bootstrap(data.path());
        before["note"] = "the owner's own".into();
        fs::write(data.path().join("admin/bootstrap.json"), before.to_string()).unwrap();

        admin.refresh("http://127.0.0.1:2").unwrap();
        before["endpoint"] = "http://127.0.0.1:2".into();
        before["swift_auth_url"] = "http://127.0.0.1:2/auth/v1.0".into();
        assert_eq!(bootstrap(data.path()), before);
    }

    #[test]
    fn a_bootstrap_file_that_the_owner_removed_stays_away() {
        let data = tempfile::tempdir().unwrap();
        AdminFiles::of_first(data.path())
            .refresh("http://127.0.0.1:1")
            .unwrap();
        assert_eq!(fs::read_dir(data.path()).unwrap().count(), 0);
    }

    #[test]
    fn files_of_a_tenancy_that_was_never_made_are_replaced() {
        let data = tempfile::tempdir().unwrap();
        let admin = AdminFiles::of_first(data.path());
        admin
            .write(&plan(), "local-1", "http://127.0.0.1:1")
            .unwrap();
        let second = plan();
        admin
            .write(&second, "local-1", "http://127.0.0.1:1")
            .unwrap();
        assert_eq!(
            bootstrap(data.path())["tenancy_ocid"],
            second.tenancy_ocid.to_string()
        );
        assert!(
            fs::read_to_string(admin.config())
                .unwrap()
                .contains(&second.fingerprint)
        );
    }

    #[test]
    fn a_path_with_a_new_line_cannot_forge_a_configuration_key() {
        let admin = AdminFiles::of_first(Path::new("/data\nuser=evil"));
        let key_file = admin.key_file();
        assert!(matches!(key_file, Err(AdminFilesError::Path(_))));
    }
}
