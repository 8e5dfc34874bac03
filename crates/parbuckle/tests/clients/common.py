"""What every script here shares: a client of the server under test, and checks that explain themselves.

A script defines one function per rule; `run` calls the one that is named on the command line.
"""

import os
import sys

import oci
from oci.object_storage import ObjectStorageClient

ENDPOINT = os.environ["PARBUCKLE_ENDPOINT"]
NAMESPACE = os.environ["PARBUCKLE_NAMESPACE"]
COMPARTMENT = os.environ["PARBUCKLE_COMPARTMENT"]
BUCKET = "b1"


def make_client():
    """A client without retries: they would hide a server's failure for minutes."""
    config = oci.config.from_file(os.environ["PARBUCKLE_CONFIG"])
    return ObjectStorageClient(
        config, service_endpoint=ENDPOINT, retry_strategy=oci.retry.NoneRetryStrategy()
    )


def make_bucket(client, name=BUCKET, **fields):
    details = oci.object_storage.models.CreateBucketDetails(
        name=name, compartment_id=COMPARTMENT, **fields
    )
    return client.create_bucket(NAMESPACE, details)


def equal(actual, expected, what=""):
    if actual != expected:
        raise AssertionError(f"{what}: got {short(actual)}, expected {short(expected)}")


def short(value):
    text = repr(value)
    return text if len(text) < 500 else f"{text[:500]}... ({len(text)} characters)"


def refused(call, status, code, message=None):
    """Checks that the service refuses with this status and code, and returns the error."""
    try:
        answer = call()
    except oci.exceptions.ServiceError as error:
        equal((error.status, error.code), (status, code), str(error))
        if message is not None:
            equal(error.message, message, "message")
        return error
    raise AssertionError(f"not refused: status {answer.status}, {short(answer.data)}")


def run(functions):
    """Runs the function whose name is the first argument, on a new client."""
    functions[sys.argv[1]](make_client())
