"""Lifecycle policies, tiers and restoring with the Python SDK."""

from oci.object_storage.models import (
    ObjectLifecycleRule,
    ObjectNameFilter,
    PutObjectLifecyclePolicyDetails,
    RestoreObjectsDetails,
    UpdateObjectStorageTierDetails,
)

from common import BUCKET, NAMESPACE, equal, make_bucket, refused, run

CONTENT = b"0123456789"


def rule(**fields):
    return ObjectLifecycleRule(
        **{
            "name": "old-logs",
            "action": "DELETE",
            "time_amount": 3,
            "time_unit": "DAYS",
            "is_enabled": True,
            **fields,
        }
    )


def put_policy(client, *rules, **kwargs):
    details = PutObjectLifecyclePolicyDetails(items=list(rules))
    return client.put_object_lifecycle_policy(NAMESPACE, BUCKET, details, **kwargs)


def a_policy_comes_back(client):
    make_bucket(client)
    name_filter = ObjectNameFilter(
        inclusion_prefixes=["logs/"], exclusion_patterns=["*.keep"]
    )
    put = put_policy(
        client, rule(target="previous-object-versions", object_name_filter=name_filter)
    )
    got = client.get_object_lifecycle_policy(NAMESPACE, BUCKET)
    equal(got.headers["etag"], put.headers["etag"], "etag")
    equal(got.data.time_created, put.data.time_created, "time created")
    (item,) = got.data.items
    equal(
        (item.name, item.target, item.action, item.time_amount, item.time_unit, item.is_enabled),
        ("old-logs", "previous-object-versions", "DELETE", 3, "DAYS", True),
    )
    equal(item.object_name_filter.inclusion_prefixes, ["logs/"])
    equal(item.object_name_filter.exclusion_patterns, ["*.keep"])
    bucket = client.get_bucket(NAMESPACE, BUCKET).data
    equal(bucket.object_lifecycle_policy_etag, put.headers["etag"], "etag in the bucket")


def a_policy_is_replaced_under_conditions(client):
    make_bucket(client)
    first = put_policy(client, rule(), if_none_match="*").headers["etag"]
    refused(lambda: put_policy(client, rule(), if_none_match="*"), 412, "IfNoneMatchFailed")
    second = put_policy(client, rule(), if_match=first).headers["etag"]
    refused(lambda: put_policy(client, rule(), if_match=first), 412, "IfMatchFailed")

    def delete(etag):
        return client.delete_object_lifecycle_policy(NAMESPACE, BUCKET, if_match=etag)

    refused(lambda: delete(first), 412, "IfMatchFailed")
    equal(delete(second).status, 204, "status")
    refused(lambda: delete(second), 404, "LifecyclePolicyNotFound")
    refused(
        lambda: client.get_object_lifecycle_policy(NAMESPACE, BUCKET),
        404,
        "LifecyclePolicyNotFound",
    )


def a_policy_that_means_nothing(client):
    make_bucket(client)
    for bad in [
        rule(action="ABORT"),
        rule(target="multipart-uploads"),
        rule(time_amount=0),
        rule(name=""),
        rule(object_name_filter=ObjectNameFilter(inclusion_patterns=["[a"])),
    ]:
        refused(lambda: put_policy(client, bad), 400, "InvalidParameter")
    refused(lambda: put_policy(client, rule(), rule()), 400, "InvalidParameter")


def an_archived_object(client):
    make_bucket(client, storage_tier="Archive")
    client.put_object(NAMESPACE, BUCKET, "o", CONTENT)

    def get():
        return client.get_object(NAMESPACE, BUCKET, "o")

    def restore(**fields):
        details = RestoreObjectsDetails(object_name="o", **fields)
        return client.restore_objects(NAMESPACE, BUCKET, details)

    def head():
        return client.head_object(NAMESPACE, BUCKET, "o").headers

    refused(get, 409, "NotRestored")
    equal(head()["archival-state"], "Archived", "state")
    equal("time-of-archival" in head(), False, "time of archival")
    refused(lambda: restore(hours=241), 400, "InvalidParameter")
    equal(restore(hours=1).status, 200, "first")
    equal(restore().status, 202, "second")
    equal(head()["archival-state"], "Restored", "state")
    equal(head()["time-of-archival"].endswith("Z"), True, "time of archival")
    equal(get().data.content, CONTENT, "content")
    listed = client.list_objects(
        NAMESPACE, BUCKET, fields="name,storageTier,archivalState"
    ).data.objects
    equal([(o.storage_tier, o.archival_state) for o in listed], [("Archive", "Restored")])


def a_change_of_tier(client):
    make_bucket(client)
    client.put_object(NAMESPACE, BUCKET, "o", CONTENT, storage_tier="InfrequentAccess")

    def update(tier, **fields):
        details = UpdateObjectStorageTierDetails(object_name="o", storage_tier=tier, **fields)
        return client.update_object_storage_tier(NAMESPACE, BUCKET, details)

    before = client.head_object(NAMESPACE, BUCKET, "o").headers
    equal(before["storage-tier"], "InfrequentAccess", "tier")
    equal(update("Archive", version_id=before["version-id"]).status, 200, "status")
    after = client.head_object(NAMESPACE, BUCKET, "o").headers
    equal(after["storage-tier"], "Archive", "tier")
    for name in ["etag", "last-modified", "version-id"]:
        equal(after[name], before[name], name)
    refused(lambda: update("Standard"), 409, "NotRestored")


run(globals())
