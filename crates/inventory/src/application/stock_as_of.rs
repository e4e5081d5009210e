//! Stock of one SKU as of any instant, folded from the log from the last balance before it.
//!
//! However long the log of a SKU is, a question costs about a dozen reads to find the instant and the events since one
//! balance to fold. What was to come is in no balance: its view says how much it was at the last one.

use std::collections::BTreeMap;

use cqrs::{IndexValue, Query, QueryError, ReadSide, Recorded, Select, Timestamp, Version};

use crate::domain::ids::{LocationId, Sku};
use crate::domain::stock_item::{Details, Level, StockEvent, StockItem};
use crate::read_models::incoming_then::{IncomingThenRow, ToCome, key_of, prefix_of};
use crate::read_models::movements::movements;

/// The most events folded for one answer. A balance is struck about every thousand; only what was logged before there
/// were balances can have more between two.
const FOLDED_MAX: usize = 100_000;

/// Events read at once.
const EVENTS: usize = 500;

/// Events read at once to find holds that had ended; each of them has up to a thousand.
const ENDED_EVENTS: usize = 8;

/// How often those are read: no more are recorded at once.
const ENDED_READS_MAX: usize = 1_000;

/// Later than every version.
const END: Version = i64::MAX as Version;

/// Asks for one SKU's stock as of an instant.
#[derive(Clone, Debug)]
pub struct StockAsOf {
    /// The SKU.
    pub sku: Sku,
    /// The instant.
    pub at: Timestamp,
}

/// One SKU's stock as of an instant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StockThen {
    /// The version its stock had.
    pub version: Version,
    /// Its name, safety stock and backorder limit.
    pub details: Details,
    /// Its counters per location, without holds that had ended.
    pub levels: BTreeMap<LocationId, Level>,
    /// What was to come.
    pub to_come: ToCome,
}

/// Why there is no such stock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoStockThen {
    /// No such SKU.
    UnknownSku,
    /// The instant is not over yet.
    Future {
        /// The current instant.
        now: Timestamp,
    },
    /// The SKU was not known then.
    NotYet {
        /// The first instant that can be asked for.
        since: Timestamp,
    },
    /// There are too many events between the instant and the balance before it.
    TooLong,
}

impl StockThen {
    /// Its counters over all locations.
    #[must_use]
    pub fn total(&self) -> Level {
        self.levels.values().fold(Level::default(), |sum, level| sum.plus(*level))
    }

    /// Units that could be promised.
    #[must_use]
    pub fn available(&self) -> i64 {
        self.total().free() - self.details.safety_stock
    }

    fn add(&mut self, location: &LocationId, delta: Level) {
        let level = self.levels.entry(location.clone()).or_default();
        *level = level.plus(delta);
    }

    fn apply(&mut self, event: &StockEvent) {
        for movement in movements(event) {
            self.add(movement.location, movement.delta);
            self.to_come.add(&movement);
        }
        match event {
            StockEvent::Registered(details) | StockEvent::DetailsChanged(details) => self.details = details.clone(),
            StockEvent::BinAssigned { location, .. } => self.add(location, Level::default()),
            StockEvent::BalanceStruck { details, levels } => {
                (self.details, self.levels) = (details.clone(), levels.clone());
            }
            _ => {}
        }
    }
}

impl Query for StockAsOf {
    const NAME: &'static str = "stock-as-of";
    type Answer = Result<StockThen, NoStockThen>;

    fn partition_key(&self) -> Option<&str> {
        Some(self.sku.as_str())
    }

    async fn answer(self, read: &ReadSide) -> Result<Self::Answer, QueryError> {
        let now = read.now();
        if self.at > now {
            return Ok(Err(NoStockThen::Future { now }));
        }
        let Some(newest) = self.before(read, END).await? else { return Ok(Err(NoStockThen::UnknownSku)) };
        let version = if newest.at <= self.at {
            let (item, version) = read.state(&StockItem::stream(&self.sku)).await?;
            // Somebody may have written meanwhile, before or after the instant.
            let seen = self.last_version(read, newest.version, version).await?;
            if seen == version {
                return Ok(Ok(self.of(&item, version)));
            }
            seen
        } else {
            self.last_version(read, 0, newest.version).await?
        };
        if version == 0 {
            let first = self.before(read, 2).await?;
            return Ok(Err(NoStockThen::NotYet { since: first.map_or(now, |first| first.at) }));
        }
        let Some(mut then) = self.fold(read, version).await? else { return Ok(Err(NoStockThen::TooLong)) };
        self.take_off_ended(read, &mut then).await?;
        Ok(Ok(then))
    }
}

