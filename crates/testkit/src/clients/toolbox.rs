//! Installs the client tools once per checkout, below the target folder.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

/// The package names and versions; a change makes the next run install anew.
const REQUIREMENTS: &str = include_str!("../../../parbuckle/tests/clients/requirements.txt");

/// The `bin` folder of a Python environment that holds the packages of `requirements.txt`.
pub(super) fn python_bin() -> &'static Path {
    static BIN: OnceLock<PathBuf> = OnceLock::new();
    BIN.get_or_init(|| {
        let folder = tools_folder();
        let _held = lock(&folder);
        let environment = folder.join("python");
        let stamp = folder.join("python.requirements");
        // The stamp is written last, so a broken installation has none and is made again.
        if fs::read_to_string(&stamp).is_ok_and(|installed| installed == REQUIREMENTS) {
            return environment.join("bin");
        }
        install(&folder, &environment);
        fs::write(&stamp, REQUIREMENTS)
            .unwrap_or_else(|error| panic!("writing {}: {error}", stamp.display()));
        environment.join("bin")
    })
}

/// Makes sure that there is a curl.
pub(super) fn need_curl() {
    static CHECKED: OnceLock<()> = OnceLock::new();
    CHECKED.get_or_init(|| {
        let _held = lock(&tools_folder());
        if Command::new("curl").arg("--version").output().is_err() {
            must_run(Command::new("apt-get").args(["install", "-y", "curl"]));
        }
    });
}

fn install(folder: &Path, environment: &Path) {
    if environment.exists() {
        fs::remove_dir_all(environment)
            .unwrap_or_else(|error| panic!("removing {}: {error}", environment.display()));
    }
    let list = folder.join("requirements.txt");
    fs::write(&list, REQUIREMENTS)
        .unwrap_or_else(|error| panic!("writing {}: {error}", list.display()));
    must_run(
        Command::new("python3")
            .args(["-m", "venv"])
            .arg(environment),
    );
    must_run(
        Command::new(environment.join("bin").join("pip"))
            .args(["install", "-q", "-r"])
            .arg(&list),
    );
}

/// `<target>/clients`: test executables lie in `<target>/<profile>/deps`.
fn tools_folder() -> PathBuf {
    let executable = std::env::current_exe()
        .unwrap_or_else(|error| panic!("asking for the test's own path: {error}"));
    let target = executable
        .ancestors()
        .nth(3)
        .unwrap_or_else(|| panic!("{} is not below a target folder", executable.display()));
    let folder = target.join("clients");
    fs::create_dir_all(&folder)
        .unwrap_or_else(|error| panic!("making {}: {error}", folder.display()));
    folder
}

/// Held by one process at a time, until the file is dropped.
fn lock(folder: &Path) -> File {
    let path = folder.join("lock");
    let locked = File::create(&path).and_then(|file| file.lock().map(|()| file));
    locked.unwrap_or_else(|error| panic!("locking {}: {error}", path.display()))
}

fn must_run(command: &mut Command) {
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
