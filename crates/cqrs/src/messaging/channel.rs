//! The transport within one process: a bounded channel. Who does not keep up loses, notices, and asks the feed.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use tokio::sync::broadcast;

use crate::messaging::{Message, Subscription, Transport, TransportError};

/// Batches a subscriber may be behind before it loses the oldest.
const BATCHES_MAX: usize = 256;

type Batch = Arc<[Arc<Message>]>;

/// Carries messages between the contexts of one process. Clones carry the same.
#[derive(Clone, Default)]
pub struct Channel(Arc<Mutex<HashMap<String, broadcast::Sender<Batch>>>>);

impl Channel {
    fn sender(&self, source: &str) -> broadcast::Sender<Batch> {
        let mut sources = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match sources.get(source) {
            Some(sender) => sender.clone(),
            None => sources.entry(source.to_owned()).or_insert_with(|| broadcast::Sender::new(BATCHES_MAX)).clone(),
        }
    }
}

#[async_trait]
impl Transport for Channel {
    async fn publish(&self, messages: &[Arc<Message>]) -> Result<(), TransportError> {
        for run in messages.chunk_by(|a, b| a.source == b.source) {
            if let Some(first) = run.first() {
                // An error means that nobody has subscribed: then nobody misses it either.
                let _nobody = self.sender(&first.source).send(run.into());
            }
        }
        Ok(())
    }

    async fn subscribe(&self, source: &str) -> Result<Box<dyn Subscription>, TransportError> {
        Ok(Box::new(Receiver(self.sender(source).subscribe())))
    }
}

struct Receiver(broadcast::Receiver<Batch>);

#[async_trait]
impl Subscription for Receiver {
    async fn next(&mut self) -> Option<Vec<Arc<Message>>> {
        loop {
            match self.0.recv().await {
                Ok(batch) => return Some(batch.to_vec()),
                Err(broadcast::error::RecvError::Lagged(_)) => {}
                Err(broadcast::error::RecvError::Closed) => return None,
            }
        }
    }
}
