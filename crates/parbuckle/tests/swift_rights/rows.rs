//! The rows of the table: what each request asks for, by docs/classic.md.

/// A request, and what it needs.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Row {
    pub(crate) method: &'static str,
    pub(crate) template: &'static str,
    pub(crate) act: Act,
    /// The permissions that are enough: one of these sets, whole.
    pub(crate) needs: &'static [&'static [&'static str]],
    /// The status of success.
    pub(crate) status: u16,
}

/// What a request does, as ACLs and signatures see it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Act {
    /// For everybody.
    Public,
    /// The same, but for whoever comes with a token that is none.
    PublicToKnown,
    /// Takes a password, and no token.
    SignIn,
    /// Something with the account.
    Account,
    /// Nobody does that.
    Never,
    /// Puts a container that is not there.
    NewContainer,
    /// Something that ACLs never grant with a container.
    Manage,
    /// Takes away a container, which has to be empty.
    RemoveContainer,
    /// Lists or describes a container.
    List,
    /// Reads an object.
    Read,
    /// Writes an object that is there.
    Write,
    /// Writes an object that is not there.
    WriteNew,
    /// Reads one object and writes another that is not there.
    Copy,
    /// Restores an archived object.
    Restore,
}

pub(crate) const ACCOUNT: &str = "/v1/{account}";
pub(crate) const CONTAINER: &str = "/v1/{account}/{container}";
pub(crate) const OBJECT: &str = "/v1/{account}/{container}/{object}";
pub(crate) const RESTORE: &str = "/v0/{account}/{container}/{object}";
pub(crate) const RESTORE_JOBS: &str = "/v0/{account}/{container}";

const fn row(
    method: &'static str,
    template: &'static str,
    act: Act,
    needs: &'static [&'static [&'static str]],
    status: u16,
) -> Row {
    Row {
        method,
        template,
        act,
        needs,
        status,
    }
}

/// All of them.
pub(crate) const ROWS: &[Row] = &[
    row("GET", "/auth/v1.0", Act::SignIn, &[], 401),
    row("GET", "/auth/v1/{account}/auth", Act::SignIn, &[], 401),
    row("GET", "/info", Act::PublicToKnown, &[], 200),
    row("HEAD", "/info", Act::PublicToKnown, &[], 200),
    row("GET", "/healthcheck", Act::Public, &[], 200),
    row("HEAD", "/healthcheck", Act::Public, &[], 200),
    row("GET", ACCOUNT, Act::Account, &[&["BUCKET_INSPECT"]], 200),
    row("HEAD", ACCOUNT, Act::Account, &[&["BUCKET_INSPECT"]], 204),
    row(
        "POST",
        ACCOUNT,
        Act::Account,
        &[&["OBJECTSTORAGE_NAMESPACE_UPDATE"]],
        204,
    ),
    row("PUT", ACCOUNT, Act::Never, &[], 403),
    row("DELETE", ACCOUNT, Act::Never, &[], 403),
    row("GET", CONTAINER, Act::List, &[&["OBJECT_INSPECT"]], 200),
    row("HEAD", CONTAINER, Act::List, &[&["BUCKET_READ"]], 204),
    row(
        "PUT",
        CONTAINER,
        Act::NewContainer,
        &[&["BUCKET_CREATE"]],
        201,
    ),
    row("PUT", CONTAINER, Act::Manage, &[&["BUCKET_UPDATE"]], 202),
    row("POST", CONTAINER, Act::Manage, &[&["BUCKET_UPDATE"]], 204),
    row(
        "DELETE",
        CONTAINER,
        Act::RemoveContainer,
        &[&["BUCKET_DELETE"]],
        204,
    ),
    row("GET", OBJECT, Act::Read, &[&["OBJECT_READ"]], 200),
    row(
        "HEAD",
        OBJECT,
        Act::Read,
        &[&["OBJECT_READ"], &["OBJECT_INSPECT"]],
        200,
    ),
    row("PUT", OBJECT, Act::WriteNew, &[&["OBJECT_CREATE"]], 201),
    row("PUT", OBJECT, Act::Write, &[&["OBJECT_OVERWRITE"]], 201),
    row("POST", OBJECT, Act::Write, &[&["OBJECT_OVERWRITE"]], 202),
    row("DELETE", OBJECT, Act::Write, &[&["OBJECT_DELETE"]], 204),
    row(
        "COPY",
        OBJECT,
        Act::Copy,
        &[&["OBJECT_READ", "OBJECT_CREATE"]],
        201,
    ),
    row("POST", RESTORE, Act::Restore, &[&["OBJECT_RESTORE"]], 202),
    row("GET", RESTORE_JOBS, Act::List, &[&["OBJECT_INSPECT"]], 200),
];

/// Every permission that has to do with storage.
pub(crate) const PERMISSIONS: [&str; 18] = [
    "BUCKET_CREATE",
    "BUCKET_DELETE",
    "BUCKET_INSPECT",
    "BUCKET_READ",
    "BUCKET_UPDATE",
    "OBJECTSTORAGE_NAMESPACE_READ",
    "OBJECTSTORAGE_NAMESPACE_UPDATE",
    "OBJECT_CREATE",
    "OBJECT_DELETE",
    "OBJECT_INSPECT",
    "OBJECT_OVERWRITE",
    "OBJECT_READ",
    "OBJECT_RESTORE",
    "OBJECT_UPDATE_TIER",
    "OBJECT_VERSION_DELETE",
    "PAR_MANAGE",
    "RETENTION_RULE_LOCK",
    "RETENTION_RULE_MANAGE",
];

impl Row {
    /// Whether it is about a container, or an object in one.
    pub(crate) fn is_in_container(&self) -> bool {
        self.template == CONTAINER || self.template == RESTORE_JOBS || self.is_about_object()
    }

    /// Whether it is about an object.
    pub(crate) fn is_about_object(&self) -> bool {
        self.template == OBJECT || self.template == RESTORE
    }

    /// What its query has to say.
    pub(crate) fn query(&self) -> &'static str {
        match self.template {
            RESTORE => "restore",
            RESTORE_JOBS => "jobs",
            _ => "",
        }
    }

    /// The sets of permissions that are just not enough.
    pub(crate) fn not_enough(&self) -> Vec<Vec<&'static str>> {
        let without = |missing: &[&str]| {
            let all = PERMISSIONS.into_iter();
            all.filter(|p| !missing.contains(p)).collect()
        };
        match self.needs {
            [] => Vec::new(),
            [whole] => whole.iter().map(|one| without(&[one])).collect(),
            several => vec![without(&several.concat())],
        }
    }
}
