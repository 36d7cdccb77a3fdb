//! What wakes the kernel thread: an eventfd, so that it can wait for the bell and for a socket at
//! once without a runtime.

use std::io::Result;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::time::Duration;

use rustix::event::{EventfdFlags, PollFd, PollFlags, Timespec, eventfd, poll};

/// A bell. Ringing twice is ringing once.
#[derive(Debug)]
pub(crate) struct Bell {
    fd: OwnedFd,
    rung: AtomicBool,
}

impl Bell {
    pub(crate) fn new() -> Result<Self> {
        let fd = eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)?;
        Ok(Self {
            fd,
            rung: AtomicBool::new(false),
        })
    }

    /// Wakes the waiter, now or when it next waits. Costs a system call only if it was silent.
    pub(crate) fn ring(&self) {
        if !self.rung.swap(true, SeqCst) {
            // The counter cannot overflow: it is at most 1.
            let _ = rustix::io::write(&self.fd, &1u64.to_ne_bytes());
        }
    }

    /// Waits for the bell, for something to read from `other`, or for the time.
    pub(crate) fn wait(&self, other: BorrowedFd<'_>, timeout: Duration) -> Result<()> {
        let timeout = Timespec {
            tv_sec: i64::try_from(timeout.as_secs()).unwrap_or(i64::MAX),
            tv_nsec: timeout.subsec_nanos().into(),
        };
        let mut fds = [
            PollFd::from_borrowed_fd(self.fd.as_fd(), PollFlags::IN),
            PollFd::from_borrowed_fd(other, PollFlags::IN),
        ];
        match poll(&mut fds, Some(&timeout)) {
            Ok(_) | Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
        // First silence, then look for work: a ring in between makes one turn too many, never one
        // too few.
        if self.rung.load(SeqCst) || fds[0].revents().contains(PollFlags::IN) {
            let _ = rustix::io::read(&self.fd, &mut [0u8; 8]);
            self.rung.store(false, SeqCst);
        }
        Ok(())
    }
}
