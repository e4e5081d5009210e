//! List pick lists: what to pick next, the most urgent first.

use cqrs::{Compare, Invalid, Query, QueryError, ReadSide};

use super::page::{Page, PageRequest, page};
use crate::domain::ids::{LocationId, WaveId};
use crate::domain::pick_list::PickListStatus;
use crate::read_models::pick_lists::{PickListEntry, PickListRow};

/// Asks for a part of the pick lists: by service level, promise and age; those of orders on hold last.
#[derive(Clone, Debug)]
pub struct ListPickLists {
    /// Only those of this location.
    pub location: Option<LocationId>,
    /// Only those that are there.
    pub status: Option<PickListStatus>,
    /// Only those of this wave.
    pub wave: Option<WaveId>,
    /// Which part.
    pub page: PageRequest,
}

impl Query for ListPickLists {
    const NAME: &'static str = "list-pick-lists";
    type Answer = Page<PickListEntry>;

    fn validate(&self) -> Result<(), Invalid> {
        self.page.check()
    }

    async fn answer(self, read: &ReadSide) -> Result<Page<PickListEntry>, QueryError> {
        // Nothing orders before every text: rows that are no list are left out by the lower end.
        let mut select = self.page.select(Some(PickListRow::BY_TURN)).with(PickListRow::BY_TURN, Compare::AtLeast, "");
        if let Some(location) = &self.location {
            select = select.with(PickListRow::BY_LOCATION, Compare::Equal, location.as_str());
        }
        if let Some(status) = self.status {
            select = select.with(PickListRow::BY_STATUS, Compare::Equal, status.as_str());
        }
        if let Some(wave) = &self.wave {
            select = select.with(PickListRow::BY_WAVE, Compare::Equal, wave.as_str());
        }
        let found: Page<PickListRow> = page(read, &select).await?;
        let entries = found.items.into_iter().filter_map(|row| match row {
            PickListRow::List(entry) => Some(entry),
            PickListRow::Order(_) => None,
        });
        Ok(Page { items: entries.collect(), next: found.next })
    }
}