impl StockAsOf {
    /// The event before version `before`.
    async fn before(&self, read: &ReadSide, before: Version) -> Result<Option<Recorded>, QueryError> {
        Ok(read.history(StockItem::stream(&self.sku).name(), before, 1).await?.pop())
    }

    /// The last version from `low`, which was there by the instant, to `high`: log time never goes back.
    async fn last_version(&self, read: &ReadSide, low: Version, high: Version) -> Result<Version, QueryError> {
        let (mut low, mut high) = (low, high);
        while low < high {
            let middle = low + (high - low).div_ceil(2);
            let event = self.before(read, middle.saturating_add(1)).await?;
            if event.is_some_and(|event| event.at <= self.at) { low = middle } else { high = middle - 1 }
        }
        Ok(low)
    }

    /// `item` as of the instant, since when nothing was recorded of it.
    fn of(&self, item: &StockItem, version: Version) -> StockThen {
        let (details, levels) = (item.details().clone(), item.levels().clone());
        let mut then = StockThen { version, details, levels, to_come: item.incoming().into() };
        for (location, units) in item.expiring().ended(self.at) {
            then.add(location, Level { reserved: -units, ..Level::default() });
        }
        then
    }

    /// The stock at `version`; none if that takes too many events.
    async fn fold(&self, read: &ReadSide, version: Version) -> Result<Option<StockThen>, QueryError> {
        let stream = StockItem::stream(&self.sku);
        let (mut before, mut since_balance) = (version.saturating_add(1), Vec::new());
        let mut balanced = None;
        'back: while before > 1 {
            let events = read.history(stream.name(), before, EVENTS).await?;
            let Some(oldest) = events.last() else { break };
            before = oldest.version;
            for event in &events {
                let Some(happened) = event.as_event_of::<StockItem>().map_err(broken)? else { continue };
                let balance = matches!(&*happened, StockEvent::BalanceStruck { .. });
                since_balance.push(happened);
                if balance {
                    balanced = Some(event.clone());
                    break 'back;
                }
            }
            if since_balance.len() >= FOLDED_MAX {
                return Ok(None);
            }
        }
        let to_come = match balanced {
            Some(balance) => self.to_come(read, &balance).await?,
            None => ToCome::default(),
        };
        let mut then = StockThen { version, details: Details::default(), levels: BTreeMap::new(), to_come };
        since_balance.iter().rev().for_each(|event| then.apply(event));
        Ok(Some(then))
    }

    /// What was to come after `event`.
    async fn to_come(&self, read: &ReadSide, event: &Recorded) -> Result<ToCome, QueryError> {
        let after = Some((IndexValue::Null, key_of(self.sku.as_str(), event.version.saturating_add(1))));
        let last = Select { after, key_prefix: Some(prefix_of(&self.sku)), ..Select::first(1) };
        let found = read.select_after::<IncomingThenRow>(event, &last).await?.rows.pop();
        Ok(found.map(|(_, row)| row.to_come).unwrap_or_default())
    }

    /// Takes off the holds that had ended by the instant and were not recorded as ended yet.
    ///
    /// What is due is recorded before anything else is decided, so they are the events right after it.
    async fn take_off_ended(&self, read: &ReadSide, then: &mut StockThen) -> Result<(), QueryError> {
        let stream = StockItem::stream(&self.sku);
        let mut after = then.version;
        for _ in 0..ENDED_READS_MAX {
            let asked = [(stream.name().clone(), after)];
            let events = read.log().read_streams(&asked, ENDED_EVENTS).await?.pop().unwrap_or_default();
            for event in &events {
                after = event.version;
                let happened = event.as_event_of::<StockItem>().map_err(broken)?;
                let Some(StockEvent::HoldsExpired { buckets, .. }) = happened.as_deref() else { return Ok(()) };
                for bucket in buckets {
                    if bucket.expires_at > self.at {
                        return Ok(());
                    }
                    then.add(&bucket.location, Level { reserved: -bucket.quantity, ..Level::default() });
                }
            }
            if events.len() < ENDED_EVENTS {
                return Ok(());
            }
        }
        Err(QueryError::Unavailable(format!("more holds of {} had ended than can be read at once", self.sku)))
    }
}

fn broken(why: cqrs::Unreadable) -> QueryError {
    QueryError::Broken(why.to_string())
}
