"""Refusals with their codes and messages as the Python SDK shows them (wire reference 8.2)."""

import oci
from oci.object_storage import ObjectStorageClient
from oci.object_storage.models import CommitMultipartUploadDetails, CommitMultipartUploadPartDetails
from oci.object_storage.models import CreateMultipartUploadDetails

from common import BUCKET, COMPARTMENT, ENDPOINT, NAMESPACE, make_bucket, refused, run


def bucket_hidden(name):
    return (
        f"Either the bucket named '{name}' does not exist in the namespace '{NAMESPACE}'"
        " or you are not authorized to access it"
    )


def a_missing_bucket(client):
    for call in (
        lambda: client.get_bucket(NAMESPACE, "nope"),
        lambda: client.delete_bucket(NAMESPACE, "nope"),
        lambda: client.list_objects(NAMESPACE, "nope"),
        lambda: client.get_object(NAMESPACE, "nope", "o"),
        lambda: client.put_object(NAMESPACE, "nope", "o", b"x"),
        lambda: client.list_preauthenticated_requests(NAMESPACE, "nope"),
        lambda: client.list_multipart_uploads(NAMESPACE, "nope"),
    ):
        refused(call, 404, "BucketNotFound", bucket_hidden("nope"))


def the_head_of_a_missing_thing(client):
    make_bucket(client)
    refused(lambda: client.head_bucket(NAMESPACE, "nope"), 404, None)
    refused(lambda: client.head_object(NAMESPACE, BUCKET, "nope"), 404, None)


def a_missing_object(client):
    make_bucket(client)
    refused(
        lambda: client.get_object(NAMESPACE, BUCKET, "no/such"),
        404,
        "ObjectNotFound",
        f"The object 'no/such' was not found in the bucket '{BUCKET}'",
    )
    refused(
        lambda: client.delete_object(NAMESPACE, BUCKET, "no/such"),
        404,
        "ObjectNotFound",
        f"The object 'no/such' does not exist in bucket '{BUCKET}' with namespace '{NAMESPACE}'",
    )


def an_unknown_namespace(client):
    refused(
        lambda: client.list_buckets("nosuchnamespace", COMPARTMENT),
        404,
        "NamespaceNotFound",
        "You do not have authorization to perform this request,"
        " or the requested resource could not be found.",
    )


def an_existing_bucket(client):
    make_bucket(client)
    refused(
        lambda: make_bucket(client),
        409,
        "BucketAlreadyExists",
        f"Either the bucket '{BUCKET}' in namespace '{NAMESPACE}' already exists"
        " or you are not authorized to create it",
    )


def a_bucket_with_objects(client):
    make_bucket(client)
    client.put_object(NAMESPACE, BUCKET, "o", b"x")
    refused(
        lambda: client.delete_bucket(NAMESPACE, BUCKET),
        409,
        "BucketNotEmpty",
        f"Bucket named '{BUCKET}' is not empty. Delete all object versions first.",
    )


def a_bad_bucket_name(client):
    for name in ("has space", "slash/ed", "ü", "x" * 257):
        refused(lambda: make_bucket(client, name), 400, "InvalidBucketName")


def a_bad_object_name(client):
    make_bucket(client)
    for name in ("a\nb", "x" * 1025):
        refused(lambda: client.put_object(NAMESPACE, BUCKET, name, b"x"), 400, "InvalidObjectName")


def a_bad_list_parameter(client):
    make_bucket(client)
    for bad in ({"limit": 0}, {"limit": 1001}, {"fields": "colour"}):
        refused(
            lambda: client.list_objects(NAMESPACE, BUCKET, **bad), 400, "InvalidParameter"
        )


def a_wrong_key(client):
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import rsa

    config = dict(client.base_client.config)
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    config["key_content"] = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    ).decode()
    stranger = ObjectStorageClient(
        config, service_endpoint=ENDPOINT, retry_strategy=oci.retry.NoneRetryStrategy()
    )
    refused(lambda: stranger.get_namespace(), 401, "NotAuthenticated")


def an_unknown_upload(client):
    make_bucket(client)
    unknown = "00000000-0000-0000-0000-000000000000"
    for call in (
        lambda: client.upload_part(NAMESPACE, BUCKET, "o", unknown, 1, b"x"),
        lambda: client.abort_multipart_upload(NAMESPACE, BUCKET, "o", unknown),
        lambda: client.list_multipart_upload_parts(NAMESPACE, BUCKET, "o", unknown),
    ):
        try:
            call()
        except oci.exceptions.ServiceError as error:
            assert error.status == 404 and error.message == "No such upload", error
        else:
            raise AssertionError("not refused")


def a_commit_without_parts(client):
    make_bucket(client)
    details = CreateMultipartUploadDetails(object="o")
    upload_id = client.create_multipart_upload(NAMESPACE, BUCKET, details).data.upload_id
    try:
        client.commit_multipart_upload(
            NAMESPACE, BUCKET, "o", upload_id, CommitMultipartUploadDetails(parts_to_commit=[])
        )
    except oci.exceptions.ServiceError as error:
        assert error.status == 400 and "There are no parts to commit" in error.message, error
    else:
        raise AssertionError("not refused")


def a_commit_of_an_unknown_part(client):
    make_bucket(client)
    details = CreateMultipartUploadDetails(object="o")
    upload_id = client.create_multipart_upload(NAMESPACE, BUCKET, details).data.upload_id
    etag = client.upload_part(NAMESPACE, BUCKET, "o", upload_id, 1, b"x").headers["etag"]
    for number, named in ((2, etag), (1, "00000000-0000-0000-0000-000000000000")):
        part = CommitMultipartUploadPartDetails(part_num=number, etag=named)
        refused(
            lambda: client.commit_multipart_upload(
                NAMESPACE, BUCKET, "o", upload_id,
                CommitMultipartUploadDetails(parts_to_commit=[part]),
            ),
            400,
            "InvalidUploadPart",
        )


def a_bad_part_number(client):
    make_bucket(client)
    details = CreateMultipartUploadDetails(object="o")
    upload_id = client.create_multipart_upload(NAMESPACE, BUCKET, details).data.upload_id
    for number in (0, 10001):
        refused(
            lambda: client.upload_part(NAMESPACE, BUCKET, "o", upload_id, number, b"x"),
            400,
            "InvalidUploadPart",
        )


def an_unknown_par(client):
    make_bucket(client)
    for call in (client.get_preauthenticated_request, client.delete_preauthenticated_request):
        refused(
            lambda: call(NAMESPACE, BUCKET, "A" * 64), 404, "PreauthenticatedRequestNotFound"
        )


def a_stale_bucket_update(client):
    make_bucket(client)
    details = oci.object_storage.models.UpdateBucketDetails(metadata={"a": "b"})
    refused(
        lambda: client.update_bucket(NAMESPACE, BUCKET, details, if_match="stale"),
        412,
        "IfMatchFailed",
    )


run(globals())
