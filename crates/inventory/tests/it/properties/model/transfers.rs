//! Transfers in the model: each with its lines, and what became of the units that left.

use std::collections::BTreeMap;

use super::Model;

#[derive(Clone, Debug)]
struct Line {
    sku: usize,
    units: i64,
    came: i64,
    lost: i64,
}

/// What became of a line's units: which line, how many came, how many of them damaged, how many were lost.
type Fate = (usize, i64, i64, i64);

#[derive(Clone, Debug)]
pub(crate) struct Transfer {
    way: (usize, usize),
    lines: Vec<Line>,
    left_for: Option<i64>,
    cancelled: bool,
    deliveries: BTreeMap<usize, Vec<Fate>>,
}

impl Transfer {
    fn state(&self) -> &'static str {
        let left: i64 = self.lines.iter().map(|line| line.units - line.came - line.lost).sum();
        let all: i64 = self.lines.iter().map(|line| line.units).sum();
        match (self.cancelled, self.left_for) {
            (true, _) => "CANCELLED",
            (false, None) => "REQUESTED",
            (false, Some(_)) if left == all => "SHIPPED",
            (false, Some(_)) if left > 0 => "PARTIALLY_RECEIVED",
            (false, Some(_)) => "RECEIVED",
        }
    }
}

impl Model {
    pub(crate) fn transfer_state(&self, id: usize) -> Option<&'static str> {
        self.transfers.get(&id).map(Transfer::state)
    }

    /// Units of a SKU on their way that are to come by a day.
    pub(crate) fn moving(&self, sku: usize, by: i64) -> i64 {
        let left = self.transfers.values().filter(|transfer| transfer.left_for.is_some_and(|day| day <= by));
        let lines = left.flat_map(|transfer| &transfer.lines).filter(|line| line.sku == sku);
        lines.map(|line| line.units - line.came - line.lost).sum()
    }

    /// Units of a SKU on their way, anywhere or to a place.
    pub(crate) fn moving_to(&self, sku: usize, place: Option<usize>) -> i64 {
        let there =
            |transfer: &&Transfer| transfer.left_for.is_some() && place.is_none_or(|place| place == transfer.way.1);
        let lines = self.transfers.values().filter(there).flat_map(|transfer| &transfer.lines);
        lines.filter(|line| line.sku == sku).map(|line| line.units - line.came - line.lost).sum()
    }

    /// Units of a SKU on hand anywhere, and on their way.
    pub(crate) fn owned(&self, sku: usize) -> i64 {
        self.shelves[sku].on_hand.iter().sum::<i64>() + self.moving(sku, i64::MAX)
    }

    pub(crate) fn request(&mut self, id: usize, way: (usize, usize), lines: &[(usize, i64)], done: bool) {
        if let Some(known) = self.transfers.get(&id) {
            let asked: Vec<_> = known.lines.iter().map(|line| (line.sku, line.units)).collect();
            assert_eq!(done, known.way == way && asked == lines, "requested again: {known:?}");
            return;
        }
        assert!(done);
        let lines = lines.iter().map(|&(sku, units)| Line { sku, units, came: 0, lost: 0 }).collect();
        let deliveries = BTreeMap::new();
        self.transfers.insert(id, Transfer { way, lines, left_for: None, cancelled: false, deliveries });
    }

    /// All of it leaves, or nothing: what is promised, damaged or held back stays.
    pub(crate) fn send_off(&mut self, id: usize, day: i64, done: bool) {
        let Some(transfer) = self.transfers.get(&id).cloned() else {
            assert!(!done);
            return;
        };
        if transfer.cancelled || transfer.left_for.is_some() {
            assert_eq!(done, transfer.left_for == Some(day), "sent again: {transfer:?}");
            return;
        }
        let from = transfer.way.0;
        let before = self.shelves.clone();
        let mut fits = true;
        for line in &transfer.lines {
            let spare = self.free_anywhere(line.sku) - self.shelves[line.sku].safety;
            fits &= line.units <= spare.min(self.free(line.sku, from));
            self.shelves[line.sku].on_hand[from] -= line.units;
        }
        assert_eq!(done, fits, "send {transfer:?} on {before:?}");
        if !done {
            self.shelves = before;
        } else if let Some(transfer) = self.transfers.get_mut(&id) {
            transfer.left_for = Some(day);
        }
        self.check_promise();
    }

    pub(crate) fn arrive(&mut self, id: usize, delivery: usize, part: Option<Fate>, done: bool) {
        let Some(transfer) = self.transfers.get_mut(&id) else {
            assert!(!done);
            return;
        };
        if let Some(before) = transfer.deliveries.get(&delivery) {
            assert_eq!(done, part.is_none_or(|part| *before == vec![part]), "arrived again: {transfer:?}");
            return;
        }
        let left = |line: &Line| line.units - line.came - line.lost;
        let rest = |(no, line): (usize, &Line)| (no, left(line), 0, 0);
        let fates: Vec<Fate> = match part {
            Some(part) => vec![part],
            None => transfer.lines.iter().enumerate().map(rest).filter(|(_, units, _, _)| *units > 0).collect(),
        };
        let moving = matches!(transfer.state(), "SHIPPED" | "PARTIALLY_RECEIVED");
        let fits = |&(no, came, _, lost): &Fate| transfer.lines.get(no).is_some_and(|line| came + lost <= left(line));
        assert_eq!(done, moving && fates.iter().all(fits), "arrive {fates:?} of {transfer:?}");
        if !done {
            return;
        }
        let to = transfer.way.1;
        for &(no, came, damaged, lost) in &fates {
            let line = &mut transfer.lines[no];
            (line.came, line.lost) = (line.came + came, line.lost + lost);
            self.shelves[line.sku].on_hand[to] += came;
            self.shelves[line.sku].damaged[to] += damaged;
        }
        transfer.deliveries.insert(delivery, fates);
    }

    pub(crate) fn recall(&mut self, id: usize, done: bool) {
        let state = self.transfer_state(id);
        assert_eq!(done, matches!(state, Some("REQUESTED" | "CANCELLED")), "recall {:?}", self.transfers.get(&id));
        if let Some(transfer) = self.transfers.get_mut(&id).filter(|_| done) {
            transfer.cancelled = true;
        }
    }
}
