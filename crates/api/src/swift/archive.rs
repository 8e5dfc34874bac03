//! Uploading an archive whose files become objects (Swift wire reference section 11).

mod tar;
mod unpack;

use http::{HeaderMap, StatusCode};
use parbuckle_engine::swift::{
    AccountName, ContainerChange, METADATA_STORED_BYTES_MAX, ObjectFields, PutSwiftObject,
};
use parbuckle_engine::{BucketPath, Error, ErrorKind, ObjectPath, RequestBody};
use parbuckle_model::{StorageTier, UserMetadata};

use self::tar::{File, FileBody, TarReader};
use self::unpack::{Broken, Compression, Unpacked};
use super::error::{SwiftError, bad_request, status_of};
use super::reply::Reply;
use super::report::{self, Report, status_line};
use super::{Call, bucket_path, metadata, object, object_name};
use crate::payload::Payload;

/// After so many files that could not be stored the rest is left alone.
pub(super) const FAILURES_MAX: usize = 1000;

/// Most containers that one archive makes.
pub(super) const CONTAINERS_MAX: usize = 10_000;

/// `?extract-archive`: stores the regular files of an archive as objects below `base`, which is a container, a container
/// with the beginning of a name, or empty: then the first part of each path is the container. The answer is always 200;
/// what became of it stands in the body.
pub(super) async fn extract(
    call: &Call<'_>,
    account: &AccountName,
    base: &str,
    kind: &str,
    payload: Payload,
) -> Result<Reply, SwiftError> {
    let compression =
        Compression::named(kind).ok_or_else(|| bad_request("Unsupported archive format"))?;
    let form = report::form(call.headers());
    let mut upload = Upload {
        call,
        account,
        base: base.trim_end_matches('/'),
        metadata: object::fields(call)?,
        created: 0,
        failures: Vec::new(),
        containers: 0,
    };
    let end = match form {
        None => Err(End::Refused(SwiftError::Page(StatusCode::NOT_ACCEPTABLE))),
        Some(_) => upload.run(payload, compression).await,
    };
    let report = upload.report(end)?;
    Ok(report.reply(StatusCode::OK, form, "extract"))
}

/// An archive on its way into the store.
struct Upload<'a> {
    call: &'a Call<'a>,
    account: &'a AccountName,
    base: &'a str,
    /// What the request says of every object.
    metadata: ObjectFields,
    created: usize,
    failures: Vec<(String, StatusCode)>,
    /// How many containers were made.
    containers: usize,
}

/// Why an upload ended early.
enum End {
    Broken(Broken),
    Refused(SwiftError),
    /// The service itself fails.
    Failed(Error),
}

