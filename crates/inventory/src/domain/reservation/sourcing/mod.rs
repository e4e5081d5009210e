//! Sourcing by a strategy: in which order locations are asked for the lines of a reservation, and why each was chosen or
//! passed over. Reservations and their dry run are decided by this same code.

mod fewest;
mod reasons;

use std::collections::BTreeSet;

use cqrs::States;
use serde::{Deserialize, Serialize};

use super::Line;
use super::shelves::Shelves;
use crate::domain::ids::{LocationId, ReservationId};
use crate::domain::location::{Coordinates, Location};
use crate::domain::stock_item::StockItem;
use cqrs::Timestamp;
pub use reasons::{Considered, LineSourcing, Reason};

/// How locations are chosen for lines that name none.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum Strategy {
    /// In the order of their priority, each as far as it goes.
    Priority,
    /// The nearest first, each as far as it goes. One without coordinates comes last.
    Nearest {
        /// Where the goods go.
        destination: Coordinates,
    },
    /// As few locations for all lines together as can be.
    FewestSplits,
}

/// A location as a strategy sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Site {
    pub(super) location: LocationId,
    pub(super) priority: Option<u32>,
    pub(super) metres: Option<i64>,
}

/// Sources the lines of one reservation.
pub(super) struct Sourcing<'a> {
    strategy: Option<&'a Strategy>,
    states: &'a States<'a>,
    /// With the fewest splits: the locations that serve all lines.
    chosen: Vec<LocationId>,
    /// Whether to say why.
    explain: bool,
}

impl<'a> Sourcing<'a> {
    pub(super) fn new(strategy: Option<&'a Strategy>, states: &'a States<'a>, explain: bool) -> Self {
        Self { strategy, states, chosen: Vec::new(), explain }
    }

    /// Holds what can be had for every line; says why its locations were chosen, if that is asked.
    ///
    /// Lines that insist on a location come first: the others can go round them, not the other way.
    pub(super) fn hold(
        &mut self,
        id: &ReservationId,
        lines: &mut [Line],
        expires_at: Option<Timestamp>,
        shelves: &mut Shelves<'_>,
    ) -> Vec<LineSourcing> {
        let mut told = vec![None; lines.len()];
        for insisting in [true, false] {
            if !insisting && self.strategy == Some(&Strategy::FewestSplits) {
                self.chosen = self.fewest(lines, shelves);
            }
            let lines = lines.iter_mut().zip(&mut told);
            for (line, told) in lines.filter(|(line, _)| line.location.is_some() == insisting) {
                *told = self.hold_line(id, line, expires_at, shelves);
            }
        }
        told.into_iter().flatten().collect()
    }

    fn hold_line(
        &self,
        id: &ReservationId,
        line: &mut Line,
        expires_at: Option<Timestamp>,
        shelves: &mut Shelves<'_>,
    ) -> Option<LineSourcing> {
        let wanted = line.requested;
        let item = shelves.item(&line.sku);
        let sites = if self.explain || self.strategy.is_some() { self.sites(item) } else { Vec::new() };
        let free: Vec<i64> = sites.iter().map(|site| item.level(&site.location).free()).collect();
        line.allocations = match self.strategy {
            _ if line.location.is_some() => item.source(line.location.as_ref(), wanted),
            None => item.source(None, wanted),
            Some(Strategy::FewestSplits) => item.source_in(&self.chosen, wanted, true),
            Some(Strategy::Priority | Strategy::Nearest { .. }) => {
                let order: Vec<LocationId> = sites.iter().map(|site| site.location.clone()).collect();
                item.source_in(&order, wanted, false)
            }
        };
        shelves.hold_allocated(id, line, expires_at);
        self.explain.then(|| LineSourcing::of(line, self.strategy, sites.into_iter().zip(free)))
    }

    /// The locations of `item`, in the order the strategy asks them.
    fn sites(&self, item: &StockItem) -> Vec<Site> {
        let mut sites: Vec<Site> = item.locations_in_order().map(|location| self.site(location)).collect();
        match self.strategy {
            None => {}
            // Sorting is stable: of equals, the default order decides.
            Some(Strategy::Priority | Strategy::FewestSplits) => sites.sort_by_key(|site| last(site.priority)),
            Some(Strategy::Nearest { .. }) => sites.sort_by_key(|site| (last(site.metres), last(site.priority))),
        }
        sites
    }

    fn site(&self, location: &LocationId) -> Site {
        if self.strategy.is_none() {
            return Site { location: location.clone(), priority: None, metres: None };
        }
        let found = self.states.of(&Location::stream(location));
        let metres = match self.strategy {
            Some(Strategy::Nearest { destination }) => {
                found.details().coordinates.map(|here| here.metres_to(*destination))
            }
            _ => None,
        };
        Site { location: location.clone(), priority: found.details().priority, metres }
    }

    /// The fewest locations that serve all lines which insist on none; those that insisting lines use cost nothing more.
    fn fewest(&self, lines: &[Line], shelves: &mut Shelves<'_>) -> Vec<LocationId> {
        let used: BTreeSet<LocationId> =
            lines.iter().flat_map(|line| &line.allocations).map(|taken| taken.location.clone()).collect();
        let mut demands = fewest::Demands::new(used);
        for line in lines.iter().filter(|line| line.location.is_none()) {
            demands.add(&line.sku, line.requested);
        }
        for (sku, demand) in demands.each() {
            let item = shelves.item(sku);
            for site in self.sites(item) {
                demand.offer(site, item);
            }
        }
        demands.serve()
    }
}

/// Those without a value come after all that have one.
fn last<T: Ord>(value: Option<T>) -> (bool, Option<T>) {
    (value.is_none(), value)
}
