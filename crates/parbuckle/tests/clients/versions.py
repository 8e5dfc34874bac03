"""Versions, renaming and batches with the Python SDK."""

import oci
from oci.object_storage.models import (
    BatchDeleteObjectIdentifier,
    BatchDeleteObjectsDetails,
    RenameObjectDetails,
)

from common import BUCKET, NAMESPACE, equal, make_bucket, refused, run

every_page = oci.pagination.list_call_get_all_results


def put(client, name, data):
    return client.put_object(NAMESPACE, BUCKET, name, data).headers["version-id"]


def versions_page_by_page(client):
    make_bucket(client, versioning="Enabled")
    expected = [("b", put(client, "b", b"x"), False)]
    many = [("a", put(client, "a", b"x" * size), False) for size in range(1, 6)]
    marker = client.delete_object(NAMESPACE, BUCKET, "a").headers["version-id"]
    expected = [("a", marker, True), *reversed(many), *expected]
    for limit in (1, 2, 1000):
        answer = every_page(client.list_object_versions, NAMESPACE, BUCKET, limit=limit)
        seen = [(v.name, v.version_id, v.is_delete_marker) for v in answer.data]
        equal(seen, expected, f"limit {limit}")
        times = [version.time_modified is not None for version in answer.data]
        equal(times, [True] * len(expected), "modified")


def versions_with_fields_and_prefixes(client):
    make_bucket(client, versioning="Enabled")
    put(client, "a/1", b"x")
    put(client, "a/1", b"xx")
    put(client, "b", b"hello")
    answer = client.list_object_versions(
        NAMESPACE, BUCKET, delimiter="/", fields="name,size,etag,md5,storageTier,timeCreated"
    )
    equal(answer.data.prefixes, ["a/"], "prefixes")
    (only,) = answer.data.items
    equal((only.name, only.size, only.md5), ("b", 5, "XUFAKrxLKna5cZ2REBfFkg=="), "fields")
    equal(only.etag is not None and only.time_created is not None, True, "etag and time")
    equal("opc-next-page" in answer.headers, False, "another page")


def a_version_is_read_and_deleted(client):
    make_bucket(client, versioning="Enabled")
    old, new = put(client, "o", b"old"), put(client, "o", b"new")
    read = client.get_object(NAMESPACE, BUCKET, "o", version_id=old)
    equal((read.data.content, read.headers["version-id"]), (b"old", old), "old version")
    head = client.head_object(NAMESPACE, BUCKET, "o", version_id=old)
    equal(head.headers["version-id"], old, "head of the old version")
    marker = client.delete_object(NAMESPACE, BUCKET, "o").headers
    equal(marker["is-delete-marker"], "true", "a marker is made")
    refused(
        lambda: client.get_object(NAMESPACE, BUCKET, "o", version_id=marker["version-id"]),
        404,
        "ObjectNotFound",
    )
    gone = client.delete_object(NAMESPACE, BUCKET, "o", version_id=marker["version-id"]).headers
    equal(gone["is-delete-marker"], "true", "a marker is gone")
    equal(client.get_object(NAMESPACE, BUCKET, "o").data.content, b"new", "back again")
    gone = client.delete_object(NAMESPACE, BUCKET, "o", version_id=new).headers
    equal((gone["version-id"], "is-delete-marker" in gone), (new, False), "a version is gone")
    equal(client.get_object(NAMESPACE, BUCKET, "o").data.content, b"old", "the next is current")


def an_object_is_renamed_if(client):
    make_bucket(client)
    etag = client.put_object(NAMESPACE, BUCKET, "a", b"bytes").headers["etag"]
    put(client, "taken", b"other")

    def rename(source, destination, **conditions):
        details = RenameObjectDetails(source_name=source, new_name=destination, **conditions)
        return client.rename_object(NAMESPACE, BUCKET, details)

    refused(lambda: rename("a", "b", src_obj_if_match_e_tag="x"), 412, "IfMatchFailed")
    refused(lambda: rename("a", "taken", new_obj_if_none_match_e_tag="*"), 412, "IfNoneMatchFailed")
    refused(lambda: rename("missing", "b"), 404, "ObjectNotFound", "Not Found")
    refused(lambda: rename("a", "a"), 400, "InvalidParameter")
    renamed = rename("a", "dir/b c", src_obj_if_match_e_tag=etag).headers
    read = client.get_object(NAMESPACE, BUCKET, "dir/b c")
    equal(read.data.content, b"bytes", "content")
    same = [renamed[name] == read.headers[name] for name in ("etag", "version-id", "last-modified")]
    equal(same, [True] * 3, "etag, version and time")
    refused(lambda: client.get_object(NAMESPACE, BUCKET, "a"), 404, "ObjectNotFound")


def a_batch_is_deleted(client):
    make_bucket(client)
    etag = client.put_object(NAMESPACE, BUCKET, "a", b"1").headers["etag"]
    put(client, "b", b"2")
    put(client, "c", b"3")
    objects = [
        BatchDeleteObjectIdentifier(object_name="a", if_match=etag),
        BatchDeleteObjectIdentifier(object_name="b", if_match=etag),
        BatchDeleteObjectIdentifier(object_name="missing"),
    ]

    def delete(objects, **more):
        details = BatchDeleteObjectsDetails(objects=objects, **more)
        return client.batch_delete_objects(NAMESPACE, BUCKET, details).data

    result = delete(objects)
    equal([deleted.object_name for deleted in result.deleted], ["a"], "deleted")
    equal(result.deleted[0].time_last_modified is not None, True, "time")
    failed = [(failed.object_name, failed.status_code) for failed in result.failed]
    equal(failed, [("b", 412), ("missing", 404)], "failed")
    result = delete([BatchDeleteObjectIdentifier(object_name="c")], is_skip_deleted_result=True)
    equal((result.deleted, result.failed), ([], []), "told of nothing")
    left = [entry.name for entry in client.list_objects(NAMESPACE, BUCKET).data.objects]
    equal(left, ["b"], "left")


run(globals())
