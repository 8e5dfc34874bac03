"""Keys of the customer's (SSE-C) and checksums of multipart uploads with the Python SDK."""

import base64
import hashlib
import os
import tempfile

from oci.object_storage import UploadManager
from oci.object_storage.models import (
    CommitMultipartUploadDetails,
    CommitMultipartUploadPartDetails,
    CreateMultipartUploadDetails,
    ReencryptObjectDetails,
    SSECustomerKeyDetails,
)

from common import BUCKET, NAMESPACE, equal, make_bucket, refused, run

MIB = 1024 * 1024


def b64(raw):
    return base64.b64encode(raw).decode()


def key_of(owner):
    return bytes([owner]) * 32


def key_headers(owner):
    key = key_of(owner)
    return {
        "opc_sse_customer_algorithm": "AES256",
        "opc_sse_customer_key": b64(key),
        "opc_sse_customer_key_sha256": b64(hashlib.sha256(key).digest()),
    }


def key_details(owner):
    key = key_of(owner)
    return SSECustomerKeyDetails(
        algorithm="AES256", key=b64(key), key_sha256=b64(hashlib.sha256(key).digest())
    )


def an_encrypted_object(client):
    make_bucket(client)
    content = os.urandom(300_000)
    put = client.put_object(NAMESPACE, BUCKET, "o", content, **key_headers(1))
    equal(put.headers["opc-content-md5"], b64(hashlib.md5(content).digest()), "md5")
    got = client.get_object(NAMESPACE, BUCKET, "o", **key_headers(1))
    equal(got.data.content, content, "bytes")
    part = client.get_object(NAMESPACE, BUCKET, "o", range="bytes=65530-131080", **key_headers(1))
    equal(part.data.content, content[65530:131081], "range")
    head = client.head_object(NAMESPACE, BUCKET, "o", **key_headers(1))
    equal(head.headers["content-length"], "300000", "length")
    refused(lambda: client.get_object(NAMESPACE, BUCKET, "o"), 400, "InvalidSSECustomerKey")
    refused(
        lambda: client.get_object(NAMESPACE, BUCKET, "o", **key_headers(2)),
        400,
        "InvalidSSECustomerKey",
    )


def an_encrypted_upload_in_parallel_parts(client):
    make_bucket(client)
    content = os.urandom(25 * MIB + 1)
    manager = UploadManager(client, allow_parallel_uploads=True, parallel_process_count=3)
    # From a file: with a stream the manager does not send the key with the parts.
    with tempfile.NamedTemporaryFile() as file:
        file.write(content)
        file.flush()
        answer = manager.upload_file(
            NAMESPACE, BUCKET, "o", file.name, part_size=10 * MIB, **key_headers(1)
        )
    equal(answer.status, 200, "upload")
    got = client.get_object(NAMESPACE, BUCKET, "o", **key_headers(1))
    equal(got.data.content == content, True, "the same bytes")


def a_changed_key(client):
    make_bucket(client)
    client.put_object(NAMESPACE, BUCKET, "o", b"bytes", **key_headers(1))
    details = ReencryptObjectDetails(
        source_sse_customer_key=key_details(1), sse_customer_key=key_details(2)
    )
    equal(client.reencrypt_object(NAMESPACE, BUCKET, "o", details).status, 200, "reencrypt")
    got = client.get_object(NAMESPACE, BUCKET, "o", **key_headers(2))
    equal(got.data.content, b"bytes", "bytes")
    refused(
        lambda: client.get_object(NAMESPACE, BUCKET, "o", **key_headers(1)),
        400,
        "InvalidSSECustomerKey",
    )


def upload_parts(client, parts, algorithm):
    """Uploads parts with a checksum asked for at the start, and returns what the commit answers."""
    details = CreateMultipartUploadDetails(object="o")
    upload = client.create_multipart_upload(
        NAMESPACE, BUCKET, details, opc_checksum_algorithm=algorithm
    ).data.upload_id
    commit = []
    for number, content in enumerate(parts, 1):
        part = client.upload_part(NAMESPACE, BUCKET, "o", upload, number, content)
        name = f"opc-content-{algorithm.lower()}"
        equal(name in part.headers, True, f"{name} of a part")
        commit.append(
            CommitMultipartUploadPartDetails(part_num=number, etag=part.headers["etag"])
        )
    details = CommitMultipartUploadDetails(parts_to_commit=commit)
    return client.commit_multipart_upload(NAMESPACE, BUCKET, "o", upload, details).headers


def checksums_of_parts(client):
    make_bucket(client)
    parts = [b"1234", b"56789"]
    # CRC32C of "123456789" is the check value of the algorithm's definition: e3069283.
    crc32c = b64(bytes.fromhex("e3069283"))
    equal(upload_parts(client, parts, "CRC32C")["opc-content-crc32c"], crc32c, "commit")
    head = client.head_object(NAMESPACE, BUCKET, "o").headers
    equal(head["opc-content-crc32c"], crc32c, "head")
    for algorithm in ("sha256", "sha384"):
        digests = b"".join(hashlib.new(algorithm, part).digest() for part in parts)
        expected = b64(hashlib.new(algorithm, digests).digest()) + "-2"
        headers = upload_parts(client, parts, algorithm.upper())
        equal(headers[f"opc-multipart-{algorithm}"], expected, "commit")
        got = client.get_object(NAMESPACE, BUCKET, "o").headers
        equal(got[f"opc-multipart-{algorithm}"], expected, "get")
        equal(f"opc-content-{algorithm}" in got, False, "a digest of all bytes")


run(globals())
