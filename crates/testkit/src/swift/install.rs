//! Installs the real Swift, its source and its command line client once per checkout, below the target folder.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use crate::clients::toolbox;

/// The package names and versions; a change makes the next run install anew.
const REQUIREMENTS: &str = include_str!("../../../parbuckle/tests/clients/swift_requirements.txt");

/// The `bin` folder of a Python environment with Swift's servers and its client.
pub(super) fn swift_bin() -> &'static Path {
    static BIN: OnceLock<PathBuf> = OnceLock::new();
    BIN.get_or_init(|| {
        toolbox::installed("swift", REQUIREMENTS, toolbox::make_environment).join("bin")
    })
}

/// The folder with the source of the Swift that [`swift_bin`] has, which holds its functional tests.
pub(super) fn swift_source() -> &'static Path {
    static FOLDER: OnceLock<PathBuf> = OnceLock::new();
    FOLDER.get_or_init(|| {
        let package = REQUIREMENTS
            .lines()
            .find(|line| line.starts_with("swift=="))
            .expect("the list of packages names Swift");
        // Before the lock is taken: it may have to install as well.
        let bin = swift_bin();
        let unpacked = toolbox::installed("swift-source", package, |folder, list| {
            let mut download = Command::new(bin.join("pip"));
            download.args(["download", "-q", "--no-binary", "swift", "--no-deps"]);
            download.arg("--dest").arg(folder).arg("-r").arg(list);
            toolbox::must_run(&mut download);
            let archive = folder.join(package.replace("==", "-") + ".tar.gz");
            let mut unpack = Command::new(bin.join("python"));
            unpack.args(["-m", "tarfile", "-e"]).arg(archive);
            toolbox::must_run(unpack.arg(folder));
        });
        unpacked.join(package.replace("==", "-"))
    })
}

/// Makes sure that there is a memcached, in which Swift keeps its tokens.
pub(super) fn need_memcached() {
    static CHECKED: OnceLock<()> = OnceLock::new();
    CHECKED.get_or_init(|| {
        let _held = toolbox::lock(&toolbox::tools_folder());
        toolbox::need_program("memcached", &["memcached"]);
    });
}
