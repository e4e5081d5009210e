//! List what each location holds over all SKUs, in the order of their ids.

use cqrs::{Invalid, Query, QueryError, ReadSide};

use super::page::{Page, PageRequest};
use crate::read_models::capacity::CapacityRow;

/// Asks for the capacity of a part of all locations that hold or have held anything.
#[derive(Clone, Debug)]
pub struct ListCapacity {
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
        let found = read.combined_page::<CapacityRow>(self.page.after.as_deref(), self.page.limit).await?;
        Ok(Page { items: found.rows.into_iter().map(|(_, row)| row).collect(), next: found.next })
    }
}
