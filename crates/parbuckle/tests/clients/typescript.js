// Rules shown with the TypeScript SDK: one function each; the one named on the command line runs.

const assert = require("node:assert/strict");
const { createHash } = require("node:crypto");
const fs = require("node:fs");
const { Readable } = require("node:stream");

const common = require("oci-common");
const { ObjectStorageClient, UploadManager, models } = require("oci-objectstorage");

const namespaceName = process.env.PARBUCKLE_NAMESPACE;
const compartmentId = process.env.PARBUCKLE_COMPARTMENT;
const bucketName = "b1";
const MIB = 1024 * 1024;

function makeClient() {
  const authenticationDetailsProvider = new common.ConfigFileAuthenticationDetailsProvider(
    process.env.PARBUCKLE_CONFIG,
    "DEFAULT"
  );
  // Without retries: they would hide a server's failure for minutes.
  const configuration = { retryConfiguration: common.NoRetryConfigurationDetails };
  const client = new ObjectStorageClient({ authenticationDetailsProvider }, configuration);
  client.endpoint = process.env.PARBUCKLE_ENDPOINT;
  return client;
}

async function makeBucket(client, fields = {}) {
  const createBucketDetails = { name: bucketName, compartmentId, ...fields };
  return client.createBucket({ namespaceName, createBucketDetails });
}

const at = (objectName) => ({ namespaceName, bucketName, objectName });

async function put(client, objectName, text, fields = {}) {
  const contentLength = Buffer.byteLength(text);
  return client.putObject({ ...at(objectName), putObjectBody: text, contentLength, ...fields });
}

async function read(client, objectName, fields = {}) {
  const answer = await client.getObject({ ...at(objectName), ...fields });
  const pieces = [];
  for await (const piece of answer.value) pieces.push(Buffer.from(piece));
  return { answer, content: Buffer.concat(pieces) };
}

// Differs in every block, so that a swapped or shifted part shows.
function pattern(size) {
  const content = Buffer.alloc(size);
  for (let at = 0; at + 4 <= size; at += 1000) content.writeUInt32BE(at + 1, at);
  return content;
}

// The SDK hands dates out as text: as they came in a body, reformatted in a header.
const isTime = (text) => Number.isFinite(Date.parse(text));

const md5 = (content) => createHash("md5").update(content).digest();

function multipartMd5(content, partSize) {
  const digests = [];
  for (let at = 0; at < content.length; at += partSize) {
    digests.push(md5(content.subarray(at, at + partSize)));
  }
  return `${md5(Buffer.concat(digests)).toString("base64")}-${digests.length}`;
}

async function refused(promise, statusCode, serviceCode) {
  const error = await promise.then(
    () => assert.fail("not refused"),
    (error) => error
  );
  assert.deepEqual([error.statusCode, error.serviceCode], [statusCode, serviceCode], `${error}`);
  return error;
}

