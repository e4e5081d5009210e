//! Fewest splits: the smallest set of locations that together serve all that can be served.

use std::collections::{BTreeMap, BTreeSet};

use super::{Site, last};
use crate::domain::ids::{LocationId, Sku};
use crate::domain::stock_item::StockItem;

/// The most locations among which the smallest set is found for certain: four thousand sets are tried then.
const EXACT_LOCATIONS_MAX: usize = 12;

/// The most comparisons (sets times SKUs) spent on it; beyond, and with more locations, the greedy choice does.
const EXACT_STEPS_MAX: usize = 100_000;

/// What a location is ordered by: its priority, `main` before others, its id.
type Rank = ((bool, Option<u32>), bool, LocationId);

/// What all lines want, and which locations have it.
pub(super) struct Demands<'l> {
    demands: BTreeMap<&'l Sku, Demand>,
    /// Locations that other lines use already: they cost nothing more.
    used: BTreeSet<LocationId>,
}

/// What is wanted of one SKU.
#[derive(Default)]
pub(super) struct Demand {
    wanted: i64,
    free: BTreeMap<Rank, i64>,
}

impl Demand {
    /// Notes what `site` has of the SKU.
    pub(super) fn offer(&mut self, site: Site, item: &StockItem) {
        let free = item.level(&site.location).free();
        if free > 0 {
            self.free.insert((last(site.priority), !site.location.is_main(), site.location), free);
        }
    }
}

impl<'l> Demands<'l> {
    pub(super) fn new(used: BTreeSet<LocationId>) -> Self {
        Self { demands: BTreeMap::new(), used }
    }

    pub(super) fn add(&mut self, sku: &'l Sku, units: i64) {
        self.demands.entry(sku).or_default().wanted += units;
    }

    pub(super) fn each(&mut self) -> impl Iterator<Item = (&'l Sku, &mut Demand)> {
        self.demands.iter_mut().map(|(sku, demand)| (*sku, demand))
    }

    /// The locations that serve what can be served, the first in order where several sets are as small.
    pub(super) fn serve(self) -> Vec<LocationId> {
        let ranks: BTreeSet<&Rank> = self.demands.values().flat_map(|demand| demand.free.keys()).collect();
        let (used, open): (Vec<&Rank>, Vec<&Rank>) = ranks.into_iter().partition(|rank| self.used.contains(&rank.2));
        let cover = Cover::new(&self.demands, &used, &open);
        let sets = u32::try_from(open.len()).ok().and_then(|locations| 1_usize.checked_shl(locations));
        let steps = sets.and_then(|sets| sets.checked_mul(self.demands.len()));
        let exact = open.len() <= EXACT_LOCATIONS_MAX && steps.is_some_and(|steps| steps <= EXACT_STEPS_MAX);
        let chosen = if exact { cover.smallest() } else { cover.greedy() };
        let chosen = chosen.into_iter().filter_map(|place| open.get(place).copied());
        let all: BTreeSet<&Rank> = used.iter().copied().chain(chosen).collect();
        all.into_iter().map(|rank| rank.2.clone()).collect()
    }
}

/// Which of the locations that cost something serve what is left to be served.
struct Cover {
    /// Per SKU, units that are left to be served.
    needs: Vec<i64>,
    /// Per location, its units of each SKU.
    sites: Vec<Vec<i64>>,
}

impl Cover {
    fn new(demands: &BTreeMap<&Sku, Demand>, used: &[&Rank], open: &[&Rank]) -> Self {
        let at = |rank: &Rank| demands.values().map(|demand| demand.free.get(rank).copied().unwrap_or(0)).collect();
        let need = |demand: &Demand| {
            let had: i64 = used.iter().filter_map(|rank| demand.free.get(*rank)).sum();
            (demand.wanted.min(demand.free.values().sum()) - had).max(0)
        };
        Self { needs: demands.values().map(need).collect(), sites: open.iter().map(|rank| at(rank)).collect() }
    }

