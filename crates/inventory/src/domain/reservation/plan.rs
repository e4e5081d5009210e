//! Plan: a dry run of a reservation. It is decided as a reserve is, on the same stock, and nothing is recorded.

use cqrs::{Command, Decision, Invalid, States, Streams};
use serde::{Deserialize, Serialize};

use super::reserve::{Reserve, ReserveRejection};
use super::shelves::Shelves;
use super::sourcing::LineSourcing;
use crate::domain::ids::{LineId, Sku};
use crate::domain::stock_item::Allocation;

/// Asks what a reservation would hold where, and why.
#[derive(Clone, Debug)]
pub struct PlanSourcing {
    /// What would be reserved; its id may be any.
    pub reserve: Reserve,
}

/// What a reservation would hold.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SourcingPlan {
    /// Line by line, as asked for.
    pub lines: Vec<PlannedLine>,
}

/// What one line would hold.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PlannedLine {
    /// Its id.
    pub line_id: LineId,
    /// What it is a line of.
    pub sku: Sku,
    /// Units asked for.
    pub requested: i64,
    /// Where its units would come from.
    pub allocations: Vec<Allocation>,
    /// Why, if that was asked.
    pub sourcing: Option<LineSourcing>,
}

impl Command for PlanSourcing {
    const NAME: &'static str = "plan-sourcing";
    type Answer = SourcingPlan;
    type Rejection = ReserveRejection;

    fn validate(&self) -> Result<(), Invalid> {
        self.reserve.validate()
    }

    fn streams(&self) -> Streams {
        self.reserve.streams_of_lines()
    }

    fn decide(&self, states: &States<'_>) -> Result<Decision<SourcingPlan>, ReserveRejection> {
        // What is recorded on these shelves is never taken off them.
        let mut shelves = Shelves::new(states);
        self.reserve.check_known(states, &mut shelves)?;
        let (lines, told) = self.reserve.source(states, None, &mut shelves);
        let mut told = told.into_iter();
        let lines = lines.into_iter().map(|line| PlannedLine {
            line_id: line.line_id,
            sku: line.sku,
            requested: line.requested,
            allocations: line.allocations,
            sourcing: told.next(),
        });
        Ok(Decision::answer(SourcingPlan { lines: lines.collect() }))
    }
}

#[cfg(test)]
mod tests {
    use cqrs::testkit::Given;

    use super::super::sourcing::{Considered, Reason, Strategy};
    use super::*;
    use crate::domain::fixtures::{place, reserve, sku, stocked};
    use crate::domain::location::Coordinates;
    use crate::domain::location::update::UpdateLocation;

    /// `(location, units taken, units free, why)` for each line.
    type Told = Vec<Vec<(String, i64, i64, Reason)>>;

    fn berlin() -> Coordinates {
        Coordinates::parse(52.52, 13.405).unwrap()
    }

    fn with(strategy: Strategy, lines: &[(&str, i64)]) -> Reserve {
        Reserve { strategy: Some(strategy), explain: true, ..reserve("r", lines) }
    }

    fn told(sourcing: &[LineSourcing]) -> Told {
        let one = |seen: &Considered| (seen.location.to_string(), seen.quantity, seen.free, seen.reason);
        sourcing.iter().map(|line| line.locations.iter().map(one).collect()).collect()
    }

    /// What a dry run says, which is what the reservation then does.
    #[track_caller]
    fn plan(given: &Given, reserve: &Reserve) -> Told {
        let planned = given.clone().when(PlanSourcing { reserve: reserve.clone() }).then_nothing();
        let done = given.clone().when(Reserve { allow_partial: true, ..reserve.clone() });
        let plan = &planned.answer().lines;
        let held = &done.answer().reservation.lines;
        assert_eq!(
            plan.iter().map(|line| &line.allocations).collect::<Vec<_>>(),
            held.iter().map(|line| &line.allocations).collect::<Vec<_>>()
        );
        let sourcing: Vec<LineSourcing> = plan.iter().filter_map(|line| line.sourcing.clone()).collect();
        assert_eq!(sourcing, done.answer().sourcing);
        told(&sourcing)
    }

    /// Three locations with priorities against the order of their names, all but one on the map.
    fn warehouses(levels: &[(&str, &str, i64)]) -> Given {
        let at = |location, priority, coordinates| UpdateLocation {
            location: place(location),
            name: None,
            priority: Some(priority),
            coordinates,
        };
        stocked(levels)
            .when(at("aachen", 3, Coordinates::parse(50.776, 6.084).ok()))
            .and_when(at("berlin", 2, Some(berlin())))
            .and_when(at("cottbus", 1, None))
            .given()
    }

    fn at(location: &str, quantity: i64, free: i64, reason: Reason) -> (String, i64, i64, Reason) {
        (location.to_owned(), quantity, free, reason)
    }

