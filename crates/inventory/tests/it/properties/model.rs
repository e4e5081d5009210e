//! The model: what a careful clerk with a list of holds would say. It shares no rule with the code it judges; it takes
//! over only where units were found, and checks that they were there.

mod counts;
mod inbound;
mod orders;
mod shelves;
mod transfers;

use std::collections::{BTreeMap, BTreeSet};

use comanda_inventory::domain::reservation::sourcing::Strategy;

use super::{PLACES, SKUS};
pub(crate) use inbound::Wanted;

/// One line as asked for.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Asked {
    pub(crate) sku: usize,
    pub(crate) requested: i64,
    pub(crate) place: Option<usize>,
}

#[derive(Clone, Debug)]
struct Line {
    asked: Asked,
    held: Vec<(usize, i64)>,
    gone: i64,
    given_back: bool,
}

impl Line {
    fn left(&self) -> i64 {
        self.held.iter().map(|(_, units)| units).sum()
    }
}

/// How a reservation was asked for: its lines, its time, whether less is welcome, and how locations are chosen.
type Body = (Vec<Asked>, Option<u64>, bool, Option<Strategy>);

#[derive(Clone, Debug, Default)]
struct Booking {
    /// `None` when opened item by item.
    body: Option<Body>,
    lines: Vec<Line>,
    until: Option<i64>,
    committed: bool,
    released: bool,
    barred: BTreeSet<usize>,
    owner: Option<usize>,
    /// An order's: its request was refused.
    refused: bool,
    /// An order's: what its units have left with.
    shipped_with: BTreeSet<usize>,
}

#[derive(Clone, Debug, Default)]
struct Shelf {
    on_hand: [i64; PLACES],
    damaged: [i64; PLACES],
    in_control: [i64; PLACES],
    corrections: [u64; PLACES],
    safety: i64,
    limit: i64,
    /// From when on units are promised beyond what is there, and whether only against what is to come.
    terms: (Option<i64>, bool),
}

impl Shelf {
    /// On hand and fit for sale.
    fn sold(&self, place: usize) -> i64 {
        self.on_hand[place] - self.damaged[place] - self.in_control[place]
    }
}

#[derive(Debug, Default)]
pub(crate) struct Model {
    now: i64,
    shelves: [Shelf; SKUS],
    bookings: BTreeMap<usize, Booking>,
    receipts: BTreeMap<usize, inbound::Receipt>,
    transfers: BTreeMap<usize, transfers::Transfer>,
    counts: BTreeMap<usize, counts::Counted>,
}

fn rounded(ms: i64) -> i64 {
    (ms + 9) / 10 * 10
}

