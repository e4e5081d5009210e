//! The route through a location: zone, aisle, bay, level, up one aisle and down the next.

use std::cmp::Ordering;

use crate::domain::ids::Bin;

/// A stretch of digits or of anything else.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Chunk {
    Number(u64),
    Text(String),
}

/// A part of a bin, so that `A9` comes before `A10`.
type Part = Vec<Chunk>;

/// Where on a picker's way a bin is. What has no bin comes last: the picker has to look for it.
///
/// The way is a serpentine: the bays of an aisle of odd number are walked upwards, those of an even one downwards, so that
/// nobody walks back to where an aisle begins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RoutePlace {
    /// Zone, aisle, bay, level, as far as the bin names them.
    parts: Option<[Part; 4]>,
}

impl RoutePlace {
    /// The place of `bin`.
    #[must_use]
    pub fn of(bin: Option<&Bin>) -> Self {
        Self {
            parts: bin.map(|bin| {
                let mut parts = bin.as_str().splitn(4, '-').map(chunks);
                std::array::from_fn(|_| parts.next().unwrap_or_default())
            }),
        }
    }
}

fn chunks(part: &str) -> Part {
    let mut chunks = Vec::new();
    let mut rest = part;
    while let Some(first) = rest.chars().next() {
        let digits = first.is_ascii_digit();
        let end = rest.find(|c: char| c.is_ascii_digit() != digits).unwrap_or(rest.len());
        let (chunk, after) = rest.split_at(end);
        // More digits than a number can have are compared as text.
        chunks.push(chunk.parse().map_or_else(|_| Chunk::Text(chunk.to_owned()), Chunk::Number));
        rest = after;
    }
    chunks
}

/// Whether the bays of an aisle are walked downwards: its last number is even.
fn downwards(aisle: &Part) -> bool {
    let number = aisle.iter().rev().find_map(|chunk| match chunk {
        Chunk::Number(number) => Some(*number),
        Chunk::Text(_) => None,
    });
    number.is_some_and(|number| number.is_multiple_of(2))
}

impl Ord for RoutePlace {
    fn cmp(&self, other: &Self) -> Ordering {
        match (&self.parts, &other.parts) {
            (None, None) => Ordering::Equal,
            (None, Some(_)) => Ordering::Greater,
            (Some(_), None) => Ordering::Less,
            (Some([zone, aisle, bay, level]), Some([zone2, aisle2, bay2, level2])) => {
                let bays = if downwards(aisle) { bay2.cmp(bay) } else { bay.cmp(bay2) };
                zone.cmp(zone2).then_with(|| aisle.cmp(aisle2)).then(bays).then_with(|| level.cmp(level2))
            }
        }
    }
}

impl PartialOrd for RoutePlace {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn place(text: &str) -> RoutePlace {
        RoutePlace::of(Some(&Bin::parse(text).unwrap()))
    }

    #[test]
    fn the_way_goes_by_zone_aisle_bay_and_level_and_numbers_are_numbers() {
        let way = [
            "A-1-1-1",
            "A-1-1-2",
            "A-1-2-1",
            "A-1-10-1",
            "A-2-10-1",
            "A-2-9-1",
            "A-2-9-10",
            "A-2-1-1",
            "A-3-1-1",
            "A-11-1-1",
            "B",
            "B-1",
            "B-1-2",
            "Z9-1-1-1",
            "Z10-1-1-1",
        ];
        for (before, after) in way.iter().zip(way.iter().skip(1)) {
            assert!(place(before) < place(after), "{before} comes before {after}");
        }
        assert!(place("Z-99-99-99") < RoutePlace::of(None));
    }

    #[test]
    fn a_number_too_long_for_a_number_still_has_a_place() {
        assert_ne!(place("A-99999999999999999999999").cmp(&place("A-1")), Ordering::Equal);
    }

    proptest! {
        #[test]
        fn it_is_an_order(bins in prop::collection::vec(prop::option::of("[AB]?[0-9]{1,2}(-[0-9]{1,2}){0,3}"), 3)) {
            let places: Vec<_> = bins
                .iter()
                .map(|text| RoutePlace::of(text.as_ref().map(|text| Bin::parse(text).unwrap()).as_ref()))
                .collect();
            let (a, b, c) = (&places[0], &places[1], &places[2]);
            prop_assert_eq!(a.cmp(b), b.cmp(a).reverse());
            if a <= b && b <= c {
                prop_assert!(a <= c);
            }
        }
    }
}
