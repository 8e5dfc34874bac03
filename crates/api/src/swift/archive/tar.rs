//! The files of a tar archive, read in one go: ustar, GNU's long names and pax headers.

use std::future::poll_fn;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::{Bytes, BytesMut};
use futures_core::Stream;
use parbuckle_engine::BodyError;
use tar::{EntryType, Header, PaxExtensions};
use tokio::sync::oneshot;

use super::unpack::{Broken, Unpacked};

const BLOCK: usize = 512;

/// Where a header has the type of its entry: a zero in archives of old times.
const TYPE_AT: usize = 156;

/// Most bytes of a long name or of a pax header.
const EXTENSION_BYTES_MAX: u64 = 1 << 20;

/// After so many bytes that nobody wants others get their turn.
const SKIPPED_BETWEEN_TURNS: u64 = 1 << 20;

/// What names metadata in pax headers, by the two programs that write it.
const PAX_METADATA: [&str; 2] = ["SCHILY.xattr.user.meta.", "LIBARCHIVE.xattr.user.meta."];
const PAX_MIME_TYPE: [&str; 2] = [
    "SCHILY.xattr.user.mime_type",
    "LIBARCHIVE.xattr.user.mime_type",
];

/// A regular file in an archive.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct File {
    /// Its path as it stands in the archive.
    pub(super) path: Vec<u8>,
    /// Its length in bytes.
    pub(super) size: u64,
    /// Its content type, if the archive has one.
    pub(super) mime_type: Option<String>,
    /// Metadata of the object that it becomes.
    pub(super) metadata: Vec<(String, String)>,
}

/// An archive that is being read.
pub(super) struct TarReader {
    bytes: Unpacked,
    /// What is unpacked and not used.
    at_hand: Bytes,
    /// Whether there has been a block.
    begun: bool,
}

/// What extension headers say of the entry behind them.
#[derive(Debug, Default)]
struct Extensions {
    path: Option<Vec<u8>>,
    size: Option<u64>,
    mime_type: Option<String>,
    metadata: Vec<(String, String)>,
}

impl TarReader {
    pub(super) fn new(bytes: Unpacked) -> Self {
        Self {
            bytes,
            at_hand: Bytes::new(),
            begun: false,
        }
    }

    /// The next regular file, whose bytes must then be read or skipped; nothing at the end of the archive. What is no
    /// regular file is passed over.
    pub(super) async fn next(&mut self) -> Result<Option<File>, Broken> {
        let mut extensions = Extensions::default();
        while let Some(block) = self.block().await? {
            let header = Header::from_byte_slice(&block);
            let size = extensions.size.map_or_else(|| checked_size(header), Ok)?;
            match header.entry_type() {
                EntryType::GNULongName => {
                    let mut path = self.extension(size).await?;
                    path.truncate(path.iter().position(|b| *b == 0).unwrap_or(path.len()));
                    extensions.path = Some(path.to_vec());
                }
                EntryType::XHeader => extensions.read(&self.extension(size).await?)?,
                EntryType::Regular | EntryType::Continuous => {
                    let file = extensions.file(header, size);
                    // Archives of old times tell folders by the name alone.
                    if header.as_bytes()[TYPE_AT] != 0 || !file.path.ends_with(b"/") {
                        return Ok(Some(file));
                    }
                    extensions = Extensions::default();
                }
                EntryType::Link
                | EntryType::Symlink
                | EntryType::Char
                | EntryType::Block
                | EntryType::Directory
                | EntryType::Fifo => extensions = Extensions::default(),
                EntryType::GNULongLink | EntryType::XGlobalHeader => self.skip(size).await?,
                EntryType::GNUSparse => {
                    return Err(Broken("files with holes are not taken".to_owned()));
                }
                _ => {
                    self.skip(size).await?;
                    extensions = Extensions::default();
                }
            }
        }
        Ok(None)
    }

    /// Passes over an entry's bytes, or what is left of them, and over what fills its last block.
    pub(super) async fn skip_rest(&mut self, left: u64, size: u64) -> Result<(), Broken> {
        self.pass(left.saturating_add(padding(size))).await
    }

    /// Reads what is left of the body and forgets it.
    pub(super) async fn drain(self) {
        self.bytes.drain().await;
    }

