//! Pre-authenticated requests as their owners manage them (wire reference 3.5, 4.4, 7.1).

use jiff::Timestamp;
use parbuckle_engine::{BucketPath, ErrorKind, NewPar, Par};
use parbuckle_model::{
    AccessType, Expiry, ListingAction, ObjectName, PAR_BYTES_MAX, ParId, ParScope, ParTarget,
};
use serde::{Deserialize, Serialize};

use super::Call;
use super::error::{NativeError, invalid};
use super::reply::Reply;
use crate::json::{self, required};
use crate::percent::encode_path;

/// Characters of a secret.
const SECRET_BYTES: usize = 64;

/// CreatePreauthenticatedRequest. The reply is the only place where the secret ever stands.
pub(super) async fn create(
    call: &Call<'_>,
    bucket: &BucketPath,
    body: &[u8],
) -> Result<Reply, NativeError> {
    let new = json::parse::<CreateDetails>(body)?.into_new()?;
    let origin = call.exchange.origin();
    check_length(bucket, &new, origin.as_deref())?;
    let engine = call.exchange.engine();
    let created = engine.create_par(&call.caller, bucket, new).await?;
    let access_uri = access_uri(bucket, created.par.scope.target(), created.token.expose());
    let full_path = origin.map(|origin| format!("{origin}{access_uri}"));
    Reply::json(&CreatedModel {
        summary: ParModel::new(&created.par),
        access_uri,
        full_path,
    })
}

/// ListPreauthenticatedRequests.
pub(super) async fn list(call: &Call<'_>, bucket: &BucketPath) -> Result<Reply, NativeError> {
    let query = call.exchange.query()?;
    let prefix = query.value("objectNamePrefix")?;
    let (page, limit) = query.paging()?;
    let engine = call.exchange.engine();
    let pars = engine
        .pars(&call.caller, bucket, prefix, page.as_ref(), limit)
        .await?;
    let models: Vec<_> = pars.items.iter().map(ParModel::new).collect();
    Ok(Reply::json(&models)?.with_next_page(pars.next.as_ref()))
}

/// GetPreauthenticatedRequest.
pub(super) async fn get(
    call: &Call<'_>,
    bucket: &BucketPath,
    id: &[u8],
) -> Result<Reply, NativeError> {
    let (id, object) = par_id(id)?;
    let engine = call.exchange.engine();
    let par = engine
        .par(&call.caller, bucket, &id, object.as_ref())
        .await?;
    Reply::json(&ParModel::new(&par))
}

/// DeletePreauthenticatedRequest.
pub(super) async fn delete(
    call: &Call<'_>,
    bucket: &BucketPath,
    id: &[u8],
) -> Result<Reply, NativeError> {
    let (id, object) = par_id(id)?;
    let engine = call.exchange.engine();
    engine
        .delete_par(&call.caller, bucket, &id, object.as_ref())
        .await?;
    Ok(Reply::no_content())
}

/// Text that is no id names none.
fn par_id(text: &[u8]) -> Result<(ParId, Option<ObjectName>), NativeError> {
    ParId::parse(text).map_err(|_| ErrorKind::ParNotFound.into())
}

/// The path of a URL: to the object, or for prefix and bucket to where names are appended.
fn access_uri(bucket: &BucketPath, target: &ParTarget, secret: &str) -> String {
    let object = match target {
        ParTarget::Object(object) => object.as_str(),
        ParTarget::Prefix(_) | ParTarget::Bucket => "",
    };
    let BucketPath { namespace, bucket } = bucket;
    format!(
        "/p/{secret}/n/{namespace}/b/{bucket}/o/{}",
        encode_path(object)
    )
}

