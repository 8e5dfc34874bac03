"""Uploads with the Python SDK: its upload manager, checksums and resuming."""

import base64
import hashlib
import io
import os
import tempfile

import oci
from oci.object_storage import UploadManager

from common import BUCKET, NAMESPACE, equal, make_bucket, refused, run

MIB = 1024 * 1024


def upload_and_compare(client, size, **kwargs):
    """Uploads `size` random bytes from a file and reads them back; returns (content, head)."""
    make_bucket(client)
    content = os.urandom(size)
    with tempfile.NamedTemporaryFile() as file:
        file.write(content)
        file.flush()
        manager = UploadManager(client, **kwargs.pop("manager", {}))
        answer = manager.upload_file(NAMESPACE, BUCKET, "dir/obj", file.name, **kwargs)
    equal(answer.status, 200, "upload")
    got = client.get_object(NAMESPACE, BUCKET, "dir/obj").data.content
    if got != content:
        raise AssertionError(f"other bytes came back: {len(got)} for {size}")
    head = client.head_object(NAMESPACE, BUCKET, "dir/obj").headers
    equal(head["content-length"], str(size), "content-length")
    return content, head


def md5(content):
    return hashlib.md5(content).digest()


def b64(raw):
    return base64.b64encode(raw).decode()


def no_bytes(client):
    content, head = upload_and_compare(client, 0)
    equal(head["content-md5"], b64(md5(content)), "content-md5")


def one_byte(client):
    content, head = upload_and_compare(client, 1)
    equal(head["content-md5"], b64(md5(content)), "content-md5")


def five_mib_in_one_request(client):
    content, head = upload_and_compare(client, 5 * MIB)
    equal(head["content-md5"], b64(md5(content)), "content-md5")
    equal("opc-multipart-md5" in head, False, "multipart digest on a single put")


def twenty_five_mib_in_parallel_parts(client):
    parallel = {"allow_parallel_uploads": True, "parallel_process_count": 3}
    content, head = upload_and_compare(client, 25 * MIB, part_size=5 * MIB, manager=parallel)
    digests = [md5(content[start:start + 5 * MIB]) for start in range(0, 25 * MIB, 5 * MIB)]
    equal(head["opc-multipart-md5"], f"{b64(md5(b''.join(digests)))}-5", "opc-multipart-md5")
    equal("content-md5" in head, False, "single digest on a multipart object")


def a_stream_of_unknown_length(client):
    make_bucket(client)
    content = os.urandom(2 * MIB + 5)
    manager = UploadManager(client)
    manager.upload_stream(NAMESPACE, BUCKET, "s", io.BytesIO(content), part_size=MIB)
    equal(client.get_object(NAMESPACE, BUCKET, "s").data.content == content, True, "content")


def metadata_of_a_multipart_upload(client):
    _, head = upload_and_compare(
        client, 2 * MIB, part_size=MIB, content_type="video/mp4", metadata={"Color": "blue"}
    )
    equal(head["content-type"], "video/mp4", "content-type")
    equal(head["opc-meta-color"], "blue", "metadata")


def a_resumed_upload(client):
    make_bucket(client)
    content = os.urandom(3 * MIB)
    details = oci.object_storage.models.CreateMultipartUploadDetails(object="r")
    upload_id = client.create_multipart_upload(NAMESPACE, BUCKET, details).data.upload_id
    client.upload_part(NAMESPACE, BUCKET, "r", upload_id, 2, content[MIB:2 * MIB])
    with tempfile.NamedTemporaryFile() as file:
        file.write(content)
        file.flush()
        UploadManager(client).resume_upload_file(
            NAMESPACE, BUCKET, "r", file.name, upload_id, part_size=MIB
        )
    equal(client.get_object(NAMESPACE, BUCKET, "r").data.content == content, True, "content")


def a_wrong_md5(client):
    make_bucket(client)
    wrong, right = b64(md5(b"other")), b64(md5(b"hello"))
    refused(
        lambda: client.put_object(NAMESPACE, BUCKET, "o", b"hello", content_md5=wrong),
        400,
        "UnmatchedContentMD5",
        f"The computed MD5 of the request body ({right}) does not match"
        f" the Content-MD5 header ({wrong})",
    )
    refused(lambda: client.get_object(NAMESPACE, BUCKET, "o"), 404, "ObjectNotFound")


def asked_checksums(client):
    make_bucket(client)
    # CRC32C of "123456789" is the check value of the algorithm's definition: e3069283.
    answer = client.put_object(
        NAMESPACE, BUCKET, "c", b"123456789", opc_checksum_algorithm="CRC32C"
    )
    equal(answer.headers["opc-content-crc32c"], b64(bytes.fromhex("e3069283")), "put crc32c")
    head = client.head_object(NAMESPACE, BUCKET, "c").headers
    equal(head["opc-content-crc32c"], b64(bytes.fromhex("e3069283")), "head crc32c")

    digest = b64(hashlib.sha256(b"hello").digest())
    answer = client.put_object(
        NAMESPACE, BUCKET, "s", b"hello", opc_checksum_algorithm="SHA256", opc_content_sha256=digest
    )
    equal(answer.headers["opc-content-sha256"], digest, "put sha256")


def a_wrong_sha256(client):
    make_bucket(client)
    wrong = b64(hashlib.sha256(b"other").digest())
    refused(
        lambda: client.put_object(
            NAMESPACE, BUCKET, "o", b"hello",
            opc_checksum_algorithm="SHA256", opc_content_sha256=wrong,
        ),
        400,
        "UnmatchedContentSHA256",
    )


run(globals())
