//! The only file that starts top-level tasks, and stops them in order.

use crate::args::RunArgs;

/// Runs the agent until it is told to stop.
pub fn run(args: RunArgs) -> anyhow::Result<()> {
    crate::observe::logging::init(args.log_level.as_deref(), args.log_format)?;
    anyhow::bail!("no rooms yet")
}
