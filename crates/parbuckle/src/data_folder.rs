//! The data folder: made or recognised, and held by one process at a time.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Read, Seek, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use crate::files::{make_private_folder, temporary_name, write_private};

/// Says that the folder is ours, and how it is laid out.
const MARKER: &str = "layout";
const MARKER_TEXT: &str = "parbuckle data folder, layout 1\n";
/// Locked by the process that uses the folder; holds its process id for the message to the second one.
const LOCK: &str = "lock";
/// What may stand in a folder that we take as empty: our own beginnings, and what file systems put in their roots.
const IGNORED: [&str; 2] = [LOCK, "lost+found"];

/// A data folder that no other process can open while this value lives.
#[derive(Debug)]
pub(crate) struct DataFolder {
    path: PathBuf,
    new: bool,
    _lock: File,
}

/// Why a data folder was refused. The text names the folder and says what to do.
#[derive(Debug, thiserror::Error)]
pub(crate) enum DataFolderError {
    #[error("the data folder {} cannot be used: {source}", folder.display())]
    Unusable { folder: PathBuf, source: io::Error },
    #[error(
        "the data folder {} holds files that are not Parbuckle's: name an empty or new folder with --data-dir",
        folder.display()
    )]
    Foreign { folder: PathBuf },
    #[error(
        "the data folder {} was laid out by another version of Parbuckle ({found:?}); this one reads {MARKER_TEXT:?}",
        folder.display()
    )]
    OtherLayout { folder: PathBuf, found: String },
    #[error(
        "the data folder {} is in use by another parbuckle process{}: stop that one, or name another folder with \
         --data-dir",
        folder.display(), owner.as_deref().map(|pid| format!(" (process {pid})")).unwrap_or_default()
    )]
    InUse {
        folder: PathBuf,
        owner: Option<String>,
    },
}

impl DataFolder {
    /// Makes the folder (mode 0700) if it is missing, marks it as ours if it is empty, and locks it.
    pub(crate) fn open(folder: &Path) -> Result<Self, DataFolderError> {
        let unusable = |source| DataFolderError::Unusable {
            folder: folder.to_owned(),
            source,
        };
        make_private_folder(folder).map_err(unusable)?;
        let path = folder.canonicalize().map_err(unusable)?;
        let marked = is_marked(&path)?;
        let lock = lock(&path)?;
        if !marked {
            write_private(&path, MARKER, MARKER_TEXT.as_bytes()).map_err(unusable)?;
        }
        Ok(Self {
            path,
            new: !marked,
            _lock: lock,
        })
    }

    /// Whether the folder is one of ours.
    pub(crate) fn is_one(folder: &Path) -> bool {
        folder.join(MARKER).exists()
    }

    /// Whether this opening was its first.
    pub(crate) fn is_new(&self) -> bool {
        self.new
    }

    /// The absolute path.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }
}

/// Whether the folder carries our marker; an empty one does not, and any other is refused.
fn is_marked(folder: &Path) -> Result<bool, DataFolderError> {
    let unusable = |source| DataFolderError::Unusable {
        folder: folder.to_owned(),
        source,
    };
    match fs::read(folder.join(MARKER)) {
        Ok(text) if text == MARKER_TEXT.as_bytes() => return Ok(true),
        Ok(text) => {
            let found = String::from_utf8_lossy(&text).chars().take(80).collect();
            return Err(DataFolderError::OtherLayout {
                folder: folder.to_owned(),
                found,
            });
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(unusable(error)),
    }
    for entry in fs::read_dir(folder).map_err(unusable)? {
        let name = entry.map_err(unusable)?.file_name();
        let ignored = IGNORED.iter().any(|ignored| name == *ignored);
        if !ignored && name != *temporary_name(MARKER) {
            return Err(DataFolderError::Foreign {
                folder: folder.to_owned(),
            });
        }
    }
    Ok(false)
}

fn lock(folder: &Path) -> Result<File, DataFolderError> {
    let unusable = |source| DataFolderError::Unusable {
        folder: folder.to_owned(),
        source,
    };
    let mut file = OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .open(folder.join(LOCK))
        .map_err(unusable)?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => {
            let mut owner = String::new();
            let known = file.read_to_string(&mut owner).is_ok() && !owner.trim().is_empty();
            let owner = known.then(|| owner.trim().to_owned());
            return Err(DataFolderError::InUse {
                folder: folder.to_owned(),
                owner,
            });
        }
        Err(TryLockError::Error(error)) => return Err(unusable(error)),
    }
    file.set_len(0).map_err(unusable)?;
    file.rewind().map_err(unusable)?;
    writeln!(file, "{}", std::process::id()).map_err(unusable)?;
    Ok(file)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_new_folder_is_made_and_opens_again_after_it_was_closed() {
        let parent = tempfile::tempdir().unwrap();
        let folder = parent.path().join("data");
        assert!(DataFolder::open(&folder).unwrap().is_new());
        let again = DataFolder::open(&folder).unwrap();
        assert!(!again.is_new() && again.path().is_absolute());
    }

    #[test]
    fn a_second_opening_is_refused_and_names_folder_and_process() {
        let folder = tempfile::tempdir().unwrap();
        let _first = DataFolder::open(folder.path()).unwrap();
        let text = DataFolder::open(folder.path()).unwrap_err().to_string();
        assert!(
            text.contains(&folder.path().display().to_string()),
            "{text}"
        );
        assert!(
            text.contains(&format!("process {}", std::process::id())),
            "{text}"
        );
    }

    #[test]
    fn a_folder_with_foreign_files_is_refused_and_left_as_it_was() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("thesis.tex"), b"x").unwrap();
        let error = DataFolder::open(folder.path()).unwrap_err();
        assert!(matches!(error, DataFolderError::Foreign { .. }), "{error}");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_first_start_that_was_interrupted_can_be_repeated() {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("lost+found")).unwrap();
        fs::write(folder.path().join(LOCK), b"1\n").unwrap();
        fs::write(folder.path().join(temporary_name(MARKER)), b"parb").unwrap();
        DataFolder::open(folder.path()).unwrap();
    }

    #[test]
    fn another_layout_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(
            folder.path().join(MARKER),
            b"parbuckle data folder, layout 7\n",
        )
        .unwrap();
        let text = DataFolder::open(folder.path()).unwrap_err().to_string();
        assert!(text.contains("layout 7"), "{text}");
    }
}