impl Model {
    fn booking_state(&self, booking: &Booking) -> &'static str {
        let left: i64 = booking.lines.iter().map(Line::left).sum();
        let gone: i64 = booking.lines.iter().map(|line| line.gone).sum();
        if booking.refused && !booking.released {
            "REJECTED"
        } else if booking.released || booking.lines.is_empty() {
            "RELEASED"
        } else if booking.committed {
            match (gone, left) {
                (0, _) => "CONFIRMED",
                (_, 0) => "CONSUMED",
                _ => "PARTIALLY_CONSUMED",
            }
        } else if booking.until.is_some_and(|until| until <= self.now) {
            "EXPIRED"
        } else if booking.lines.iter().any(|line| !line.given_back && line.left() < line.asked.requested) {
            "PARTIALLY_HELD"
        } else {
            "HELD"
        }
    }

    pub(crate) fn state(&self, id: usize) -> Option<&'static str> {
        self.bookings.get(&id).map(|booking| self.booking_state(booking))
    }

    pub(crate) fn is_by_items(&self, id: usize) -> bool {
        self.bookings.get(&id).is_some_and(|booking| booking.body.is_none())
    }

    pub(crate) fn line_sku(&self, id: usize, place: usize) -> Option<usize> {
        self.bookings.get(&id)?.lines.get(place).map(|line| line.asked.sku)
    }

    /// On hand, committed, reserved, damaged and controlled units of a SKU at a place: its live holds, counted.
    pub(crate) fn level(&self, sku: usize, place: usize) -> (i64, i64, i64, i64, i64) {
        let (mut committed, mut reserved) = (0, 0);
        for booking in self.bookings.values().filter(|booking| self.booking_state(booking) != "EXPIRED") {
            for line in booking.lines.iter().filter(|line| line.asked.sku == sku) {
                let here: i64 = line.held.iter().filter(|(at, _)| *at == place).map(|(_, units)| units).sum();
                if booking.committed { committed += here } else { reserved += here }
            }
        }
        let shelf = &self.shelves[sku];
        (shelf.on_hand[place], committed, reserved, shelf.damaged[place], shelf.in_control[place])
    }

    fn free(&self, sku: usize, place: usize) -> i64 {
        let (on_hand, committed, reserved, damaged, in_control) = self.level(sku, place);
        on_hand - committed - reserved - damaged - in_control
    }

    fn free_anywhere(&self, sku: usize) -> i64 {
        (0..PLACES).map(|place| self.free(sku, place)).sum()
    }

    /// How much more could be promised, anywhere or at a place.
    fn room(&self, sku: usize, place: Option<usize>) -> i64 {
        let anywhere = self.free_anywhere(sku) - self.shelves[sku].safety + self.beyond(sku, None);
        place.map_or(anywhere, |at| anywhere.min(self.free(sku, at) + self.beyond(sku, place))).max(0)
    }

    /// How much of a SKU an order could be given: only what is there.
    fn on_shelf(&self, sku: usize) -> i64 {
        (self.free_anywhere(sku) - self.shelves[sku].safety).max(0)
    }

    /// Whether all of `wanted` could be held together.
    fn fits(&self, wanted: &[Asked]) -> bool {
        let sum = |sku: usize, place: Option<usize>| -> i64 {
            let of = |asked: &&Asked| asked.sku == sku && (place.is_none() || asked.place == place);
            wanted.iter().filter(of).map(|asked| asked.requested).sum()
        };
        let fits_at = |sku, place| sum(sku, Some(place)) == 0 || sum(sku, Some(place)) <= self.room(sku, Some(place));
        (0..SKUS).all(|sku| {
            (sum(sku, None) == 0 || sum(sku, None) <= self.room(sku, None))
                && (0..PLACES).all(|place| fits_at(sku, place))
        })
    }

    /// Takes over where the units were found, having checked what no rule may break.
    fn found(lines: &[Asked], held: Vec<Vec<(usize, i64)>>, whole: bool) -> Vec<Line> {
        assert_eq!(lines.len(), held.len());
        let line = |(asked, held): (&Asked, Vec<(usize, i64)>)| {
            let line = Line { asked: asked.clone(), held, gone: 0, given_back: false };
            assert!(line.held.iter().all(|(place, units)| *units > 0 && asked.place.is_none_or(|only| only == *place)));
            assert!(line.left() == asked.requested || (!whole && line.left() < asked.requested), "{line:?}");
            line
        };
        lines.iter().zip(held).map(line).collect()
    }

    pub(crate) fn reserve(
        &mut self,
        id: usize,
        (lines, ttl, partial, strategy): (&[Asked], Option<u64>, bool, &Option<Strategy>),
        held: Option<Vec<Vec<(usize, i64)>>>,
    ) {
        let body = Some((lines.to_vec(), ttl, partial, strategy.clone()));
        if let Some(booking) = self.bookings.get(&id) {
            let stands = !matches!(self.booking_state(booking), "RELEASED" | "EXPIRED");
            assert_eq!(held.is_some(), booking.body == body && stands, "a repeated reserve of {booking:?}");
            return;
        }
        let any = lines.iter().any(|asked| self.room(asked.sku, asked.place) > 0);
        let allowed = self.fits(lines) || (partial && any);
        assert_eq!(held.is_some(), allowed, "reserve {lines:?} on {:?}", self.shelves);
        let Some(held) = held else { return };
        let until = ttl.map(|ttl| rounded(self.now + i64::try_from(ttl).unwrap()));
        let lines = Self::found(lines, held, self.fits(lines));
        self.bookings.insert(id, Booking { body, lines: lines.clone(), until, ..Booking::default() });
        for line in lines.iter().filter(|line| line.left() < line.asked.requested) {
            assert_eq!(self.room(line.asked.sku, line.asked.place), 0, "{line:?} could have had more");
        }
        self.check_promise();
    }

    pub(crate) fn reserve_item(&mut self, id: usize, sku: usize, requested: i64, held: Option<Vec<Vec<(usize, i64)>>>) {
        let booking = self.bookings.get(&id).cloned().unwrap_or_default();
        let known = booking.lines.iter().find(|line| line.asked.sku == sku && booking.body.is_none());
        let barred = booking.released || booking.barred.contains(&sku);
        let asked = Asked { sku, requested, place: None };
        let allowed = match known {
            _ if barred || booking.body.is_some() => false,
            Some(line) => line.asked.requested == requested,
            None => !booking.committed && self.fits(std::slice::from_ref(&asked)),
        };
        assert_eq!(held.is_some(), allowed, "reserve item {asked:?} of {booking:?}");
        if let (Some(mut held), None) = (held, known) {
            let line = Self::found(&[asked], vec![held.pop().unwrap()], true);
            self.bookings.entry(id).or_default().lines.extend(line);
            self.check_promise();
        }
    }

    pub(crate) fn confirm(&mut self, id: usize, held: Option<Vec<Vec<(usize, i64)>>>) {
        let Some(booking) = self.bookings.get(&id) else {
            assert!(held.is_none());
            return;
        };
        let state = self.booking_state(booking);
        let again: Vec<Asked> =
            booking.lines.iter().map(|line| Asked { requested: line.left(), ..line.asked.clone() }).collect();
        let allowed = match state {
            "RELEASED" => false,
            "EXPIRED" => self.fits(&again),
            _ => true,
        };
        assert_eq!(held.is_some(), allowed, "confirm {booking:?}");
        let Some(held) = held else { return };
        let booking = self.bookings.get_mut(&id).unwrap();
        if state == "EXPIRED" {
            for (line, held) in booking.lines.iter_mut().zip(held) {
                let before = line.left();
                line.held = held;
                assert_eq!(line.left(), before);
            }
        }
        if !booking.committed {
            (booking.committed, booking.until) = (true, None);
        }
        self.check_promise();
    }

    pub(crate) fn extend(&mut self, id: usize, ms: u64, done: bool) {
        let allowed = matches!(self.state(id), Some("HELD" | "PARTIALLY_HELD"));
        assert_eq!(done, allowed, "extend {:?}", self.bookings.get(&id));
        let until = rounded(self.now + i64::try_from(ms).unwrap());
        if let Some(booking) = self.bookings.get_mut(&id).filter(|_| done) {
            booking.until = booking.until.map(|before| before.max(until));
        }
    }

    pub(crate) fn transfer(&mut self, id: usize, owner: usize, done: bool) {
        let open = matches!(self.state(id), Some("HELD" | "PARTIALLY_HELD" | "CONFIRMED" | "PARTIALLY_CONSUMED"));
        let has = self.bookings.get(&id).is_some_and(|booking| booking.owner == Some(owner));
        assert_eq!(done, open || has, "transfer {:?}", self.bookings.get(&id));
        if let Some(booking) = self.bookings.get_mut(&id).filter(|_| done) {
            booking.owner = Some(owner);
        }
    }

    pub(crate) fn release(&mut self, id: usize, done: bool) {
        let state = self.state(id);
        assert_eq!(done, state != Some("CONSUMED"), "release {:?}", self.bookings.get(&id));
        if done {
            let booking = self.bookings.entry(id).or_default();
            booking.released = true;
            booking.lines.iter_mut().for_each(|line| line.held.clear());
        }
    }

    pub(crate) fn release_item(&mut self, id: usize, sku: usize, done: bool) {
        let booking = self.bookings.entry(id).or_default();
        let of = |line: &&Line| line.asked.sku == sku;
        let gone = booking.lines.iter().filter(of).any(|line| line.gone > 0)
            && booking.lines.iter().filter(of).all(|line| line.left() == 0);
        let over = booking.released || booking.barred.contains(&sku);
        assert_eq!(done, over || !gone, "release item {sku} of {booking:?}");
        if over || !done {
            return;
        }
        booking.barred.insert(sku);
        for line in booking.lines.iter_mut().filter(|line| line.asked.sku == sku) {
            line.held.clear();
            line.given_back = true;
        }
        let nothing = booking.lines.iter().all(|line| line.left() == 0 && line.gone == 0);
        booking.released = !booking.lines.is_empty() && nothing;
    }

    pub(crate) fn consume(&mut self, id: usize, part: Option<(usize, i64)>, done: bool) {
        let state = self.state(id);
        let Some(booking) = self.bookings.get(&id) else {
            assert!(!done);
            return;
        };
        let wanted: Vec<(usize, i64)> = match part {
            Some((place, units)) => vec![(place, units)],
            None => booking.lines.iter().map(Line::left).enumerate().filter(|(_, left)| *left > 0).collect(),
        };
        if state == Some("CONSUMED") {
            let gone = |(place, units): (usize, i64)| booking.lines.get(place).is_some_and(|line| line.gone >= units);
            assert_eq!(done, part.is_none_or(gone));
            return;
        }
        let mut shelves = self.shelves.clone();
        let mut after = booking.clone();
        let open = matches!(state, Some("CONFIRMED" | "PARTIALLY_CONSUMED"));
        let allowed = open && wanted.iter().all(|&(place, units)| take(&mut after, &mut shelves, place, units));
        assert_eq!(done, allowed, "consume {wanted:?} of {booking:?} on {:?}", self.shelves);
        if done {
            self.shelves = shelves;
            self.bookings.insert(id, after);
        }
    }

    pub(crate) fn wait(&mut self, ms: u64) {
        self.now += i64::try_from(ms).unwrap();
    }

    /// What no sequence of commands may ever lead to.
    fn check_promise(&self) {
        for sku in 0..SKUS {
            assert!(self.free_anywhere(sku) + self.shelves[sku].limit >= 0, "SKU {sku} is oversold: {self:?}");
        }
    }
}

/// Takes units of a line from where they are; whether they all were there.
fn take(booking: &mut Booking, shelves: &mut [Shelf; SKUS], place: usize, units: i64) -> bool {
    let Some(line) = booking.lines.get_mut(place) else { return false };
    if units > line.left() {
        return false;
    }
    let mut left = units;
    for (at, held) in &mut line.held {
        let shelf = &mut shelves[line.asked.sku];
        let taken = left.min(*held).min(shelf.sold(*at)).max(0);
        shelf.on_hand[*at] -= taken;
        (*held, left) = (*held - taken, left - taken);
    }
    line.gone += units;
    line.held.retain(|(_, units)| *units > 0);
    left == 0
}
