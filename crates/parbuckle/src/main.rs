//! The `parbuckle` command.

mod backends;
mod command;
mod config;
mod control;
mod data_folder;
mod files;
mod serve;
mod server;
mod telemetry;
mod tenancy;
mod tls;

use std::io::{self, Write};
use std::process::ExitCode;

use clap::Parser;

use crate::command::{CommandError, TenancyCommand};
use crate::config::{Config, ServeArgs};
use crate::data_folder::DataFolderError;
use crate::serve::ServeError;

/// See docs/decisions/0007.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const EXIT_FAILED: u8 = 1;
/// As for arguments that clap refuses.
const EXIT_USAGE: u8 = 2;
const EXIT_IN_USE: u8 = 3;

#[derive(Debug, Parser)]
#[command(
    name = "parbuckle",
    version,
    about,
    after_help = "Exit codes: 0 done or stopped as asked, 1 failed, 2 wrong arguments or configuration, 3 data folder in use."
)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Serve until SIGTERM or SIGINT
    ///
    /// Without any argument: data in ./parbuckle-data, a loopback listener, and on the first start a tenancy with an
    /// administrator, whose OCI client configuration is put into DIR/admin/config. A flag wins over its environment
    /// variable, which wins over the TOML file.
    Serve(Box<ServeArgs>),

    /// Add and list tenancies
    #[command(subcommand)]
    Tenancy(TenancyCommand),
}

fn main() -> ExitCode {
    match Cli::parse().command {
        Command::Serve(args) => serve(*args),
        Command::Tenancy(command) => tenancy(command),
    }
}

fn serve(args: ServeArgs) -> ExitCode {
    let config = match Config::resolve(args) {
        Ok(config) => config,
        Err(error) => return fail(EXIT_USAGE, &error),
    };
    match serve::serve(config) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error @ ServeError::DataFolder(DataFolderError::InUse { .. })) => {
            fail(EXIT_IN_USE, &error)
        }
        Err(error) => fail(EXIT_FAILED, &error),
    }
}

fn tenancy(command: TenancyCommand) -> ExitCode {
    match command::run(command) {
        Ok(text) => {
            // What was asked for is done, whether or not anybody reads of it.
            let _ = io::stdout().write_all(text.as_bytes());
            ExitCode::SUCCESS
        }
        Err(error @ CommandError::Config(_)) => fail(EXIT_USAGE, &error),
        Err(error @ CommandError::DataFolder(DataFolderError::InUse { .. })) => {
            fail(EXIT_IN_USE, &error)
        }
        Err(error) => fail(EXIT_FAILED, &error),
    }
}

fn fail(code: u8, error: &dyn std::error::Error) -> ExitCode {
    eprintln!("parbuckle: {error}");
    ExitCode::from(code)
}