    fn covers(&self, chosen: &[usize]) -> bool {
        let has = |sku: usize| -> i64 { chosen.iter().filter_map(|site| self.sites.get(*site)?.get(sku)).sum() };
        self.needs.iter().enumerate().all(|(sku, need)| has(sku) >= *need)
    }

    /// The smallest set that covers, the first of its size. All together they do, so there is one.
    fn smallest(&self) -> Vec<usize> {
        let mut chosen = Vec::new();
        for size in 0..=self.sites.len() {
            if self.pick(0, size, &mut chosen) {
                break;
            }
        }
        chosen
    }

    /// Adds `left` of the sites from `from` on to `chosen` so that they cover; whether it can be done.
    fn pick(&self, from: usize, left: usize, chosen: &mut Vec<usize>) -> bool {
        if left == 0 {
            return self.covers(chosen);
        }
        for site in from..=self.sites.len().saturating_sub(left) {
            chosen.push(site);
            if self.pick(site + 1, left - 1, chosen) {
                return true;
            }
            chosen.pop();
        }
        false
    }

    /// Always the site that serves most of what is left; in the end those that turned out not to be needed are dropped.
    fn greedy(&self) -> Vec<usize> {
        let (mut needs, mut chosen) = (self.needs.clone(), Vec::new());
        let serves =
            |needs: &[i64], site: &[i64]| -> i64 { needs.iter().zip(site).map(|(need, free)| need.min(free)).sum() };
        while needs.iter().any(|need| *need > 0) {
            let open = self.sites.iter().enumerate().filter(|(place, _)| !chosen.contains(place));
            // Of equals, the last one is taken by `max_by_key`: the first in order must be it.
            let Some((place, site)) = open.rev().max_by_key(|(_, site)| serves(&needs, site)) else { break };
            needs.iter_mut().zip(site).for_each(|(need, free)| *need -= (*need).min(*free));
            chosen.push(place);
        }
        for place in chosen.clone() {
            let without: Vec<usize> = chosen.iter().copied().filter(|other| *other != place).collect();
            if self.covers(&without) {
                chosen = without;
            }
        }
        chosen
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cover(needs: &[i64], sites: &[&[i64]]) -> Cover {
        Cover { needs: needs.to_vec(), sites: sites.iter().map(|site| site.to_vec()).collect() }
    }

    #[test]
    fn the_smallest_set_beats_the_one_that_looks_best_at_first() {
        // The middle site serves most by itself, and then both others are needed all the same.
        let cover = cover(&[6, 6], &[&[6, 0], &[5, 5], &[0, 6]]);
        assert_eq!(cover.smallest(), [0, 2].to_vec());
        assert!(cover.covers(&cover.greedy()));
    }

    #[test]
    fn of_sets_as_small_the_first_in_order_is_taken() {
        let cover = cover(&[2], &[&[1], &[2], &[2], &[1]]);
        assert_eq!((cover.smallest(), cover.greedy()), (vec![1], vec![1]));
    }

    #[test]
    fn nothing_is_needed_where_nothing_is_left_to_serve() {
        assert_eq!(cover(&[0], &[&[5]]).smallest(), Vec::<usize>::new());
        assert_eq!(cover(&[0], &[&[5]]).greedy(), Vec::<usize>::new());
    }

    #[test]
    fn the_greedy_choice_serves_all_and_keeps_no_site_in_vain() {
        let sites: Vec<Vec<i64>> = (0..40).map(|site| (0..5).map(|sku| (site * 7 + sku * 3) % 5).collect()).collect();
        let needs = (0..5).map(|sku| sites.iter().map(|site| site[sku]).sum::<i64>() / 2).collect();
        let cover = Cover { needs, sites };
        let chosen = cover.greedy();
        assert!(cover.covers(&chosen));
        for place in &chosen {
            let without: Vec<usize> = chosen.iter().copied().filter(|other| other != place).collect();
            assert!(!cover.covers(&without), "{place} is not needed");
        }
    }
}
