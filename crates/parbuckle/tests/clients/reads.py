"""Reads and conditions with the Python SDK."""

from common import BUCKET, NAMESPACE, equal, make_bucket, refused, run

CONTENT = b"0123456789"


def put(client, **kwargs):
    make_bucket(client)
    return client.put_object(NAMESPACE, BUCKET, "dir/a b", CONTENT, **kwargs).headers["etag"]


def get(client, **kwargs):
    return client.get_object(NAMESPACE, BUCKET, "dir/a b", **kwargs)


def an_unchanged_etag(client):
    etag = put(client)
    error = refused(lambda: get(client, if_none_match=etag), 304, None)
    equal(error.headers["etag"], etag, "etag")


def another_etag(client):
    put(client)
    other = "00000000-0000-0000-0000-000000000000"
    equal(get(client, if_none_match=other).data.content, CONTENT, "if-none-match")
    refused(lambda: get(client, if_match=other), 412, "IfMatchFailed")


def a_range(client):
    put(client)
    answer = get(client, range="bytes=2-4")
    equal((answer.status, answer.data.content), (206, b"234"), "range")
    equal(answer.headers["content-range"], "bytes 2-4/10", "content-range")


def a_range_beyond_the_end(client):
    put(client)
    error = refused(lambda: get(client, range="bytes=10-"), 416, "InvalidRange")
    equal(error.headers["content-range"], "bytes */10", "content-range")


def content_headers(client):
    put(
        client,
        content_type="text/plain",
        content_language="en",
        content_encoding="identity",
        content_disposition="inline",
        cache_control="no-cache",
        opc_meta={"color": "blue"},
    )
    for headers in (get(client).headers, client.head_object(NAMESPACE, BUCKET, "dir/a b").headers):
        for name, value in {
            "content-type": "text/plain",
            "content-language": "en",
            "content-encoding": "identity",
            "content-disposition": "inline",
            "cache-control": "no-cache",
            "opc-meta-color": "blue",
            "storage-tier": "Standard",
            "accept-ranges": "bytes",
        }.items():
            equal(headers.get(name), value, name)
        equal("version-id" in headers, True, "version-id, which ocifs cannot do without")


def response_overrides(client):
    put(client, content_type="text/plain")
    answer = get(client, http_response_content_type="text/csv", http_response_cache_control="no-store")
    equal(answer.headers["content-type"], "text/csv", "content-type")
    equal(answer.headers["cache-control"], "no-store", "cache-control")


def a_public_bucket(client):
    import urllib.request

    from common import ENDPOINT

    make_bucket(client, public_access_type="ObjectRead")
    client.put_object(NAMESPACE, BUCKET, "open", CONTENT)
    base = f"{ENDPOINT}/n/{NAMESPACE}/b/{BUCKET}/o"
    equal(urllib.request.urlopen(f"{base}/open").read(), CONTENT, "anonymous get")
    equal(urllib.request.urlopen(base).status, 200, "anonymous list")


def a_new_object_only(client):
    put(client)
    refused(
        lambda: client.put_object(NAMESPACE, BUCKET, "dir/a b", b"new", if_none_match="*"),
        412,
        "IfNoneMatchFailed",
    )
    equal(get(client).data.content, CONTENT, "the old object")


def a_stale_delete(client):
    put(client)
    other = "00000000-0000-0000-0000-000000000000"
    refused(
        lambda: client.delete_object(NAMESPACE, BUCKET, "dir/a b", if_match=other),
        412,
        "IfMatchFailed",
    )
    equal(get(client).data.content, CONTENT, "the object")


run(globals())
