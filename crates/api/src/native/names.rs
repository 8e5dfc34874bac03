//! Names of headers that only OCI uses.

use http::HeaderName;

macro_rules! names {
    ($($name:ident = $text:literal;)*) => {
        $(pub(super) const $name: HeaderName = HeaderName::from_static($text);)*
    };
}

names! {
    ARCHIVAL_STATE = "archival-state";
    CONTENT_MD5 = "content-md5";
    IS_DELETE_MARKER = "is-delete-marker";
    OPC_CHECKSUM_ALGORITHM = "opc-checksum-algorithm";
    OPC_CLIENT_REQUEST_ID = "opc-client-request-id";
    OPC_CONTENT_CRC32C = "opc-content-crc32c";
    OPC_CONTENT_MD5 = "opc-content-md5";
    OPC_CONTENT_SHA256 = "opc-content-sha256";
    OPC_CONTENT_SHA384 = "opc-content-sha384";
    OPC_MULTIPART = "opc-multipart";
    OPC_MULTIPART_MD5 = "opc-multipart-md5";
    OPC_MULTIPART_SHA256 = "opc-multipart-sha256";
    OPC_MULTIPART_SHA384 = "opc-multipart-sha384";
    OPC_NEXT_PAGE = "opc-next-page";
    OPC_REQUEST_ID = "opc-request-id";
    OPC_SOURCE_SSE_CUSTOMER_ALGORITHM = "opc-source-sse-customer-algorithm";
    OPC_SOURCE_SSE_CUSTOMER_KEY = "opc-source-sse-customer-key";
    OPC_SOURCE_SSE_CUSTOMER_KEY_SHA256 = "opc-source-sse-customer-key-sha256";
    OPC_SSE_CUSTOMER_ALGORITHM = "opc-sse-customer-algorithm";
    OPC_SSE_CUSTOMER_KEY = "opc-sse-customer-key";
    OPC_SSE_CUSTOMER_KEY_SHA256 = "opc-sse-customer-key-sha256";
    OPC_SSE_KMS_KEY_ID = "opc-sse-kms-key-id";
    OPC_WORK_REQUEST_ID = "opc-work-request-id";
    STORAGE_TIER = "storage-tier";
    TIME_OF_ARCHIVAL = "time-of-archival";
    VERSION_ID = "version-id";
    X_API_ID = "x-api-id";
}

/// Begins the names of user metadata headers.
pub(super) const OPC_META: &str = "opc-meta-";
