//! The `cosmos` binary.

use std::io::Write;
use std::process::ExitCode;

use cosmos::args::Command;

fn main() -> ExitCode {
    cosmos::allocator::set_up();
    match cosmos::args::parse().command {
        Command::Run(args) => match cosmos::run::run(args) {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => {
                // Where nobody can be told, the exit status is what is left.
                let _ = writeln!(std::io::stderr(), "cosmos: {error:#}");
                ExitCode::from(2)
            }
        },
        command => cosmos::cli::execute(command),
    }
}
