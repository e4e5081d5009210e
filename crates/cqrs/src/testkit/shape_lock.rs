//! The shape lock: samples of stored events, kept in a file, that must stay readable without losing anything.

use std::collections::{BTreeMap, BTreeSet};

use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::aggregate::Aggregate;
use crate::event::{Payload, StoredEvent};

/// Holds the events of a context to the shapes in which they were stored.
///
/// The file has, per kind of aggregate, samples of its events as the log keeps them, every variant and every field at least
/// once. Each is read as it would be from the log, by [`Aggregate::upcast`] if that knows it, and written again: what it said
/// must still be there. So a field that was removed, renamed or given another type is found, and one that was added is not.
///
/// A test gives samples of today's events along. Those that are not in the file are added to it while the environment has
/// [`WRITE`](Self::WRITE), else they are found too; what is in it is never changed or removed.
///
/// ```no_run
/// # use cqrs::Aggregate;
/// # fn check<Tank: Aggregate, Valve: Aggregate>(tank_events: &[Tank::Event], valve_events: &[Valve::Event]) {
/// let file = "../../docs/events/plant.json";
/// let lock = cqrs::testkit::ShapeLock::read(file, &std::fs::read_to_string(file).unwrap());
/// lock.kind::<Tank>(tank_events).kind::<Valve>(valve_events).holds(|file, text| std::fs::write(file, text));
/// # }
/// ```
pub struct ShapeLock {
    file: String,
    samples: BTreeMap<String, Vec<Value>>,
    checked: BTreeSet<&'static str>,
    found: Vec<String>,
    /// Whether new samples are added, and whether any were.
    writes: bool,
    grew: bool,
}

impl ShapeLock {
    /// The variable of the environment under which new samples are written to the file.
    pub const WRITE: &'static str = "SHAPE_LOCK_WRITE";

    /// The lock kept in `file`, whose content is `text`.
    ///
    /// # Panics
    /// If it is no object of lists.
    #[must_use]
    #[track_caller]
    pub fn read(file: &str, text: &str) -> Self {
        let samples = serde_json::from_str(text).unwrap_or_else(|cause| panic!("{file} is no lock: {cause}"));
        Self { writes: std::env::var_os(Self::WRITE).is_some(), ..Self::of(file, samples) }
    }

    /// A lock of `samples`, by kind; `name` is what findings call it.
    #[must_use]
    pub fn of(name: &str, samples: BTreeMap<String, Vec<Value>>) -> Self {
        let (checked, found, writes, grew) = (BTreeSet::new(), Vec::new(), false, false);
        Self { file: name.to_owned(), samples, checked, found, writes, grew }
    }

    /// Checks the events of `A`, of which `today` are samples.
    #[must_use]
    pub fn kind<A: Aggregate>(mut self, today: &[A::Event]) -> Self {
        self.checked.insert(A::KIND);
        let samples = self.samples.entry(A::KIND.to_owned()).or_default();
        for event in today.iter().filter_map(|event| serde_json::to_value(event).ok()) {
            if samples.contains(&event) {
                continue;
            }
            if self.writes {
                samples.push(event);
                self.grew = true;
            } else {
                self.found.push(format!("{} event {event} is new; `cargo xtask shapes` locks it", A::KIND));
            }
        }
        for sample in samples.iter() {
            self.found.extend(broken::<A>(sample).map(|what| {
                format!(
                    "{} event {sample}: {what}. Events like it are stored for ever: leave the old shape readable and add a \
                     new variant or an optional field, or bring it to the new shape in `upcast`",
                    A::KIND
                )
            }));
        }
        let known: Vec<String> = samples.iter().filter_map(variant).collect();
        let missing = variants::<A::Event>().into_iter().filter(|variant| !known.contains(variant));
        let missing = missing.map(|variant| format!("{} event `{variant}` is not locked: add a sample of it", A::KIND));
        self.found.extend(missing);
        if samples.is_empty() {
            self.found.push(format!("{} has no sample: add one of each of its events", A::KIND));
        }
        self
    }

