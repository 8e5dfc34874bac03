//! What a failing disk does to blob files, for tests of the checks. Call these while no writer holds the blob.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::FileExt;

use rustix::fs::Advice;

use super::LocalStore;
use crate::BlobId;

/// Size in bytes of the file of `id`, footer included.
pub fn file_bytes(store: &LocalStore, id: BlobId) -> io::Result<u64> {
    Ok(fs::metadata(store.core.shards.path(id))?.len())
}

/// Flips one bit of the byte at `offset` of the file of `id`. Offsets from the length of the data on lie in
/// the footer.
pub fn flip_bit(store: &LocalStore, id: BlobId, offset: u64) -> io::Result<()> {
    let file = open(store, id)?;
    let mut byte = [0];
    file.read_exact_at(&mut byte, offset)?;
    file.write_all_at(&[byte[0] ^ 1], offset)
}

/// Cuts the file of `id` to `len` bytes, or extends it with zeros.
pub fn set_file_bytes(store: &LocalStore, id: BlobId, len: u64) -> io::Result<()> {
    open(store, id)?.set_len(len)
}

/// Exchanges the files of two blobs.
pub fn swap(store: &LocalStore, one: BlobId, other: BlobId) -> io::Result<()> {
    let [first, second] = [one, other].map(|id| store.core.shards.path(id));
    let aside = first.with_extension("swap");
    fs::rename(&first, &aside)?;
    fs::rename(&second, &first)?;
    fs::rename(&aside, &second)?;
    store.core.handles.forget(one);
    store.core.handles.forget(other);
    Ok(())
}

/// Replaces the file of `to` by the content of that of `from`.
pub fn overwrite(store: &LocalStore, from: BlobId, to: BlobId) -> io::Result<()> {
    store.core.handles.forget(to);
    fs::copy(store.core.shards.path(from), store.core.shards.path(to))?;
    Ok(())
}

/// Takes the file of `id` out of the page cache, so that the next read must wait for the disk.
pub fn evict(store: &LocalStore, id: BlobId) -> io::Result<()> {
    let file = open(store, id)?;
    file.sync_all()?;
    Ok(rustix::fs::fadvise(file, 0, None, Advice::DontNeed)?)
}

/// Opens the file for changes; the next `open` of the blob reads it anew.
fn open(store: &LocalStore, id: BlobId) -> io::Result<File> {
    store.core.handles.forget(id);
    OpenOptions::new()
        .read(true)
        .write(true)
        .open(store.core.shards.path(id))
}