    async fn skip(&mut self, size: u64) -> Result<(), Broken> {
        self.skip_rest(size, size).await
    }

    async fn pass(&mut self, mut left: u64) -> Result<(), Broken> {
        let mut since = 0;
        while left > 0 {
            let piece = self.piece(left).await?.ok_or_else(early_end)?;
            left -= piece.len() as u64;
            since += piece.len() as u64;
            if since > SKIPPED_BETWEEN_TURNS {
                since = 0;
                tokio::task::yield_now().await;
            }
        }
        Ok(())
    }

    /// The next header; nothing at the end, which is a block of zeros or the end of the bytes.
    async fn block(&mut self) -> Result<Option<[u8; BLOCK]>, Broken> {
        let mut block = BytesMut::with_capacity(BLOCK);
        while block.len() < BLOCK {
            match self.piece((BLOCK - block.len()) as u64).await? {
                Some(piece) => block.extend_from_slice(&piece),
                None if block.is_empty() && self.begun => return Ok(None),
                None if block.is_empty() => return Err(Broken("empty file".to_owned())),
                None => return Err(Broken("truncated header".to_owned())),
            }
        }
        self.begun = true;
        let block: [u8; BLOCK] = std::array::from_fn(|at| block[at]);
        Ok(block.iter().any(|byte| *byte != 0).then_some(block))
    }

    /// The bytes of an extension header.
    async fn extension(&mut self, size: u64) -> Result<BytesMut, Broken> {
        if size > EXTENSION_BYTES_MAX {
            return Err(Broken("a header is too long".to_owned()));
        }
        let mut bytes = BytesMut::new();
        let mut left = size;
        while left > 0 {
            let piece = self.piece(left).await?.ok_or_else(early_end)?;
            left -= piece.len() as u64;
            bytes.extend_from_slice(&piece);
        }
        self.pass(padding(size)).await?;
        Ok(bytes)
    }

    async fn piece(&mut self, max: u64) -> Result<Option<Bytes>, Broken> {
        poll_fn(|cx| self.poll_piece(cx, max)).await.transpose()
    }

    /// At most `max` of the next bytes, which are more than none.
    fn poll_piece(
        &mut self,
        cx: &mut Context<'_>,
        max: u64,
    ) -> Poll<Option<Result<Bytes, Broken>>> {
        if self.at_hand.is_empty() {
            match ready!(self.bytes.poll_piece(cx)) {
                Some(Ok(piece)) => self.at_hand = piece,
                ended => return Poll::Ready(ended),
            }
        }
        let length = usize::try_from(max)
            .unwrap_or(usize::MAX)
            .min(self.at_hand.len());
        Poll::Ready(Some(Ok(self.at_hand.split_to(length))))
    }
}

impl Extensions {
    fn read(&mut self, pax: &[u8]) -> Result<(), Broken> {
        // A second header replaces the first: they can't pile up.
        self.metadata.clear();
        let malformed = |_| Broken("a pax header is malformed".to_owned());
        for item in PaxExtensions::new(pax) {
            let item = item.map_err(malformed)?;
            // What is no UTF-8 says nothing that is used, but for a path, which is judged later.
            let Ok(key) = item.key() else { continue };
            let text = || String::from_utf8_lossy(item.value_bytes()).into_owned();
            if key == "path" {
                self.path = Some(item.value_bytes().to_vec());
            } else if key == "size" {
                let size = item.value().ok().and_then(|size| size.parse().ok());
                self.size = Some(size.ok_or_else(|| Broken("a size is malformed".to_owned()))?);
            } else if PAX_MIME_TYPE.contains(&key) {
                self.mime_type = Some(text());
            } else if let Some(name) = PAX_METADATA.iter().find_map(|p| key.strip_prefix(p)) {
                self.metadata.push((name.to_owned(), text()));
            }
        }
        Ok(())
    }

    fn file(&mut self, header: &Header, size: u64) -> File {
        let Self {
            path,
            mime_type,
            metadata,
            ..
        } = std::mem::take(self);
        File {
            path: path.unwrap_or_else(|| header.path_bytes().into_owned()),
            size,
            mime_type,
            metadata,
        }
    }
}

