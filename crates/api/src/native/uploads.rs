//! Multipart uploads (wire reference 3.4, 4.3), signed or with the secrets of section 7.1.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::header::{ETAG, LOCATION};
use jiff::Timestamp;
use parbuckle_engine::{
    BucketPath, ErrorKind, NewUpload, ObjectMd5, ObjectPath, PartInfo, PartSelection, RequestBody,
    Upload, UploadPart, UploadPath,
};
use parbuckle_model::{ETag, ObjectAttributes, ObjectName, PartNumber, UploadId};
use serde::{Deserialize, Serialize};

use super::error::{FaceError, NativeError, invalid};
use super::names::{OPC_CONTENT_MD5, OPC_MULTIPART, OPC_MULTIPART_MD5};
use super::objects::{put_checksums, written};
use super::options::{
    attributes, body_checks, checksum_algorithm, customer_key, header_tier, json_metadata,
    put_customer_key, tier, write_conditions,
};
use super::reply::{self, Reply};
use super::route::UploadAddress;
use super::{Call, ok};
use crate::fields;
use crate::json::{self, required};
use crate::percent::{encode_component, encode_path};

/// Whether a PUT of an object starts an upload: `opc-multipart: true`, through a pre-authenticated request only.
pub(super) fn is_start(call: &Call<'_>) -> Result<bool, NativeError> {
    if !call.through_par {
        return Ok(false);
    }
    match fields::text(call.exchange.headers(), &OPC_MULTIPART)? {
        None => Ok(false),
        Some(text) if text.eq_ignore_ascii_case("true") => Ok(true),
        Some(text) if text.eq_ignore_ascii_case("false") => Ok(false),
        Some(_) => Err(invalid("opc-multipart must be true or false")),
    }
}

/// CreateMultipartUpload.
pub(super) async fn create(
    call: &Call<'_>,
    bucket: BucketPath,
    body: &[u8],
) -> Result<Reply, NativeError> {
    let headers = call.exchange.headers();
    let (object, mut new) = json::parse::<CreateDetails>(body)?.into_new()?;
    new.preconditions = write_conditions(headers)?;
    new.checksum = checksum_algorithm(headers)?;
    new.customer_key = customer_key(headers)?;
    let path = ObjectPath { bucket, object };
    let started = start(call, &path, new).await?;
    let location = format!(
        "{}/n/{}/b/{}/u/{}?uploadId={}",
        call.exchange.origin().unwrap_or_default(),
        path.bucket.namespace,
        path.bucket.bucket,
        encode_component(path.object.as_str()),
        started.0,
    );
    Ok(started.1.with(LOCATION, location))
}

/// The same through a pre-authenticated request: metadata and content headers come with this request, and the reply has
/// the URI, with a secret of its own, for parts, commit and abort.
pub(super) async fn create_through_par(
    call: &Call<'_>,
    path: ObjectPath,
) -> Result<Reply, NativeError> {
    let headers = call.exchange.headers();
    let new = NewUpload {
        attributes: attributes(headers)?,
        storage_tier: header_tier(headers)?,
        preconditions: write_conditions(headers)?,
        checksum: checksum_algorithm(headers)?,
        customer_key: customer_key(headers)?,
    };
    start(call, &path, new).await.map(|(_, reply)| reply)
}

async fn start(
    call: &Call<'_>,
    path: &ObjectPath,
    new: NewUpload,
) -> Result<(UploadId, Reply), NativeError> {
    let engine = call.exchange.engine();
    let key = new.customer_key.clone();
    let started = engine.create_upload(&call.caller, path, new).await?;
    let upload = &started.upload;
    let access_uri = started
        .secret
        .map(|secret| access_uri(path, upload, secret.expose()));
    let model = UploadModel::new(&path.bucket, upload, access_uri);
    let mut reply = Reply::json(&model)?;
    put_customer_key(&mut reply.headers, key.as_ref());
    Ok((upload.id, reply))
}

/// Ends in a slash: the number of a part follows.
fn access_uri(path: &ObjectPath, upload: &Upload, secret: &str) -> String {
    format!(
        "/p/{secret}/n/{}/b/{}/u/{}/id/{}/",
        path.bucket.namespace,
        path.bucket.bucket,
        encode_path(path.object.as_str()),
        upload.id,
    )
}

