//! Pack: picked units are put into a package.

use std::collections::BTreeMap;

use cqrs::{Command, Decision, Invalid, States, Streams};

use super::place::OrderAnswer;
use super::{LINES_MAX, Order, OrderEvent, OrderLine, OrderStatus, UnitsAt, WrongTransition};
use crate::domain::ids::{LineId, OrderId, PackageId, Quantity};

/// The most packages of one order.
pub const PACKAGES_MAX: usize = 1_000;

/// Packs picked units. The same package with the same content changes nothing and succeeds again.
#[derive(Clone, Debug)]
pub struct PackUnits {
    /// The order.
    pub order_id: OrderId,
    /// The package, named by whoever packs.
    pub package: PackageId,
    /// What goes into it: at most 2,000 lines; all that is picked and not packed if empty.
    pub lines: Vec<PackLine>,
}

/// Units of one line that go into a package.
#[derive(Clone, Debug)]
pub struct PackLine {
    /// The line.
    pub line_id: LineId,
    /// Units.
    pub quantity: Quantity,
}

/// Why nothing is packed.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum PackRejection {
    /// No such order.
    #[error("order {order_id} does not exist")]
    UnknownOrder {
        /// The id.
        order_id: OrderId,
    },
    /// The order has no such line.
    #[error("order {order_id} has no line {line_id}")]
    UnknownLine {
        /// The order.
        order_id: OrderId,
        /// The line.
        line_id: LineId,
        /// Its place in the command, from 0.
        place: usize,
    },
    /// Fewer units of the line are picked and not packed.
    #[error("line {line_id} has {packable} units to pack")]
    LineHasLess {
        /// The line.
        line_id: LineId,
        /// Its place in the command, from 0.
        place: usize,
        /// Units that are picked and not packed.
        packable: i64,
    },
    /// The package was packed with other content.
    #[error("package {package} of order {order_id} has other content")]
    IdConflict {
        /// The order.
        order_id: OrderId,
        /// The package.
        package: PackageId,
    },
    /// The order has as many packages as it may have.
    #[error("an order has at most 1,000 packages")]
    TooManyPackages,
    /// Nothing is picked and not packed.
    #[error(transparent)]
    WrongTransition(WrongTransition),
}

impl Command for PackUnits {
    const NAME: &'static str = "pack-units";
    type Answer = OrderAnswer;
    type Rejection = PackRejection;

    fn validate(&self) -> Result<(), Invalid> {
        if self.lines.len() > LINES_MAX {
            return Err(Invalid::field("/lines", "at most 2,000 lines"));
        }
        let mut seen = std::collections::BTreeSet::new();
        match self.lines.iter().position(|line| !seen.insert(&line.line_id)) {
            Some(place) => Err(Invalid::field(format!("/lines/{place}/lineId"), "is named twice")),
            None => Ok(()),
        }
    }

    fn streams(&self) -> Streams {
        Streams::one(&Order::stream(&self.order_id))
    }

    fn decide(&self, states: &States<'_>) -> Result<Decision<OrderAnswer>, PackRejection> {
        let stream = Order::stream(&self.order_id);
        let mut order = states.of(&stream).as_ref().clone();
        if order.placed().is_none() {
            return Err(PackRejection::UnknownOrder { order_id: self.order_id.clone() });
        }
        let answer = |status, repeated| OrderAnswer { order_id: self.order_id.clone(), status, repeated };
        if let Some(before) = order.packed_as(&self.package) {
            if !self.is_content(before) {
                let (order_id, package) = (self.order_id.clone(), self.package.clone());
                return Err(PackRejection::IdConflict { order_id, package });
            }
            return Ok(Decision::answer(answer(order.status(), true)));
        }
        if order.packages().len() >= PACKAGES_MAX {
            return Err(PackRejection::TooManyPackages);
        }
        let lines = self.units(&order)?;
        if lines.is_empty() || order.on_hold().is_some() {
            let wrong = WrongTransition::new(order.status(), OrderStatus::Packed);
            return Err(PackRejection::WrongTransition(wrong));
        }
        let event = OrderEvent::Packed { package: self.package.clone(), lines };
        cqrs::Aggregate::apply(&mut order, &event);
        Ok(Decision::answer(answer(order.status(), false)).record(&stream, event))
    }
}

impl PackUnits {
    /// Whether it asks for what was packed; a command that names no lines asks for whatever that was.
    fn is_content(&self, before: &[UnitsAt]) -> bool {
        let mut packed: BTreeMap<&LineId, i64> = BTreeMap::new();
        for at in before {
            *packed.entry(&at.line_id).or_default() += at.quantity;
        }
        self.lines.is_empty() || packed == self.lines.iter().map(|l| (&l.line_id, l.quantity.units())).collect()
    }

    fn units(&self, order: &Order) -> Result<Vec<UnitsAt>, PackRejection> {
        if self.lines.is_empty() {
            return Ok(order.lines().iter().flat_map(|line| taken(line, i64::MAX)).collect());
        }
        let mut units = Vec::with_capacity(self.lines.len());
        for (place, named) in self.lines.iter().enumerate() {
            let line_id = named.line_id.clone();
            let Some(line) = order.line(&line_id) else {
                return Err(PackRejection::UnknownLine { order_id: self.order_id.clone(), line_id, place });
            };
            let packable = line.picked() - line.packed();
            if named.quantity.units() > packable {
                return Err(PackRejection::LineHasLess { line_id, place, packable });
            }
            units.extend(taken(line, named.quantity.units()));
        }
        Ok(units)
    }
}

