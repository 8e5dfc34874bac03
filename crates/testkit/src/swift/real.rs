//! A real OpenStack Swift: one proxy, one server each for accounts, containers and objects, one replica, TempAuth.

use std::fs::{self, File};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

use super::install::{need_memcached, swift_bin};
use super::wire::{Request, send};
use crate::clients::toolbox;

/// Bounds a start; it takes two seconds on a quiet machine.
const PATIENCE: Duration = Duration::from_secs(60);
const POLL_INTERVAL: Duration = Duration::from_millis(50);
/// How often other ports are tried, should somebody take one before the servers do.
const STARTS_MAX: usize = 3;
/// The servers behind the proxy, in the order of their ports.
const STORES: [&str; 3] = ["account", "container", "object"];
/// What requests pass on their way to the proxy's own part. Everything that the Classic face has a part in is here;
/// rate limits, form POST, static web, symlinks and account ACL tools are not.
const PIPELINE: &str = "catch_errors gatekeeper healthcheck cache listing_formats bulk tempurl tempauth copy \
                        container-quotas account-quotas slo dlo proxy-server";
/// One round of Swift's own updater, which by itself looks for its folder in one place only.
const UPDATE_ACCOUNTS: &str = "
import sys
from swift.common.utils import set_swift_dir
set_swift_dir(sys.argv.pop(1))
from swift.container.updater import main
sys.argv.append('once')
main()
";
/// The filters of the pipeline that need no settings, by name and by what implements them.
const FILTERS: [(&str, &str); 10] = [
    ("catch_errors", "catch_errors"),
    ("gatekeeper", "gatekeeper"),
    ("healthcheck", "healthcheck"),
    ("listing_formats", "listing_formats"),
    ("bulk", "bulk"),
    ("tempurl", "tempurl"),
    ("copy", "copy"),
    ("container-quotas", "container_quotas"),
    ("account-quotas", "account_quotas"),
    ("dlo", "dlo"),
];

/// Somebody who may sign in.
#[derive(Clone, Debug)]
pub struct RealUser {
    /// His account: small letters and digits. In URLs it is `AUTH_{account}`.
    pub account: String,
    /// His name: neither spaces nor underscores.
    pub name: String,
    /// No spaces.
    pub password: String,
    /// Whether everything in the account is his; otherwise he has what ACLs give him.
    pub admin: bool,
}

/// What to start for one Swift, and where.
#[derive(Debug)]
pub struct Plan {
    /// The commands of the servers: memcached, account, container, object, proxy. They stay in the foreground, and end on
    /// SIGTERM; their output goes to files in the folder.
    pub commands: Vec<Command>,
    /// Where the proxy will listen.
    pub address: SocketAddr,
    /// Where all of them will listen.
    all: [SocketAddr; 5],
    folder: PathBuf,
}

impl Plan {
    /// Writes configuration and rings into `folder`, which must be empty and on a file system with extended attributes.
    /// Installs Swift first where it is missing. `workers` is the number of processes of each server besides its
    /// first; with none, that one works.
    pub fn make(folder: &Path, users: &[RealUser], workers: usize) -> Self {
        need_memcached();
        let owner = owner();
        let all = free_ports();
        let [cache, account, container, object, proxy] = all;
        make_folder(&folder.join("devices").join("d1"));
        write(
            &folder.join("swift.conf"),
            "[swift-hash]\nswift_hash_path_suffix = side by side\n",
        );
        for (store, address) in STORES.into_iter().zip([account, container, object]) {
            make_ring(folder, store, address);
            let text = store_configuration(folder, store, address, &owner, workers);
            write(&configuration(folder, store), &text);
        }
        let text = proxy_configuration(folder, proxy, cache, &owner, users, workers);
        write(&configuration(folder, "proxy"), &text);
        let mut commands = vec![memcached(folder, cache, &owner)];
        commands.extend(STORES.into_iter().chain(["proxy"]).map(|name| {
            let mut command = Command::new(swift_bin().join(format!("swift-{name}-server")));
            command.arg(configuration(folder, name)).arg("-v");
            logged(command, folder, name)
        }));
        Self {
            commands,
            address: proxy,
            all,
            folder: folder.to_owned(),
        }
    }

