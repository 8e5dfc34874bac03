//! Installs the client tools once per checkout, below the target folder.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

/// The package names and versions; a change makes the next run install anew.
const REQUIREMENTS: &str = include_str!("../../../parbuckle/tests/clients/requirements.txt");
/// What works on top of these: rclone, ocifs and all that ocifs needs besides the SDK.
const FILE_REQUIREMENTS: &str =
    include_str!("../../../parbuckle/tests/clients/requirements-files.txt");
/// The TypeScript SDK.
const NODE_PACKAGES: &str = include_str!("../../../parbuckle/tests/clients/package.json");

/// The `bin` folder of a Python environment that holds the packages of `requirements.txt`.
pub(crate) fn python_bin() -> &'static Path {
    static BIN: OnceLock<PathBuf> = OnceLock::new();
    BIN.get_or_init(|| installed("python", REQUIREMENTS, make_environment).join("bin"))
}

/// A folder for `PYTHONPATH`, with the packages of `requirements-files.txt`; their programs lie in its `bin`.
pub(crate) fn python_files() -> &'static Path {
    static FOLDER: OnceLock<PathBuf> = OnceLock::new();
    FOLDER.get_or_init(|| {
        // Before the lock is taken: it may have to install as well.
        let pip = python_bin().join("pip");
        installed("python-files", FILE_REQUIREMENTS, |folder, list| {
            let mut command = Command::new(pip);
            command.args(["install", "-q", "--no-deps", "--target"]);
            must_run(command.arg(folder).arg("-r").arg(list));
        })
    })
}

/// A folder for `NODE_PATH`, with the packages of `package.json` and what they need.
pub(crate) fn node_modules() -> &'static Path {
    static FOLDER: OnceLock<PathBuf> = OnceLock::new();
    FOLDER.get_or_init(|| {
        let install = |folder: &Path, list: &Path| {
            let packages = folder.join("package.json");
            fs::create_dir_all(folder)
                .and_then(|()| fs::copy(list, &packages))
                .unwrap_or_else(|error| panic!("writing {}: {error}", packages.display()));
            let quiet = ["--no-package-lock", "--no-audit", "--no-fund"];
            need_program("npm", &["nodejs", "npm"]);
            let mut command = Command::new("npm");
            must_run(command.arg("install").args(quiet).current_dir(folder));
        };
        installed("node", NODE_PACKAGES, install).join("node_modules")
    })
}

/// Makes sure that there is a curl.
pub(crate) fn need_curl() {
    static CHECKED: OnceLock<()> = OnceLock::new();
    CHECKED.get_or_init(|| {
        let _held = lock(&tools_folder());
        need_program("curl", &["curl"]);
    });
}

/// Installs these Debian packages if there is no such program. The lock is held by the caller.
pub(crate) fn need_program(program: &str, packages: &[&str]) {
    if Command::new(program).arg("--version").output().is_err() {
        must_run(Command::new("apt-get").args(["update", "-q"]));
        let install = ["install", "-y", "-q", "--no-install-recommends"];
        must_run(Command::new("apt-get").args(install).args(packages));
    }
}

pub(crate) fn make_environment(environment: &Path, list: &Path) {
    must_run(
        Command::new("python3")
            .args(["-m", "venv"])
            .arg(environment),
    );
    must_run(
        Command::new(environment.join("bin").join("pip"))
            .args(["install", "-q", "-r"])
            .arg(list),
    );
}

/// The folder of that name below the tools folder, holding what `list` says. `install` is given the
/// folder, which is not there, and a file with the list.
pub(crate) fn installed(name: &str, list: &str, install: impl FnOnce(&Path, &Path)) -> PathBuf {
    let tools = tools_folder();
    let _held = lock(&tools);
    let folder = tools.join(name);
    let stamp = tools.join(format!("{name}.requirements"));
    // The stamp is written last, so a broken installation has none and is made again.
    if fs::read_to_string(&stamp).is_ok_and(|installed| installed == list) {
        return folder;
    }
    if folder.exists() {
        fs::remove_dir_all(&folder)
            .unwrap_or_else(|error| panic!("removing {}: {error}", folder.display()));
    }
    let wanted = tools.join(format!("{name}.wanted"));
    write(&wanted, list);
    install(&folder, &wanted);
    write(&stamp, list);
    folder
}

/// `<target>/clients`: test executables lie in `<target>/<profile>/deps`, others in `<target>/<profile>`.
pub(crate) fn tools_folder() -> PathBuf {
    let executable = std::env::current_exe()
        .unwrap_or_else(|error| panic!("asking for the test's own path: {error}"));
    let of_test = executable
        .parent()
        .is_some_and(|folder| folder.ends_with("deps"));
    let target = executable
        .ancestors()
        .nth(if of_test { 3 } else { 2 })
        .unwrap_or_else(|| panic!("{} is not below a target folder", executable.display()));
    let folder = target.join("clients");
    fs::create_dir_all(&folder)
        .unwrap_or_else(|error| panic!("making {}: {error}", folder.display()));
    folder
}

/// Held by one process at a time, until the file is dropped.
pub(crate) fn lock(folder: &Path) -> File {
    let path = folder.join("lock");
    let locked = File::create(&path).and_then(|file| file.lock().map(|()| file));
    locked.unwrap_or_else(|error| panic!("locking {}: {error}", path.display()))
}

fn write(path: &Path, text: &str) {
    fs::write(path, text).unwrap_or_else(|error| panic!("writing {}: {error}", path.display()));
}

pub(crate) fn must_run(command: &mut Command) {
    let output = command
        .output()
        .unwrap_or_else(|error| panic!("running {command:?}: {error}"));
    assert!(
        output.status.success(),
        "{command:?}: {}\n--- stdout\n{}\n--- stderr\n{}",
        output.status,
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
}
