//! Parbuckle and nginx side by side under one load generator: `cargo run --release -p bench -- [NAMES]`.
//!
//! Each benchmark starts both servers on fresh folders of the same disk, runs alternating rounds, checks every reply,
//! and reports the median of the round-by-round ratios with their spread. Any wrong reply fails the run.

mod contest;
mod equals;
mod listings;
mod load;
mod nginx;
mod oci;
mod parbuckle;
mod pars;
mod policies;
mod process;
mod reply;
mod report;
mod scenarios;
mod swift;
mod workload;

use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::{Parser, ValueEnum};

use contest::Effort;
use report::{Row, Table};

/// Results of the bench: an error is a sentence for the person at the terminal.
pub(crate) type Result<T, E = Box<dyn std::error::Error + Send + Sync>> = std::result::Result<T, E>;

/// Runs Parbuckle and nginx side by side and compares them.
#[derive(Debug, Parser)]
#[command(name = "bench")]
struct Options {
    /// The benchmarks to run; all but pars-million, list-million, par-policies, swift and generator if none is named.
    #[arg(value_enum)]
    names: Vec<Name>,
    /// Counted rounds on each side.
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u16).range(1..))]
    rounds: u16,
    /// Length of a round in seconds.
    #[arg(long, default_value_t = 3.0)]
    seconds: f64,
    /// Print markdown tables.
    #[arg(long)]
    markdown: bool,
    /// Measure the release binary as it is, without building it first.
    #[arg(long)]
    no_build: bool,
    /// PARs in the bucket of pars-million; at least 1000.
    #[arg(long, default_value_t = 1_000_000, value_parser = clap::value_parser!(u32).range(1000..))]
    pars: u32,
    /// Objects in the bucket of list-million; at least 10000.
    #[arg(long, default_value_t = 1_000_000, value_parser = clap::value_parser!(u32).range(10_000..))]
    objects: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Name {
    /// GET of one 4 KiB object through an object PAR.
    #[value(name = "get-4k")]
    Get4k,
    /// GET of 1000 objects of 4 KiB through a bucket PAR.
    #[value(name = "get-4k-many")]
    Get4kMany,
    /// GET of one 100 MiB object.
    #[value(name = "get-100m")]
    Get100m,
    /// PUT of 64 MiB under fresh names.
    #[value(name = "put-64m")]
    Put64m,
    /// PUT of 64 MiB over objects that exist.
    #[value(name = "put-64m-over")]
    Put64mOver,
    /// Durable PUT of 4 KiB under fresh names.
    #[value(name = "put-4k")]
    Put4k,
    /// Listing of 1000 names.
    #[value(name = "list-1000")]
    List1000,
    /// Time from start to ready.
    Start,
    /// Idle memory.
    Memory,
    /// GET with a million PARs in the bucket; takes minutes.
    ParsMillion,
    /// Listings of a bucket with a million objects, and by prefixes; takes minutes.
    ListMillion,
    /// GET through a PAR in a tenancy with 500 policy statements.
    ParPolicies,
    /// GET, PUT and listings of the Swift API beside a real OpenStack Swift; takes minutes.
    Swift,
    /// nginx against nginx: shows what the generator itself does.
    Generator,
}

const USUAL: [Name; 9] = [
    Name::Get4k,
    Name::Get4kMany,
    Name::Get100m,
    Name::Put64m,
    Name::Put64mOver,
    Name::Put4k,
    Name::List1000,
    Name::Start,
    Name::Memory,
];

fn main() -> Result<()> {
    let options = Options::parse();
    if cfg!(debug_assertions) {
        return Err("a debug build measures nothing; use cargo run --release -p bench".into());
    }
    let names = if options.names.is_empty() {
        USUAL.to_vec()
    } else {
        options.names.clone()
    };
    nginx::ensure_installed()?;
    let mut versions = nginx::version()?;
    if names.iter().any(|name| *name != Name::Generator) {
        if !options.no_build {
            parbuckle::build()?;
        }
        versions = format!("{}, {versions}", parbuckle::version()?);
    }
    let folder = tempfile::Builder::new()
        .prefix("bench-")
        .tempdir_in(target_folder()?)?;
    process::clean_up_on_signals(folder.path())?;
    let mut results = Results::default();
    let finished = run(&names, &options, folder.path(), &mut results);
    println!("{}; {versions}", report::machine()?);
    println!(
        "{} rounds of {} s on each side, alternating; ratios are medians over rounds",
        options.rounds, options.seconds
    );
    for table in results.tables(options.pars, options.objects) {
        println!("\n{}", table.render(options.markdown).trim_end());
    }
    // What was measured before a failure is worth seeing too.
    finished
}

