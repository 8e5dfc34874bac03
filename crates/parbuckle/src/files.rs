//! Small private files that are either whole or absent, also after a power cut.

use std::fs::{self, DirBuilder, File, OpenOptions, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::Path;

/// Makes `folder` with mode 0700 if it is missing, its parents too, and syncs the names of those made.
pub(crate) fn make_private_folder(folder: &Path) -> io::Result<()> {
    match DirBuilder::new().mode(0o700).create(folder) {
        Ok(()) => sync_folder(parent_of(folder)),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists && folder.is_dir() => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            make_private_folder(parent_of(folder))?;
            DirBuilder::new().mode(0o700).create(folder)?;
            sync_folder(parent_of(folder))
        }
        Err(error) => Err(error),
    }
}

/// Puts `bytes` into the file `name` of `folder` with mode 0600, in place of what was there. When this returns
/// `Ok`, a power cut loses nothing; whenever it is interrupted, the old or the new file stands there whole.
pub(crate) fn write_private(folder: &Path, name: &str, bytes: &[u8]) -> io::Result<()> {
    let temporary = folder.join(temporary_name(name));
    // A temporary file of an interrupted start may have another mode: never write into it.
    match fs::remove_file(&temporary) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&temporary)?;
    file.set_permissions(Permissions::from_mode(0o600))?;
    file.write_all(bytes)?;
    file.sync_all()?;
    fs::rename(&temporary, folder.join(name))?;
    sync_folder(folder)
}

/// The name under which [`write_private`] prepares the file `name`.
pub(crate) fn temporary_name(name: &str) -> String {
    format!(".{name}.new")
}

fn sync_folder(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

fn parent_of(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mode_of(path: &Path) -> u32 {
        fs::metadata(path).unwrap().permissions().mode() & 0o7777
    }

    #[test]
    fn a_private_file_is_readable_by_its_owner_only() {
        let folder = tempfile::tempdir().unwrap();
        write_private(folder.path(), "secret", b"x").unwrap();
        assert_eq!(mode_of(&folder.path().join("secret")), 0o600);
    }

    #[test]
    fn a_stale_temporary_file_lends_its_mode_to_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let stale = folder.path().join(temporary_name("secret"));
        fs::write(&stale, b"old").unwrap();
        fs::set_permissions(&stale, Permissions::from_mode(0o666)).unwrap();
        write_private(folder.path(), "secret", b"new").unwrap();
        assert_eq!(mode_of(&folder.path().join("secret")), 0o600);
        assert_eq!(fs::read(folder.path().join("secret")).unwrap(), b"new");
        assert!(!stale.exists());
    }

    #[test]
    fn missing_parents_are_made_private_too() {
        let folder = tempfile::tempdir().unwrap();
        make_private_folder(&folder.path().join("a/b")).unwrap();
        assert_eq!(mode_of(&folder.path().join("a")), 0o700);
        assert_eq!(mode_of(&folder.path().join("a/b")), 0o700);
    }

    #[test]
    fn a_file_in_the_place_of_the_folder_is_an_error() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("a"), b"").unwrap();
        let error = make_private_folder(&folder.path().join("a")).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::AlreadyExists);
    }
}
