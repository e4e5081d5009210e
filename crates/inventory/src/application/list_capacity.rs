//! List what each location holds over all SKUs, in the order of their ids.

use cqrs::{Invalid, Query, QueryError, ReadSide};

use super::page::{Page, PageRequest};
use crate::domain::ids::LocationId;
use crate::read_models::capacity::CapacityRow;

/// Asks for the capacity of a part of all locations that hold or have held anything.
#[derive(Clone, Debug)]
pub struct ListCapacity {
    /// Only this location's.
    pub location: Option<LocationId>,
    /// Which part.
    pub page: PageRequest,
}

impl Query for ListCapacity {
    const NAME: &'static str = "list-capacity";
    type Answer = Page<CapacityRow>;

    fn validate(&self) -> Result<(), Invalid> {
        self.page.check()
    }

    async fn answer(self, read: &ReadSide) -> Result<Page<CapacityRow>, QueryError> {
        if let Some(location) = self.location {
            let first = self.page.after.is_none();
            let found = read.combined::<CapacityRow>(location.as_str()).await?;
            return Ok(Page { items: found.filter(|_| first).into_iter().collect(), next: None });
        }
        let found = read.combined_page::<CapacityRow>(self.page.after.as_deref(), self.page.limit).await?;
        Ok(Page { items: found.rows.into_iter().map(|(_, row)| row).collect(), next: found.next })
    }
}
