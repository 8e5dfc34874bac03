//! Conditions and ranges of reads (Swift wire reference section 7).

use http::Method;
use parbuckle_testkit::{Reply, pattern};

use crate::stage::{Stage, page};

const ETAG: &str = "781e5e245d69b566979b86e28d23f2c7";
const LONG_AGO: &str = "Thu, 01 Jan 2015 00:00:00 GMT";
const FAR_AHEAD: &str = "Thu, 01 Dec 2095 16:00:00 GMT";

/// A container `c` with the object `o`: ten digits.
async fn stage() -> Stage {
    let stage = Stage::with_container().await;
    let put = stage.put("c/o").header("content-type", "text/plain");
    put.header("x-object-meta-a", "1")
        .body("0123456789")
        .await
        .expect(201);
    stage.put("c/empty").body("").await.expect(201);
    stage
}

async fn get(stage: &Stage, name: &str, value: &str) -> Reply {
    stage.get("c/o").header(name, value).await
}

#[tokio::test]
async fn an_etag_is_not_quoted_and_times_are_rounded_up() {
    let stage = stage().await;
    let reply = stage.get("c/o").await.expect(200);
    assert_eq!(reply.required("etag"), ETAG);
    let (seconds, fraction) = reply.required("x-timestamp").split_once('.').unwrap();
    let seconds: i64 = seconds.parse().unwrap();
    let up = seconds + i64::from(fraction != "00000");
    let expected = jiff::Timestamp::from_second(up).unwrap();
    let expected = expected.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string();
    assert_eq!(reply.required("last-modified"), expected);
}

#[tokio::test]
async fn if_match_lets_through_what_fits_and_is_412_else() {
    let stage = stage().await;
    for value in [
        ETAG.to_owned(),
        format!("\"{ETAG}\""),
        format!("x, {ETAG}"),
        "*".to_owned(),
    ] {
        get(&stage, "if-match", &value).await.expect(200);
    }
    let failed = get(&stage, "if-match", "other").await.expect(412);
    assert!(failed.body.is_empty());
    assert_eq!(failed.required("etag"), ETAG);
    assert_eq!(failed.required("x-object-meta-a"), "1");
    stage
        .get("c/missing")
        .header("if-match", "*")
        .await
        .expect(412);
    stage
        .get("c/missing")
        .header("if-match", "x")
        .await
        .expect(404);
}

#[tokio::test]
async fn if_none_match_is_304_for_get_and_head_with_all_headers() {
    let stage = stage().await;
    for value in [ETAG, "*"] {
        for method in [Method::GET, Method::HEAD] {
            let reply = stage
                .call(method, "c/o")
                .header("if-none-match", value)
                .await
                .expect(304);
            assert!(reply.body.is_empty());
            assert_eq!(reply.required("etag"), ETAG);
            assert_eq!(reply.required("x-object-meta-a"), "1");
        }
    }
    get(&stage, "if-none-match", "other").await.expect(200);
}

#[tokio::test]
async fn dates_are_compared_with_last_modified_and_nonsense_is_ignored() {
    let stage = stage().await;
    let modified = stage.head("c/o").await.required("last-modified").to_owned();
    for (name, value, status) in [
        ("if-modified-since", modified.as_str(), 304),
        ("if-modified-since", LONG_AGO, 200),
        ("if-modified-since", "yesterday", 200),
        ("if-unmodified-since", modified.as_str(), 200),
        ("if-unmodified-since", LONG_AGO, 412),
        ("if-unmodified-since", FAR_AHEAD, 200),
        ("if-unmodified-since", "yesterday", 200),
    ] {
        get(&stage, name, value).await.expect(status);
    }
}

