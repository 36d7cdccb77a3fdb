//! The doorbell that a task waits at.

use std::sync::Arc;
use std::time::Instant;

use parking_lot::Mutex;
use tokio::sync::Notify;

/// Rung by the RIB, waited for by a task. Ringing twice before the task looks is ringing once.
#[derive(Debug, Clone, Default)]
pub struct Doorbell(Arc<Bell>);

#[derive(Debug, Default)]
struct Bell {
    notify: Notify,
    /// When it was first rung since the task last looked. Leaf lock.
    rung: Mutex<Option<Instant>>,
}

impl Doorbell {
    /// Waits until it has been rung since the last wait ended. Cancel-safe: a ring is not lost.
    pub async fn rung(&self) {
        self.0.notify.notified().await;
    }

    /// When it was first rung since this was last asked.
    pub fn since(&self) -> Option<Instant> {
        self.0.rung.lock().take()
    }
}

impl rib::Doorbell for Doorbell {
    fn ring(&self) {
        self.0.rung.lock().get_or_insert_with(Instant::now);
        self.0.notify.notify_one();
    }
}
