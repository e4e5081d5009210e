//! The columns of the file, and what one row of it says.

use comanda_contracts::ImportRow;
use csv::StringRecord;

/// The columns, in the order in which they are written. Only the first must be there.
pub(super) const COLUMNS: [&str; 9] =
    ["sku", "name", "safetyStock", "backorderLimit", "locationId", "onHand", "bin", "damaged", "qualityControl"];

/// Where each column stands in a file; none for one that is not there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Columns([Option<usize>; 9]);

impl Columns {
    /// The columns that `header` names, in any order.
    ///
    /// # Errors
    /// What is wrong with the header.
    pub(super) fn of(header: &StringRecord) -> Result<Self, String> {
        let mut places = [None; 9];
        for (place, name) in header.iter().enumerate() {
            let name = name.trim().trim_start_matches('\u{feff}');
            let known = COLUMNS.iter().position(|column| column.eq_ignore_ascii_case(name));
            let Some(slot) = known.and_then(|known| places.get_mut(known)) else {
                return Err(format!("there is no column `{name}`: the columns are {}", COLUMNS.join(", ")));
            };
            if slot.replace(place).is_some() {
                return Err(format!("the column `{name}` is there twice"));
            }
        }
        match places {
            [Some(_), ..] => Ok(Self(places)),
            _ => Err("the column `sku` is missing".to_owned()),
        }
    }

    /// What `record` says. A field that is empty says nothing.
    ///
    /// # Errors
    /// The field that is wrong, and why.
    pub(super) fn row(&self, record: &StringRecord) -> Result<ImportRow, String> {
        let Self(places) = self;
        let field = |place: &Option<usize>| {
            let text = place.and_then(|place| record.get(place)).map(str::trim).unwrap_or_default();
            (!text.is_empty()).then_some(text)
        };
        let text = |place: &Option<usize>| field(place).map(ToOwned::to_owned);
        let units = |place: &Option<usize>, column: &str| {
            let number = |text: &str| {
                let parsed = text.parse::<i64>().ok().filter(|units| *units >= 0);
                parsed.ok_or_else(|| format!("{column}: `{text}` is no whole number from 0 on"))
            };
            field(place).map(number).transpose()
        };
        let [sku, name, safety_stock, backorder_limit, location_id, on_hand, bin, damaged, quality_control] = places;
        Ok(ImportRow {
            sku: text(sku).ok_or("sku: is empty")?,
            name: text(name),
            safety_stock: units(safety_stock, "safetyStock")?,
            backorder_limit: units(backorder_limit, "backorderLimit")?,
            location_id: text(location_id),
            on_hand: units(on_hand, "onHand")?,
            damaged: units(damaged, "damaged")?,
            quality_control: units(quality_control, "qualityControl")?,
            bin: text(bin),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn columns(header: &[&str]) -> Result<Columns, String> {
        Columns::of(&StringRecord::from(header.to_vec()))
    }

    #[test]
    fn columns_stand_in_any_order_and_an_empty_field_says_nothing() {
        let columns = columns(&["\u{feff}onHand", "SKU", "name"]).unwrap();
        let row = columns.row(&StringRecord::from(vec!["3", "TEA", ""])).unwrap();
        assert_eq!(row, ImportRow { sku: "TEA".into(), on_hand: Some(3), ..ImportRow::default() });
    }

    #[test]
    fn a_header_that_is_wrong_says_what_would_be_right() {
        assert!(columns(&["sku", "price"]).unwrap_err().contains("no column `price`"));
        assert!(columns(&["sku", "Sku"]).unwrap_err().contains("twice"));
        assert!(columns(&["name"]).unwrap_err().contains("`sku` is missing"));
    }

    #[test]
    fn a_field_that_is_wrong_is_named() {
        let columns = columns(&["sku", "onHand"]).unwrap();
        for (on_hand, sku) in [("-1", "TEA"), ("1.5", "TEA"), ("many", "TEA"), ("1", " ")] {
            let why = columns.row(&StringRecord::from(vec![sku, on_hand])).unwrap_err();
            assert!(why.starts_with("onHand: ") || why == "sku: is empty", "{why}");
        }
    }
}
