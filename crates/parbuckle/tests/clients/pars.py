"""The life of a pre-authenticated request with the Python SDK and urllib."""

import datetime
import urllib.error
import urllib.request

import oci
from oci.object_storage.models import CreatePreauthenticatedRequestDetails

from common import BUCKET, ENDPOINT, NAMESPACE, equal, make_bucket, refused, run

EXPIRES = datetime.datetime(2099, 1, 2, 3, 4, 5, tzinfo=datetime.timezone.utc)


def make_par(client, **fields):
    details = CreatePreauthenticatedRequestDetails(
        **{"name": "par", "access_type": "AnyObjectRead", "time_expires": EXPIRES, **fields}
    )
    return client.create_preauthenticated_request(NAMESPACE, BUCKET, details).data


def ids_with(client, *characters, **fields):
    """PARs until every one of the characters has been in an id; each has better than even odds."""
    pars, missing = [], set(characters)
    while missing:
        pars.append(make_par(client, **fields))
        missing -= set(pars[-1].id)
        equal(len(pars) < 60, True, f"no id with {missing}")
    return pars


def a_life(client):
    make_bucket(client)
    client.put_object(NAMESPACE, BUCKET, "dir/a b", b"hello")
    par = make_par(client, object_name="dir/a b", access_type="ObjectRead")
    equal(par.object_name, "dir/a b", "object_name")
    equal(par.access_type, "ObjectRead", "access_type")
    equal(par.time_expires, EXPIRES, "time_expires")
    equal(par.full_path, ENDPOINT + par.access_uri, "full_path")
    url = ENDPOINT + par.access_uri
    equal(urllib.request.urlopen(url).read(), b"hello", "content")

    shown = client.get_preauthenticated_request(NAMESPACE, BUCKET, par.id).data
    equal((shown.id, shown.name, shown.object_name), (par.id, "par", "dir/a b"), "get")
    equal(client.delete_preauthenticated_request(NAMESPACE, BUCKET, par.id).status, 204, "delete")
    try:
        urllib.request.urlopen(url)
    except urllib.error.HTTPError as error:
        equal((error.code, error.read()),
              (401, b'{"code":"NotAuthenticated","message":"PAR does not exist"}'), "after delete")
    else:
        raise AssertionError("a deleted PAR still serves")


def the_id_of_an_object_par_ends_with_the_object(client):
    make_bucket(client)
    par = make_par(client, object_name="waw/bemowo/105.pdf", access_type="ObjectRead")
    random, object_name = par.id.split(":", 1)
    equal((len(random), object_name), (64, "waw/bemowo/105.pdf"), "id")


def the_id_of_a_prefix_par_has_no_suffix(client):
    make_bucket(client)
    equal(len(make_par(client, object_name="service").id), 64, "length of the id")


def ids_with_slash_and_plus_work(client):
    make_bucket(client)
    for par in ids_with(client, "/", "+"):
        shown = client.get_preauthenticated_request(NAMESPACE, BUCKET, par.id).data
        equal(shown.id, par.id, "get")
        client.delete_preauthenticated_request(NAMESPACE, BUCKET, par.id)
    equal(client.list_preauthenticated_requests(NAMESPACE, BUCKET).data, [], "what is left")


def ids_of_object_pars_with_slash_and_plus_work(client):
    make_bucket(client)
    fields = {"access_type": "ObjectRead", "object_name": "dir/a b+c:d%2F"}
    for par in ids_with(client, "/", "+", **fields):
        shown = client.get_preauthenticated_request(NAMESPACE, BUCKET, par.id).data
        equal((shown.id, shown.object_name), (par.id, fields["object_name"]), "get")
        client.delete_preauthenticated_request(NAMESPACE, BUCKET, par.id)
    equal(client.list_preauthenticated_requests(NAMESPACE, BUCKET).data, [], "what is left")


def six_access_types(client):
    make_bucket(client)
    for kind in ("ObjectRead", "ObjectWrite", "ObjectReadWrite"):
        equal(make_par(client, access_type=kind, object_name="o").access_type, kind, kind)
    for kind in ("AnyObjectRead", "AnyObjectWrite", "AnyObjectReadWrite"):
        equal(make_par(client, access_type=kind).access_type, kind, kind)


def names_need_not_differ(client):
    make_bucket(client)
    first, second = make_par(client), make_par(client)
    equal((first.name, first.id != second.id), (second.name, True), "names and ids")


def far_expiry_is_allowed(client):
    make_bucket(client)
    far = datetime.datetime(9999, 12, 31, 23, 59, 59, tzinfo=datetime.timezone.utc)
    equal(make_par(client, time_expires=far).time_expires, far, "time_expires")


def a_bucket_with_a_par_stays(client):
    make_bucket(client)
    par = make_par(client)
    refused(
        lambda: client.delete_bucket(NAMESPACE, BUCKET), 409, "PreauthenticatedRequestStillExists"
    )
    client.delete_preauthenticated_request(NAMESPACE, BUCKET, par.id)
    client.delete_bucket(NAMESPACE, BUCKET)


def deleting_twice(client):
    make_bucket(client)
    par = make_par(client)
    client.delete_preauthenticated_request(NAMESPACE, BUCKET, par.id)
    refused(
        lambda: client.delete_preauthenticated_request(NAMESPACE, BUCKET, par.id),
        404,
        "PreauthenticatedRequestNotFound",
    )


def many_pars_in_one_bucket(client):
    make_bucket(client)
    client.put_object(NAMESPACE, BUCKET, "o", b"hello")
    pars = [make_par(client, name=f"par-{index}") for index in range(200)]
    for par in (pars[0], pars[100], pars[199]):
        equal(urllib.request.urlopen(f"{ENDPOINT}{par.access_uri}o").read(), b"hello", par.name)
    listed = oci.pagination.list_call_get_all_results(
        client.list_preauthenticated_requests, NAMESPACE, BUCKET, limit=50
    )
    equal({par.id for par in listed.data}, {par.id for par in pars}, "listed")


run(globals())