#[tokio::test]
async fn one_range_is_206_with_its_place() {
    let stage = stage().await;
    for (range, place, text) in [
        ("bytes=2-5", "bytes 2-5/10", "2345"),
        ("bytes=7-", "bytes 7-9/10", "789"),
        ("bytes=-3", "bytes 7-9/10", "789"),
        ("bytes=-99", "bytes 0-9/10", "0123456789"),
        ("bytes=20-30,2-2", "bytes 2-2/10", "2"),
    ] {
        let reply = get(&stage, "range", range).await.expect(206);
        assert_eq!(reply.required("content-range"), place, "{range}");
        assert_eq!(reply.text(), text, "{range}");
        assert_eq!(reply.required("content-type"), "text/plain");
    }
}

#[tokio::test]
async fn several_ranges_are_parts_of_one_body_in_their_order() {
    let stage = stage().await;
    let reply = get(&stage, "range", "bytes=7-8,0-1,90-99,-1")
        .await
        .expect(206);
    let kind = reply.required("content-type");
    let boundary = kind.strip_prefix("multipart/byteranges;boundary=").unwrap();
    let part = |place: &str, text: &str| {
        format!(
            "--{boundary}\r\nContent-Type: text/plain\r\nContent-Range: bytes {place}/10\r\n\r\n{text}\r\n"
        )
    };
    let parts = [part("7-8", "78"), part("0-1", "01"), part("9-9", "9")].concat();
    assert_eq!(reply.text(), format!("{parts}--{boundary}--"));
    assert_eq!(
        reply.required("content-length"),
        reply.body.len().to_string()
    );
    assert_eq!(reply.header("content-range"), None);
}

#[tokio::test]
async fn several_ranges_of_a_large_object_are_read_where_they_lie() {
    let stage = Stage::with_container().await;
    let bytes = pattern(7, 3 << 20);
    stage.put("c/large").body(bytes.clone()).await.expect(201);
    let range = "bytes=1000000-1999999,2500000-2500009";
    let reply = stage
        .get("c/large")
        .header("range", range)
        .await
        .expect(206);
    let holds = |part: &[u8]| reply.body.windows(part.len()).any(|window| window == part);
    assert!(holds(&bytes[1_000_000..1_000_100]) && holds(&bytes[1_999_900..2_000_000]));
    assert!(holds(&bytes[2_500_000..2_500_010]) && !holds(&bytes[..32]));
    assert_eq!(
        reply.required("content-length"),
        reply.body.len().to_string()
    );
}

#[tokio::test]
async fn ranges_outside_the_object_are_416() {
    let stage = stage().await;
    for range in ["bytes=10-", "bytes=20-30", "bytes=-0", "bytes=10-,20-"] {
        let reply = get(&stage, "range", range).await.expect(416);
        assert_eq!(reply.required("content-range"), "bytes */10", "{range}");
        let expected = page(
            "Requested Range Not Satisfiable",
            "The Range requested is not available.",
        );
        assert_eq!(reply.text(), expected);
    }
    let empty = stage
        .get("c/empty")
        .header("range", "bytes=0-4")
        .await
        .expect(416);
    assert_eq!(empty.required("content-range"), "bytes */0");
    stage
        .get("c/empty")
        .header("range", "bytes=-4")
        .await
        .expect(200);
}

#[tokio::test]
async fn a_range_that_is_malformed_is_ignored() {
    let stage = stage().await;
    for range in [
        "bytes=5-2",
        "items=0-1",
        "bytes=a-b",
        "bytes=0-1,x",
        "",
        "bytes",
    ] {
        let reply = get(&stage, "range", range).await.expect(200);
        assert_eq!(reply.text(), "0123456789", "{range}");
    }
}

#[tokio::test]
async fn if_range_is_ignored_and_head_ignores_ranges() {
    let stage = stage().await;
    let call = stage.get("c/o").header("range", "bytes=0-1");
    call.header("if-range", "\"other\"").await.expect(206);
    let head = stage
        .head("c/o")
        .header("range", "bytes=0-1")
        .await
        .expect(200);
    assert_eq!(head.required("content-length"), "10");
}

#[tokio::test]
async fn newest_changes_nothing() {
    let stage = stage().await;
    get(&stage, "x-newest", "true").await.expect(200);
}