    /// Whether all servers answer.
    pub fn is_ready(&self) -> bool {
        // A store that does not listen yet would be remembered as broken for a minute if the proxy were asked first.
        self.all.iter().all(|at| TcpStream::connect(at).is_ok())
            && send(self.address, &Request::new("GET", "/healthcheck")).is_ok()
    }

    /// What the servers have written.
    pub fn output(&self) -> String {
        output(&self.folder)
    }
}

/// A running Swift. Dropping it ends its processes and removes its files; when the test is panicking, what they wrote is
/// printed first.
#[derive(Debug)]
pub struct RealSwift {
    children: Vec<Child>,
    address: SocketAddr,
    temp: TempDir,
}

impl RealSwift {
    /// Installs Swift if needed, starts it with these users and waits until it answers.
    pub fn start(users: &[RealUser]) -> Self {
        for _ in 1..STARTS_MAX {
            if let Ok(swift) = Self::try_start(users) {
                return swift;
            }
        }
        Self::try_start(users).unwrap_or_else(|output| panic!("Swift does not start\n{output}"))
    }

    /// Where the proxy listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Makes the counters of the accounts agree with their containers, which Swift otherwise does some time later.
    pub fn update_accounts(&self) {
        let mut command = Command::new(swift_bin().join("python"));
        command.args(["-c", UPDATE_ACCOUNTS]).arg(self.temp.path());
        toolbox::must_run(command.arg(configuration(self.temp.path(), "container")));
    }

    fn try_start(users: &[RealUser]) -> Result<Self, String> {
        // Not the system's temporary folder: that may be in memory, without extended attributes.
        let temp = TempDir::with_prefix_in("swift-", toolbox::tools_folder())
            .unwrap_or_else(|error| panic!("making a temporary folder: {error}"));
        let mut plan = Plan::make(temp.path(), users, 0);
        let mut swift = Self {
            children: Vec::new(),
            address: plan.address,
            temp,
        };
        for command in &mut plan.commands {
            let child = command.spawn();
            let child = child.unwrap_or_else(|error| panic!("starting {command:?}: {error}"));
            swift.children.push(child);
        }
        let began = Instant::now();
        while began.elapsed() < PATIENCE {
            if plan.is_ready() {
                return Ok(swift);
            }
            if swift.children.iter_mut().any(has_ended) {
                break;
            }
            std::thread::sleep(POLL_INTERVAL);
        }
        Err(output(swift.temp.path()))
    }
}

impl Drop for RealSwift {
    fn drop(&mut self) {
        for child in &mut self.children {
            // Fails only if it has ended already. They work in one process each, and what they keep is not needed again.
            let _ = child.kill();
            let _ = child.wait();
        }
        if std::thread::panicking() {
            eprintln!("{}", output(self.temp.path()));
        }
    }
}

fn has_ended(child: &mut Child) -> bool {
    !matches!(child.try_wait(), Ok(None))
}

fn store_configuration(
    folder: &Path,
    store: &str,
    address: SocketAddr,
    owner: &str,
    workers: usize,
) -> String {
    let shown = folder.display();
    let (ip, port) = (address.ip(), address.port());
    format!(
        "[DEFAULT]\nswift_dir = {shown}\ndevices = {shown}/devices\nmount_check = false\n\
         bind_ip = {ip}\nbind_port = {port}\nworkers = {workers}\nuser = {owner}\n\
         recon_cache_path = {shown}\nfallocate_reserve = 0\ndisable_fallocate = true\n\
         [pipeline:main]\npipeline = {store}-server\n\
         [app:{store}-server]\nuse = egg:swift#{store}\n\
         [{store}-updater]\nrecon_cache_path = {shown}\n"
    )
}

