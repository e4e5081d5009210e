//! Orders in the model: they commit at once and without end, and are asked once for each attempt.

use super::{Asked, Booking, Model, SKUS};

/// Where orders' bookings stand among the others.
const ORDERS: usize = 1_000;

impl Model {
    pub(crate) fn order_state(&self, order: usize) -> Option<&'static str> {
        self.state(ORDERS + order)
    }

    /// An order asks; the place of a line is one it must not come from.
    pub(crate) fn order(&mut self, order: usize, lines: &[Asked], partial: bool, held: Option<Vec<Vec<(usize, i64)>>>) {
        if self.bookings.contains_key(&(ORDERS + order)) {
            return;
        }
        let anywhere: Vec<Asked> = lines.iter().map(|asked| Asked { place: None, ..asked.clone() }).collect();
        // With a place left out, who is served depends on who comes first: only what no order may break is checked then.
        if lines.iter().all(|asked| asked.place.is_none()) {
            let any = lines.iter().any(|asked| self.on_shelf(asked.sku) > 0);
            let wanted = |sku| lines.iter().filter(|asked| asked.sku == sku).map(|asked| asked.requested).sum::<i64>();
            let fits = (0..SKUS).all(|sku| wanted(sku) == 0 || wanted(sku) <= self.on_shelf(sku));
            let allowed = fits || (partial && any);
            assert_eq!(held.is_some(), allowed, "order {lines:?} on {:?}", self.shelves);
        }
        let lines_asked = lines;
        let Some(held) = held else {
            let refused = Booking { lines: Vec::new(), committed: true, refused: true, ..Booking::default() };
            self.bookings.insert(ORDERS + order, refused);
            return;
        };
        for (asked, held) in lines.iter().zip(&held) {
            assert!(held.iter().all(|(place, _)| asked.place != Some(*place)), "{asked:?} came from {held:?}");
        }
        let lines = Self::found(&anywhere, held, !partial);
        self.bookings.insert(ORDERS + order, Booking { lines: lines.clone(), committed: true, ..Booking::default() });
        for (line, asked) in lines.iter().zip(lines_asked).filter(|(line, _)| line.left() < line.asked.requested) {
            assert!(asked.place.is_some() || self.on_shelf(asked.sku) == 0, "{line:?} could have had more");
        }
        self.check_promise();
    }

    pub(crate) fn order_gives_back(&mut self, order: usize, part: Option<(usize, i64)>, done: bool) {
        let Some(booking) = self.bookings.get_mut(&(ORDERS + order)) else {
            assert!(done);
            let tombstone = Booking { committed: true, released: true, ..Booking::default() };
            self.bookings.insert(ORDERS + order, tombstone);
            return;
        };
        if booking.refused || booking.released {
            assert!(done);
            return;
        }
        let known = part.is_none_or(|(place, _)| place < booking.lines.len());
        assert_eq!(done, known, "give back {part:?} of {booking:?}");
        if !done {
            return;
        }
        for (place, line) in booking.lines.iter_mut().enumerate() {
            let mut wanted = match part {
                Some((only, units)) => {
                    if only == place {
                        units
                    } else {
                        0
                    }
                }
                None => i64::MAX,
            };
            for (_, held) in &mut line.held {
                let back = wanted.min(*held);
                (*held, wanted) = (*held - back, wanted - back);
            }
            line.held.retain(|(_, units)| *units > 0);
        }
        booking.released = booking.lines.iter().all(|line| line.left() == 0 && line.gone == 0);
    }

    pub(crate) fn order_ships(
        &mut self,
        order: usize,
        (place, units, at): (usize, i64, usize),
        reference: usize,
        done: bool,
    ) {
        let Some(booking) = self.bookings.get(&(ORDERS + order)) else {
            assert!(!done);
            return;
        };
        if booking.shipped_with.contains(&reference) {
            assert!(done);
            return;
        }
        let sku = booking.lines.get(place).map(|line| line.asked.sku);
        let there = sku.is_some_and(|sku| self.shelves[sku].sold(at) >= units);
        let allowed = held_there(booking, place, at) >= units && there;
        assert_eq!(done, allowed, "ship {units} of line {place} from {at} of order {order}: {self:?}");
        let (Some(sku), true) = (sku, done) else { return };
        self.shelves[sku].on_hand[at] -= units;
        let Some(booking) = self.bookings.get_mut(&(ORDERS + order)) else { return };
        booking.shipped_with.insert(reference);
        let line = &mut booking.lines[place];
        line.gone += units;
        line.held.iter_mut().filter(|(here, _)| *here == at).for_each(|(_, held)| *held -= units);
        line.held.retain(|(_, units)| *units > 0);
    }

    pub(crate) fn goods_come_back(&mut self, sku: usize, place: usize, units: i64, stays: bool, damaged: bool) {
        if stays {
            self.shelves[sku].on_hand[place] += units;
        }
        if damaged {
            self.shelves[sku].damaged[place] += units;
        }
    }
}

fn held_there(booking: &Booking, place: usize, at: usize) -> i64 {
    let held = booking.lines.get(place).into_iter().flat_map(|line| &line.held);
    held.filter(|(here, _)| *here == at).map(|(_, units)| units).sum()
}
