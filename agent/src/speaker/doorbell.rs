//! The doorbell that a task waits at.

use std::sync::Arc;

use tokio::sync::Notify;

/// Rung by the RIB, waited for by a task. Ringing twice before the task looks is ringing once.
#[derive(Debug, Clone, Default)]
pub struct Doorbell(Arc<Notify>);

impl Doorbell {
    /// Waits until it has been rung since the last wait ended. Cancel-safe: a ring is not lost.
    pub async fn rung(&self) {
        self.0.notified().await;
    }
}

impl rib::Doorbell for Doorbell {
    fn ring(&self) {
        self.0.notify_one();
    }
}