/// UploadPart.
pub(super) async fn put_part(
    call: &Call<'_>,
    object: ObjectPath,
    address: &UploadAddress<'_>,
    body: RequestBody,
) -> Result<Reply, NativeError> {
    let headers = call.exchange.headers();
    let key = customer_key(headers)?;
    let number = part_number(call, address)?;
    let path = upload_path(call, object, address)?;
    let conditions = write_conditions(headers)?;
    let upload = UploadPart {
        checks: body_checks(headers, call.signed_sha256)?,
        customer_key: key.clone(),
    };
    let engine = call.exchange.engine();
    let part = engine
        .upload_part(&call.caller, &path, number, &conditions, upload, body)
        .await?;
    let mut reply = ok()
        .with(ETAG, part.etag.to_string())
        .with(OPC_CONTENT_MD5, STANDARD.encode(part.md5));
    let md5 = ObjectMd5::Whole(part.md5);
    put_checksums(&mut reply.headers, &part.checksums, &md5);
    put_customer_key(&mut reply.headers, key.as_ref());
    Ok(reply)
}

/// CommitMultipartUpload. With an upload's secret the body may be empty, and then every part counts.
pub(super) async fn commit(
    call: &Call<'_>,
    object: ObjectPath,
    address: &UploadAddress<'_>,
    body: &[u8],
) -> Result<Reply, NativeError> {
    let selection = match address {
        UploadAddress::Path { .. } if body.is_empty() => PartSelection::All,
        _ => json::parse::<CommitDetails>(body)?.into_selection()?,
    };
    let path = upload_path(call, object, address)?;
    let conditions = write_conditions(call.exchange.headers())?;
    let engine = call.exchange.engine();
    let info = engine
        .commit_upload(&call.caller, &path, selection, &conditions)
        .await?;
    let mut reply = written(&info);
    reply::put(&mut reply.headers, OPC_MULTIPART_MD5, info.md5.to_text());
    Ok(reply)
}

/// AbortMultipartUpload.
pub(super) async fn abort(
    call: &Call<'_>,
    object: ObjectPath,
    address: &UploadAddress<'_>,
) -> Result<Reply, NativeError> {
    let path = upload_path(call, object, address)?;
    let engine = call.exchange.engine();
    engine.abort_upload(&call.caller, &path).await?;
    Ok(Reply::no_content())
}

/// ListMultipartUploads.
pub(super) async fn list(call: &Call<'_>, path: &BucketPath) -> Result<Reply, NativeError> {
    let (page, limit) = call.exchange.query()?.paging()?;
    let engine = call.exchange.engine();
    let uploads = engine
        .uploads(&call.caller, path, page.as_ref(), limit)
        .await?;
    let models: Vec<_> = uploads
        .items
        .iter()
        .map(|upload| UploadModel::new(path, upload, None))
        .collect();
    Ok(Reply::json(&models)?.with_next_page(uploads.next.as_ref()))
}

/// ListMultipartUploadParts.
pub(super) async fn list_parts(call: &Call<'_>, object: ObjectPath) -> Result<Reply, NativeError> {
    let (page, limit) = call.exchange.query()?.paging()?;
    let path = upload_path(call, object, &UploadAddress::Query)?;
    let engine = call.exchange.engine();
    let parts = engine
        .parts(&call.caller, &path, page.as_ref(), limit)
        .await?;
    let models: Vec<_> = parts.items.iter().map(PartSummary::new).collect();
    Ok(Reply::json(&models)?.with_next_page(parts.next.as_ref()))
}

/// The upload that a request means. Text that is no upload id names none.
fn upload_path(
    call: &Call<'_>,
    object: ObjectPath,
    address: &UploadAddress<'_>,
) -> Result<UploadPath, NativeError> {
    let parse = |text| UploadId::parse(text).map_err(|_| ErrorKind::UploadNotFound.into());
    let upload: Result<_, NativeError> = match address {
        UploadAddress::Path { upload, .. } => parse(upload),
        UploadAddress::Query => {
            let query = call.exchange.query()?;
            parse(required(query.value("uploadId")?, "uploadId")?)
        }
    };
    let upload = upload?;
    Ok(UploadPath { object, upload })
}