    /// What does not hold; also kinds in the file that nobody has checked.
    #[must_use]
    pub fn findings(self) -> Vec<String> {
        let gone = self.samples.into_keys().filter(|kind| !self.checked.contains(kind.as_str()));
        let gone = gone.map(|kind| format!("the kind {kind} is gone: its events are in the log for ever"));
        let file = self.file;
        self.found.into_iter().chain(gone).map(|what| format!("{file}: {what}")).collect()
    }

    /// Fails unless every stored event still reads as it was written; has the file written by `write` if it grew.
    ///
    /// # Panics
    /// With all that was found.
    #[track_caller]
    pub fn holds(self, write: impl FnOnce(&str, String) -> std::io::Result<()>) {
        if self.grew {
            let written = write(&self.file, text(&self.samples));
            written.unwrap_or_else(|cause| panic!("{} cannot be written: {cause}", self.file));
        }
        let found = self.findings();
        assert!(found.is_empty(), "{}", found.join("\n"));
    }
}

/// The samples as the file has them: one a line, so that a change shows what it is.
fn text(samples: &BTreeMap<String, Vec<Value>>) -> String {
    let list =
        |samples: &Vec<Value>| samples.iter().map(|sample| format!("    {sample}")).collect::<Vec<_>>().join(",\n");
    let kinds = samples.iter().map(|(kind, samples)| format!("  \"{kind}\": [\n{}\n  ]", list(samples)));
    format!("{{\n{}\n}}\n", kinds.collect::<Vec<_>>().join(",\n"))
}

/// What of `sample` cannot be had any more.
fn broken<A: Aggregate>(sample: &Value) -> Option<String> {
    let json = sample.to_string().into_bytes();
    let today = A::upcast(StoredEvent::new(&json)).unwrap_or_else(|| sample.clone());
    match Payload::stored(json.into()).decode::<A>() {
        Err(cause) => Some(format!("it cannot be read any more ({cause})")),
        Ok(event) => match serde_json::to_value(&*event) {
            Err(cause) => Some(format!("it cannot be written again ({cause})")),
            Ok(written) => lost(&today, &written, String::new()),
        },
    }
}

/// The first place of `was` that is not the same in `is`; what `is` has beside it does not matter.
fn lost(was: &Value, is: &Value, at: String) -> Option<String> {
    match (was, is) {
        (Value::Object(was), Value::Object(is)) => was.iter().find_map(|(name, value)| {
            let at = format!("{at}/{name}");
            match is.get(name) {
                Some(now) => lost(value, now, at),
                None => Some(format!("{at} is lost when it is read (a renamed field is a field that is lost)")),
            }
        }),
        (Value::Array(was), Value::Array(is)) if was.len() == is.len() => {
            was.iter().zip(is).enumerate().find_map(|(place, (was, is))| lost(was, is, format!("{at}/{place}")))
        }
        _ if was == is => None,
        _ => Some(format!("{at} was {was} and reads as {is}")),
    }
}

fn variant(sample: &Value) -> Option<String> {
    StoredEvent::new(sample.to_string().as_bytes()).variant().map(ToOwned::to_owned)
}

/// The names of the variants of `E`, as serde tells them to whoever asks for one that is none; none if it is no enum.
fn variants<E: DeserializeOwned>() -> Vec<String> {
    let refused = serde_json::from_str::<E>(r#"{"no such variant":null}"#).err().map(|cause| cause.to_string());
    let refused = refused.filter(|cause| cause.starts_with("unknown variant"));
    let expected = refused.as_deref().and_then(|cause| cause.split_once("expected")).map(|(_, names)| names);
    expected.unwrap_or_default().split('`').skip(1).step_by(2).map(ToOwned::to_owned).collect()
}