    #[test]
    fn priority_asks_one_location_after_the_other() {
        let given = warehouses(&[("TEA", "aachen", 9), ("TEA", "berlin", 0), ("TEA", "cottbus", 2)]);
        let expected = vec![vec![
            at("cottbus", 2, 2, Reason::FirstByPriority),
            at("berlin", 0, 0, Reason::NothingFree),
            at("aachen", 3, 9, Reason::FirstByPriority),
        ]];
        assert_eq!(plan(&given, &with(Strategy::Priority, &[("TEA", 5)])), expected);
    }

    #[test]
    fn the_nearest_serves_first_and_one_off_the_map_last() {
        let given = warehouses(&[("TEA", "aachen", 5), ("TEA", "berlin", 5), ("TEA", "cottbus", 5)]);
        let nearest = |destination| with(Strategy::Nearest { destination }, &[("TEA", 6)]);
        let expected = vec![vec![
            at("berlin", 5, 5, Reason::Nearest),
            at("aachen", 1, 5, Reason::Nearest),
            at("cottbus", 0, 5, Reason::NotNeeded),
        ]];
        assert_eq!(plan(&given, &nearest(berlin())), expected);
        let cologne = Coordinates::parse(50.94, 6.96).unwrap();
        assert_eq!(plan(&given, &nearest(cologne))[0][0], at("aachen", 5, 5, Reason::Nearest));
        let answer = given.when(PlanSourcing { reserve: nearest(cologne) });
        let metres: Vec<_> =
            answer.answer().lines[0].sourcing.iter().flat_map(|told| &told.locations).map(|seen| seen.metres).collect();
        assert_eq!((metres[0].unwrap() / 1_000, metres[1].unwrap() / 1_000, metres[2]), (64, 477, None));
    }

    #[test]
    fn the_fewest_locations_serve_all_lines_together() {
        let given =
            warehouses(&[("TEA", "aachen", 3), ("MUG", "aachen", 3), ("TEA", "berlin", 4), ("MUG", "cottbus", 4)]);
        let lines = [("TEA", 3), ("MUG", 3)];
        let told = plan(&given, &with(Strategy::FewestSplits, &lines));
        assert_eq!(told[0][1], at("aachen", 3, 3, Reason::FewestLocations));
        assert_eq!(told[1][1], at("aachen", 3, 3, Reason::FewestLocations));
        // As it always is, each line has a location of its own.
        let parcels = given.clone().when(reserve("s", &lines));
        let at = |line: usize| parcels.answer().reservation.lines[line].allocations[0].location.to_string();
        assert_eq!((at(0), at(1)), ("aachen".to_owned(), "aachen".to_owned()));
        let told = plan(&given, &with(Strategy::FewestSplits, &[("TEA", 4), ("MUG", 4)]));
        assert_eq!((told[0][0].0.as_str(), told[1][0].0.as_str()), ("berlin", "cottbus"));
    }

    #[test]
    fn a_line_that_insists_keeps_its_location_and_is_no_further_parcel() {
        let given =
            warehouses(&[("TEA", "aachen", 4), ("TEA", "cottbus", 9), ("MUG", "aachen", 1), ("MUG", "cottbus", 9)]);
        let mut reserve = with(Strategy::FewestSplits, &[("TEA", 2), ("MUG", 1)]);
        reserve.lines[0].location = Some(place("aachen"));
        let told = plan(&given, &reserve);
        assert_eq!(told[0][1], at("aachen", 2, 4, Reason::Named));
        assert_eq!(told[0][0].3, Reason::OtherNamed);
        assert_eq!(told[1][1], at("aachen", 1, 1, Reason::FewestLocations), "where a parcel leaves anyway");
    }

    #[test]
    fn the_usual_choice_has_its_reasons_too() {
        let given = stocked(&[("TEA", "main", 3), ("TEA", "aachen", 2), ("TEA", "berlin", 9)]);
        let explained = |quantity| Reserve { explain: true, ..reserve("r", &[("TEA", quantity)]) };
        let expected = vec![vec![
            at("main", 0, 3, Reason::NotNeeded),
            at("aachen", 0, 2, Reason::NotNeeded),
            at("berlin", 4, 9, Reason::ServesWholeLine),
        ]];
        assert_eq!(plan(&given, &explained(4)), expected);
        assert_eq!(plan(&given, &explained(13))[0][0], at("main", 3, 3, Reason::ServesPart));
    }

    #[test]
    fn a_plan_that_is_short_says_so_and_unknown_skus_are_refused() {
        let given = warehouses(&[("TEA", "berlin", 2)]);
        let short = given.clone().when(PlanSourcing { reserve: with(Strategy::Priority, &[("TEA", 5)]) });
        assert_eq!(short.answer().lines[0].allocations, [Allocation { location: place("berlin"), quantity: 2 }]);
        let unknown = ReserveRejection::UnknownSku { line: 0, sku: sku("NONE") };
        let _ = given.when(PlanSourcing { reserve: reserve("r", &[("NONE", 1)]) }).then_rejected(&unknown);
    }
}
