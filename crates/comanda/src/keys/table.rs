//! The API keys as a running server knows them: looked up at every request, read again when their file changes.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::Duration;

use clap::Args;
use comanda_web::{Caller, HoldLimits};
use cqrs::Timestamp;
use miette::{Result, miette};

use super::file::{KeyFile, Stamp};
use super::rate::Rate;
use super::record::KeyRecord;
use super::secret::{self, Hash};

/// How often the file is looked at: a key that is revoked must not come in a second later.
const LOOK_EVERY: Duration = Duration::from_millis(250);

/// The name of the file in a data folder.
const FILE: &str = "keys.json";

/// Where the keys are.
#[derive(Args, Clone, Debug, Default)]
pub(crate) struct Place {
    /// The file with the API keys: `keys.json` in the data folder unless said otherwise. Processes that work together share one.
    #[arg(long = "keys", value_name = "FILE", env = "COMANDA_KEYS")]
    file: Option<PathBuf>,
}

impl Place {
    /// The file, if the data folder is `dir`.
    pub(super) fn file(&self, dir: &std::path::Path) -> KeyFile {
        KeyFile::at(self.file.clone().unwrap_or_else(|| dir.join(FILE)))
    }

    /// The file that was named must be there: a server whose keys are not found would let everybody in.
    ///
    /// # Errors
    /// It is not.
    pub(super) fn must_be_there(&self) -> Result<()> {
        match &self.file {
            Some(file) if !file.exists() => {
                let file = file.display();
                Err(miette!(
                    help = format!(
                        "correct the path, or make the first key: comanda keys create --keys {file} --name NAME"
                    ),
                    "there are no keys at {file}"
                ))
            }
            _ => Ok(()),
        }
    }

    /// Whether it is said where they are.
    pub(super) fn is_said(&self) -> bool {
        self.file.is_some()
    }
}

/// The keys of a running server.
pub(crate) struct Keys {
    file: KeyFile,
    known: RwLock<Table>,
    /// The state of the file that was read last.
    seen: Mutex<Option<Stamp>>,
    /// Whether there ever was a key: the door does not open again because the file has gone.
    ever: AtomicBool,
}

type Table = HashMap<String, Entry>;

struct Entry {
    record: KeyRecord,
    hash: Hash,
    known: Known,
}

/// Whoever has a key that counts.
#[derive(Clone)]
pub(crate) struct Known {
    pub(crate) caller: Arc<Caller>,
    /// How often he may ask, if that is bounded. All keys of one name draw on it.
    pub(crate) rate: Option<Arc<Rate>>,
}

impl Keys {
    /// Reads the keys.
    ///
    /// # Errors
    /// They are there and cannot be read, or a file was named that is not there: nobody is let in by mistake.
    pub(crate) fn open(place: &Place, dir: &std::path::Path) -> Result<Self> {
        place.must_be_there()?;
        let file = place.file(dir);
        let keys = Self { file, known: RwLock::default(), seen: Mutex::default(), ever: AtomicBool::new(false) };
        keys.look()?;
        Ok(keys)
    }

    /// Whether there is a key, or ever was one.
    pub(crate) fn any(&self) -> bool {
        self.ever.load(Ordering::Relaxed)
    }

    /// Who comes with `credential`, at `now`; the error says why it does not count, and nothing of it.
    pub(crate) fn caller(&self, credential: &str, now: Timestamp) -> Result<Known, &'static str> {
        let Some((id, hash)) = secret::read(credential) else {
            return Err("This is no whole API key: copy it again.");
        };
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        // Whether the id or the secret is wrong is nobody's business.
        let Some(entry) = known.get(id).filter(|entry| entry.hash.is(&hash)) else {
            return Err("This API key is not known here.");
        };
        match entry.record.ended(now) {
            None => Ok(entry.known.clone()),
            Some("expired") => Err("This API key has expired: ask for a new one."),
            Some(_) => Err("This API key was revoked."),
        }
    }

    /// Whether a key is, or ever was, for `tenant`: whoever made it wanted that there is such a one.
    pub(crate) fn name_tenant(&self, tenant: &str) -> bool {
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        known.values().any(|entry| entry.record.tenant == tenant)
    }

    /// Whether `credential` was meant to be an API key.
    pub(crate) fn are_meant(credential: &str) -> bool {
        secret::looks_like_one(credential)
    }

    /// Reads the file anew whenever it changes. What cannot be read changes nothing, and is logged.
    pub(crate) async fn watch(self: Arc<Self>) {
        let mut every = tokio::time::interval(LOOK_EVERY);
        every.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let mut complained = false;
        loop {
            every.tick().await;
            match self.look() {
                Ok(()) => complained = false,
                Err(why) if !complained => {
                    complained = true;
                    tracing::error!(%why, "the API keys stay as they were");
                }
                Err(_) => {}
            }
        }
    }

    /// Reads the file if it has changed since it was read last.
    fn look(&self) -> Result<()> {
        let stamp = self.file.stamp()?;
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        if stamp == *seen {
            return Ok(());
        }
        let table = table(self.file.read()?, &self.known.read().unwrap_or_else(PoisonError::into_inner))?;
        if !table.is_empty() {
            self.ever.store(true, Ordering::Relaxed);
        }
        *self.known.write().unwrap_or_else(PoisonError::into_inner) = table;
        // Taken before it was read: had it changed in between, it is read once more.
        *seen = stamp;
        Ok(())
    }
}

/// The keys of `records`. What was used of a rate under `before` stays used.
fn table(records: Vec<KeyRecord>, before: &Table) -> Result<Table> {
    let mut rates: HashMap<(String, String), Arc<Rate>> = HashMap::new();
    for Entry { record, known, .. } in before.values() {
        if let Some(rate) = &known.rate {
            rates.insert((record.tenant.clone(), record.name.clone()), Arc::clone(rate));
        }
    }
    let entry = |record: KeyRecord| {
        let hash = Hash::from_hex(&record.hash)
            .ok_or_else(|| miette!("the key {} has a hash that is none: bring the file back from a copy", record.id))?;
        let caller = Caller {
            tenant: record.tenant.as_str().into(),
            actor: format!("key:{}", record.name).into(),
            scopes: record.scopes,
            key_id: Some(record.id.as_str().into()),
            holds: HoldLimits { units_max: record.units_held_max, seconds_max: record.hold_seconds_max },
        };
        let rate = record.rate.map(|per_second| {
            let rate = rates.entry((record.tenant.clone(), record.name.clone()));
            let rate = rate.or_insert_with(|| Arc::new(Rate::new(per_second)));
            if rate.per_second() != per_second {
                *rate = Arc::new(Rate::new(per_second));
            }
            Arc::clone(rate)
        });
        let known = Known { caller: Arc::new(caller), rate };
        Ok((record.id.clone(), Entry { record, hash, known }))
    };
    records.into_iter().map(entry).collect()
}
