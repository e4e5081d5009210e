//! Import: makes a page of a catalogue so, SKUs with their details, stock and bins: all of its rows or none.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use cqrs::{Aggregate, Command, Decision, Invalid, InvalidField, States, Streams};
use serde::{Deserialize, Serialize};

use super::adjust::{AdjustRejection, change};
use super::register::PATH_WORDS;
use super::update::raised;
use super::{Condition, Details, Fate, StockEvent, StockItem};
use crate::domain::ids::{Bin, LocationId, Sku};
use crate::domain::location::Location;
use crate::domain::reason::Reason;

/// The most rows of one import.
pub const ROWS_MAX: usize = 1_000;

/// Refused rows that are named.
const NAMED_MAX: usize = 100;

/// Makes every row so. What is so already changes nothing, so that the same again does nothing twice.
#[derive(Clone, Debug)]
pub struct Import {
    /// 1 to 1,000 rows. Several may name a SKU, each another of its locations.
    pub rows: Vec<ImportRow>,
    /// Why stock on hand is not what it was.
    pub reason: Reason,
    /// Where that is written down.
    pub reference: Option<Arc<str>>,
}

/// One SKU, and what there is of it at one location.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImportRow {
    /// The SKU; registered if it is not.
    pub sku: Sku,
    /// Its name; as it is unless given.
    pub name: Option<Arc<str>>,
    /// Units held back from sale; as they are unless given.
    pub safety_stock: Option<i64>,
    /// Units that may be promised beyond what is on hand; as it is unless given.
    pub backorder_limit: Option<i64>,
    /// The location of which the rest speaks: `main` unless given.
    pub location: Option<LocationId>,
    /// The units that are on hand there; as they are unless given.
    pub on_hand: Option<i64>,
    /// How many of them are damaged; as many as there are unless given.
    pub damaged: Option<i64>,
    /// How many of them are in quality control; as many as there are unless given.
    pub quality_control: Option<i64>,
    /// The bin where they lie; as it is unless given.
    pub bin: Option<Bin>,
}

/// What an import has changed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Imported {
    /// SKUs that are known now and were not.
    pub registered: usize,
    /// Rows that changed something of a SKU that was known.
    pub changed: usize,
    /// Rows that were so already.
    pub unchanged: usize,
}

/// Why nothing of an import is so.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("{} of the rows cannot be so: nothing was imported", rows.len())]
pub struct ImportRejection {
    /// The rows that cannot be so, the first hundred of them, each by its place from 0 and with its reason.
    pub rows: Vec<(usize, RowRejection)>,
}

/// Why a row cannot be so.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum RowRejection {
    /// No such location.
    #[error("location {location} is not registered")]
    UnknownLocation {
        /// The location.
        location: LocationId,
    },
    /// More is promised than that would leave.
    #[error("{promised} units are promised: {covered} on hand and on backorder would not cover them")]
    Promised {
        /// Units reserved, committed or damaged, over all locations.
        promised: i64,
        /// Units on hand and on backorder that the row would leave.
        covered: i64,
    },
    /// Fewer units are there that nobody was promised than are to be kept from sale.
    #[error(
        "{wanted} more units cannot be kept from sale at {location}: {found} are sellable there and promised to nobody"
    )]
    Kept {
        /// The location.
        location: LocationId,
        /// Units that are to be damaged or in quality control and are not.
        wanted: i64,
        /// Units that could be.
        found: i64,
    },
    /// Stock on hand cannot be so.
    #[error(transparent)]
    OnHand(AdjustRejection),
}

impl Command for Import {
    const NAME: &'static str = "import";
    type Answer = Imported;
    type Rejection = ImportRejection;

