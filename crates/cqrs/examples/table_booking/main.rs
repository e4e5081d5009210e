//! A process manager: an evening out needs a table and a taxi, or neither. One answer comes too late and is given back.

mod answers;
mod evening;
mod requests;

use std::collections::BTreeSet;
use std::convert::Infallible;
use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use answers::{ANSWERED, Answer, Answers};
use cqrs::memory::{MemoryEventStore, MemoryReadStore};
use cqrs::{
    Alarm, BatchId, Clock, Command, CommandBus, Context, Decision, Dispatch, Envelope, Epoch, EventId, Executor,
    ExecutorSettings, LogReader, ManualClock, Message, PartitionId, Position, Process, Projector, React, ReadSide,
    Receive, Received, States, Stream, Streams, Tail, Timestamp, Views, command_bus,
};
use evening::{Evening, EveningEvent, EveningInput, PATIENCE, Part, PartState};
use requests::{CANCELLED, PartOfEvening, REQUESTED, publish};

/// Tells an evening what its owner wants. (What others say comes in as a message, see `answers.rs`.)
struct Tell {
    evening: &'static str,
    input: EveningInput,
}

impl Command for Tell {
    const NAME: &'static str = "tell";
    type Answer = ();
    type Rejection = Infallible;

    fn streams(&self) -> Streams {
        Streams::one(&Stream::<Evening>::new(self.evening))
    }

    fn decide(&self, states: &States<'_>) -> Result<Decision<()>, Infallible> {
        Ok(Evening::told(&Stream::new(self.evening), &self.input, states))
    }
}

fn context() -> Context {
    Context::named("evenings").timed::<Evening>().command::<Tell>().reacts::<Answers>().publishes(publish)
}

/// The restaurant and the taxi company: another context, whose messages reach this one over a transport.
struct Others {
    commands: CommandBus,
    epoch: Epoch,
    said: Option<EventId>,
}

impl Others {
    /// The next message of their log.
    fn says(&self, evening: &str, part: Part, yes: bool) -> Result<Message, serde_json::Error> {
        let after = self.said.map_or(0, |said| said.position);
        let id = EventId { batch: BatchId::generate(), partition: PartitionId(0), position: after + 1 };
        Ok(Message {
            id,
            source: "bookings".into(),
            epoch: self.epoch,
            after,
            predecessor: self.said,
            kind: ANSWERED.into(),
            subject: evening.into(),
            key: evening.into(),
            at: Timestamp::EPOCH,
            correlation_id: None,
            causation_id: None,
            traceparent: None,
            data: serde_json::to_vec(&Answer { evening: evening.into(), part, yes })?.into(),
        })
    }

    /// Delivers a message as a transport may: more than once.
    async fn answer(&mut self, evening: &str, part: Part, yes: bool) -> Result<(), Box<dyn Error>> {
        let message = self.says(evening, part, yes)?;
        self.said = Some(message.id);
        println!("  {part:?} answers {}", if yes { "yes" } else { "no" });
        let delivered = [self.deliver(&message).await?, self.deliver(&message).await?];
        assert_eq!(delivered, [Received::Done, Received::Repeated], "the second time it changes nothing");
        Ok(())
    }

    async fn deliver(&self, message: &Message) -> Result<Received, Box<dyn Error>> {
        let input = Answers::read(message)?.ok_or("an answer is of an evening's business")?;
        let message = Arc::new(message.clone());
        let follows = message.after;
        let receive = Receive::<Answers> { message, what: Ok(input), follows };
        Ok(self.commands.dispatch(Envelope::new(receive)).await?.answer)
    }
}

/// What the evenings have asked of others since it was last looked at.
struct Outbox {
    log: MemoryEventStore,
    read: Position,
}

impl Outbox {
    async fn sent(&mut self) -> Result<Vec<(&'static str, PartOfEvening)>, Box<dyn Error>> {
        let mut sent = Vec::new();
        for event in self.log.read_partition(PartitionId(0), self.read, 1_000).await? {
            self.read = event.position;
            if let Some(message) = publish(&event)? {
                println!("  -> {} {}", message.kind, String::from_utf8_lossy(&message.data));
                sent.push((message.kind, serde_json::from_slice(&message.data)?));
            }
        }
        Ok(sent)
    }
}