/// At most `quantity` units of `line` that are picked and not packed, those of the first attempt first.
fn taken(line: &OrderLine, quantity: i64) -> Vec<UnitsAt> {
    let mut left = quantity;
    let mut taken = Vec::new();
    for units in &line.units {
        let quantity = left.min(units.picked - units.packed);
        if quantity > 0 {
            left -= quantity;
            taken.push(UnitsAt {
                line_id: line.line_id.clone(),
                attempt: units.attempt,
                location: units.location.clone(),
                quantity,
            });
        }
    }
    taken
}

#[cfg(test)]
mod tests {
    use super::super::cancel::{CancelLine, CancelOrder};
    use super::super::fixtures::*;
    use super::super::ready_to_ship::MakeReadyToShip;
    use super::*;
    use crate::domain::pick_list::fixtures::{pick, released};

    fn pack(package: &str, lines: &[(&str, i64)]) -> PackUnits {
        let lines = lines
            .iter()
            .map(|(name, units)| PackLine { line_id: line(name), quantity: Quantity::parse(*units).unwrap() });
        PackUnits { order_id: id("o"), package: PackageId::parse(package).unwrap(), lines: lines.collect() }
    }

    fn picked() -> cqrs::testkit::Given {
        let given = released(&[("TEA", 3, None), ("MUG", 1, None)]);
        given.when(pick("o~1~main", "1", None)).and_when(pick("o~1~main", "2", None)).given()
    }

    fn content(given: &cqrs::testkit::Given) -> Vec<(String, Vec<(String, i64)>)> {
        let order = found(given, "o");
        let units = |lines: &[UnitsAt]| lines.iter().map(|at| (at.line_id.to_string(), at.quantity)).collect();
        order.packages().iter().map(|package| (package.id.to_string(), units(&package.lines))).collect()
    }

    #[test]
    fn units_go_into_packages_and_all_packed_makes_it_packed() {
        let package = |text: &str| PackageId::parse(text).unwrap();
        let first = OrderEvent::Packed { package: package("p1"), lines: vec![units_at("1", 1, "main", 2)] };
        let rest = vec![units_at("1", 1, "main", 1), units_at("2", 1, "main", 1)];
        let when = picked().when(pack("p1", &[("1", 2)])).then_events(&stream("o"), [first]);
        assert_eq!(when.answer().status, OrderStatus::Picked);
        let when = when.and_when(pack("p2", &[]));
        assert_eq!(when.answer().status, OrderStatus::Packed);
        let given =
            when.then_events(&stream("o"), [OrderEvent::Packed { package: package("p2"), lines: rest }]).given();
        assert_eq!(content(&given).len(), 2);
        let ready = MakeReadyToShip { order_id: id("o") };
        given.when(ready).then_events(&stream("o"), [OrderEvent::ReadyToShip { implicit: false }]);
    }

    #[test]
    fn a_package_is_packed_once() {
        let given = picked().when(pack("p1", &[("1", 2)])).given();
        given.clone().when(pack("p1", &[("1", 2)])).then_nothing();
        let conflict = PackRejection::IdConflict { order_id: id("o"), package: PackageId::parse("p1").unwrap() };
        given.when(pack("p1", &[("1", 1)])).then_rejected(&conflict);
    }

    #[test]
    fn never_more_than_was_picked() {
        let given = picked().when(pack("p1", &[("1", 2)])).given();
        let less = PackRejection::LineHasLess { line_id: line("1"), place: 0, packable: 1 };
        given.clone().when(pack("p2", &[("1", 2)])).then_rejected(&less);
        let unknown = PackRejection::UnknownLine { order_id: id("o"), line_id: line("9"), place: 0 };
        given.clone().when(pack("p2", &[("9", 1)])).then_rejected(&unknown);
        given.when(pack("p2", &[("1", 1), ("1", 1)])).then_invalid("/lines/1/lineId");
        let wrong = WrongTransition::new(OrderStatus::Reserved, OrderStatus::Packed);
        released(&[("TEA", 3, None)]).when(pack("p", &[])).then_rejected(&PackRejection::WrongTransition(wrong));
    }

    #[test]
    fn what_is_cancelled_leaves_the_last_packages() {
        let given = picked().when(pack("p1", &[("1", 2)])).and_when(pack("p2", &[])).given();
        let lines = vec![CancelLine { line_id: line("1"), quantity: Some(Quantity::parse(2).unwrap()) }];
        let given = given.when(CancelOrder { order_id: id("o"), lines, reason: None }).given();
        let left = [("p1".to_owned(), vec![("1".to_owned(), 1)]), ("p2".to_owned(), vec![("2".to_owned(), 1)])];
        assert_eq!(content(&given), left);
        given.when(pack("p1", &[("1", 2)])).then_nothing();
    }
}
