//! The rows of the native face: namespaces, buckets, objects, uploads, pre-authenticated requests. Permissions are those of
//! wire reference 12.2 and 7.3.

use super::row::{Act, Hides, Needs, Row, Scene, row};

const NAMESPACE: &str = "/n/{namespace}";
const BUCKETS: &str = "/n/{namespace}/b";
const BUCKET: &str = "/n/{namespace}/b/{bucket}";
const OBJECTS: &str = "/n/{namespace}/b/{bucket}/o";
const OBJECT: &str = "/n/{namespace}/b/{bucket}/o/{object}";
const UPLOADS: &str = "/n/{namespace}/b/{bucket}/u";
const UPLOAD: &str = "/n/{namespace}/b/{bucket}/u/{object}";
const PARS: &str = "/n/{namespace}/b/{bucket}/p";
const PAR: &str = "/n/{namespace}/b/{bucket}/p/{parId}";
const SECRET_OBJECTS: &str = "/p/{secret}/n/{namespace}/b/{bucket}/o";
const SECRET_OBJECT: &str = "/p/{secret}/n/{namespace}/b/{bucket}/o/{object}";
const SECRET_UPLOAD: &str = "/p/{secret}/n/{namespace}/b/{bucket}/u/{object}/id/{uploadId}";
const SECRET_PART: &str = "/p/{secret}/n/{namespace}/b/{bucket}/u/{object}/id/{uploadId}/{part}";

const UPLOADING: &[&str] = &["OBJECT_CREATE", "OBJECT_OVERWRITE"];
const BY_ID: &str = "uploadId={uploadId}";
const PART_BY_ID: &str = "uploadId={uploadId}&uploadPartNum={part}";
const COMMIT: &str = r#"{"partsToCommit":[{"partNum":1,"etag":"{partEtag}"}]}"#;
const READ_PAR: &str = r#"{"name":"p","accessType":"ObjectRead","objectName":"{object}",
    "timeExpires":"2099-01-01T00:00:00Z"}"#;
const WRITE_PAR: &str = r#"{"name":"p","accessType":"AnyObjectWrite",
    "timeExpires":"2099-01-01T00:00:00Z"}"#;
const LISTING_PAR: &str = r#"{"name":"p","accessType":"AnyObjectRead","bucketListingAction":"ListObjects",
    "timeExpires":"2099-01-01T00:00:00Z"}"#;
const SEES_PARS: Needs = Needs::Any(&["PAR_MANAGE", "BUCKET_READ"]);