/// The bytes of a file, for an upload. The reader comes back when the upload is done with them.
pub(super) struct FileBody {
    reader: Option<TarReader>,
    left: u64,
    broken: Option<Broken>,
    home: Option<oneshot::Sender<Returned>>,
}

/// A reader that has come back.
pub(super) struct Returned {
    pub(super) reader: TarReader,
    /// How many bytes of the file were not read.
    pub(super) left: u64,
    /// Why the file could not be read to its end.
    pub(super) broken: Option<Broken>,
}

impl FileBody {
    /// The next `size` bytes, and where the reader comes back.
    pub(super) fn lend(reader: TarReader, size: u64) -> (Self, oneshot::Receiver<Returned>) {
        let (home, back) = oneshot::channel();
        let body = Self {
            reader: Some(reader),
            left: size,
            broken: None,
            home: Some(home),
        };
        (body, back)
    }

    fn fail(&mut self, broken: Broken) -> Poll<Option<Result<Bytes, BodyError>>> {
        let error = BodyError::Malformed(broken.0.clone());
        self.broken = Some(broken);
        Poll::Ready(Some(Err(error)))
    }
}

impl Stream for FileBody {
    type Item = Result<Bytes, BodyError>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = self.get_mut();
        let Some(reader) = this
            .reader
            .as_mut()
            .filter(|_| this.left > 0 && this.broken.is_none())
        else {
            return Poll::Ready(None);
        };
        match ready!(reader.poll_piece(cx, this.left)) {
            Some(Ok(piece)) => {
                this.left -= piece.len() as u64;
                Poll::Ready(Some(Ok(piece)))
            }
            Some(Err(broken)) => this.fail(broken),
            None => this.fail(early_end()),
        }
    }
}

impl Drop for FileBody {
    fn drop(&mut self) {
        if let (Some(reader), Some(home)) = (self.reader.take(), self.home.take()) {
            let returned = Returned {
                reader,
                left: self.left,
                broken: self.broken.take(),
            };
            // Where nobody waits the request has ended.
            let _ = home.send(returned);
        }
    }
}

/// The size that a header names, if the header is one.
fn checked_size(header: &Header) -> Result<u64, Broken> {
    let malformed = |_| Broken("a header is malformed".to_owned());
    const CHECKSUM: std::ops::Range<usize> = 148..156;
    let bytes = header.as_bytes().iter().enumerate();
    let sum: u32 = bytes
        .map(|(at, byte)| u32::from(if CHECKSUM.contains(&at) { b' ' } else { *byte }))
        .sum();
    if header.cksum().map_err(malformed)? != sum {
        return Err(Broken("bad checksum".to_owned()));
    }
    header.entry_size().map_err(malformed)
}

/// What fills the last block of so many bytes.
fn padding(size: u64) -> u64 {
    (BLOCK as u64 - size % BLOCK as u64) % BLOCK as u64
}

fn early_end() -> Broken {
    Broken("unexpected end of data".to_owned())
}

#[cfg(test)]
mod tests {
    use super::super::tests::{archive, body};
    use super::super::unpack::Compression;
    use super::*;

    fn reader(bytes: &[u8]) -> TarReader {
        TarReader::new(Unpacked::new(body(bytes, 700), Compression::None))
    }

    /// Paths and contents of all files.
    async fn read(bytes: &[u8]) -> Result<Vec<(String, String)>, Broken> {
        let (mut reader, mut files) = (reader(bytes), Vec::new());
        while let Some(file) = reader.next().await? {
            let (mut body, back) = FileBody::lend(reader, file.size);
            let mut content = Vec::new();
            while let Some(piece) = poll_fn(|cx| Pin::new(&mut body).poll_next(cx)).await {
                content.extend_from_slice(&piece.unwrap_or_default());
            }
            drop(body);
            let returned = back.await.unwrap();
            if let Some(broken) = returned.broken {
                return Err(broken);
            }
            reader = returned.reader;
            reader.skip_rest(returned.left, file.size).await?;
            let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
            files.push((text(file.path), text(content)));
        }
        Ok(files)
    }

