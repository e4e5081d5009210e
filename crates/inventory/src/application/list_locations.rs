//! List locations, in the order of their ids. `main` is always among them.

use cqrs::{Invalid, Query, QueryError, ReadSide};

use super::page::{Page, PageRequest, page};
use crate::domain::ids::LocationId;
use crate::domain::location::LocationDetails;
use crate::read_models::locations::LocationRow;

/// Asks for a part of all locations.
#[derive(Clone, Debug)]
pub struct ListLocations {
    /// Which part.
    pub page: PageRequest,
}

impl Query for ListLocations {
    const NAME: &'static str = "list-locations";
    type Answer = Page<LocationRow>;

    fn validate(&self) -> Result<(), Invalid> {
        self.page.check()
    }

    async fn answer(self, read: &ReadSide) -> Result<Page<LocationRow>, QueryError> {
        let mut found = page::<LocationRow>(read, &self.page.select()).await?;
        let main = LocationRow { location: LocationId::main().as_str().into(), details: LocationDetails::default() };
        let starts_before = self.page.after.as_ref().is_none_or(|after| **after < *main.location);
        let ends_after = found.next.as_ref().is_none_or(|next| **next > *main.location);
        let place = found.items.partition_point(|row| row.location < main.location);
        let named = found.items.get(place).is_some_and(|row| row.location == main.location);
        if starts_before && ends_after && !named {
            found.items.insert(place, main);
            if found.items.len() > self.page.limit {
                found.items.truncate(self.page.limit);
                found.next = found.items.last().map(|row| row.location.to_string());
            }
        }
        Ok(found)
    }
}
