//! The clients that users of the Classic face run: the `swift` command line client and rclone's Swift backend.

use std::ffi::OsStr;

use super::install::swift_bin;
use crate::clients::{Tool, toolbox};
use crate::server::TestServer;

/// The `swift` command (python-swiftclient) as the server's administrator, signing in with version 1 by `-A`, `-U` and
/// `-K`. It tries everything once, so that no retry hides a failure.
pub fn swift_cli<S: AsRef<OsStr>>(server: &TestServer, args: impl IntoIterator<Item = S>) -> Tool {
    let bootstrap = server.bootstrap();
    let user = login(server);
    Tool::new(server, swift_bin().join("swift"))
        .args(["-A", bootstrap.field("swift_auth_url")])
        .args(["-U", &user])
        .args(["-K", bootstrap.field("admin_password")])
        .args(["-V", "1.0", "--retries", "0"])
        .args(args)
}

/// rclone with a remote `classic:`, the server's administrator through the Swift backend with version 1. Files of more
/// than 5 MiB become large objects.
pub fn rclone_swift<S: AsRef<OsStr>>(
    server: &TestServer,
    args: impl IntoIterator<Item = S>,
) -> Tool {
    let bootstrap = server.bootstrap();
    let config = format!(
        "[classic]\ntype = swift\nauth_version = 1\nauth = {}\nuser = {}\nkey = {}\nchunk_size = 5Mi\n",
        bootstrap.field("swift_auth_url"),
        login(server),
        bootstrap.field("admin_password"),
    );
    let config = server.scratch_file("rclone-swift.conf", config);
    Tool::new(server, toolbox::python_files().join("bin").join("rclone"))
        .args(["--config".as_ref(), config.as_os_str()])
        .args(["--retries", "1", "--low-level-retries", "1"])
        .args(args)
}

/// `account:user` of the administrator.
fn login(server: &TestServer) -> String {
    let bootstrap = server.bootstrap();
    let account = bootstrap.field("swift_account");
    format!("{account}:{}", bootstrap.field("admin_user_name"))
}
