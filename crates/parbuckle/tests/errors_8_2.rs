//! Every error of wire reference 8.2 with evidence O (observed) or D (documented), provoked over HTTP: status, code,
//! shape of the message and of the reply. A row that nothing provokes fails by its name.

#![allow(
    clippy::unwrap_used,
    reason = "a test has nothing better to do than to stop there"
)]

#[path = "errors_8_2/faults.rs"]
mod faults;
#[path = "errors_8_2/provoke.rs"]
mod provoke;

use parbuckle_testkit::Reply;
use serde_json::Value;

use provoke::Scene;

/// A row of 8.2, or one of the cases that it names.
struct Row {
    name: &'static str,
    status: u16,
    /// Empty where the reply has no body.
    code: &'static str,
    /// The whole message; `*` stands for any text, `{ns}` for the namespace.
    message: &'static str,
}

const fn row(name: &'static str, status: u16, code: &'static str, message: &'static str) -> Row {
    Row {
        name,
        status,
        code,
        message,
    }
}

const BUCKET_HIDDEN: &str = "Either the bucket named 'nope' does not exist in the namespace '{ns}' or you are not authorized to access it";
const NOT_FOUND: &str = "Authorization failed or requested resource not found.";

const TABLE: &[Row] = &[
    row("GET of an unchanged object", 304, "", ""),
    row("HEAD of an unchanged object", 304, "", ""),
    row("GET of an unchanged bucket", 304, "", ""),
    row("HEAD of an unchanged bucket", 304, "", ""),
    row("bad query value", 400, "InvalidParameter", "*"),
    row("unknown field name", 400, "InvalidParameter", "*colour*"),
    row(
        "policy statement about nobody",
        400,
        "InvalidParameter",
        "The group nobody specified in the policy statement does not exist under current compartment hierarchy.",
    ),
    row(
        "required parameter missing",
        400,
        "MissingParameter",
        "compartmentId is required",
    ),
    row("malformed JSON", 400, "CannotParseRequest", "*"),
    row(
        "JSON of another type",
        400,
        "CannotParseRequest",
        "*expected a string*",
    ),
    row(
        "Content-MD5 of another body",
        400,
        "UnmatchedContentMD5",
        "The computed MD5 of the request body (XUFAKrxLKna5cZ2REBfFkg==) does not match the Content-MD5 header (sZRqySSS0jR8YjW00mERhA==)",
    ),
    row(
        "CRC32C of another body",
        400,
        "UnmatchedContentCRC32C",
        "The computed CRC32C of the request body (*) does not match the * header (AAAAAA==)",
    ),
    row(
        "SHA-256 of another body",
        400,
        "UnmatchedContentSHA256",
        "The computed SHA256 of the request body (*) does not match the * header (*)",
    ),
    row(
        "SHA-384 of another body",
        400,
        "UnmatchedContentSHA384",
        "The computed SHA384 of the request body (*) does not match the * header (*)",
    ),
    row(
        "commit of no parts",
        400,
        "InvalidUploadPart",
        "There are no parts to commit",
    ),
    row(
        "unknown compartment in a body",
        400,
        "RelatedResourceNotAuthorizedOrNotFound",
        "*",
    ),
    row(
        "no signature",
        401,
        "NotAuthenticated",
        "The required information to complete authentication was not provided.",
    ),
    row(
        "unreadable signature",
        401,
        "NotAuthenticated",
        "The required information to complete authentication was not provided or was incorrect.",
    ),
    row(
        "signature of another key",
        401,
        "NotAuthenticated",
        "Failed to verify the HTTP(S) Signature",
    ),
    row(
        "unknown key",
        401,
        "NotAuthenticated",
        "Failed to verify the HTTP(S) Signature",
    ),
    row(
        "clock skew",
        401,
        "NotAuthenticated",
        "Date 'Thu, 05 Jan 2023 21:31:40 UTC' is not within allowed clock skew. Current '* UTC', valid datetime range: ['* UTC', '* UTC']",
    ),
    row("dead PAR", 401, "NotAuthenticated", "PAR does not exist"),
    row(
        "unknown namespace",
        404,
        "NamespaceNotFound",
        "You do not have authorization to perform this request, or the requested resource could not be found.",
    ),
    row("missing bucket", 404, "BucketNotFound", BUCKET_HIDDEN),
    row(
        "anonymous GET in a private bucket",
        404,
        "BucketNotFound",
        "Either the bucket named 'b' does not exist in the namespace '{ns}' or you are not authorized to access it",
    ),
    row("HEAD of a missing bucket", 404, "", ""),
    row(
        "GET of a missing object",
        404,
        "ObjectNotFound",
        "The object 'no/such' was not found in the bucket 'b'",
    ),
    row("HEAD of a missing object", 404, "", ""),
    row(
        "DELETE of a missing object",
        404,
        "ObjectNotFound",
        "The object 'no/such' does not exist in bucket 'b' with namespace '{ns}'",
    ),
    row(
        "rename of a missing object",
        404,
        "ObjectNotFound",
        "Not Found",
    ),
    row("unknown upload", 404, "NoSuchUpload", "No such upload"),
    row(
        "GET of an unknown PAR",
        404,
        "PreauthenticatedRequestNotFound",
        "*",
    ),
    row(
        "DELETE of an unknown PAR",
        404,
        "PreauthenticatedRequestNotFound",
        "*",
    ),
    row(
        "unknown work request",
        404,
        "NotAuthorizedOrNotFound",
        NOT_FOUND,
    ),
    row("unknown user", 404, "NotAuthorizedOrNotFound", NOT_FOUND),
    row("wrong verb", 405, "MethodNotAllowed", "*"),
    row(
        "bucket that exists",
        409,
        "BucketAlreadyExists",
        "Either the bucket 'b' in namespace '{ns}' already exists or you are not authorized to create it",
    ),
    row(
        "DELETE of a bucket with objects",
        409,
        "BucketNotEmpty",
        "Bucket named 'b' is not empty. Delete all object versions first.",
    ),
    row(
        "DELETE of a bucket with a PAR",
        409,
        "PreauthenticatedRequestStillExists",
        "*",
    ),
    row(
        "DELETE of a bucket with an expired PAR",
        409,
        "PreauthenticatedRequestStillExists",
        "*",
    ),
    row("recovery of what is not deleted", 409, "Conflict", "*"),
    row(
        "retry token with another body",
        409,
        "InvalidatedRetryToken",
        "*",
    ),
    row("overwrite with a stale etag", 412, "IfMatchFailed", "*"),
    row("DELETE with a stale etag", 412, "IfMatchFailed", "*"),
    row(
        "new object that exists",
        412,
        "IfNoneMatchFailed",
        "The If-None-Match header is '*' but there is an existing entity*",
    ),
    row("stale etag of a group", 412, "NoEtagMatch", "*"),
    row("damaged object", 500, "InternalServerError", "*"),
    row("feature that is absent", 501, "NotImplemented", "*"),
    row("full disk", 503, "ServiceUnavailable", "*"),
];

