//! What this server can do, for clients that ask first (Swift wire reference section 15).

use http::header::{ACCESS_CONTROL_ALLOW_ORIGIN, ACCESS_CONTROL_EXPOSE_HEADERS};
use http::{HeaderMap, HeaderValue, StatusCode};
use parbuckle_engine::swift::{
    BULK_DELETES_MAX, LISTING_LIMIT_MAX, METADATA_BYTES_MAX, METADATA_ITEMS_MAX,
    METADATA_NAME_BYTES_MAX, METADATA_VALUE_BYTES_MAX, OBJECT_BYTES_MAX, SEGMENTS_MAX,
};
use parbuckle_model::{BucketName, ObjectName};
use serde_json::{Value, json};

use super::names::X_TRANS_ID;
use super::reply::Reply;
use super::{HEADER_LINE_BYTES_MAX, archive, cors, policy, slo};

const JSON: HeaderValue = HeaderValue::from_static("application/json; charset=UTF-8");
const TEXT: HeaderValue = HeaderValue::from_static("text/plain");

/// `/info`, which every page may read.
pub(super) fn capabilities(headers: &HeaderMap) -> Reply {
    let mut reply = Reply::with_text(StatusCode::OK, JSON, described().to_string());
    if let Some(origin) = cors::origin(headers) {
        let origin = origin.clone();
        reply.headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin);
        let exposed = HeaderValue::from(X_TRANS_ID);
        reply.headers.insert(ACCESS_CONTROL_EXPOSE_HEADERS, exposed);
    }
    reply
}

/// `/healthcheck`.
pub(super) fn healthcheck() -> Reply {
    Reply::with_text(StatusCode::OK, TEXT, "OK")
}

/// Exactly what works: clients use what stands here, and do without what does not.
fn described() -> Value {
    json!({
        "swift": {
            "account_autocreate": false,
            "account_listing_limit": LISTING_LIMIT_MAX,
            "allow_account_management": false,
            "container_listing_limit": LISTING_LIMIT_MAX,
            "extra_header_count": 0,
            "max_account_name_length": 256,
            "max_container_name_length": BucketName::CLASSIC_CHARACTERS_MAX,
            "max_file_size": OBJECT_BYTES_MAX,
            "max_header_size": HEADER_LINE_BYTES_MAX,
            "max_meta_count": METADATA_ITEMS_MAX,
            "max_meta_name_length": METADATA_NAME_BYTES_MAX,
            "max_meta_overall_size": METADATA_BYTES_MAX,
            "max_meta_value_length": METADATA_VALUE_BYTES_MAX,
            "max_object_name_length": ObjectName::CLASSIC_CHARACTERS_MAX,
            "policies": [policy::described()],
            "strict_cors_mode": true,
            "valid_api_versions": ["v1", "v1.0"],
        },
        "bulk_delete": {
            "max_deletes_per_request": BULK_DELETES_MAX,
            "max_failed_deletes": BULK_DELETES_MAX,
        },
        "bulk_upload": {
            "max_containers_per_extraction": archive::CONTAINERS_MAX,
            "max_failed_extractions": archive::FAILURES_MAX,
        },
        "container_quotas": {},
        "slo": {
            "max_manifest_segments": SEGMENTS_MAX,
            "max_manifest_size": slo::MANIFEST_BYTES_MAX,
            "min_segment_size": 1,
            "yield_frequency": slo::HEARTBEAT_SECONDS,
        },
        "tempurl": {
            "allowed_digests": ["sha1", "sha256", "sha512"],
            "incoming_allow_headers": [],
            "incoming_remove_headers": ["x-timestamp"],
            "methods": ["GET", "HEAD", "PUT", "POST", "DELETE"],
            "outgoing_allow_headers": ["x-object-meta-public-*"],
            "outgoing_remove_headers": ["x-object-meta-*"],
        },
    })
}
