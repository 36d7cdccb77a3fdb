//! What the agent cannot do without: when one of these panics, the process ends with one clear line and exit status 101.
//!
//! A panic in the task of a peer costs that peer's session (`speaker/peer_task.rs`). Exporters, listeners, servers and the
//! kernel's thread have no such border: who goes on without them tells peers, kernel or people what is no longer true. So the
//! process ends, the kernel keeps its routes, and whoever restarts the agent gets one that reads them back.

use std::any::Any;
use std::future::Future;
use std::panic::{self, AssertUnwindSafe};
use std::process;

use futures::FutureExt;
use tokio::task::JoinHandle;

use crate::observe::logging;

/// As Rust ends a program whose main thread panics.
const PANICKED: i32 = 101;

/// Starts a vital task; `name` is what people are told.
pub(crate) fn spawn(
    name: impl Into<String>,
    task: impl Future<Output = ()> + Send + 'static,
) -> JoinHandle<()> {
    let name = name.into();
    // Not an async block, which would keep room for the task twice: where it is made and where it runs.
    tokio::spawn(AssertUnwindSafe(task).catch_unwind().map(move |ended| {
        if let Err(panic) = ended {
            end(&name, &*panic);
        }
    }))
}

/// Runs a vital thread to its end.
pub(crate) fn run(name: &str, thread: impl FnOnce()) {
    if let Err(panic) = panic::catch_unwind(AssertUnwindSafe(thread)) {
        end(name, &*panic);
    }
}

fn end(name: &str, panic: &(dyn Any + Send)) -> ! {
    let panic = words(panic);
    tracing::error!(
        task = name,
        panic,
        "a defect: ending, the kernel keeps its routes"
    );
    logging::finish();
    process::exit(PANICKED);
}

/// What a panic says.
pub(crate) fn words(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("without words")
}
