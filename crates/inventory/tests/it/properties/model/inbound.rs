//! What comes in, in the model: each receipt with its lines, and what has come of each.

use std::collections::BTreeMap;

use super::Model;

/// A line as it is announced; the date by its number.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Wanted {
    pub(crate) sku: usize,
    pub(crate) units: i64,
    pub(crate) day: i64,
}

#[derive(Clone, Debug, Default, PartialEq)]
struct Line {
    asked: Option<Wanted>,
    sku: usize,
    day: i64,
    came: i64,
    damaged: i64,
}

impl Line {
    fn expected(&self) -> i64 {
        self.asked.as_ref().map_or(0, |asked| asked.units)
    }

    fn missing(&self) -> i64 {
        (self.expected() - self.came).max(0)
    }
}

/// Units that came in one delivery: of which line, how many, how many damaged; nothing if it was all there was.
type Part = Option<(usize, i64, i64)>;

#[derive(Clone, Debug, Default)]
pub(crate) struct Receipt {
    place: usize,
    lines: Vec<Line>,
    deliveries: BTreeMap<usize, Vec<(usize, i64, i64)>>,
    over: Option<&'static str>,
}

impl Receipt {
    fn state(&self) -> &'static str {
        let came = self.lines.iter().any(|line| line.came > 0);
        let missing = self.lines.iter().any(|line| line.missing() > 0);
        match (self.over, came, missing) {
            (Some(over), _, _) => over,
            (None, false, _) => "EXPECTED",
            (None, true, true) => "PARTIALLY_RECEIVED",
            (None, true, false) => "RECEIVED",
        }
    }
}

impl Model {
    pub(crate) fn receipt_state(&self, id: usize) -> Option<&'static str> {
        self.receipts.get(&id).map(Receipt::state)
    }

    /// Units of a SKU that are to come by a day.
    pub(crate) fn incoming(&self, sku: usize, by: i64) -> i64 {
        let open = self.receipts.values().filter(|receipt| receipt.over.is_none());
        let lines = open.flat_map(|receipt| &receipt.lines);
        let received: i64 = lines.filter(|line| line.sku == sku && line.day <= by).map(Line::missing).sum();
        received + self.moving(sku, by)
    }

    /// What may be promised of a SKU beyond what is there, anywhere or at a place.
    pub(crate) fn beyond(&self, sku: usize, place: Option<usize>) -> i64 {
        let (limit, (from, incoming_only)) = (self.shelves[sku].limit, self.shelves[sku].terms);
        if from.is_some_and(|from| from > self.now) {
            return 0;
        }
        let here = |receipt: &&Receipt| receipt.over.is_none() && place.is_none_or(|place| place == receipt.place);
        let lines = self.receipts.values().filter(here).flat_map(|receipt| &receipt.lines);
        let coming: i64 = lines.filter(|line| line.sku == sku).map(Line::missing).sum();
        if incoming_only { limit.min(coming + self.moving_to(sku, place)) } else { limit }
    }

    pub(crate) fn limit(&mut self, sku: usize, limit: i64, terms: (Option<i64>, bool), done: bool) {
        assert_eq!(done, self.free_anywhere(sku) + limit >= 0, "limit {sku}");
        if done {
            (self.shelves[sku].limit, self.shelves[sku].terms) = (limit, terms);
        }
    }

    pub(crate) fn expect(&mut self, id: usize, place: usize, lines: &[Wanted], done: bool) {
        if let Some(known) = self.receipts.get(&id) {
            let asked: Vec<_> = known.lines.iter().map(|line| line.asked.clone()).collect();
            let same = known.place == place && asked == lines.iter().cloned().map(Some).collect::<Vec<_>>();
            assert_eq!(done, same, "expected again: {known:?}");
            return;
        }
        assert!(done);
        let line =
            |wanted: &Wanted| Line { asked: Some(wanted.clone()), sku: wanted.sku, day: wanted.day, ..Line::default() };
        let lines = lines.iter().map(line).collect();
        self.receipts.insert(id, Receipt { place, lines, ..Receipt::default() });
    }

    pub(crate) fn receive(&mut self, id: usize, delivery: usize, part: Part, done: bool) {
        let Some(receipt) = self.receipts.get_mut(&id) else {
            assert!(!done);
            return;
        };
        if let Some(before) = receipt.deliveries.get(&delivery) {
            assert_eq!(done, part.is_none_or(|part| *before == vec![part]), "delivered again: {receipt:?}");
            return;
        }
        let missing = |(no, line): (usize, &Line)| (no, line.missing(), 0);
        let came: Vec<_> = match part {
            Some(part) => vec![part],
            None => receipt.lines.iter().enumerate().map(missing).filter(|(_, units, _)| *units > 0).collect(),
        };
        let fits = |&(no, units, _): &(usize, i64, i64)| {
            // A tenth more, rounded up: eleven of ten, two of one.
            let most = |line: &Line| line.expected() + (line.expected() + 9) / 10;
            receipt.lines.get(no).is_some_and(|line| line.came + units <= most(line))
        };
        let open = matches!(receipt.state(), "EXPECTED" | "PARTIALLY_RECEIVED");
        assert_eq!(done, open && came.iter().all(fits), "receive {came:?} of {receipt:?}");
        if !done {
            return;
        }
        for (no, units, damaged) in &came {
            let line = &mut receipt.lines[*no];
            (line.came, line.damaged) = (line.came + units, line.damaged + damaged);
            let shelf = &mut self.shelves[line.sku];
            shelf.on_hand[receipt.place] += units;
            shelf.damaged[receipt.place] += damaged;
        }
        receipt.deliveries.insert(delivery, came);
    }

    pub(crate) fn unannounced(&mut self, id: usize, place: usize, came: (usize, i64, i64), done: bool) {
        let (sku, units, damaged) = came;
        let line = Line { asked: None, sku, day: 0, came: units, damaged };
        if let Some(known) = self.receipts.get(&id) {
            assert_eq!(done, known.place == place && known.lines == vec![line], "came again: {known:?}");
            return;
        }
        assert!(done);
        self.receipts.insert(id, Receipt { place, lines: vec![line], ..Receipt::default() });
        self.shelves[sku].on_hand[place] += units;
        self.shelves[sku].damaged[place] += damaged;
    }

    pub(crate) fn reschedule(&mut self, id: usize, day: i64, done: bool) {
        let open = matches!(self.receipt_state(id), Some("EXPECTED" | "PARTIALLY_RECEIVED"));
        assert_eq!(done, open, "reschedule {:?}", self.receipts.get(&id));
        if let Some(receipt) = self.receipts.get_mut(&id).filter(|_| done) {
            receipt.lines.iter_mut().filter(|line| line.missing() > 0).for_each(|line| line.day = day);
        }
    }

    pub(crate) fn cancel_receipt(&mut self, id: usize, done: bool) {
        self.end(id, "EXPECTED", "CANCELLED", done);
    }

    pub(crate) fn close_receipt(&mut self, id: usize, done: bool) {
        self.end(id, "PARTIALLY_RECEIVED", "CLOSED", done);
    }

    fn end(&mut self, id: usize, from: &'static str, to: &'static str, done: bool) {
        let state = self.receipt_state(id);
        assert_eq!(done, state == Some(from) || state == Some(to), "{to}: {:?}", self.receipts.get(&id));
        if let Some(receipt) = self.receipts.get_mut(&id).filter(|_| done) {
            receipt.over = Some(to);
        }
    }
}
