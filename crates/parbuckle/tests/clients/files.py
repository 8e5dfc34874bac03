"""Rules shown with ocifs, the fsspec file system of this service."""

import os

import fsspec
import oci
from ocifs import OCIFileSystem

from common import BUCKET, COMPARTMENT, ENDPOINT, NAMESPACE, equal, make_bucket, refused, run

MIB = 1024 * 1024
ROOT = f"{BUCKET}@{NAMESPACE}"


def options():
    return {
        "config": oci.config.from_file(os.environ["PARBUCKLE_CONFIG"]),
        "config_kwargs": {"service_endpoint": ENDPOINT},
        "oci_additional_kwargs": {"retry_strategy": oci.retry.NoneRetryStrategy()},
    }


def files(client):
    """A file system with the bucket b1 in it. Of buckets themselves this ocifs can tell nothing: it passes an
    argument to HeadBucket that the SDK refuses."""
    make_bucket(client)
    return OCIFileSystem(**options())


def fill(fs, *names):
    for name in names:
        fs.pipe(f"{ROOT}/{name}", f"content of {name}".encode())


def below(paths):
    return sorted(path.removeprefix(f"{ROOT}/") for path in paths)


def raises(kind, call):
    try:
        answer = call()
    except kind:
        return
    raise AssertionError(f"no {kind.__name__}: {answer!r}")


def copies_end(client):
    """Copies are work requests; ocifs does not wait for them."""
    for request in client.list_work_requests(COMPARTMENT).data:
        done = oci.wait_until(
            client, client.get_work_request(request.id),
            evaluate_response=lambda reply: reply.data.status in ("COMPLETED", "FAILED"),
            max_interval_seconds=1, max_wait_seconds=60,
        )
        equal(done.data.status, "COMPLETED", "work request")


def a_file_comes_back(client):
    fs = files(client)
    for size in (0, 1, 5 * MIB - 1):
        content = os.urandom(size)
        with fs.open(f"{ROOT}/dir/a b+c.txt", "wb") as file:
            file.write(content)
        with fs.open(f"{ROOT}/dir/a b+c.txt", "rb") as file:
            equal(file.read() == content, True, f"{size} bytes")
    head = client.head_object(NAMESPACE, BUCKET, "dir/a b+c.txt").headers
    equal(head["content-length"], str(5 * MIB - 1), "length")


def a_large_file_goes_in_parts(client):
    fs = files(client)
    content = os.urandom(23 * MIB + 11)
    with fs.open(f"{ROOT}/large", "wb") as file:
        for start in range(0, len(content), 3 * MIB):
            file.write(content[start:start + 3 * MIB])
    head = client.head_object(NAMESPACE, BUCKET, "large").headers
    equal(head["opc-multipart-md5"].rsplit("-", 1)[1] in ("4", "5"), True, "parts")
    equal(fs.cat(f"{ROOT}/large") == content, True, "content")
    equal(client.list_multipart_uploads(NAMESPACE, BUCKET).data, [], "uploads left over")


def ranges_are_read(client):
    fs = files(client)
    content = bytes(range(256)) * 40
    fs.pipe(f"{ROOT}/o", content)
    equal(fs.cat_file(f"{ROOT}/o", start=100, end=300), content[100:300], "a range")
    equal(fs.tail(f"{ROOT}/o", 10), content[-10:], "the end")
    with fs.open(f"{ROOT}/o", "rb", cache_type="none") as file:
        file.seek(5000)
        equal(file.read(7), content[5000:5007], "after a seek")
        file.seek(-3, 2)
        equal(file.read(), content[-3:], "from the end")


def folders_are_listed(client):
    fs = files(client)
    fill(fs, "a.txt", "dir/x", "dir/sub/y", "e.txt")
    equal(below(fs.ls(ROOT)), ["a.txt", "dir", "e.txt"], "ls of the bucket")
    equal(below(fs.ls(f"{ROOT}/dir", refresh=True)), ["dir/sub", "dir/x"], "ls of a folder")
    kinds = {entry["name"].rsplit("/", 1)[1]: entry["type"] for entry in fs.ls(ROOT, detail=True)}
    equal(kinds, {"a.txt": "file", "dir": "directory", "e.txt": "file"}, "types")
    equal(below(fs.glob(f"{ROOT}/dir/s*/*")), ["dir/sub/y"], "glob")
    equal(fs.ls(f"{ROOT}/nope"), [], "ls of a missing folder")
    raises(FileNotFoundError, lambda: fs.ls(f"nope@{NAMESPACE}"))


def trees_are_found(client):
    fs = files(client)
    names = ["a.txt", "dir/sub/y", "dir/x", "e.txt"]
    fill(fs, *names)
    equal(below(fs.find(ROOT)), names, "find of the bucket")
    equal(below(fs.find(f"{ROOT}/dir")), ["dir/sub/y", "dir/x"], "find of a folder")
    equal(fs.du(f"{ROOT}/dir"), len("content of dir/sub/y" "content of dir/x"), "du")


