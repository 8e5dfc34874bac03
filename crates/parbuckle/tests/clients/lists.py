"""Lists and pages with the Python SDK."""

import oci
from oci.object_storage.models import CreateMultipartUploadDetails

from common import BUCKET, COMPARTMENT, NAMESPACE, equal, make_bucket, run

every_page = oci.pagination.list_call_get_all_results


def objects_page_by_page(client):
    make_bucket(client)
    names = sorted(f"{folder}/{index}" for folder in "abc" for index in range(5))
    for name in names:
        client.put_object(NAMESPACE, BUCKET, name, b"x")
    for limit in (1, 4, 15, 1000):
        seen, start = [], None
        while True:
            kwargs = {"start": start} if start else {}
            page = client.list_objects(NAMESPACE, BUCKET, limit=limit, **kwargs).data
            seen += [entry.name for entry in page.objects]
            start = page.next_start_with
            if start is None:
                break
        equal(seen, names, f"limit {limit}")


def objects_with_the_pagination_helper(client):
    make_bucket(client)
    names = ["a", "b/1", "b/2", "c"]
    for name in names:
        client.put_object(NAMESPACE, BUCKET, name, b"x")
    answer = every_page(client.list_objects, NAMESPACE, BUCKET, limit=3)
    equal([entry.name for entry in answer.data.objects], names, "objects")
    answer = every_page(client.list_objects, NAMESPACE, BUCKET, limit=1, delimiter="/")
    equal([entry.name for entry in answer.data.objects], ["a", "c"], "objects")
    equal(answer.data.prefixes, ["b/"], "prefixes")


def objects_with_every_field(client):
    make_bucket(client)
    etag = client.put_object(NAMESPACE, BUCKET, "o", b"hello").headers["etag"]
    fields = "name,size,etag,timeCreated,md5,timeModified,storageTier,archivalState"
    entry = client.list_objects(NAMESPACE, BUCKET, fields=fields).data.objects[0]
    equal((entry.name, entry.size, entry.etag), ("o", 5, etag), "name, size, etag")
    equal((entry.md5, entry.storage_tier), ("XUFAKrxLKna5cZ2REBfFkg==", "Standard"), "md5, tier")
    equal(entry.archival_state, None, "archival state of a standard object")
    equal(entry.time_created is not None and entry.time_modified is not None, True, "times")


def buckets_page_by_page(client):
    names = [f"bucket-{index}" for index in range(5)]
    for name in names:
        make_bucket(client, name)
    answer = every_page(client.list_buckets, NAMESPACE, COMPARTMENT, limit=2)
    equal([bucket.name for bucket in answer.data], names, "buckets")


def pars_page_by_page(client):
    make_bucket(client)
    created = {make_par(client, f"par-{index}", "o").id for index in range(5)}
    answer = every_page(client.list_preauthenticated_requests, NAMESPACE, BUCKET, limit=2)
    equal(len(answer.data), 5, "number of PARs")
    equal({par.id for par in answer.data}, created, "PARs")


def pars_by_object_prefix(client):
    make_bucket(client)
    wanted = make_par(client, "one", "photos/1").id
    make_par(client, "two", "video/1")
    answer = client.list_preauthenticated_requests(NAMESPACE, BUCKET, object_name_prefix="photos/")
    equal([par.id for par in answer.data], [wanted], "PARs")


def make_par(client, name, object_name):
    details = oci.object_storage.models.CreatePreauthenticatedRequestDetails(
        name=name,
        object_name=object_name,
        access_type="ObjectRead",
        time_expires="2099-01-01T00:00:00Z",
    )
    return client.create_preauthenticated_request(NAMESPACE, BUCKET, details).data


def uploads_page_by_page(client):
    make_bucket(client)
    names = [f"upload-{index}" for index in range(5)]
    for name in names:
        client.create_multipart_upload(NAMESPACE, BUCKET, CreateMultipartUploadDetails(object=name))
    answer = every_page(client.list_multipart_uploads, NAMESPACE, BUCKET, limit=2)
    equal([upload.object for upload in answer.data], names, "uploads")


def parts_page_by_page(client):
    make_bucket(client)
    details = CreateMultipartUploadDetails(object="o")
    upload_id = client.create_multipart_upload(NAMESPACE, BUCKET, details).data.upload_id
    for number in (5, 3, 1, 2, 4):
        client.upload_part(NAMESPACE, BUCKET, "o", upload_id, number, b"x" * number)
    answer = every_page(
        client.list_multipart_upload_parts, NAMESPACE, BUCKET, "o", upload_id, limit=2
    )
    equal([(part.part_number, part.size) for part in answer.data],
          [(number, number) for number in range(1, 6)], "parts")


run(globals())