fn proxy_configuration(
    folder: &Path,
    address: SocketAddr,
    cache: SocketAddr,
    owner: &str,
    users: &[RealUser],
    workers: usize,
) -> String {
    let shown = folder.display();
    let (ip, port) = (address.ip(), address.port());
    let mut text = format!(
        "[DEFAULT]\nswift_dir = {shown}\nbind_ip = {ip}\nbind_port = {port}\nworkers = {workers}\n\
         user = {owner}\n[pipeline:main]\npipeline = {PIPELINE}\n\
         [app:proxy-server]\nuse = egg:swift#proxy\naccount_autocreate = true\nallow_account_management = true\n\
         error_suppression_limit = 1000000\n\
         [filter:cache]\nuse = egg:swift#memcache\nmemcache_servers = {cache}\n\
         [filter:slo]\nuse = egg:swift#slo\n"
    );
    for (name, implementation) in FILTERS {
        text.push_str(&format!(
            "[filter:{name}]\nuse = egg:swift#{implementation}\n"
        ));
    }
    text.push_str("[filter:tempauth]\nuse = egg:swift#tempauth\n");
    for user in users {
        let role = if user.admin { " .admin" } else { "" };
        let (account, name, password) = (&user.account, &user.name, &user.password);
        text.push_str(&format!("user_{account}_{name} = {password}{role}\n"));
    }
    text
}

/// Sixteen partitions on one device.
fn make_ring(folder: &Path, store: &str, address: SocketAddr) {
    let device = format!("r1z1-{address}/d1");
    for step in [
        &["create", "4", "1", "0"][..],
        &["add", &device, "1"],
        &["rebalance"],
    ] {
        let mut command = Command::new(swift_bin().join("swift-ring-builder"));
        command.arg(folder.join(format!("{store}.builder")));
        toolbox::must_run(command.args(step));
    }
}

fn memcached(folder: &Path, address: SocketAddr, owner: &str) -> Command {
    let mut command = Command::new("memcached");
    command.args(["-U", "0", "-u", owner]);
    command.args(["-l", &address.ip().to_string()]);
    command.args(["-p", &address.port().to_string()]);
    logged(command, folder, "memcached")
}

fn logged(mut command: Command, folder: &Path, name: &str) -> Command {
    let path = folder.join(format!("{name}.log"));
    let log = File::create(&path).and_then(|log| Ok((log.try_clone()?, log)));
    let (out, err) = log.unwrap_or_else(|error| panic!("making {}: {error}", path.display()));
    command.stdin(Stdio::null()).stdout(out).stderr(err);
    command
}

fn output(folder: &Path) -> String {
    let mut text = String::new();
    for name in ["memcached"].into_iter().chain(STORES).chain(["proxy"]) {
        let written = fs::read(folder.join(format!("{name}.log"))).unwrap_or_default();
        text.push_str(&format!(
            "--- {name}\n{}",
            String::from_utf8_lossy(&written)
        ));
    }
    text
}

fn configuration(folder: &Path, server: &str) -> PathBuf {
    folder.join(format!("{server}.conf"))
}

/// Ports that nobody listens on; they are free until the servers take them.
fn free_ports<const N: usize>() -> [SocketAddr; N] {
    let listeners = [(); N].map(|()| {
        TcpListener::bind("127.0.0.1:0")
            .unwrap_or_else(|error| panic!("asking for a port: {error}"))
    });
    listeners.map(|listener| {
        let address = listener.local_addr();
        address.unwrap_or_else(|error| panic!("asking for a port: {error}"))
    })
}

/// The user that runs this: servers started by root would otherwise become somebody else.
fn owner() -> String {
    let output = Command::new("id").arg("-un").output();
    let output = output.unwrap_or_else(|error| panic!("running id: {error}"));
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

fn make_folder(path: &Path) {
    fs::create_dir_all(path).unwrap_or_else(|error| panic!("making {}: {error}", path.display()));
}

fn write(path: &Path, text: &str) {
    fs::write(path, text).unwrap_or_else(|error| panic!("writing {}: {error}", path.display()));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_user_signs_in() {
        let user = RealUser {
            account: "acme".to_owned(),
            name: "joe".to_owned(),
            password: "secret".to_owned(),
            admin: true,
        };
        let swift = RealSwift::start(&[user]);
        let request = Request::new("GET", "/auth/v1.0")
            .header("X-Auth-User", "acme:joe")
            .header("X-Auth-Key", "secret");
        let answer = send(swift.address(), &request).unwrap();
        let url = format!("http://{}/v1/AUTH_acme", swift.address());
        assert_eq!(answer.status, 200, "{answer:?}");
        assert_eq!(answer.header("x-storage-url"), Some(url.as_str()));
    }
}