    fn validate(&self) -> Result<(), Invalid> {
        if !(1..=ROWS_MAX).contains(&self.rows.len()) {
            return Err(Invalid::field("/rows", "1 to 1,000 rows"));
        }
        let (mut wrong, mut seen) = (Vec::new(), BTreeSet::new());
        for (place, row) in self.rows.iter().enumerate() {
            let at = |field: &str| format!("/rows/{place}{field}");
            if PATH_WORDS.contains(&row.sku.as_str()) {
                let detail = "this word is part of a path, so its stock could not be asked for".to_owned();
                wrong.push(InvalidField { pointer: at("/sku"), detail });
            }
            if let Err(Invalid(fields)) = row.on(&Details::default()).check() {
                wrong.extend(fields.into_iter().map(|field| InvalidField { pointer: at(&field.pointer), ..field }));
            }
            if !seen.insert((&row.sku, row.place())) {
                let detail = format!("{} at {} stands in a row before", row.sku, row.place());
                wrong.push(InvalidField { pointer: at(""), detail });
            }
        }
        wrong.truncate(NAMED_MAX);
        if wrong.is_empty() { Ok(()) } else { Err(Invalid(wrong)) }
    }

    fn streams(&self) -> Streams {
        let places: BTreeSet<LocationId> = self.rows.iter().map(ImportRow::place).collect();
        Streams::none()
            .and_all(self.rows.iter().map(|row| StockItem::stream(&row.sku)))
            .and_all(places.iter().filter_map(Location::stream_unless_main))
    }

    fn decide(&self, states: &States<'_>) -> Result<Decision<Imported>, ImportRejection> {
        let mut items: BTreeMap<&Sku, StockItem> = BTreeMap::new();
        let (mut decision, mut imported) = (Decision::answer(()), Imported::default());
        let mut refused = Vec::new();
        for (place, row) in self.rows.iter().enumerate() {
            let stream = StockItem::stream(&row.sku);
            let item = items.entry(&row.sku).or_insert_with(|| states.of(&stream).as_ref().clone());
            let known = item.is_registered();
            match self.events(states, row, item) {
                Ok(events) => {
                    imported.registered += usize::from(!known);
                    imported.changed += usize::from(known && !events.is_empty());
                    imported.unchanged += usize::from(known && events.is_empty());
                    decision = decision.record_all(&stream, events);
                }
                Err(why) => refused.push((place, why)),
            }
        }
        if refused.is_empty() {
            return Ok(decision.map(|()| imported));
        }
        refused.truncate(NAMED_MAX);
        Err(ImportRejection { rows: refused })
    }
}

impl Import {
    /// What makes `row` so; `item` follows it.
    fn events(
        &self,
        states: &States<'_>,
        row: &ImportRow,
        item: &mut StockItem,
    ) -> Result<Vec<StockEvent>, RowRejection> {
        let location = row.place();
        if !Location::is_known(states, &location) {
            return Err(RowRejection::UnknownLocation { location });
        }
        let mut events = Vec::new();
        let mut record = |item: &mut StockItem, event: StockEvent| {
            item.apply(&event);
            events.push(event);
        };
        let details = row.on(&item.details);
        let Regrades { let_go, kept } = row.regrades(item);
        // First: what may be sold again covers what is promised.
        for (from, to, quantity) in let_go {
            record(item, self.regraded(&location, from, to, quantity));
        }
        if !item.is_registered() {
            record(item, StockEvent::Registered(details));
        } else if details != item.details {
            let total = item.total();
            let (promised, covered) = (total.unavailable(), total.on_hand + details.backorder_limit);
            if covered < promised {
                return Err(RowRejection::Promised { promised, covered });
            }
            let before = item.clone();
            record(item, StockEvent::DetailsChanged(details));
            let raised = raised(&before, item);
            raised.into_iter().for_each(|raised| record(item, raised));
        }
        let delta = row.on_hand.map_or(0, |on_hand| on_hand - item.level(&location).on_hand);
        if delta != 0 {
            change(item, &row.sku, &location, delta).map_err(RowRejection::OnHand)?;
            let (reason, reference) = (self.reason, self.reference.clone());
            record(item, StockEvent::Adjusted { location: location.clone(), delta, reason, reference });
        }
        for (from, to, wanted) in kept {
            let found = item.movable(&location, from);
            if wanted > found {
                return Err(RowRejection::Kept { location, wanted, found });
            }
            record(item, self.regraded(&location, from, to, wanted));
        }
        if let Some(bin) = row.bin.as_ref().filter(|bin| item.bin(&location) != Some(bin)) {
            record(item, StockEvent::BinAssigned { location, bin: bin.clone() });
        }
        Ok(events)
    }