    #[tokio::test]
    async fn files_come_in_order_with_their_bytes_and_folders_do_not() {
        let long = format!("{}/name", "d".repeat(200));
        let block = "x".repeat(512);
        let files = [
            ("a", "1"),
            ("dir/", ""),
            ("dir/b", &block),
            (&long, "2"),
            ("empty", ""),
        ];
        let mut expected: Vec<(String, String)> = files
            .map(|(name, content)| (name.to_owned(), content.to_owned()))
            .into();
        expected.remove(1);
        assert_eq!(read(&archive(&files)).await.unwrap(), expected);
    }

    #[tokio::test]
    async fn a_slash_at_the_end_of_a_name_makes_folders_of_old_times_only() {
        for (kind, names) in [(b'0', &["a/", "b"][..]), (0, &["b"])] {
            let mut bytes = Vec::new();
            for (name, length) in [("a/", 0), ("b", 1)] {
                let mut header = Header::new_gnu();
                header.as_mut_bytes()[..name.len()].copy_from_slice(name.as_bytes());
                header.as_mut_bytes()[TYPE_AT] = kind;
                header.set_size(length);
                header.set_cksum();
                bytes.extend_from_slice(header.as_bytes());
                bytes.resize(bytes.len() + 512 * usize::try_from(length).unwrap(), b'x');
            }
            bytes.resize(bytes.len() + 1024, 0);
            let found = read(&bytes).await.unwrap();
            let found: Vec<_> = found.iter().map(|(name, _)| name.as_str()).collect();
            assert_eq!(found, names);
        }
    }

    #[tokio::test]
    async fn a_file_that_is_not_read_is_passed_over() {
        let bytes = archive(&[("a", &"x".repeat(3000)), ("b", "2")]);
        let mut reader = reader(&bytes);
        let file = reader.next().await.unwrap().unwrap();
        let (body, back) = FileBody::lend(reader, file.size);
        drop(body);
        let mut returned = back.await.unwrap();
        assert_eq!(returned.left, 3000);
        returned
            .reader
            .skip_rest(returned.left, file.size)
            .await
            .unwrap();
        assert_eq!(returned.reader.next().await.unwrap().unwrap().path, b"b");
    }

    #[tokio::test]
    async fn pax_headers_bring_names_types_and_metadata() {
        let mut builder = tar::Builder::new(Vec::new());
        let items = [
            ("path", "é".repeat(100)),
            ("SCHILY.xattr.user.mime_type", "image/png".to_owned()),
            ("SCHILY.xattr.user.meta.Color", "red".to_owned()),
            ("mtime", "1".to_owned()),
        ];
        let pairs = items.iter().map(|(key, value)| (*key, value.as_bytes()));
        builder.append_pax_extensions(pairs).unwrap();
        let mut header = Header::new_ustar();
        header.set_size(1);
        builder
            .append_data(&mut header, "short", &b"x"[..])
            .unwrap();
        let bytes = builder.into_inner().unwrap();
        let file = reader(&bytes).next().await.unwrap().unwrap();
        assert_eq!(file.path, "é".repeat(100).as_bytes());
        assert_eq!(file.mime_type.as_deref(), Some("image/png"));
        assert_eq!(file.metadata, [("Color".to_owned(), "red".to_owned())]);
    }

    #[tokio::test]
    async fn what_is_no_archive_is_broken() {
        let whole = archive(&[("a", &"x".repeat(2000))]);
        for (bytes, reason) in [
            (&b""[..], "empty file"),
            (b"short", "truncated header"),
            (&[b'x'; 512], "malformed"),
            (&whole[..1000], "unexpected end of data"),
        ] {
            let Broken(found) = read(bytes).await.unwrap_err();
            assert!(found.contains(reason), "{found}");
        }
        let mut wrong = whole.clone();
        wrong[0] = b'b';
        assert_eq!(read(&wrong).await, Err(Broken("bad checksum".to_owned())));
    }

    #[tokio::test]
    async fn a_header_that_would_fill_the_memory_is_refused() {
        let mut header = Header::new_gnu();
        header.set_entry_type(EntryType::GNULongName);
        header.set_size(EXTENSION_BYTES_MAX + 1);
        header.set_cksum();
        let refused = reader(header.as_bytes()).next().await;
        assert_eq!(refused, Err(Broken("a header is too long".to_owned())));
    }
}
