//! Locations as they are registered. `main` has a row only if someone has named it.

use cqrs::{Projection, ReadModel, Recorded, Rows, ShortText, Unreadable};
use serde::{Deserialize, Serialize};

use crate::domain::location::{Location, LocationDetails, LocationEvent};

/// One location; the key is its id.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LocationRow {
    /// Its id.
    pub location: ShortText,
    /// What it is called, and how it is chosen.
    pub details: LocationDetails,
}

impl ReadModel for LocationRow {
    const NAME: &'static str = "locations";
    const VERSION: u32 = 2;
    const KEYED_BY_STREAM: bool = true;
}

/// Folds location events into [`LocationRow`]s.
#[derive(Clone, Copy, Debug, Default)]
pub struct LocationProjection;

impl Projection for LocationProjection {
    type Row = LocationRow;

    fn fold(&self, event: &Recorded, rows: &mut Rows<LocationRow>) -> Result<(), Unreadable> {
        let Some(happened) = event.as_event_of::<Location>()? else { return Ok(()) };
        let (LocationEvent::Registered(details) | LocationEvent::Changed(details)) = &*happened;
        let location = event.stream.id();
        rows.put(location, LocationRow { location: location.into(), details: details.clone() });
        Ok(())
    }
}
