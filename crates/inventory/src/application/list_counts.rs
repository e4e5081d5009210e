//! List cycle counts, in the order of their ids.

use cqrs::{Compare, Invalid, Query, QueryError, ReadSide};

use super::page::{Page, PageRequest, page};
use crate::domain::cycle_count::CountState;
use crate::domain::ids::LocationId;
use crate::read_models::counts::CountRow;

/// Asks for a part of all counts.
#[derive(Clone, Debug)]
pub struct ListCounts {
    /// Only those in this state.
    pub state: Option<CountState>,
    /// Only those of this location.
    pub location: Option<LocationId>,
    /// Which part.
    pub page: PageRequest,
}

impl Query for ListCounts {
    const NAME: &'static str = "list-counts";
    type Answer = Page<CountRow>;

    fn validate(&self) -> Result<(), Invalid> {
        self.page.check()
    }

    async fn answer(self, read: &ReadSide) -> Result<Page<CountRow>, QueryError> {
        let mut select = self.page.select();
        if let Some(state) = self.state {
            select = select.with(CountRow::BY_STATE, Compare::Equal, state.as_str());
        }
        if let Some(location) = &self.location {
            select = select.with(CountRow::BY_LOCATION, Compare::Equal, location.as_str());
        }
        page(read, &select).await
    }
}