/// The target folder that this program was built into; servers write below it too.
pub(crate) fn target_folder() -> Result<PathBuf> {
    let program = std::env::current_exe()?;
    Ok(program
        .parent()
        .and_then(Path::parent)
        .ok_or("this program is not in a target folder")?
        .to_owned())
}

/// Rows by the table that they belong to.
#[derive(Default)]
struct Results {
    contests: Vec<Row>,
    crowds: Vec<Row>,
    listings: Vec<Row>,
    policies: Vec<Row>,
    swift: Vec<Row>,
    equals: Vec<Row>,
    singles: Vec<Row>,
}

impl Results {
    fn tables(self, pars: u32, objects: u32) -> Vec<Table> {
        let crowd = format!("{pars} PARs");
        let shelf = format!("{objects} objects");
        [
            Table::contests("Beside nginx", "Parbuckle", "nginx", self.contests),
            Table::contests("PARs in a bucket", &crowd, "1000 PARs", self.crowds),
            Table::contests("Objects in a bucket", &shelf, "few", self.listings),
            Table::contests("Policies", "500 statements", "one statement", self.policies),
            Table::contests(
                "The Swift API beside OpenStack Swift",
                "Parbuckle",
                "OpenStack Swift",
                self.swift,
            ),
            Table::contests(
                "The generator on two equals",
                "nginx",
                "nginx too",
                self.equals,
            ),
            Table::singles("Parbuckle alone", self.singles),
        ]
        .into_iter()
        .filter(|table| !table.is_empty())
        .collect()
    }
}

fn run(names: &[Name], options: &Options, folder: &Path, results: &mut Results) -> Result<()> {
    let effort = Effort {
        rounds: options.rounds.into(),
        round: Duration::try_from_secs_f64(options.seconds)?,
    };
    for (index, name) in names.iter().enumerate() {
        eprintln!("bench: {name:?}");
        // All folders stay until the end: ext4 searches long for an inode while many were deleted in the last half
        // minute, which would slow whoever makes files next.
        let folder = folder.join(index.to_string());
        match name {
            Name::Get4k => results.contests.push(scenarios::get_4k(&folder, effort)?),
            Name::Get4kMany => results
                .contests
                .push(scenarios::get_4k_many(&folder, effort)?),
            Name::Get100m => results.contests.push(scenarios::get_100m(&folder, effort)?),
            Name::Put64m => {
                let (row, digest) = scenarios::put_64m(&folder, effort)?;
                results.contests.push(row);
                results.singles.push(digest);
            }
            Name::Put64mOver => results
                .contests
                .push(scenarios::put_64m_over(&folder, effort)?),
            Name::Put4k => results.contests.push(scenarios::put_4k(&folder, effort)?),
            Name::List1000 => results
                .contests
                .push(scenarios::list_1000(&folder, effort)?),
            Name::Start => results.singles.push(scenarios::start(&folder)?),
            Name::Memory => results.singles.push(scenarios::memory(&folder)?),
            Name::ParsMillion => {
                let (rows, more) =
                    pars::many_pars(&folder, effort, usize::try_from(options.pars)?)?;
                results.crowds.extend(rows);
                results.singles.extend(more);
            }
            Name::ListMillion => {
                let (rows, more) =
                    listings::listings(&folder, effort, usize::try_from(options.objects)?)?;
                results.listings.extend(rows);
                results.singles.extend(more);
            }
            Name::ParPolicies => {
                results
                    .policies
                    .extend(policies::par_policies(&folder, effort)?);
            }
            Name::Swift => results.swift.extend(swift::swift(&folder, effort)?),
            Name::Generator => results.equals.extend(equals::generator(&folder, effort)?),
        }
    }
    Ok(())
}
