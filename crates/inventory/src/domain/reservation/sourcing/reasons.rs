//! Reasons: why a location was chosen for a line, or passed over.

use serde::{Deserialize, Serialize};

use super::{Site, Strategy};
use crate::domain::ids::{LineId, LocationId, Sku};
use crate::domain::reservation::Line;

/// The most locations told of for one line, beside those it is served from.
const LOCATIONS_TOLD_MAX: usize = 20;

/// Why a line is served from where it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LineSourcing {
    /// The line.
    pub line_id: LineId,
    /// What it is a line of.
    pub sku: Sku,
    /// The locations that were looked at, in the order of the strategy: the first twenty, and all that serve the line.
    pub locations: Vec<Considered>,
}

/// One location that was looked at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Considered {
    /// The location.
    pub location: LocationId,
    /// Units the line takes from there; 0 if it was passed over.
    pub quantity: i64,
    /// Units that were there for the line, after the lines before it took theirs.
    pub free: i64,
    /// Why.
    pub reason: Reason,
    /// Its priority, if the strategy looked at it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub priority: Option<u32>,
    /// Metres to the destination, if both places are known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub metres: Option<i64>,
}

/// Why a location was chosen or passed over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Reason {
    /// Chosen: the line names it.
    Named,
    /// Chosen: it is the first that serves the whole line.
    ServesWholeLine,
    /// Chosen: no location serves the whole line, and it is one of the first.
    ServesPart,
    /// Chosen: its priority comes first of those that have units.
    FirstByPriority,
    /// Chosen: it is the nearest of those that have units.
    Nearest,
    /// Chosen: it is one of the fewest that serve all lines.
    FewestLocations,
    /// Chosen: units on backorder wait there.
    AwaitsGoods,
    /// Passed over: the line names another one.
    OtherNamed,
    /// Passed over: no unit there is free.
    NothingFree,
    /// Passed over: what is free is held back as safety stock.
    HeldBack,
    /// Passed over: the line is served without it.
    NotNeeded,
}

impl LineSourcing {
    /// Why `line` is served as it is; `sites` are the locations looked at, with the units that were free there.
    pub(super) fn of(line: &Line, strategy: Option<&Strategy>, sites: impl Iterator<Item = (Site, i64)>) -> Self {
        let mut locations = Vec::new();
        for (place, (site, free)) in sites.enumerate() {
            let taken = line.allocations.iter().find(|taken| taken.location == site.location);
            let quantity = taken.map_or(0, |taken| taken.quantity);
            if quantity == 0 && place >= LOCATIONS_TOLD_MAX {
                continue;
            }
            let reason = if quantity > 0 { chosen(line, strategy, quantity, free) } else { passed_over(line, free) };
            let Site { location, priority, metres } = site;
            locations.push(Considered { location, quantity, free, reason, priority, metres });
        }
        // Units of a SKU that has not been anywhere yet wait at a place that was not looked at.
        for taken in &line.allocations {
            if !locations.iter().any(|told| told.location == taken.location) {
                let (location, quantity) = (taken.location.clone(), taken.quantity);
                let reason = chosen(line, strategy, quantity, 0);
                locations.push(Considered { location, quantity, free: 0, reason, priority: None, metres: None });
            }
        }
        Self { line_id: line.line_id.clone(), sku: line.sku.clone(), locations }
    }
}

fn chosen(line: &Line, strategy: Option<&Strategy>, quantity: i64, free: i64) -> Reason {
    match strategy {
        _ if line.location.is_some() => Reason::Named,
        _ if free <= 0 => Reason::AwaitsGoods,
        None if quantity == line.requested => Reason::ServesWholeLine,
        None => Reason::ServesPart,
        Some(Strategy::Priority) => Reason::FirstByPriority,
        Some(Strategy::Nearest { .. }) => Reason::Nearest,
        Some(Strategy::FewestSplits) => Reason::FewestLocations,
    }
}

fn passed_over(line: &Line, free: i64) -> Reason {
    match free {
        _ if line.location.is_some() => Reason::OtherNamed,
        ..=0 => Reason::NothingFree,
        _ if line.held() < line.requested => Reason::HeldBack,
        _ => Reason::NotNeeded,
    }
}
