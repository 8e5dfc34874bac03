"""Large and odd uploads with the Python SDK's upload manager; the small ones are in uploads.py."""

import base64
import hashlib
import io
import os
import struct

import crc32c
from oci.exceptions import MultipartUploadError
from oci.object_storage import UploadManager

from common import BUCKET, NAMESPACE, equal, make_bucket, run

MIB = 1024 * 1024
NAME = "dir/large"
PARALLEL = {"allow_parallel_uploads": True, "parallel_process_count": 16}


def marked_file(size, step=MIB):
    """Writes a sparse file that differs at every step, so that a swapped or shifted part shows."""
    path = os.path.abspath("large.bin")
    with open(path, "wb") as file:
        for offset in range(0, max(size - 8, 0), step):
            file.seek(offset)
            file.write(struct.pack(">Q", offset + 1))
        file.truncate(size)
    return path


def chunks(path, size):
    with open(path, "rb") as file:
        while chunk := file.read(size):
            yield chunk


def md5_of(pieces):
    digest = hashlib.md5()
    for piece in pieces:
        digest.update(piece)
    return digest.digest()


def b64(raw):
    return base64.b64encode(raw).decode()


def multipart_md5(path, part_size):
    parts = [hashlib.md5(chunk).digest() for chunk in chunks(path, part_size)]
    return f"{b64(md5_of(parts))}-{len(parts)}"


def stored_md5(client):
    stream = client.get_object(NAMESPACE, BUCKET, NAME).data.raw
    return md5_of(stream.stream(MIB, decode_content=False))


def check_stored(client, path, what):
    equal(stored_md5(client), md5_of(chunks(path, MIB)), f"content of {what}")
    head = client.head_object(NAMESPACE, BUCKET, NAME).headers
    equal(head["content-length"], str(os.path.getsize(path)), f"length of {what}")
    return head


def three_hundred_mib_in_sixteen_parallel_parts(client):
    make_bucket(client)
    path, sent = marked_file(300 * MIB), []
    answer = UploadManager(client, **PARALLEL).upload_file(
        NAMESPACE, BUCKET, NAME, path, part_size=10 * MIB, progress_callback=sent.append
    )
    expected = multipart_md5(path, 10 * MIB)
    equal(answer.headers["opc-multipart-md5"], expected, "digest in the answer")
    head = check_stored(client, path, "300 MiB")
    equal(head["opc-multipart-md5"], expected, "digest of the object")
    equal(sum(sent), 300 * MIB, "bytes reported as sent")


def more_than_the_default_part(client):
    make_bucket(client)
    path = marked_file(129 * MIB)
    UploadManager(client).upload_file(NAMESPACE, BUCKET, NAME, path)
    head = check_stored(client, path, "129 MiB")
    equal(head["opc-multipart-md5"], multipart_md5(path, 128 * MIB), "digest")


def sizes_around_the_part_size(client):
    make_bucket(client)
    manager = UploadManager(client, **PARALLEL)
    for size in (MIB - 1, MIB, MIB + 1, 2 * MIB - 1, 2 * MIB, 2 * MIB + 1):
        path = marked_file(size, step=1000)
        manager.upload_file(NAMESPACE, BUCKET, NAME, path, part_size=MIB)
        head = check_stored(client, path, f"{size} bytes")
        if size <= MIB:
            equal(head["content-md5"], b64(md5_of(chunks(path, MIB))), f"digest of {size} bytes")
        else:
            equal(head["opc-multipart-md5"], multipart_md5(path, MIB), f"digest of {size} bytes")


class Unseekable(io.RawIOBase):
    """A stream without length, position or descriptor, as a pipe from elsewhere is."""

    def __init__(self, path):
        self.file = open(path, "rb")

    def readable(self):
        return True

    def read(self, size=-1):
        return self.file.read(size)


def a_stream_in_sixteen_parallel_parts(client):
    make_bucket(client)
    path = marked_file(70 * MIB + 5)
    answer = UploadManager(client, **PARALLEL).upload_stream(
        NAMESPACE, BUCKET, NAME, Unseekable(path), part_size=2 * MIB
    )
    equal(answer.headers["opc-multipart-md5"], multipart_md5(path, 2 * MIB), "digest")
    check_stored(client, path, "the stream")


def an_empty_stream(client):
    make_bucket(client)
    manager = UploadManager(client)
    manager.upload_stream(NAMESPACE, BUCKET, NAME, io.BytesIO(b""), metadata={"color": "blue"})
    head = client.head_object(NAMESPACE, BUCKET, NAME).headers
    equal(head["content-length"], "0", "length")
    equal(head["opc-meta-color"], "blue", "metadata")
    uploads = client.list_multipart_uploads(NAMESPACE, BUCKET).data
    equal(uploads, [], "uploads left over")


def a_checksum_over_parallel_parts(client):
    make_bucket(client)
    path = marked_file(20 * MIB + 3)
    answer = UploadManager(client, **PARALLEL).upload_file(
        NAMESPACE, BUCKET, NAME, path, part_size=MIB, opc_checksum_algorithm="CRC32C"
    )
    whole = 0
    for chunk in chunks(path, MIB):
        whole = crc32c.crc32c(chunk, whole)
    expected = b64(struct.pack(">I", whole))
    equal(answer.headers["opc-content-crc32c"], expected, "checksum in the answer")
    head = check_stored(client, path, "the object")
    equal(head["opc-content-crc32c"], expected, "checksum of the object")


RESUMED_SIZE = 24 * MIB


def begin_and_break_off(client):
    """The first half of a resumed upload: every part from the tenth on fails in the client."""
    make_bucket(client)
    upload_part = client.upload_part

    def break_off(namespace, bucket, name, upload_id, number, *args, **kwargs):
        if number >= 10:
            raise RuntimeError("the client broke off")
        return upload_part(namespace, bucket, name, upload_id, number, *args, **kwargs)

    client.upload_part = break_off
    path = marked_file(RESUMED_SIZE)
    try:
        UploadManager(client).upload_file(NAMESPACE, BUCKET, NAME, path, part_size=MIB)
    except (RuntimeError, MultipartUploadError):
        return
    raise AssertionError("the upload did not break off")


def resume(client):
    """The second half, perhaps on a server that was killed in between."""
    path = marked_file(RESUMED_SIZE)
    (upload,) = client.list_multipart_uploads(NAMESPACE, BUCKET).data
    kept = client.list_multipart_upload_parts(NAMESPACE, BUCKET, NAME, upload.upload_id).data
    if not 1 <= len(kept) < RESUMED_SIZE // MIB:
        raise AssertionError(f"{len(kept)} parts were kept")
    sent = []
    UploadManager(client, **PARALLEL).resume_upload_file(
        NAMESPACE, BUCKET, NAME, path, upload.upload_id, part_size=MIB,
        progress_callback=sent.append,
    )
    equal(sum(sent), RESUMED_SIZE, "bytes reported, those that were there included")
    head = check_stored(client, path, "the resumed upload")
    equal(head["opc-multipart-md5"], multipart_md5(path, MIB), "digest")


run(globals())