const rules = {
  async aBucketIsMadeChangedAndDeleted(client) {
    assert.equal((await client.getNamespace({})).value, namespaceName);
    const made = await makeBucket(client, { metadata: { Team: "blue" } });
    assert.equal(made.bucket.name, bucketName);
    assert.equal(made.bucket.versioning, "Disabled");
    assert.ok(isTime(made.bucket.timeCreated));
    const updateBucketDetails = { publicAccessType: models.Bucket.PublicAccessType.ObjectRead };
    await client.updateBucket({ namespaceName, bucketName, updateBucketDetails });
    const fields = ["approximateCount"];
    const shown = await client.getBucket({ namespaceName, bucketName, fields });
    assert.equal(shown.bucket.publicAccessType, "ObjectRead");
    assert.equal(shown.bucket.approximateCount, 0);
    assert.deepEqual(shown.bucket.metadata, { Team: "blue" });
    const listed = await client.listBuckets({ namespaceName, compartmentId });
    assert.deepEqual(listed.items.map((bucket) => bucket.name), [bucketName]);
    await client.deleteBucket({ namespaceName, bucketName, ifMatch: shown.eTag });
    await refused(client.getBucket({ namespaceName, bucketName }), 404, "BucketNotFound");
  },

  async oddNamesComeBack(client) {
    await makeBucket(client);
    const names = ["dir/a b+c%é'().txt", "~!*", "d//./../e/", "/lead", "a?b#c&d=e", "漢字"];
    for (const name of names) {
      await put(client, name, `content of ${name}`);
      assert.equal((await read(client, name)).content.toString(), `content of ${name}`);
    }
    const listed = await client.listObjects({ namespaceName, bucketName });
    const compare = (a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b));
    assert.deepEqual(listed.listObjects.objects.map((o) => o.name), [...names].sort(compare));
    for (const name of names) await client.deleteObject(at(name));
    const empty = await client.listObjects({ namespaceName, bucketName });
    assert.deepEqual(empty.listObjects.objects, []);
  },

  async metadataAndContentHeadersComeBack(client) {
    await makeBucket(client);
    await put(client, "o", "hello\n", {
      opcMeta: { Color: "blue", "two-words": "U b" },
      contentType: "text/plain; charset=utf-8",
      cacheControl: "no-cache",
      contentLanguage: "en",
      contentDisposition: 'attachment; filename="h.txt"',
    });
    const { answer, content } = await read(client, "o");
    assert.equal(content.toString(), "hello\n");
    assert.equal(answer.contentLength, 6);
    assert.equal(answer.contentType, "text/plain; charset=utf-8");
    assert.equal(answer.cacheControl, "no-cache");
    assert.equal(answer.contentLanguage, "en");
    assert.equal(answer.contentDisposition, 'attachment; filename="h.txt"');
    assert.equal(answer.contentMd5, md5("hello\n").toString("base64"));
    assert.ok(answer.lastModified && answer.versionId && answer.eTag);
    const head = await client.headObject(at("o"));
    assert.equal(head.eTag, answer.eTag);
    assert.deepEqual(head.opcMeta, answer.opcMeta);
    const values = Object.values(head.opcMeta).sort();
    assert.deepEqual(values, ["U b", "blue"]);
  },

  async conditionsAndRangesHold(client) {
    await makeBucket(client);
    const { eTag } = await put(client, "o", "0123456789");
    const part = await read(client, "o", { range: { startByte: 2, endByte: 4 } });
    assert.equal(part.content.toString(), "234");
    assert.equal(part.answer.contentLength, 3);
    await refused(put(client, "o", "x", { ifNoneMatch: "*" }), 412, "IfNoneMatchFailed");
    await refused(put(client, "o", "x", { ifMatch: "stale" }), 412, "IfMatchFailed");
    await put(client, "o", "new", { ifMatch: eTag });
    assert.equal((await read(client, "o")).content.toString(), "new");
    await refused(client.getObject(at("nope")), 404, "ObjectNotFound");
    await refused(client.deleteObject(at("nope")), 404, "ObjectNotFound");
  },

  async objectsAreListedPageByPage(client) {
    await makeBucket(client);
    const names = Array.from({ length: 7 }, (_, index) => `dir${index % 2}/${index}`).sort();
    for (const name of names) await put(client, name, "12345");
    const query = { namespaceName, bucketName, limit: 3, fields: "name,size,timeModified,md5" };
    const found = [];
    let start;
    do {
      const { listObjects } = await client.listObjects({ ...query, start });
      assert.ok(listObjects.objects.length <= 3);
      found.push(...listObjects.objects);
      start = listObjects.nextStartWith;
    } while (start);
    assert.deepEqual(found.map((object) => object.name), names);
    assert.ok(found.every((object) => object.size === 5 && isTime(object.timeModified)));
    const { listObjects } = await client.listObjects({ ...query, delimiter: "/" });
    assert.deepEqual(listObjects.prefixes, ["dir0/", "dir1/"]);
    assert.deepEqual(listObjects.objects, []);
  },

  async partsAreCommittedInAnyOrder(client) {
    await makeBucket(client);
    const createMultipartUploadDetails = {
      object: "big",
      contentType: "video/mp4",
      metadata: { "opc-meta-Color": "blue" },
    };
    const started = await client.createMultipartUpload({
      namespaceName,
      bucketName,
      createMultipartUploadDetails,
    });
    const { uploadId } = started.multipartUpload;
    const partsToCommit = [];
    for (const partNum of [3, 1, 2]) {
      const uploadPartBody = `part ${partNum};`;
      const { eTag } = await client.uploadPart({
        ...at("big"),
        uploadId,
        uploadPartNum: partNum,
        uploadPartBody,
        contentLength: uploadPartBody.length,
      });
      partsToCommit.push({ partNum, etag: eTag });
    }
    const parts = await client.listMultipartUploadParts({ ...at("big"), uploadId });
    assert.deepEqual(parts.items.map((part) => part.partNumber), [1, 2, 3]);
    const commitMultipartUploadDetails = { partsToCommit };
    await client.commitMultipartUpload({ ...at("big"), uploadId, commitMultipartUploadDetails });
    const { answer, content } = await read(client, "big");
    assert.equal(content.toString(), "part 1;part 2;part 3;");
    assert.equal(answer.contentType, "video/mp4");
    assert.deepEqual(Object.values(answer.opcMeta), ["blue"]);
    assert.ok(answer.opcMultipartMd5.endsWith("-3"));
  },

  async anUploadIsAborted(client) {
    await makeBucket(client);
    const createMultipartUploadDetails = { object: "big" };
    const bucket = { namespaceName, bucketName };
    const started = await client.createMultipartUpload({ ...bucket, createMultipartUploadDetails });
    const { uploadId } = started.multipartUpload;
    assert.equal((await client.listMultipartUploads(bucket)).items[0].uploadId, uploadId);
    await client.abortMultipartUpload({ ...at("big"), uploadId });
    assert.deepEqual((await client.listMultipartUploads(bucket)).items, []);
  },

  async theUploadManagerStoresFilesOfAnySize(client) {
    await makeBucket(client);
    const options = { partSize: MIB, maxConcurrentUploads: 5, enforceMD5: true };
    const manager = new UploadManager(client, options);
    for (const size of [0, 1, MIB, MIB + 1, 12 * MIB + 345]) {
      const content = pattern(size);
      fs.writeFileSync("upload.bin", content);
      const requestDetails = { ...at(`file ${size}`), opcMeta: { Size: `${size}` } };
      await manager.upload({ content: { filePath: "upload.bin" }, requestDetails });
      const { answer, content: stored } = await read(client, `file ${size}`);
      assert.ok(stored.equals(content), `other bytes came back for ${size}`);
      assert.deepEqual(Object.values(answer.opcMeta), [`${size}`]);
      if (size > MIB) assert.equal(answer.opcMultipartMd5, multipartMd5(content, MIB));
      else assert.equal(answer.contentMd5, md5(content).toString("base64"));
    }
  },

  async theUploadManagerStoresAStream(client) {
    await makeBucket(client);
    const content = pattern(9 * MIB + 77);
    const pieces = [];
    for (let at = 0; at < content.length; at += 300_000) {
      pieces.push(content.subarray(at, at + 300_000));
    }
    const options = { partSize: 2 * MIB, maxConcurrentUploads: 4, enforceMD5: true };
    const progress = [];
    await new UploadManager(client, options).upload(
      {
        content: { stream: Readable.from(pieces, { objectMode: false }) },
        requestDetails: { ...at("stream"), contentType: "video/mp4", opcMeta: { Color: "blue" } },
      },
      (part) => progress.push(part.partNum)
    );
    const { answer, content: stored } = await read(client, "stream");
    assert.ok(stored.equals(content), "other bytes came back");
    assert.equal(answer.contentType, "video/mp4");
    assert.deepEqual(Object.values(answer.opcMeta), ["blue"]);
    assert.equal(answer.opcMultipartMd5, multipartMd5(content, 2 * MIB));
    assert.deepEqual(progress.sort(), [1, 2, 3, 4, 5]);
    const uploads = await client.listMultipartUploads({ namespaceName, bucketName });
    assert.deepEqual(uploads.items, []);
  },

  async anObjectIsCopiedByAWorkRequest(client) {
    await makeBucket(client);
    await put(client, "dir/o", "hello\n", { opcMeta: { Color: "blue" } });
    const copyObjectDetails = {
      sourceObjectName: "dir/o",
      destinationRegion: process.env.PARBUCKLE_REGION,
      destinationNamespace: namespaceName,
      destinationBucket: bucketName,
      destinationObjectName: "copy",
    };
    const { opcWorkRequestId: workRequestId } = await client.copyObject({
      namespaceName,
      bucketName,
      copyObjectDetails,
    });
    const quickly = {
      terminationStrategy: new common.MaxTimeTerminationStrategy(60),
      delayStrategy: new common.FixedTimeDelayStrategy(1),
    };
    const done = await client
      .createWaiters(client, quickly)
      .forWorkRequest({ workRequestId }, models.WorkRequest.Status.Completed);
    assert.equal(done.workRequest.status, "COMPLETED");
    assert.ok(done.workRequest.resources.some((resource) => resource.entityUri.endsWith("/copy")));
    const { answer, content } = await read(client, "copy");
    assert.equal(content.toString(), "hello\n");
    assert.deepEqual(Object.values(answer.opcMeta), ["blue"]);
  },

  async anObjectIsRenamed(client) {
    await makeBucket(client);
    const { eTag } = await put(client, "dir/o", "hello\n");
    const rename = (sourceName, newName, conditions = {}) =>
      client.renameObject({
        namespaceName,
        bucketName,
        renameObjectDetails: { sourceName, newName, ...conditions },
      });
    await refused(rename("dir/o", "new", { srcObjIfMatchETag: "stale" }), 412, "IfMatchFailed");
    await rename("dir/o", "new", { srcObjIfMatchETag: eTag });
    assert.equal((await read(client, "new")).content.toString(), "hello\n");
    await refused(client.getObject(at("dir/o")), 404, "ObjectNotFound");
  },

  async olderVersionsAreListedAndRead(client) {
    await makeBucket(client, { versioning: models.CreateBucketDetails.Versioning.Enabled });
    const { versionId } = await put(client, "o", "first");
    await put(client, "o", "second");
    const marker = await client.deleteObject(at("o"));
    assert.ok(marker.versionId && marker.versionId !== versionId);
    const bucket = { namespaceName, bucketName };
    const listed = await client.listObjectVersions({ ...bucket, fields: "size" });
    const { items } = listed.objectVersionCollection;
    assert.deepEqual(items.map((item) => item.isDeleteMarker), [true, false, false]);
    assert.ok(items.every((item) => item.name === "o" && isTime(item.timeModified)));
    assert.equal((await read(client, "o", { versionId })).content.toString(), "first");
    await client.deleteObject({ ...at("o"), versionId });
    await refused(client.getObject({ ...at("o"), versionId }), 404, "ObjectNotFound");
  },

  async objectsAreDeletedInABatch(client) {
    await makeBucket(client);
    const names = ["a", "dir/b c+d%é", "kept"];
    for (const name of names) await put(client, name, "x");
    const objects = ["a", "dir/b c+d%é", "missing"].map((objectName) => ({ objectName }));
    const { batchDeleteObjectsResult: result } = await client.batchDeleteObjects({
      namespaceName,
      bucketName,
      batchDeleteObjectsDetails: { objects, isSkipDeletedResult: false },
    });
    assert.deepEqual(result.deleted.map((entry) => entry.objectName).slice(0, 2), names.slice(0, 2));
    const left = await client.listObjects({ namespaceName, bucketName });
    assert.deepEqual(left.listObjects.objects.map((o) => o.name), ["kept"]);
  },

  async aParServesWithoutASignature(client) {
    await makeBucket(client);
    await put(client, "dir/o", "hello\n");
    const createPreauthenticatedRequestDetails = {
      name: "par",
      objectName: "dir/o",
      accessType: models.CreatePreauthenticatedRequestDetails.AccessType.ObjectRead,
      timeExpires: new Date("2099-01-01T00:00:00Z"),
    };
    const bucket = { namespaceName, bucketName };
    const { preauthenticatedRequest: par } = await client.createPreauthenticatedRequest({
      ...bucket,
      createPreauthenticatedRequestDetails,
    });
    const url = process.env.PARBUCKLE_ENDPOINT + par.accessUri;
    assert.equal(await (await fetch(url)).text(), "hello\n");
    await client.deletePreauthenticatedRequest({ ...bucket, parId: par.id });
    assert.equal((await fetch(url)).status, 401);
  },
};

rules[process.argv[2]](makeClient()).then(
  // The SDK keeps timers that would hold the process.
  () => process.exit(0),
  (error) => {
    console.error(error);
    process.exit(1);
  }
);
