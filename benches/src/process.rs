//! Child processes that always end with the bench, and what the kernel says they used.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::sync::Mutex;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use crate::Result;

/// How long a child may take to end after SIGTERM before it is killed.
const DRAIN: Duration = Duration::from_secs(20);

/// What must go when the bench is told to stop: children by pid, and the folder of this run.
static LEFTOVERS: Mutex<(BTreeSet<i32>, Option<PathBuf>)> = Mutex::new((BTreeSet::new(), None));

/// A server under test: a child and the workers it forked. Ends the child when dropped.
pub(crate) struct Process {
    child: Child,
    pids: Vec<i32>,
    helpers: Vec<Process>,
}

impl Process {
    /// Starts the command.
    pub(crate) fn spawn(command: &mut Command) -> Result<Self> {
        let child = command
            .spawn()
            .map_err(|error| format!("cannot start {:?}: {error}", command.get_program()))?;
        let pid = i32::try_from(child.id())?;
        leftovers().0.insert(pid);
        Ok(Self {
            child,
            pids: vec![pid],
            helpers: Vec::new(),
        })
    }

    /// Waits until the child has forked `count` workers, whose CPU time then counts as its own.
    pub(crate) fn adopt_workers(&mut self, count: usize, patience: Duration) -> Result<()> {
        let deadline = Instant::now() + patience;
        loop {
            self.ensure_alive()?;
            let workers = children_of(self.pids[0])?;
            if workers.len() == count {
                self.pids.extend(workers);
                return Ok(());
            }
            if Instant::now() > deadline {
                return Err(format!("{} workers instead of {count}", workers.len()).into());
            }
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// Takes along the servers that this one works through: what they use counts as its own, and they end after it.
    pub(crate) fn take_along(&mut self, helpers: Vec<Process>) {
        self.pids
            .extend(helpers.iter().flat_map(|helper| &helper.pids));
        self.helpers.extend(helpers);
    }

    /// The child's standard output, if it was piped and not yet taken.
    pub(crate) fn take_stdout(&mut self) -> Option<std::process::ChildStdout> {
        self.child.stdout.take()
    }

    /// An error when the child has ended by itself.
    pub(crate) fn ensure_alive(&mut self) -> Result<()> {
        match self.child.try_wait()? {
            None => self.helpers.iter_mut().try_for_each(Self::ensure_alive),
            Some(status) => Err(format!("the server ended by itself: {status}").into()),
        }
    }

    /// CPU time, user and kernel, of the child and its workers since they started.
    pub(crate) fn cpu(&self) -> Result<Duration> {
        self.pids.iter().map(|&pid| cpu_of(&pid.to_string())).sum()
    }

    /// Waits until the processes have stopped working (housekeeping after a round), at most `patience`.
    pub(crate) fn settle(&self, patience: Duration) -> Result<()> {
        let deadline = Instant::now() + patience;
        loop {
            let before = self.cpu()?;
            std::thread::sleep(Duration::from_millis(100));
            if self.cpu()? == before || Instant::now() > deadline {
                return Ok(());
            }
        }
    }

    /// Resident memory of the child and its workers, in bytes.
    pub(crate) fn resident_bytes(&self) -> Result<u64> {
        self.pids.iter().map(|pid| resident_of(*pid)).sum()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let pid = self.pids[0];
        terminate(pid);
        let deadline = Instant::now() + DRAIN;
        while matches!(self.child.try_wait(), Ok(None)) {
            if Instant::now() > deadline {
                eprintln!("bench: child {pid} did not end on SIGTERM and is killed");
                let _ = self.child.kill();
                let _ = self.child.wait();
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        leftovers().0.remove(&pid);
    }
}

/// CPU time, user and kernel, that the bench itself has used.
pub(crate) fn own_cpu() -> Result<Duration> {
    cpu_of("self")
}

/// On SIGINT or SIGTERM: ends the children, removes `folder`, and exits.
pub(crate) fn clean_up_on_signals(folder: &Path) -> Result<()> {
    leftovers().1 = Some(folder.to_owned());
    let mut signals = signal_hook::iterator::Signals::new([
        signal_hook::consts::SIGINT,
        signal_hook::consts::SIGTERM,
    ])?;
    std::thread::spawn(move || {
        if let Some(signal) = signals.forever().next() {
            let (pids, folder) = std::mem::take(&mut *leftovers());
            pids.iter().copied().for_each(terminate);
            std::thread::sleep(Duration::from_secs(1));
            if let Some(folder) = folder {
                let _ = fs::remove_dir_all(folder);
            }
            std::process::exit(128 + signal);
        }
    });
    Ok(())
}

fn leftovers() -> std::sync::MutexGuard<'static, (BTreeSet<i32>, Option<PathBuf>)> {
    LEFTOVERS
        .lock()
        .unwrap_or_else(std::sync::PoisonError::into_inner)
}

fn terminate(pid: i32) {
    if let Some(pid) = Pid::from_raw(pid) {
        // A child that has already ended is what this wants.
        let _ = kill_process(pid, Signal::TERM);
    }
}

/// `/proc/<pid>/stat` from its third field on; the second, the name, may hold spaces and parentheses (proc(5)).
fn stat_fields(pid: &str) -> Result<Vec<String>> {
    let text = fs::read_to_string(format!("/proc/{pid}/stat"))?;
    let (_, fields) = text
        .rsplit_once(')')
        .ok_or("an unreadable /proc stat line")?;
    Ok(fields.split_whitespace().map(str::to_owned).collect())
}

fn cpu_of(pid: &str) -> Result<Duration> {
    let fields = stat_fields(pid)?;
    // utime and stime are fields 14 and 15, counted from 1.
    let [utime, stime] = fields.get(11..13).ok_or("a short /proc stat line")? else {
        return Err("a short /proc stat line".into());
    };
    let ticks = utime.parse::<u64>()? + stime.parse::<u64>()?;
    Ok(Duration::from_secs_f64(
        ticks as f64 / rustix::param::clock_ticks_per_second() as f64,
    ))
}

fn children_of(parent: i32) -> Result<Vec<i32>> {
    let mut children = Vec::new();
    for entry in fs::read_dir("/proc")? {
        let Ok(pid) = entry?.file_name().to_string_lossy().parse::<i32>() else {
            continue;
        };
        // A process may end between the listing and the look at it.
        let Ok(fields) = stat_fields(&pid.to_string()) else {
            continue;
        };
        if fields
            .get(1)
            .is_some_and(|ppid| *ppid == parent.to_string())
        {
            children.push(pid);
        }
    }
    Ok(children)
}

fn resident_of(pid: i32) -> Result<u64> {
    let text = fs::read_to_string(format!("/proc/{pid}/status"))?;
    let line = text
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))
        .ok_or("no VmRSS line")?;
    let kib: u64 = line.trim().trim_end_matches("kB").trim().parse()?;
    Ok(kib * 1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dropped_process_has_ended() {
        let process = Process::spawn(Command::new("sleep").arg("600")).unwrap();
        let pid = process.pids[0];
        assert!(stat_fields(&pid.to_string()).is_ok());
        drop(process);
        assert!(stat_fields(&pid.to_string()).is_err());
    }

    #[test]
    fn own_memory_is_more_than_nothing() {
        assert!(resident_of(i32::try_from(std::process::id()).unwrap()).unwrap() > 100_000);
    }
}