/// Rows that no request can provoke, and why. They stand in a general list of codes, not with a case of this service.
const EXEMPT: [(u16, &str, &str); 8] = [
    (
        400,
        "LimitExceeded",
        "there are no service limits here; the limits that exist have codes of their own",
    ),
    (400, "QuotaExceeded", "there are no quotas here"),
    (403, "NotAuthorized", "what a caller may not do reads 404"),
    (403, "NotAllowed", "the same"),
    (403, "SignUpRequired", "there is no sign-up"),
    (
        409,
        "IncorrectState",
        "only after a conflict that did not end within 40 tries, which needs a race",
    ),
    (
        409,
        "LockConflict",
        "nothing here is locked by one request against another",
    ),
    (429, "TooManyRequests", "there is no rate limit"),
];

#[tokio::test]
async fn every_observed_or_documented_error_is_provoked_and_reads_as_it_should() {
    let scene = Scene::new().await;
    let mut faults = Vec::new();
    for row in TABLE {
        let provoked = match provoke::reply(&scene, row.name).await {
            None => faults::reply(row.name).await,
            provoked => provoked,
        };
        match provoked {
            None => faults.push(format!("{}: nothing provokes it", row.name)),
            Some(reply) => faults.extend(
                misfits(row, &reply, scene.admin.namespace())
                    .map(|text| format!("{}: {text}\n{}", row.name, reply.dump())),
            ),
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn an_exempt_code_is_not_provoked_by_another_row() {
    for (status, code, reason) in EXEMPT {
        let row = TABLE
            .iter()
            .find(|row| (row.status, row.code) == (status, code));
        assert!(row.is_none(), "{code} is provoked, but exempt: {reason}");
    }
}

/// How the reply differs from its row (wire reference 8.1).
fn misfits(row: &Row, reply: &Reply, namespace: &str) -> Option<String> {
    if reply.status != row.status {
        return Some(format!("status {} expected", row.status));
    }
    if reply.header("opc-request-id").is_none_or(str::is_empty) {
        return Some("no opc-request-id".to_owned());
    }
    if row.code.is_empty() {
        let bare = reply.body.is_empty() && reply.header("content-type").is_none();
        return (!bare).then(|| "a body or content type".to_owned());
    }
    if reply.header("content-type") != Some("application/json") {
        return Some("another content type".to_owned());
    }
    let Ok(Value::Object(body)) = serde_json::from_slice(&reply.body) else {
        return Some("no JSON object".to_owned());
    };
    let text = |field| body.get(field).and_then(Value::as_str).unwrap_or_default();
    let pattern = row.message.replace("{ns}", namespace);
    let fits = body.len() == 2
        && text("code") == row.code
        && !text("message").is_empty()
        && matches(&pattern, text("message"));
    (!fits).then(|| format!("{} expected: {pattern}", row.code))
}

/// `*` in the pattern stands for any text.
fn matches(pattern: &str, text: &str) -> bool {
    match pattern.split_once('*') {
        None => pattern == text,
        Some((head, rest)) => text.strip_prefix(head).is_some_and(|text| {
            let ends = text.char_indices().map(|(at, _)| at).chain([text.len()]);
            ends.into_iter().any(|at| matches(rest, &text[at..]))
        }),
    }
}

#[test]
fn a_star_stands_for_any_text() {
    for (pattern, text, fits) in [
        ("a*c", "abbc", true),
        ("a*c", "ac", true),
        ("*", "ü", true),
        ("a*c*e", "abcdé", false),
        ("a", "ab", false),
    ] {
        assert_eq!(matches(pattern, text), fits, "{pattern} {text}");
    }
}
