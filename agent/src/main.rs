//! The `cosmos` binary.

use std::process::ExitCode;

use clap::Parser;
use cosmos::args::{Cli, Command};

fn main() -> ExitCode {
    cosmos::allocator::set_up();
    match Cli::parse().command {
        Command::Run(args) => match cosmos::run::run(args) {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => {
                eprintln!("cosmos: {error:#}");
                ExitCode::from(2)
            }
        },
        command => cosmos::cli::execute(command),
    }
}
