//! How model types are written inside records: one module a type, for `#[cbor(with = "...")]`.

use minicbor::decode::Error;

/// Makes a codec module for a type that is stored as a fixed number of bytes.
macro_rules! fixed_bytes {
    ($name:ident, $type:ty, $n:literal, $to:expr, $from:expr) => {
        pub(crate) mod $name {
            use super::*;

            pub(crate) fn encode<C, W: minicbor::encode::Write>(
                value: &$type,
                e: &mut minicbor::Encoder<W>,
                _: &mut C,
            ) -> Result<(), minicbor::encode::Error<W::Error>> {
                let to: fn(&$type) -> &[u8; $n] = $to;
                e.bytes(to(value))?.ok()
            }

            pub(crate) fn decode<'b, C>(
                d: &mut minicbor::Decoder<'b>,
                _: &mut C,
            ) -> Result<$type, Error> {
                let bytes: [u8; $n] = d
                    .bytes()?
                    .try_into()
                    .map_err(|_| Error::message("wrong number of bytes"))?;
                Ok($from(bytes))
            }
        }
    };
}

/// Makes a codec module for a type that is stored as text.
macro_rules! text {
    ($name:ident, $type:ty, $to:expr, $from:expr) => {
        pub(crate) mod $name {
            use super::*;

            pub(crate) fn encode<C, W: minicbor::encode::Write>(
                value: &$type,
                e: &mut minicbor::Encoder<W>,
                _: &mut C,
            ) -> Result<(), minicbor::encode::Error<W::Error>> {
                let to: fn(&$type) -> &str = $to;
                e.str(to(value))?.ok()
            }

            pub(crate) fn decode<'b, C>(
                d: &mut minicbor::Decoder<'b>,
                _: &mut C,
            ) -> Result<$type, Error> {
                let from: fn(&str) -> Option<$type> = $from;
                from(d.str()?)
                    .ok_or_else(|| Error::message(concat!("not a stored ", stringify!($name))))
            }
        }
    };
}

fixed_bytes!(bytes16, [u8; 16], 16, |v| v, std::convert::identity);
fixed_bytes!(md5, [u8; 16], 16, |v| v, std::convert::identity);
fixed_bytes!(
    etag,
    parbuckle_model::ETag,
    16,
    |v| v.as_bytes(),
    parbuckle_model::ETag::from_bytes
);
fixed_bytes!(
    version_id,
    parbuckle_model::VersionId,
    16,
    |v| v.as_bytes(),
    parbuckle_model::VersionId::from_bytes
);
fixed_bytes!(
    bucket_id,
    parbuckle_model::BucketId,
    16,
    |v| v.as_bytes(),
    parbuckle_model::BucketId::from_bytes
);
fixed_bytes!(
    retention_rule_id,
    parbuckle_model::RetentionRuleId,
    16,
    |v| v.as_bytes(),
    parbuckle_model::RetentionRuleId::from_bytes
);
fixed_bytes!(
    replication_policy_id,
    parbuckle_model::ReplicationPolicyId,
    16,
    |v| v.as_bytes(),
    parbuckle_model::ReplicationPolicyId::from_bytes
);
fixed_bytes!(
    work_request_id,
    parbuckle_model::WorkRequestId,
    16,
    |v| v.as_bytes(),
    parbuckle_model::WorkRequestId::from_bytes
);
fixed_bytes!(
    upload_id,
    parbuckle_model::UploadId,
    16,
    |v| v.as_bytes(),
    parbuckle_model::UploadId::from_bytes
);
fixed_bytes!(
    par_id,
    parbuckle_model::ParId,
    48,
    |v| v.as_bytes(),
    parbuckle_model::ParId::from_bytes
);
fixed_bytes!(
    token_hash,
    parbuckle_model::TokenHash,
    32,
    |v| &v.0,
    parbuckle_model::TokenHash
);
fixed_bytes!(
    blob_id,
    parbuckle_blob::BlobId,
    16,
    |v| &v.0,
    parbuckle_blob::BlobId
);

text!(namespace, parbuckle_model::Namespace, |v| v.as_str(), |t| {
    parbuckle_model::Namespace::parse(t).ok()
});
text!(
    bucket_name,
    parbuckle_model::BucketName,
    |v| v.as_str(),
    |t| parbuckle_model::BucketName::parse_classic(t).ok()
);
text!(
    object_name,
    parbuckle_model::ObjectName,
    |v| v.as_str(),
    |t| parbuckle_model::ObjectName::parse_classic(t.as_bytes()).ok()
);
text!(ocid, parbuckle_model::Ocid, |v| v.as_str(), |t| {
    parbuckle_model::Ocid::parse(t).ok()
});
text!(
    storage_tier,
    parbuckle_model::StorageTier,
    |v| v.as_str(),
    parbuckle_model::StorageTier::parse
);
text!(
    public_access,
    parbuckle_model::PublicAccess,
    |v| v.as_str(),
    parbuckle_model::PublicAccess::parse
);

text!(
    versioning,
    parbuckle_model::Versioning,
    |v| v.as_str(),
    parbuckle_model::Versioning::parse
);
text!(
    auto_tiering,
    parbuckle_model::AutoTiering,
    |v| v.as_str(),
    parbuckle_model::AutoTiering::parse
);

/// Times: milliseconds since 1970, as all times of the service are kept.
pub(crate) mod time {
    use super::Error;
    use jiff::Timestamp;

    pub(crate) fn encode<C, W: minicbor::encode::Write>(
        value: &Timestamp,
        e: &mut minicbor::Encoder<W>,
        _: &mut C,
    ) -> Result<(), minicbor::encode::Error<W::Error>> {
        e.i64(value.as_millisecond())?.ok()
    }

    pub(crate) fn decode<'b, C>(
        d: &mut minicbor::Decoder<'b>,
        _: &mut C,
    ) -> Result<Timestamp, Error> {
        Timestamp::from_millisecond(d.i64()?).map_err(|_| Error::message("time out of range"))
    }
}

/// A token hash that may be absent.
pub(crate) mod token_hash_option {
    use super::{Error, token_hash};
    use parbuckle_model::TokenHash;

    pub(crate) fn encode<C, W: minicbor::encode::Write>(
        value: &Option<TokenHash>,
        e: &mut minicbor::Encoder<W>,
        c: &mut C,
    ) -> Result<(), minicbor::encode::Error<W::Error>> {
        match value {
            Some(value) => token_hash::encode(value, e, c),
            None => e.null()?.ok(),
        }
    }

    pub(crate) fn decode<'b, C>(
        d: &mut minicbor::Decoder<'b>,
        c: &mut C,
    ) -> Result<Option<TokenHash>, Error> {
        if d.datatype()? == minicbor::data::Type::Null {
            d.skip()?;
            return Ok(None);
        }
        token_hash::decode(d, c).map(Some)
    }
}

/// Ends of validity, as times are.
pub(crate) mod expiry {
    use super::Error;
    use parbuckle_model::Expiry;

    pub(crate) fn encode<C, W: minicbor::encode::Write>(
        value: &Expiry,
        e: &mut minicbor::Encoder<W>,
        _: &mut C,
    ) -> Result<(), minicbor::encode::Error<W::Error>> {
        e.i64(value.millis())?.ok()
    }

    pub(crate) fn decode<'b, C>(d: &mut minicbor::Decoder<'b>, _: &mut C) -> Result<Expiry, Error> {
        Expiry::from_millis(d.i64()?).map_err(|_| Error::message("expiry out of range"))
    }
}
