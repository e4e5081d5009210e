//! The smallest whole thing: one aggregate, one command, decided and stored in memory.

use std::sync::Arc;
use std::time::Duration;

use cqrs::memory::MemoryEventStore;
use cqrs::{
    Aggregate, Command, CommandError, Context, Decision, Dispatch, Envelope, Executor, ExecutorSettings, States,
    Stream, Streams, SystemClock, Tail, command_bus,
};
use serde::{Deserialize, Serialize};

#[derive(Clone, Default, Serialize, Deserialize)]
struct Switch {
    on: bool,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
enum SwitchEvent {
    TurnedOn,
}

impl Aggregate for Switch {
    const KIND: &'static str = "switch";
    type Event = SwitchEvent;

    fn apply(&mut self, event: &SwitchEvent) {
        match event {
            SwitchEvent::TurnedOn => self.on = true,
        }
    }
}

/// Turns a switch on.
struct TurnOn {
    switch: &'static str,
}

#[derive(Debug, PartialEq, thiserror::Error)]
#[error("it is on already")]
struct AlreadyOn;

impl Command for TurnOn {
    const NAME: &'static str = "turn-on";
    type Answer = ();
    type Rejection = AlreadyOn;

    fn streams(&self) -> Streams {
        Streams::one(&Stream::<Switch>::new(self.switch))
    }

    fn decide(&self, states: &States<'_>) -> Result<Decision<()>, AlreadyOn> {
        let switch = Stream::<Switch>::new(self.switch);
        if states.of(&switch).on {
            return Err(AlreadyOn);
        }
        Ok(Decision::answer(()).record(&switch, SwitchEvent::TurnedOn))
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let context = Context::named("house").aggregate::<Switch>().command::<TurnOn>();
    let store = Arc::new(MemoryEventStore::new(4));
    let (executor, running) =
        Executor::new(Arc::new(context), store, Arc::new(SystemClock), Tail::default(), ExecutorSettings::default());
    let running = tokio::spawn(running.run());
    let bus = command_bus(executor, Duration::from_secs(1));

    let lit = bus.dispatch(Envelope::new(TurnOn { switch: "hall" })).await?;
    println!("the hall is lit, version {}", lit.version);
    let again = bus.dispatch(Envelope::new(TurnOn { switch: "hall" })).await;
    assert!(matches!(again, Err(CommandError::Rejected(AlreadyOn))));
    println!("turned on again: {AlreadyOn}");

    drop(bus);
    running.await??;
    Ok(())
}
