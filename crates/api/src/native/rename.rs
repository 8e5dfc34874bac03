//! RenameObject (wire reference 3.3, 4.2).

use http::header::{ETAG, LAST_MODIFIED};
use parbuckle_engine::{BucketPath, RenameObject};
use parbuckle_model::{EtagCondition, ObjectName, Preconditions};
use serde::Deserialize;

use super::error::{FaceError, NativeError, invalid};
use super::names::VERSION_ID;
use super::reply::{Reply, put_date};
use super::{Call, ok};
use crate::json::{self, required};

/// RenameObject.
pub(super) async fn rename(
    call: &Call<'_>,
    path: BucketPath,
    body: &[u8],
) -> Result<Reply, NativeError> {
    let rename = json::parse::<RenameObjectDetails>(body)?.into_rename()?;
    let engine = call.exchange.engine();
    let info = engine.rename_object(&call.caller, &path, rename).await?;
    let mut reply = ok()
        .with(ETAG, info.etag.to_string())
        .with(VERSION_ID, info.version_id.to_string());
    put_date(&mut reply.headers, LAST_MODIFIED, info.time_modified);
    Ok(reply)
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RenameObjectDetails {
    source_name: Option<String>,
    new_name: Option<String>,
    #[serde(rename = "srcObjIfMatchETag")]
    source_if_match: Option<String>,
    #[serde(rename = "newObjIfMatchETag")]
    new_if_match: Option<String>,
    #[serde(rename = "newObjIfNoneMatchETag")]
    new_if_none_match: Option<String>,
}

impl RenameObjectDetails {
    fn into_rename(self) -> Result<RenameObject, NativeError> {
        let if_none_match = condition(self.new_if_none_match);
        if matches!(if_none_match, Some(EtagCondition::OneOf(_))) {
            return Err(invalid("newObjIfNoneMatchETag can only be *"));
        }
        Ok(RenameObject {
            source: object_name(&required(self.source_name, "sourceName")?)?,
            destination: object_name(&required(self.new_name, "newName")?)?,
            source_if_match: condition(self.source_if_match),
            preconditions: Preconditions {
                if_match: condition(self.new_if_match),
                if_none_match,
            },
        })
    }
}

/// The name of an object in a body.
pub(super) fn object_name(text: &str) -> Result<ObjectName, NativeError> {
    ObjectName::parse(text.as_bytes()).map_err(|error| FaceError::InvalidObjectName(error.0).into())
}

/// A condition in a body; an empty one is none, as an empty header is.
pub(super) fn condition(text: Option<String>) -> Option<EtagCondition> {
    let text = text.filter(|text| !text.is_empty());
    text.map(|text| EtagCondition::parse(&text))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(body: &str) -> Result<RenameObject, (u16, &'static str)> {
        let details = json::parse::<RenameObjectDetails>(body.as_bytes()).unwrap();
        details.into_rename().map_err(|error| {
            let (status, code) = error.describe();
            (status.as_u16(), code)
        })
    }

    #[test]
    fn both_names_must_be_there_and_be_names() {
        for (body, refusal) in [
            (r#"{"newName":"b"}"#, (400, "MissingParameter")),
            (r#"{"sourceName":"a"}"#, (400, "MissingParameter")),
            (
                r#"{"sourceName":"","newName":"b"}"#,
                (400, "InvalidObjectName"),
            ),
            (
                r#"{"sourceName":"a","newName":"b\n"}"#,
                (400, "InvalidObjectName"),
            ),
        ] {
            assert_eq!(parsed(body).unwrap_err(), refusal, "{body}");
        }
    }

    #[test]
    fn a_new_name_may_only_be_asked_to_be_free() {
        let body = |condition: &str| {
            format!(
                r#"{{"sourceName":"a","newName":"b","newObjIfNoneMatchETag":"{condition}","newObjIfMatchETag":""}}"#
            )
        };
        let rename = parsed(&body("*")).unwrap();
        let expected = Preconditions {
            if_match: None,
            if_none_match: Some(EtagCondition::Any),
        };
        assert_eq!(rename.preconditions, expected);
        let etag = "9b9093ab-bdc6-49af-b261-b2d1d111d952";
        let refused = parsed(&body(etag)).unwrap_err();
        assert_eq!(refused, (400, "InvalidParameter"));
    }
}