    fn regraded(&self, location: &LocationId, from: Condition, to: Fate, quantity: i64) -> StockEvent {
        let (reason, reference) = (self.reason, self.reference.clone());
        StockEvent::Regraded { location: location.clone(), quantity, from, to, reason, reference }
    }
}

/// Units that change their condition: from which, to which, and how many.
type Moves = Vec<(Condition, Fate, i64)>;

/// What makes damaged units and quality control so.
struct Regrades {
    /// Before on hand changes: fewer units on hand may then still cover what is kept from sale.
    let_go: Moves,
    /// After on hand has changed: units that came with it may then be kept from sale.
    kept: Moves,
}

impl ImportRow {
    fn regrades(&self, item: &StockItem) -> Regrades {
        let level = item.level(&self.place());
        let damaged = self.damaged.map_or(0, |units| units - level.damaged);
        let control = self.quality_control.map_or(0, |units| units - level.quality_control);
        // What only changes sides is never for sale in between.
        let (to_damaged, to_control) = (damaged.min(-control).max(0), control.min(-damaged).max(0));
        let (damaged, control) = (damaged - to_damaged + to_control, control + to_damaged - to_control);
        let some = |moves: Moves| moves.into_iter().filter(|(_, _, units)| *units > 0).collect();
        Regrades {
            let_go: some(vec![
                (Condition::QualityControl, Fate::Damaged, to_damaged),
                (Condition::Damaged, Fate::QualityControl, to_control),
                (Condition::Damaged, Fate::Sellable, -damaged),
                (Condition::QualityControl, Fate::Sellable, -control),
            ]),
            kept: some(vec![
                (Condition::Sellable, Fate::Damaged, damaged),
                (Condition::Sellable, Fate::QualityControl, control),
            ]),
        }
    }

    fn place(&self) -> LocationId {
        self.location.clone().unwrap_or_else(LocationId::main)
    }

    fn on(&self, details: &Details) -> Details {
        Details {
            name: self.name.clone().or_else(|| details.name.clone()),
            safety_stock: self.safety_stock.unwrap_or(details.safety_stock),
            backorder_limit: self.backorder_limit.unwrap_or(details.backorder_limit),
        }
    }
}

#[cfg(test)]
mod tests {
    use cqrs::testkit::Given;

    use super::*;
    use crate::domain::fixtures::{counters, place, reserve, sku, stocked};
    use crate::domain::stock_item::Level;

    fn row(of: &str, at: Option<&str>, on_hand: Option<i64>) -> ImportRow {
        ImportRow {
            sku: sku(of),
            name: None,
            safety_stock: None,
            backorder_limit: None,
            location: at.map(place),
            on_hand,
            damaged: None,
            quality_control: None,
            bin: None,
        }
    }

    fn import(rows: Vec<ImportRow>) -> Import {
        Import { rows, reason: Reason::Correction, reference: None }
    }

    #[test]
    fn rows_become_so_and_the_same_again_changes_nothing() {
        let tea = ImportRow { name: Some("Tea".into()), safety_stock: Some(1), ..row("TEA", None, Some(5)) };
        let mug = ImportRow { bin: Some(Bin::parse("A-01").unwrap()), ..row("MUG", None, Some(2)) };
        let rows = import(vec![tea, mug.clone()]);
        let when = Given::nothing().when(rows.clone());
        assert_eq!(when.answer(), &Imported { registered: 2, ..Imported::default() });
        let given = when.given();
        assert_eq!((counters(&given, "TEA"), counters(&given, "MUG")), ((5, 0, 0), (2, 0, 0)));
        let again = given.when(rows).then_nothing();
        assert_eq!(again.answer(), &Imported { unchanged: 2, ..Imported::default() });
        let fewer = again.and_when(import(vec![ImportRow { on_hand: Some(0), ..mug }]));
        assert_eq!(fewer.answer(), &Imported { changed: 1, ..Imported::default() });
        assert_eq!(counters(&fewer.given(), "MUG"), (0, 0, 0));
    }

