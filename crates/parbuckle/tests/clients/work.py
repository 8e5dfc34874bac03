"""Heads of buckets, and work requests that are ended, with the Python SDK."""

import time

from oci.object_storage.models import CopyObjectDetails

from common import BUCKET, NAMESPACE, equal, make_bucket, refused, run

# More than are at work together.
COPIES = 12


def the_head_of_a_bucket(client):
    etag = make_bucket(client).headers["etag"]
    head = client.head_bucket(NAMESPACE, BUCKET)
    equal((head.status, head.headers["etag"]), (200, etag), "head")
    refused(lambda: client.head_bucket(NAMESPACE, BUCKET, if_none_match=etag), 304, None)


def copy(client, name):
    details = CopyObjectDetails(
        source_object_name="o",
        destination_region=client.base_client.config["region"],
        destination_namespace=NAMESPACE,
        destination_bucket=BUCKET,
        destination_object_name=name,
    )
    answer = client.copy_object(NAMESPACE, BUCKET, details)
    return answer.headers["opc-work-request-id"]


def a_cancelled_copy(client):
    make_bucket(client)
    client.put_object(NAMESPACE, BUCKET, "o", bytes(32 << 20))
    last = [copy(client, f"copy{number}") for number in range(COPIES)][-1]
    equal(client.cancel_work_request(last).status, 202, "cancel")
    end = time.monotonic() + 20
    while (status := client.get_work_request(last).data.status) != "CANCELED":
        equal(status, "CANCELING")
        assert time.monotonic() < end, status
        time.sleep(0.01)
    refused(lambda: client.head_object(NAMESPACE, BUCKET, f"copy{COPIES - 1}"), 404, None)


run(globals())