fn part_number(call: &Call<'_>, address: &UploadAddress<'_>) -> Result<PartNumber, NativeError> {
    let parse = |text| {
        PartNumber::parse(text).map_err(|error| ErrorKind::InvalidUploadPart(error.0).into())
    };
    match address {
        UploadAddress::Path { part, .. } => parse(part.unwrap_or_default()),
        UploadAddress::Query => {
            let query = call.exchange.query()?;
            parse(required(query.value("uploadPartNum")?, "uploadPartNum")?)
        }
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct CreateDetails {
    object: Option<String>,
    content_type: Option<String>,
    content_language: Option<String>,
    content_encoding: Option<String>,
    content_disposition: Option<String>,
    cache_control: Option<String>,
    storage_tier: Option<String>,
    metadata: Option<BTreeMap<String, String>>,
}

impl CreateDetails {
    fn into_new(self) -> Result<(ObjectName, NewUpload), NativeError> {
        let object = required(self.object, "object")?;
        let object = ObjectName::parse(object.as_bytes())
            .map_err(|error| FaceError::InvalidObjectName(error.0))?;
        let attributes = ObjectAttributes {
            content_type: sendable(self.content_type, "contentType")?,
            content_language: sendable(self.content_language, "contentLanguage")?,
            content_encoding: sendable(self.content_encoding, "contentEncoding")?,
            content_disposition: sendable(self.content_disposition, "contentDisposition")?,
            cache_control: sendable(self.cache_control, "cacheControl")?,
            metadata: json_metadata(self.metadata.unwrap_or_default())?,
        };
        let new = NewUpload {
            attributes,
            storage_tier: self.storage_tier.as_deref().map(tier).transpose()?,
            ..NewUpload::default()
        };
        Ok((object, new))
    }
}

/// Text that a header will carry back; empty text is none.
fn sendable(text: Option<String>, field: &str) -> Result<Option<String>, NativeError> {
    match text.filter(|text| !text.is_empty()) {
        Some(text) if fields::value(&text).is_none() => {
            Err(invalid(format!("{field} can't be sent as a header")))
        }
        text => Ok(text),
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct CommitDetails {
    parts_to_commit: Option<Vec<PartToCommit>>,
    parts_to_exclude: Option<Vec<i64>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct PartToCommit {
    part_num: Option<i64>,
    etag: Option<String>,
}

impl CommitDetails {
    fn into_selection(self) -> Result<PartSelection, NativeError> {
        let number = |number| {
            PartNumber::new(number)
                .map_err(|error| NativeError::from(ErrorKind::InvalidUploadPart(error.0)))
        };
        let commit = required(self.parts_to_commit, "partsToCommit")?;
        let commit = commit.into_iter().map(|part| {
            let number = number(required(part.part_num, "partNum")?)?;
            let etag = part.etag.as_deref().map(|text| part_etag(number, text));
            Ok::<_, NativeError>((number, etag.transpose()?))
        });
        let exclude = self.parts_to_exclude.unwrap_or_default();
        Ok(PartSelection::Listed {
            commit: commit.collect::<Result<_, _>>()?,
            exclude: exclude.into_iter().map(number).collect::<Result<_, _>>()?,
        })
    }
}

/// Text that is no etag of ours is no part's.
fn part_etag(number: PartNumber, text: &str) -> Result<ETag, NativeError> {
    ETag::parse(text.trim_matches('"')).map_err(|_| {
        let text = format!("Part {} does not have that etag", number.value());
        ErrorKind::InvalidUploadPart(text).into()
    })
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct UploadModel<'a> {
    namespace: &'a str,
    bucket: &'a str,
    object: &'a str,
    #[serde(serialize_with = "json::text")]
    upload_id: UploadId,
    #[serde(serialize_with = "json::date")]
    time_created: Timestamp,
    storage_tier: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    access_uri: Option<String>,
}

impl<'a> UploadModel<'a> {
    fn new(bucket: &'a BucketPath, upload: &'a Upload, access_uri: Option<String>) -> Self {
        Self {
            namespace: bucket.namespace.as_str(),
            bucket: bucket.bucket.as_str(),
            object: upload.object.as_str(),
            upload_id: upload.id,
            time_created: upload.time_created,
            storage_tier: upload.storage_tier.as_str(),
            access_uri,
        }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct PartSummary {
    #[serde(serialize_with = "json::text")]
    etag: ETag,
    md5: String,
    size: u64,
    part_number: u16,
}

impl PartSummary {
    fn new(part: &PartInfo) -> Self {
        Self {
            etag: part.etag,
            md5: STANDARD.encode(part.md5),
            size: part.size,
            part_number: part.number.value(),
        }
    }
}

#[cfg(test)]
#[path = "upload_tests.rs"]
mod tests;
