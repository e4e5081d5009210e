//! The in-process transport held to the transport contract, as it is and with faults; and what the contract must catch.

use std::sync::Arc;

use async_trait::async_trait;
use cqrs::testkit::transport_contract as contract;
use cqrs::{Channel, Message, Subscription, Transport, TransportError};

mod plain {
    use super::*;

    async fn channel() -> Arc<dyn Transport> {
        Arc::new(Channel::default())
    }

    cqrs::transport_contract!(channel);
}

mod faulty {
    use cqrs::testkit::{FaultPlan, FaultyTransport};

    use super::*;

    async fn faulty() -> Arc<dyn Transport> {
        let plan = FaultPlan { duplicates: 2, window: 64, drop_percent: 5 };
        Arc::new(FaultyTransport::new(Arc::new(Channel::default()), 7, plan))
    }

    cqrs::transport_contract!(faulty);
}

/// Loses every third message, and hides the gap: what is left claims that no contract event stood before it.
struct Seamless(Channel);

struct Stitched(Box<dyn Subscription>);

#[async_trait]
impl Transport for Seamless {
    async fn publish(&self, messages: &[Arc<Message>]) -> Result<(), TransportError> {
        self.0.publish(messages).await
    }

    async fn subscribe(&self, source: &str) -> Result<Box<dyn Subscription>, TransportError> {
        Ok(Box::new(Stitched(self.0.subscribe(source).await?)))
    }
}

#[async_trait]
impl Subscription for Stitched {
    async fn next(&mut self) -> Option<Vec<Arc<Message>>> {
        let came = self.0.next().await?;
        let kept = came.iter().filter(|message| !message.position().is_multiple_of(3));
        Some(kept.map(|message| Arc::new(Message { after: 0, predecessor: None, ..(**message).clone() })).collect())
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[should_panic(expected = "not each once and in order")]
async fn a_gap_that_cannot_be_noticed_is_found_out() {
    let transport = Arc::new(Seamless(Channel::default()));
    contract::every_message_has_its_effect_once_and_in_the_order_of_its_key(transport).await;
}