/// The whole URL with the object's name or prefix, and the name of the request, within 3500 bytes (seed "Scope and
/// Constraints").
fn check_length(
    bucket: &BucketPath,
    new: &NewPar,
    origin: Option<&str>,
) -> Result<(), NativeError> {
    let object = new.scope.object_name().unwrap_or_default();
    let secret = "x".repeat(SECRET_BYTES);
    let uri = access_uri(bucket, &ParTarget::Bucket, &secret);
    let object = encode_path(object).to_string();
    let bytes = origin.map_or(0, str::len) + uri.len() + object.len() + new.name.len();
    if bytes > PAR_BYTES_MAX {
        return Err(invalid(format!(
            "A pre-authenticated request has at most {PAR_BYTES_MAX} bytes, object name included; this would have {bytes}"
        )));
    }
    Ok(())
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct CreateDetails {
    name: Option<String>,
    access_type: Option<String>,
    time_expires: Option<String>,
    object_name: Option<String>,
    bucket_listing_action: Option<String>,
}

impl CreateDetails {
    fn into_new(self) -> Result<NewPar, NativeError> {
        let name = required(self.name.filter(|name| !name.is_empty()), "name")?;
        let access = required(self.access_type, "accessType")?;
        let access = AccessType::parse(&access)
            .ok_or_else(|| invalid(format!("{access:?} is not an accessType")))?;
        let listing = self.bucket_listing_action.map(|text| {
            ListingAction::parse(&text)
                .ok_or_else(|| invalid("bucketListingAction must be Deny or ListObjects"))
        });
        let scope = ParScope::new(access, self.object_name.as_deref(), listing.transpose()?)
            .map_err(|error| invalid(error.to_string()))?;
        let expires = required(self.time_expires, "timeExpires")?;
        let time_expires = Expiry::parse(&expires).map_err(|_| {
            let text = "The PAR expiration must conform to RFC 3339, such as 2030-01-01T00:00:00Z";
            ErrorKind::InvalidExpiry(text.to_owned())
        })?;
        Ok(NewPar {
            name,
            scope,
            time_expires,
        })
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ParModel<'a> {
    id: String,
    name: &'a str,
    object_name: Option<&'a str>,
    bucket_listing_action: Option<&'static str>,
    access_type: &'static str,
    #[serde(serialize_with = "json::date")]
    time_created: Timestamp,
    time_expires: String,
}

impl<'a> ParModel<'a> {
    fn new(par: &'a Par) -> Self {
        Self {
            id: par.id_text(),
            name: &par.name,
            object_name: par.scope.object_name(),
            bucket_listing_action: par.scope.listing().map(ListingAction::as_str),
            access_type: par.scope.access().as_str(),
            time_created: par.time_created,
            time_expires: par.time_expires.to_string(),
        }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct CreatedModel<'a> {
    #[serde(flatten)]
    summary: ParModel<'a>,
    access_uri: String,
    full_path: Option<String>,
}

#[cfg(test)]
mod tests {
    use parbuckle_model::{BucketName, Namespace};

    use super::*;

    fn bucket() -> BucketPath {
        BucketPath {
            namespace: Namespace::parse("ns1").unwrap(),
            bucket: BucketName::parse("b1").unwrap(),
        }
    }

    fn new_par(body: &str) -> Result<NewPar, NativeError> {
        json::parse::<CreateDetails>(body.as_bytes())?.into_new()
    }

    fn code<T: std::fmt::Debug>(result: Result<T, NativeError>) -> String {
        let (status, code) = result.unwrap_err().describe();
        format!("{} {code}", status.as_u16())
    }

    #[test]
    fn the_answer_to_create_has_the_shape_of_the_sample() {
        let object = "dir/a b.txt";
        let par = Par {
            id: ParId::from_bytes([0; 48]),
            name: "par2".to_owned(),
            scope: ParScope::new(AccessType::ObjectReadWrite, Some(object), None).unwrap(),
            time_created: "2026-01-02T03:04:05.678Z".parse().unwrap(),
            time_expires: Expiry::parse("2030-01-01T00:00:00Z").unwrap(),
        };
        let access_uri = access_uri(&bucket(), par.scope.target(), "TOKEN");
        let model = CreatedModel {
            summary: ParModel::new(&par),
            full_path: Some(format!("https://host{access_uri}")),
            access_uri,
        };
        insta::assert_snapshot!(serde_json::to_string(&model).unwrap(), @r#"{"id":"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA:dir/a b.txt","name":"par2","objectName":"dir/a b.txt","bucketListingAction":null,"accessType":"ObjectReadWrite","timeCreated":"2026-01-02T03:04:05.678Z","timeExpires":"2030-01-01T00:00:00.000Z","accessUri":"/p/TOKEN/n/ns1/b/b1/o/dir/a%20b.txt","fullPath":"https://host/p/TOKEN/n/ns1/b/b1/o/dir/a%20b.txt"}"#);
    }

    #[test]
    fn the_uri_of_a_prefix_does_not_contain_the_prefix() {
        let scope = ParScope::new(AccessType::AnyObjectRead, Some("service"), None).unwrap();
        let uri = access_uri(&bucket(), scope.target(), "T");
        assert_eq!(uri, "/p/T/n/ns1/b/b1/o/");
    }

    #[test]
    fn what_the_cli_sends_makes_a_par() {
        let new = new_par(
            r#"{"name": "par1", "accessType": "AnyObjectRead", "timeExpires": "2030-01-01T00:00:00.000000Z",
                "bucketListingAction": "ListObjects", "objectName": "pre/"}"#,
        )
        .unwrap();
        assert!(new.scope.lists());
        assert_eq!(new.scope.object_name(), Some("pre/"));
        let offset = new_par(
            r#"{"name":"p","accessType":"AnyObjectWrite","timeExpires":"2017-09-01T00:09:51.000+02:00"}"#,
        );
        let want: Timestamp = "2017-08-31T22:09:51Z".parse().unwrap();
        assert_eq!(offset.unwrap().time_expires, want);
    }

    #[test]
    fn create_details_are_refused_each_with_its_code() {
        let read = r#""accessType":"AnyObjectRead""#;
        let time = r#""timeExpires":"2030-01-01T00:00:00Z""#;
        for (body, want) in [
            (format!("{{{read},{time}}}"), "400 MissingParameter"),
            (
                format!(r#"{{"name":"",{read},{time}}}"#),
                "400 MissingParameter",
            ),
            (format!(r#"{{"name":"p",{time}}}"#), "400 MissingParameter"),
            (format!(r#"{{"name":"p",{read}}}"#), "400 MissingParameter"),
            (
                format!(r#"{{"name":"p","accessType":"All",{time}}}"#),
                "400 InvalidParameter",
            ),
            (
                format!(r#"{{"name":"p","accessType":"ObjectRead",{time}}}"#),
                "400 InvalidParameter",
            ),
            (
                format!(r#"{{"name":"p",{read},"timeExpires":"soon"}}"#),
                "400 InvalidValue",
            ),
            (
                format!(r#"{{"name":"p",{read},"timeExpires":"2030-01-01"}}"#),
                "400 InvalidValue",
            ),
            (
                format!(r#"{{"name":"p",{read},"timeExpires":1893456000}}"#),
                "400 CannotParseRequest",
            ),
            (
                format!(r#"{{"name":"p",{read},{time},"bucketListingAction":"Yes"}}"#),
                "400 InvalidParameter",
            ),
        ] {
            assert_eq!(code(new_par(&body)), want, "{body}");
        }
    }

    #[test]
    fn a_par_is_limited_to_3500_bytes_in_all() {
        let par = |name_bytes: usize| NewPar {
            name: "n".repeat(name_bytes),
            scope: ParScope::new(AccessType::ObjectRead, Some("a b"), None).unwrap(),
            time_expires: Timestamp::MAX.into(),
        };
        let fixed = access_uri(&bucket(), par(1).scope.target(), &"x".repeat(SECRET_BYTES)).len();
        let origin = "http://host";
        let longest = PAR_BYTES_MAX - fixed - origin.len();
        assert!(check_length(&bucket(), &par(longest), Some(origin)).is_ok());
        let too_long = check_length(&bucket(), &par(longest + 1), Some(origin));
        assert_eq!(code(too_long), "400 InvalidParameter");
    }

    #[test]
    fn text_that_is_no_par_id_is_not_found() {
        assert_eq!(code(par_id(b"abc")), "404 PreauthenticatedRequestNotFound");
    }
}
