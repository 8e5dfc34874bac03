"""Copies and work requests with the Python SDK, which waits for them as users do."""

import base64
import hashlib
import os

import oci
from oci.object_storage.models import CopyObjectDetails

from common import BUCKET, COMPARTMENT, NAMESPACE, equal, make_bucket, refused, run

REGION = oci.config.from_file(os.environ["PARBUCKLE_CONFIG"])["region"]
CONTENT = b"content" * 20_000


def make(client, **kwargs):
    """The buckets, and the source's etag."""
    make_bucket(client)
    make_bucket(client, "other")
    answer = client.put_object(NAMESPACE, BUCKET, "dir/a b", CONTENT, **kwargs)
    return answer.headers["etag"]


def details(**kwargs):
    fields = {
        "source_object_name": "dir/a b",
        "destination_region": REGION,
        "destination_namespace": NAMESPACE,
        "destination_bucket": "other",
        "destination_object_name": "copy",
    }
    return CopyObjectDetails(**{**fields, **kwargs})


def copy(client, bucket=BUCKET, **kwargs):
    """Asks for a copy and waits until its work request has ended, which is returned."""
    headers = kwargs.pop("headers", {})
    answer = client.copy_object(NAMESPACE, bucket, details(**kwargs), **headers)
    equal(answer.status, 202, "copy")
    work = client.get_work_request(answer.headers["opc-work-request-id"])
    ended = oci.wait_until(
        client,
        work,
        evaluate_response=lambda r: r.data.status in ("COMPLETED", "FAILED", "CANCELED"),
        max_interval_seconds=1,
        max_wait_seconds=30,
    )
    return ended.data


def a_copy(client):
    make(client, opc_meta={"a": "1"}, content_type="text/x")
    work = copy(client)
    equal((work.status, work.operation_type), ("COMPLETED", "COPY_OBJECT"), "work request")
    equal((work.percent_complete, work.compartment_id), (100.0, COMPARTMENT), "work request")
    equal([r.action_type for r in work.resources], ["READ", "WRITTEN"], "resources")
    equal(work.resources[0].entity_uri, f"/n/{NAMESPACE}/b/{BUCKET}/o/dir/a%20b", "source")
    equal(work.resources[1].identifier, "copy", "destination")
    answer = client.get_object(NAMESPACE, "other", "copy")
    equal(answer.data.content == CONTENT, True, "content")
    equal(answer.headers["opc-meta-a"], "1", "metadata")
    equal(answer.headers["content-type"], "text/x", "content type")


def new_metadata(client):
    make(client, opc_meta={"a": "1"})
    work = copy(client, destination_object_metadata={"opc-meta-b": "2"})
    equal(work.status, "COMPLETED", "work request")
    headers = client.head_object(NAMESPACE, "other", "copy").headers
    equal((headers.get("opc-meta-a"), headers["opc-meta-b"]), (None, "2"), "metadata")


def conditions(client):
    etag = make(client)
    client.put_object(NAMESPACE, "other", "copy", b"x")
    wrong = "00000000-0000-0000-0000-000000000000"

    def ask(**kwargs):
        return lambda: client.copy_object(NAMESPACE, BUCKET, details(**kwargs))

    refused(ask(source_object_if_match_e_tag=wrong), 412, "IfMatchFailed")
    refused(ask(destination_object_if_match_e_tag=wrong), 412, "IfMatchFailed")
    refused(ask(destination_object_if_none_match_e_tag="*"), 412, "IfNoneMatchFailed")
    refused(ask(destination_region="us-nowhere-1"), 400, "InvalidParameter")
    refused(ask(destination_namespace="nowhere"), 404, "NamespaceNotFound")
    refused(ask(destination_bucket="nope"), 404, "BucketNotFound")
    refused(ask(source_object_name="nope"), 404, "ObjectNotFound")
    equal(copy(client, source_object_if_match_e_tag=etag).status, "COMPLETED", "work request")


def an_old_version(client):
    make_bucket(client, versioning="Enabled")
    make_bucket(client, "other")
    old = client.put_object(NAMESPACE, BUCKET, "dir/a b", b"old").headers["version-id"]
    client.put_object(NAMESPACE, BUCKET, "dir/a b", b"new")
    work = copy(client, source_version_id=old)
    equal(work.status, "COMPLETED", "work request")
    equal(client.get_object(NAMESPACE, "other", "copy").data.content, b"old", "content")


def work_requests(client):
    make(client)
    ids = [copy(client, destination_object_name=f"copy{n}").id for n in range(3)]
    listed = oci.pagination.list_call_get_all_results(
        client.list_work_requests, COMPARTMENT, limit=2
    )
    equal([work.id for work in listed.data], ids[::-1], "work requests")
    equal(client.list_work_request_errors(ids[0]).data, [], "errors")
    logs = [line.message for line in client.list_work_request_logs(ids[0]).data]
    equal(logs[-1], "The object was copied", "log")
    refused(lambda: client.cancel_work_request(ids[0]), 409, "WorkRequestEnded")
    refused(lambda: client.get_work_request("x"), 404, "NotAuthorizedOrNotFound")
    refused(lambda: client.list_work_requests("no OCID"), 400, "InvalidParameter")


def another_key(client):
    def trio(key, prefix):
        text = lambda raw: base64.b64encode(raw).decode()
        names = ("algorithm", "key", "key_sha256")
        values = ("AES256", text(key), text(hashlib.sha256(key).digest()))
        return {f"{prefix}_{name}": value for name, value in zip(names, values)}

    old, new = trio(b"1" * 32, "opc_sse_customer"), trio(b"2" * 32, "opc_sse_customer")
    make(client, **old)
    refused(lambda: client.copy_object(NAMESPACE, BUCKET, details()), 400, "InvalidSSECustomerKey")
    work = copy(client, headers={**trio(b"1" * 32, "opc_source_sse_customer"), **new})
    equal(work.status, "COMPLETED", "work request")
    answer = client.get_object(NAMESPACE, "other", "copy", **new)
    equal(answer.data.content == CONTENT, True, "content")


if __name__ == "__main__":
    run(globals())
