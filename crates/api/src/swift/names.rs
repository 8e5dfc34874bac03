//! Names of headers that only Swift uses.

use http::HeaderName;

macro_rules! names {
    ($($name:ident = $text:literal;)*) => {
        $(pub(super) const $name: HeaderName = HeaderName::from_static($text);)*
    };
}

names! {
    DESTINATION = "destination";
    DESTINATION_ACCOUNT = "destination-account";
    X_ACCOUNT_BYTES_USED = "x-account-bytes-used";
    X_ACCOUNT_CONTAINER_COUNT = "x-account-container-count";
    X_ACCOUNT_OBJECT_COUNT = "x-account-object-count";
    X_ARCHIVE_RESTORE_JOBID = "x-archive-restore-jobid";
    X_AUTH_KEY = "x-auth-key";
    X_AUTH_TOKEN = "x-auth-token";
    X_AUTH_TOKEN_EXPIRES = "x-auth-token-expires";
    X_AUTH_USER = "x-auth-user";
    X_CONTAINER_BYTES_USED = "x-container-bytes-used";
    X_CONTAINER_META_QUOTA_BYTES = "x-container-meta-quota-bytes";
    X_CONTAINER_META_QUOTA_COUNT = "x-container-meta-quota-count";
    X_CONTAINER_OBJECT_COUNT = "x-container-object-count";
    X_CONTAINER_READ = "x-container-read";
    X_CONTAINER_WRITE = "x-container-write";
    X_COPIED_FROM = "x-copied-from";
    X_COPIED_FROM_ACCOUNT = "x-copied-from-account";
    X_COPIED_FROM_LAST_MODIFIED = "x-copied-from-last-modified";
    X_COPY_FROM = "x-copy-from";
    X_COPY_FROM_ACCOUNT = "x-copy-from-account";
    X_DELETE_AFTER = "x-delete-after";
    X_DELETE_AT = "x-delete-at";
    X_DETECT_CONTENT_TYPE = "x-detect-content-type";
    X_FRESH_METADATA = "x-fresh-metadata";
    X_IF_DELETE_AT = "x-if-delete-at";
    X_MANIFEST_ETAG = "x-manifest-etag";
    X_OBJECT_MANIFEST = "x-object-manifest";
    X_OPENSTACK_REQUEST_ID = "x-openstack-request-id";
    X_PARTS_COUNT = "x-parts-count";
    X_REMOVE_CONTAINER_READ = "x-remove-container-read";
    X_REMOVE_CONTAINER_WRITE = "x-remove-container-write";
    X_ROBOTS_TAG = "x-robots-tag";
    X_STATIC_LARGE_OBJECT = "x-static-large-object";
    X_STORAGE_CLASS = "x-storage-class";
    X_STORAGE_PASS = "x-storage-pass";
    X_STORAGE_POLICY = "x-storage-policy";
    X_STORAGE_TOKEN = "x-storage-token";
    X_STORAGE_URL = "x-storage-url";
    X_STORAGE_USER = "x-storage-user";
    X_SYMLINK_TARGET = "x-symlink-target";
    X_TIMESTAMP = "x-timestamp";
    X_TRANS_ID = "x-trans-id";
    X_TRANS_ID_EXTRA = "x-trans-id-extra";
}