/// Every route has at least one row, here or in `features.rs`; more where requests differ in what they need.
pub(crate) const ROWS: &[Row] = &[
    row("GET", "/n"),
    row("GET", "/n")
        .query("compartmentId={compartmentId}")
        .scene(Scene::Compartment)
        .all(&["OBJECTSTORAGE_NAMESPACE_READ"])
        .hides(Hides::Resource),
    row("GET", NAMESPACE)
        .all(&["OBJECTSTORAGE_NAMESPACE_READ"])
        .hides(Hides::Namespace),
    row("PUT", NAMESPACE)
        .json(r#"{"defaultSwiftCompartmentId":"{compartmentId}"}"#)
        .scene(Scene::Compartment)
        .all(&["OBJECTSTORAGE_NAMESPACE_UPDATE"])
        .hides(Hides::Namespace),
    row("POST", BUCKETS)
        .json(r#"{"name":"{newName}","compartmentId":"{compartmentId}"}"#)
        .scene(Scene::BucketName)
        .all(&["BUCKET_CREATE"])
        .hides(Hides::Compartment),
    row("GET", BUCKETS)
        .query("compartmentId={compartmentId}")
        .scene(Scene::Compartment)
        .all(&["BUCKET_INSPECT"])
        .hides(Hides::Resource),
    row("GET", BUCKET).all(&["BUCKET_READ"]),
    row("HEAD", BUCKET).all(&["BUCKET_INSPECT"]),
    row("POST", BUCKET)
        .json(r#"{"metadata":{"changed":"yes"}}"#)
        .scene(Scene::Bucket)
        .all(&["BUCKET_UPDATE"]),
    row("POST", BUCKET)
        .json(r#"{"compartmentId":"{compartmentId}"}"#)
        .scene(Scene::Bucket)
        .all(&["BUCKET_CREATE", "BUCKET_UPDATE"]),
    row("DELETE", BUCKET)
        .scene(Scene::Bucket)
        .all(&["BUCKET_DELETE"])
        .granted(204),
    row("GET", OBJECTS)
        .query("prefix=in%2F&fields=name,size,etag")
        .all(&["OBJECT_INSPECT"]),
    row("PUT", OBJECT)
        .bytes("new content")
        .all(&["OBJECT_OVERWRITE"])
        .lacking(UPLOADING),
    row("PUT", OBJECT)
        .bytes("new content")
        .scene(Scene::FreeObject)
        .all(&["OBJECT_CREATE"])
        .lacking(UPLOADING),
    row("PUT", OBJECT)
        .bytes("new content")
        .headers(&[("if-none-match", "*")])
        .scene(Scene::FreeObject)
        .all(&["OBJECT_CREATE"])
        .lacking(UPLOADING),
    row("GET", OBJECT).all(&["OBJECT_READ"]),
    row("GET", OBJECT)
        .headers(&[("range", "bytes=0-3")])
        .all(&["OBJECT_READ"])
        .granted(206),
    row("HEAD", OBJECT).needs(Needs::Any(&["OBJECT_READ", "OBJECT_INSPECT"])),
    row("GET", OBJECT)
        .scene(Scene::PublicBucket)
        .needs(Needs::Public),
    row("HEAD", OBJECT)
        .scene(Scene::PublicBucket)
        .needs(Needs::Public),
    row("GET", OBJECTS)
        .scene(Scene::PublicBucket)
        .needs(Needs::Public),
    row("PUT", OBJECT)
        .bytes("new content")
        .scene(Scene::PublicBucket)
        .all(&["OBJECT_OVERWRITE"])
        .lacking(UPLOADING),
    row("DELETE", OBJECT)
        .scene(Scene::PublicBucket)
        .all(&["OBJECT_DELETE"])
        .granted(204),
    row("GET", BUCKET)
        .scene(Scene::PublicBucket)
        .all(&["BUCKET_READ"]),
    row("GET", OBJECT)
        .scene(Scene::PublicBucketWithoutList)
        .needs(Needs::Public),
    row("GET", OBJECTS)
        .scene(Scene::PublicBucketWithoutList)
        .all(&["OBJECT_INSPECT"]),
    row("DELETE", OBJECT).all(&["OBJECT_DELETE"]).granted(204),
    row("POST", UPLOADS)
        .json(r#"{"object":"{object}"}"#)
        .all(UPLOADING),
    row("GET", UPLOADS)
        .scene(Scene::Upload)
        .all(&["BUCKET_READ"]),
    row("PUT", UPLOAD)
        .query(PART_BY_ID)
        .bytes("a part")
        .scene(Scene::Upload)
        .all(UPLOADING),
    row("POST", UPLOAD)
        .query(BY_ID)
        .json(COMMIT)
        .scene(Scene::Upload)
        .all(UPLOADING),
    row("DELETE", UPLOAD)
        .query(BY_ID)
        .scene(Scene::Upload)
        .all(&["OBJECT_DELETE"])
        .granted(204),
    row("GET", UPLOAD)
        .query(BY_ID)
        .scene(Scene::Upload)
        .all(&["OBJECT_INSPECT"]),
    row("POST", PARS)
        .json(READ_PAR)
        .all(&["PAR_MANAGE", "OBJECT_READ"]),
    row("POST", PARS)
        .json(WRITE_PAR)
        .all(&["PAR_MANAGE", "OBJECT_CREATE", "OBJECT_OVERWRITE"]),
    row("POST", PARS)
        .json(LISTING_PAR)
        .all(&["PAR_MANAGE", "OBJECT_READ", "OBJECT_INSPECT"]),
    row("GET", PARS).scene(Scene::Par).needs(SEES_PARS),
    row("GET", PAR).scene(Scene::Par).needs(SEES_PARS),
    row("DELETE", PAR)
        .scene(Scene::Par)
        .all(&["PAR_MANAGE"])
        .granted(204),
    absent("POST", "/n/{namespace}/pe"),
    absent("GET", "/n/{namespace}/pe"),
    absent("GET", "/n/{namespace}/pe/{name}"),
    absent("POST", "/n/{namespace}/pe/{name}"),
    absent("DELETE", "/n/{namespace}/pe/{name}"),
    row("GET", SECRET_OBJECTS).needs(Needs::Secret(Act::List)),
    row("PUT", SECRET_OBJECT)
        .bytes("new content")
        .needs(Needs::Secret(Act::Write)),
    row("PUT", SECRET_OBJECT)
        .headers(&[("opc-multipart", "true")])
        .needs(Needs::Secret(Act::Write)),
    row("GET", SECRET_OBJECT).needs(Needs::Secret(Act::Read)),
    row("HEAD", SECRET_OBJECT).needs(Needs::Secret(Act::Read)),
    row("POST", SECRET_UPLOAD)
        .scene(Scene::SecretUpload)
        .needs(Needs::Secret(Act::Upload)),
    row("DELETE", SECRET_UPLOAD)
        .scene(Scene::SecretUpload)
        .needs(Needs::Secret(Act::Upload))
        .granted(204),
    row("PUT", SECRET_PART)
        .bytes("a part")
        .scene(Scene::SecretUpload)
        .needs(Needs::Secret(Act::Upload)),
];

const fn absent(method: &'static str, template: &'static str) -> Row {
    let row = row(method, template).needs(Needs::Absent);
    match method.as_bytes() {
        b"POST" | b"PUT" => row.json("{}"),
        _ => row,
    }
}