impl Upload<'_> {
    async fn run(&mut self, payload: Payload, compression: Compression) -> Result<(), End> {
        let body = object::announced(self.call, payload).map_err(End::Refused)?;
        let mut reader = TarReader::new(Unpacked::new(body.stream, compression));
        while self.failures.len() < FAILURES_MAX {
            match reader.next().await.map_err(End::Broken)? {
                Some(file) => reader = self.take(reader, file).await?,
                None => break,
            }
        }
        reader.drain().await;
        Ok(())
    }

    /// Stores a file, or notes why it can't be.
    async fn take(&mut self, mut reader: TarReader, file: File) -> Result<TarReader, End> {
        let name = match String::from_utf8(self.full_path(&file.path)) {
            Ok(name) => name,
            Err(error) => {
                let shown = String::from_utf8_lossy(error.as_bytes()).into_owned();
                self.failures.push((shown, StatusCode::PRECONDITION_FAILED));
                let skipped = reader.skip_rest(file.size, file.size).await;
                return skipped.map(|()| reader).map_err(End::Broken);
            }
        };
        // A file beside the containers belongs to none.
        let Some((container, object)) = name.split_once('/') else {
            let skipped = reader.skip_rest(file.size, file.size).await;
            return skipped.map(|()| reader).map_err(End::Broken);
        };
        let size = file.size;
        let target = self.target(container, object, file);
        let (path, put) = match target {
            Ok(target) => target,
            Err(error) => {
                self.failures.push((name, error.describe().0));
                let skipped = reader.skip_rest(size, size).await;
                return skipped.map(|()| reader).map_err(End::Broken);
            }
        };
        let (reader, stored) = self.put(reader, size, &path, put).await?;
        self.note(name, stored)?;
        Ok(reader)
    }

    fn full_path(&self, path: &[u8]) -> Vec<u8> {
        let path = path.strip_prefix(b"./").unwrap_or(path);
        let slashes = path.iter().take_while(|byte| **byte == b'/').count();
        let path = &path[slashes..];
        match self.base {
            "" => path.to_vec(),
            base => [base.as_bytes(), b"/", path].concat(),
        }
    }

    fn target(
        &self,
        container: &str,
        object: &str,
        file: File,
    ) -> Result<(ObjectPath, PutSwiftObject), SwiftError> {
        let path = ObjectPath {
            bucket: bucket_path(self.account, container)?,
            object: object_name(object)?,
        };
        let mut fields = ObjectFields {
            delete_at: self.metadata.delete_at,
            ..ObjectFields::default()
        };
        let of_request = self.metadata.attributes.metadata.iter();
        let of_request = of_request.map(|(name, value)| (name.to_owned(), value.to_owned()));
        let all = of_request.chain(file.metadata);
        fields.attributes.metadata = UserMetadata::within(METADATA_STORED_BYTES_MAX, all)
            .map_err(|error| bad_request(error.0))?;
        let kind = metadata::content_type(&HeaderMap::new(), file.mime_type, &path.object)?;
        fields.attributes.content_type = Some(kind);
        let put = PutSwiftObject {
            fields,
            ..PutSwiftObject::default()
        };
        Ok((path, put))
    }

    /// Puts an object, and makes its container if that is what is missing.
    async fn put(
        &mut self,
        reader: TarReader,
        size: u64,
        path: &ObjectPath,
        put: PutSwiftObject,
    ) -> Result<(TarReader, Result<(), Error>), End> {
        let (returned, mut stored) = self.try_put(reader, size, path, put.clone()).await?;
        let mut returned = returned;
        let missing = matches!(&stored, Err(error) if is_missing_container(error));
        if missing && returned.left == size && self.containers < CONTAINERS_MAX {
            match self.make_container(&path.bucket).await {
                Err(error) => stored = Err(error),
                Ok(()) => {
                    (returned, stored) = self.try_put(returned.reader, size, path, put).await?;
                }
            }
        }
        if let Some(broken) = returned.broken {
            return Err(End::Broken(broken));
        }
        let mut reader = returned.reader;
        let skipped = reader.skip_rest(returned.left, size).await;
        skipped.map_err(End::Broken)?;
        Ok((reader, stored))
    }

    async fn try_put(
        &self,
        reader: TarReader,
        size: u64,
        path: &ObjectPath,
        put: PutSwiftObject,
    ) -> Result<(tar::Returned, Result<(), Error>), End> {
        let (body, back) = FileBody::lend(reader, size);
        let body = RequestBody {
            stream: Box::pin(body),
            length: Some(size),
        };
        let (engine, caller) = (self.call.engine(), &self.call.caller);
        let stored = engine.swift_put_object(caller, path, put, body).await;
        let returned = back.await;
        let returned = returned.map_err(|_| End::Failed(ErrorKind::Internal.into()))?;
        Ok((returned, stored.map(|_| ())))
    }

    async fn make_container(&mut self, path: &BucketPath) -> Result<(), Error> {
        let (engine, caller) = (self.call.engine(), &self.call.caller);
        let nothing = ContainerChange::default();
        engine
            .swift_put_container(caller, path, &nothing, StorageTier::Standard)
            .await?;
        self.containers += 1;
        Ok(())
    }

    fn note(&mut self, name: String, stored: Result<(), Error>) -> Result<(), End> {
        let error = match stored {
            Ok(()) => {
                self.created += 1;
                return Ok(());
            }
            Err(error) => error,
        };
        match error.kind() {
            ErrorKind::Unavailable | ErrorKind::Internal => return Err(End::Failed(error)),
            _ => {}
        }
        let status = status_of(&error);
        // What follows would be refused as well.
        if status == StatusCode::UNAUTHORIZED {
            return Err(End::Refused(error.into()));
        }
        self.failures.push((name, status));
        Ok(())
    }

    fn report(self, end: Result<(), End>) -> Result<Report, SwiftError> {
        let (status, text) = match end {
            Ok(()) if !self.failures.is_empty() => (StatusCode::BAD_REQUEST, String::new()),
            Ok(()) if self.created == 0 => {
                let text = "Invalid Tar File: No Valid Files";
                (StatusCode::BAD_REQUEST, text.to_owned())
            }
            Ok(()) => (StatusCode::CREATED, String::new()),
            Err(End::Broken(Broken(reason))) => (
                StatusCode::BAD_REQUEST,
                format!("Invalid Tar File: {reason}"),
            ),
            Err(End::Refused(error)) => {
                let (status, text) = error.describe();
                (status, text.line().to_owned())
            }
            Err(End::Failed(error)) => return Err(error.into()),
        };
        let mut report = Report::default();
        report.text("Response Status", status_line(status));
        report.text("Response Body", text);
        report.number("Number Files Created", self.created);
        for (name, status) in &self.failures {
            report.error(name, status_line(*status));
        }
        Ok(report)
    }
}

fn is_missing_container(error: &Error) -> bool {
    matches!(error.kind(), ErrorKind::BucketNotFound { .. })
}

#[cfg(test)]
mod tests {
    use std::pin::Pin;
    use std::task::{Context, Poll};

    use ::tar::{Builder, Header};
    use bytes::Bytes;
    use futures_core::Stream;
    use parbuckle_engine::{BodyError, BodyStream};

    struct Pieces(std::vec::IntoIter<Bytes>);

    impl Stream for Pieces {
        type Item = Result<Bytes, BodyError>;

        fn poll_next(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Self::Item>> {
            Poll::Ready(self.0.next().map(Ok))
        }
    }

    /// A body that comes in pieces of this length.
    pub(super) fn body(bytes: &[u8], length: usize) -> BodyStream {
        let pieces: Vec<Bytes> = bytes.chunks(length).map(Bytes::copy_from_slice).collect();
        Box::pin(Pieces(pieces.into_iter()))
    }

    /// An archive of files; what ends in a slash is a folder.
    pub(super) fn archive(files: &[(&str, &str)]) -> Vec<u8> {
        let mut builder = Builder::new(Vec::new());
        for (name, content) in files {
            let mut header = Header::new_gnu();
            header.set_size(content.len() as u64);
            if name.ends_with('/') {
                header.set_entry_type(::tar::EntryType::Directory);
            }
            builder
                .append_data(&mut header, name, content.as_bytes())
                .unwrap();
        }
        builder.into_inner().unwrap()
    }
}