    #[test]
    fn one_row_that_cannot_be_so_keeps_all_the_others_out_and_each_is_named() {
        let held = stocked(&[("TEA", "main", 5)]).when(reserve("r", &[("TEA", 3)])).given();
        let rows = vec![row("NEW", None, Some(1)), row("TEA", None, Some(2)), row("MUG", Some("nowhere"), Some(1))];
        let change = AdjustRejection::Promised { promised: 3, on_hand: 5, backorder_limit: 0, delta: -3 };
        let rejection = ImportRejection {
            rows: vec![
                (1, RowRejection::OnHand(change)),
                (2, RowRejection::UnknownLocation { location: place("nowhere") }),
            ],
        };
        let given = held.when(import(rows)).then_nothing().then_rejected(&rejection).given();
        assert!(!given.state(&StockItem::stream(&sku("NEW"))).is_registered());
    }

    #[test]
    fn a_sku_in_several_rows_has_each_of_its_locations() {
        let stock = stocked(&[("MUG", "berlin", 1)]);
        let rows = import(vec![row("TEA", None, Some(2)), row("TEA", Some("berlin"), Some(3))]);
        let when = stock.when(rows);
        assert_eq!(when.answer(), &Imported { registered: 1, changed: 1, unchanged: 0 });
        assert_eq!(counters(&when.given(), "TEA"), (5, 0, 0));
    }

    #[test]
    fn details_that_would_leave_promises_uncovered_are_refused() {
        let roomy = ImportRow { backorder_limit: Some(4), ..row("TEA", None, Some(1)) };
        let held = Given::nothing().when(import(vec![roomy.clone()])).and_when(reserve("r", &[("TEA", 5)])).given();
        let tight = ImportRow { backorder_limit: Some(3), on_hand: None, ..roomy };
        let why = RowRejection::Promised { promised: 5, covered: 4 };
        let _ = held.when(import(vec![tight])).then_nothing().then_rejected(&ImportRejection { rows: vec![(0, why)] });
    }

    #[test]
    fn damaged_units_and_quality_control_become_so_with_what_is_on_hand() {
        let of = |on_hand, damaged, control| ImportRow {
            damaged: Some(damaged),
            quality_control: Some(control),
            ..row("TEA", None, Some(on_hand))
        };
        let mut given = Given::nothing();
        // Came with it; changes sides and goes; goes with it; comes from what is for sale.
        for (on_hand, damaged, control) in [(10, 4, 1), (10, 2, 5), (3, 0, 3), (3, 1, 0), (3, 1, 2)] {
            let rows = import(vec![of(on_hand, damaged, control)]);
            given = given.when(rows.clone()).given();
            let item = given.state(&StockItem::stream(&sku("TEA")));
            let expected = Level { on_hand, damaged, quality_control: control, ..Level::default() };
            assert_eq!(item.level(&LocationId::main()), expected);
            given = given.when(rows).then_nothing().given();
        }
        let why = RowRejection::Kept { location: LocationId::main(), wanted: 3, found: 0 };
        let _ = given.when(import(vec![of(3, 1, 5)])).then_rejected(&ImportRejection { rows: vec![(0, why)] });
    }

    #[test]
    fn what_is_sold_again_covers_what_a_smaller_limit_does_not() {
        let broken = ImportRow { damaged: Some(5), backorder_limit: Some(5), ..row("TEA", None, Some(10)) };
        let held = Given::nothing().when(import(vec![broken])).and_when(reserve("r", &[("TEA", 10)])).given();
        assert_eq!(counters(&held, "TEA"), (10, 0, 10));
        let mended = ImportRow { damaged: Some(0), backorder_limit: Some(0), ..row("TEA", None, Some(10)) };
        let when = held.when(import(vec![mended]));
        assert_eq!(when.answer(), &Imported { changed: 1, ..Imported::default() });
    }

    #[test]
    fn what_is_wrong_in_itself_is_named_by_row_and_field() {
        let _ = Given::nothing().when(import(Vec::new())).then_invalid("/rows");
        let negative = ImportRow { safety_stock: Some(-1), ..row("TEA", None, None) };
        let _ =
            Given::nothing().when(import(vec![row("MUG", None, None), negative])).then_invalid("/rows/1/safetyStock");
        let twice = vec![row("TEA", None, Some(1)), row("TEA", Some("main"), Some(2))];
        let _ = Given::nothing().when(import(twice)).then_invalid("/rows/1");
        let _ = Given::nothing().when(import(vec![row("history", None, None)])).then_invalid("/rows/0/sku");
    }
}
