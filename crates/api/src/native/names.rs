//! Names of headers that only OCI uses.

use http::HeaderName;

macro_rules! names {
    ($($name:ident = $text:literal;)*) => {
        $(pub(super) const $name: HeaderName = HeaderName::from_static($text);)*
    };
}

names! {
    CONTENT_MD5 = "content-md5";
    OPC_CHECKSUM_ALGORITHM = "opc-checksum-algorithm";
    OPC_CLIENT_REQUEST_ID = "opc-client-request-id";
    OPC_CONTENT_CRC32C = "opc-content-crc32c";
    OPC_CONTENT_MD5 = "opc-content-md5";
    OPC_CONTENT_SHA256 = "opc-content-sha256";
    OPC_CONTENT_SHA384 = "opc-content-sha384";
    OPC_MULTIPART = "opc-multipart";
    OPC_MULTIPART_MD5 = "opc-multipart-md5";
    OPC_NEXT_PAGE = "opc-next-page";
    OPC_REQUEST_ID = "opc-request-id";
    OPC_SSE_CUSTOMER_ALGORITHM = "opc-sse-customer-algorithm";
    OPC_SSE_CUSTOMER_KEY = "opc-sse-customer-key";
    OPC_SSE_CUSTOMER_KEY_SHA256 = "opc-sse-customer-key-sha256";
    OPC_SSE_KMS_KEY_ID = "opc-sse-kms-key-id";
    STORAGE_TIER = "storage-tier";
    VERSION_ID = "version-id";
    X_API_ID = "x-api-id";
}

/// Begins the names of user metadata headers.
pub(super) const OPC_META: &str = "opc-meta-";
