//! Installs the real Swift and its command line client once per checkout, below the target folder.

use std::path::{Path, PathBuf};
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

/// Makes sure that there is a memcached, in which Swift keeps its tokens.
pub(super) fn need_memcached() {
    static CHECKED: OnceLock<()> = OnceLock::new();
    CHECKED.get_or_init(|| {
        let _held = toolbox::lock(&toolbox::tools_folder());
        toolbox::need_program("memcached", &["memcached"]);
    });
}