/// Waits until what the log says of an evening is as expected: somebody else is at work on it.
async fn until(read: &ReadSide, evening: &str, expected: fn(&Evening) -> bool) -> Result<Arc<Evening>, Box<dyn Error>> {
    for _ in 0..1_000 {
        let (state, _) = read.state(&Stream::<Evening>::new(evening)).await?;
        if expected(&state) {
            return Ok(state);
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    Err(format!("evening {evening} did not get there").into())
}

fn of(evening: &str, part: Part) -> PartOfEvening {
    PartOfEvening { evening: evening.into(), part }
}

/// What happens, told in order.
struct Story<'a> {
    commands: CommandBus,
    read: &'a ReadSide,
    clock: &'a ManualClock,
    outbox: Outbox,
    others: Others,
}

impl Story<'_> {
    async fn tell(&self, evening: &'static str, input: EveningInput) -> Result<(), Box<dyn Error>> {
        self.commands.dispatch(Envelope::new(Tell { evening, input })).await?;
        Ok(())
    }

    async fn all_goes_well(&mut self) -> Result<(), Box<dyn Error>> {
        println!("Ada plans an evening");
        self.tell("ada", EveningInput::Planned).await?;
        let requests = [(REQUESTED, of("ada", Part::Table)), (REQUESTED, of("ada", Part::Taxi))];
        assert_eq!(self.outbox.sent().await?, requests);
        self.others.answer("ada", Part::Table, true).await?;
        self.others.answer("ada", Part::Taxi, true).await?;
        assert_eq!(self.outbox.sent().await?, []);
        until(self.read, "ada", Evening::is_booked).await?;
        let history = self.read.history(Stream::<Evening>::new("ada").name(), u64::MAX, 10).await?;
        let appends: BTreeSet<_> = history.iter().map(|event| event.batch.0).collect();
        assert_eq!((history.len(), appends.len()), (4, 3), "the plan and each answer are one append");
        println!("  booked, in {} appends\n", appends.len());
        Ok(())
    }

    async fn an_answer_comes_too_late(&mut self) -> Result<(), Box<dyn Error>> {
        println!("Bo plans an evening");
        self.tell("bo", EveningInput::Planned).await?;
        assert_eq!(self.outbox.sent().await?.len(), 2);
        self.others.answer("bo", Part::Table, true).await?;
        self.clock.advance(PATIENCE);
        println!("  two minutes pass, nobody says or asks anything: the alarm rings");
        until(self.read, "bo", |evening| evening.part(Part::Taxi) == Some(PartState::Failed)).await?;
        assert_eq!(self.outbox.sent().await?, [(CANCELLED, of("bo", Part::Table))]);
        self.others.answer("bo", Part::Taxi, true).await?;
        assert_eq!(self.outbox.sent().await?, [(CANCELLED, of("bo", Part::Taxi))], "too late: given back");
        println!("  stays at home\n");
        Ok(())
    }

    async fn it_is_called_off(&mut self) -> Result<(), Box<dyn Error>> {
        println!("Cy plans an evening, and calls it off");
        self.tell("cy", EveningInput::Planned).await?;
        self.tell("cy", EveningInput::CalledOff).await?;
        assert_eq!(self.outbox.sent().await?.len(), 4);
        self.others.answer("cy", Part::Table, true).await?;
        assert_eq!(self.outbox.sent().await?, [], "the cancellation is on its way already");
        println!("  stays at home\n");
        Ok(())
    }

    async fn why_did_bo_stay_at_home(&self) -> Result<(), Box<dyn Error>> {
        println!("Why did Bo stay at home?");
        let history = self.read.history(Stream::<Evening>::new("bo").name(), u64::MAX, 10).await?;
        for event in history.iter().rev() {
            println!("  {} {:?}", event.at.to_rfc3339(), event.payload);
        }
        let fourth = history.iter().find(|event| event.version == 4).ok_or("Bo's evening has six events")?;
        let timed_out = EveningEvent::TimedOut { part: Part::Taxi, at: self.clock.now() };
        assert_eq!(fourth.as_event_of::<Evening>()?.as_deref(), Some(&timed_out));
        Ok(())
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let (context, tail) = (Arc::new(context()), Tail::default());
    let clock = Arc::new(ManualClock::at(Timestamp::parse_rfc3339("2026-03-01T19:00:00Z").unwrap_or_default()));
    let (log, rows, views) = (MemoryEventStore::new(1), MemoryReadStore::default(), Views::new(1, 1_000));
    let (executor, running) = Executor::new(
        Arc::clone(&context),
        Arc::new(log.clone()),
        Arc::clone(&clock) as _,
        tail.clone(),
        ExecutorSettings::default(),
    );
    let commands = command_bus(executor, Duration::from_secs(1));
    let projector =
        Projector::open(&context, Arc::new(log.clone()), Arc::new(rows.clone()), tail, views.clone()).await?;
    let (rows, reader) = (Arc::new(rows), Arc::new(log.clone()));
    let read = ReadSide::new(context, views, rows, reader, Arc::clone(&clock) as _, Duration::from_secs(1));

    let (stop, stopped) = tokio::sync::watch::channel(());
    let stopped = move || {
        let mut stopped = stopped.clone();
        async move { drop(stopped.changed().await) }
    };
    let running = tokio::spawn(running.run());
    let projecting = tokio::spawn(projector.run(stopped()));
    let ringing = tokio::spawn(Alarm::<Evening>::new(commands.clone(), read.clone()).run(stopped()));

    let others = Others { commands: commands.clone(), epoch: Epoch(uuid::Uuid::now_v7()), said: None };
    let mut story = Story { commands, read: &read, clock: &clock, outbox: Outbox { log, read: 0 }, others };
    story.all_goes_well().await?;
    story.an_answer_comes_too_late().await?;
    story.it_is_called_off().await?;
    story.why_did_bo_stay_at_home().await?;
    drop(story);

    drop(stop);
    ringing.await?;
    projecting.await??;
    running.await??;
    Ok(())
}