def things_exist_or_not(client):
    fs = files(client)
    fill(fs, "dir/x")
    for path, there in (("dir/x", True), ("dir", True), ("dir/nope", False), ("di", False)):
        equal(fs.exists(f"{ROOT}/{path}"), there, path)
    equal((fs.isfile(f"{ROOT}/dir/x"), fs.isdir(f"{ROOT}/dir")), (True, True), "kinds")


def a_file_is_described(client):
    fs = files(client)
    with fs.open(f"{ROOT}/o.json", "wb") as file:
        file.write(b"{}")
    info = fs.info(f"{ROOT}/o.json")
    head = client.head_object(NAMESPACE, BUCKET, "o.json").headers
    equal((info["size"], info["type"]), (2, "file"), "size and type")
    equal(info["etag"], head["etag"], "etag")
    equal(info["versionId"], head["version-id"], "version")
    equal(info["storageTier"], "Standard", "tier")
    equal(fs.checksum(f"{ROOT}/o.json"), int(head["etag"].replace("-", ""), 16), "checksum")
    raises(FileNotFoundError, lambda: fs.info(f"{ROOT}/nope"))


def files_are_removed(client):
    fs = files(client)
    fill(fs, "a", "dir/x", "dir/sub/y", "e")
    fs.rm(f"{ROOT}/a")
    fs.rm(f"{ROOT}/dir", recursive=True)
    fs.invalidate_cache()
    equal(below(fs.find(ROOT)), ["e"], "what is left")
    raises(FileNotFoundError, lambda: fs.rm(f"{ROOT}/a"))


def a_file_is_appended_to(client):
    fs = files(client)
    for piece in (b"one", b"two"):
        with fs.open(f"{ROOT}/log", "ab") as file:
            file.write(piece)
    equal(fs.cat(f"{ROOT}/log"), b"onetwo", "content")


def local_files_go_up_and_down(client):
    fs = files(client)
    os.makedirs("up/sub", exist_ok=True)
    for name in ("up/x", "up/sub/y"):
        with open(name, "w") as file:
            file.write(name)
    fs.put("up", f"{ROOT}/tree", recursive=True)
    equal(below(fs.find(f"{ROOT}/tree")), ["tree/sub/y", "tree/x"], "uploaded")
    fs.get(f"{ROOT}/tree", "down", recursive=True)
    for name in ("x", "sub/y"):
        with open(f"down/{name}") as file:
            equal(file.read(), f"up/{name}", name)


def a_url_is_opened_through_fsspec(client):
    make_bucket(client)
    url = f"oci://{ROOT}/dir/o.txt"
    with fsspec.open(url, "w", **options()) as file:
        file.write("grüße")
    with fsspec.open(url, "r", **options()) as file:
        equal(file.read(), "grüße", "text")


def a_bucket_is_made_and_removed(client):
    fs = OCIFileSystem(**options())
    # Without a compartment, ocifs asks for the namespace's metadata and takes the Swift compartment.
    fs.mkdir(ROOT)
    equal(client.get_bucket(NAMESPACE, BUCKET).data.compartment_id, COMPARTMENT, "compartment")
    equal(fs.ls(f"@{NAMESPACE}"), [ROOT], "buckets")
    fill(fs, "dir/x")
    fs.rm(ROOT, recursive=True)
    refused(lambda: client.get_bucket(NAMESPACE, BUCKET), 404, "BucketNotFound")


def a_file_is_copied(client):
    fs = files(client)
    fill(fs, "dir/x")
    fs.copy(f"oci://{ROOT}/dir/x", f"oci://{ROOT}/y")
    copies_end(client)
    equal(fs.cat(f"{ROOT}/y"), b"content of dir/x", "copy")
    equal(fs.exists(f"{ROOT}/dir/x"), True, "source")


def files_are_moved(client):
    fs = files(client)
    contents = {"small": b"x", "large": os.urandom(MIB), "parts": os.urandom(23 * MIB)}
    for name, content in contents.items():
        with fs.open(f"{ROOT}/{name}", "wb") as file:
            file.write(content)
    # Each source is deleted as soon as its copy is accepted.
    for name in contents:
        fs.mv(f"oci://{ROOT}/{name}", f"oci://{ROOT}/moved/{name}")
    copies_end(client)
    fs.invalidate_cache()
    equal(below(fs.find(ROOT)), ["moved/large", "moved/parts", "moved/small"], "what is there")
    for name, content in contents.items():
        equal(fs.cat(f"{ROOT}/moved/{name}") == content, True, name)


def a_file_is_renamed(client):
    fs = files(client)
    fill(fs, "dir/x")
    fs.rename(f"{ROOT}/dir/x", f"{ROOT}/moved")
    fs.invalidate_cache()
    equal(below(fs.find(ROOT)), ["moved"], "what is there")
    equal(fs.cat(f"{ROOT}/moved"), b"content of dir/x", "content")


run(globals())
