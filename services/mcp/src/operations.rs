//! Figures of operations.

use chassis::Metrics;
use mcp_face::{Observer, Operation};

pub struct Operations(pub Metrics);

impl Observer for Operations {
    fn observe(&self, operation: &Operation<'_>) {
        let labels = operation.labels();
        self.0
            .observe_in(mcp_face::DURATION, &labels, operation.took);
    }
}
