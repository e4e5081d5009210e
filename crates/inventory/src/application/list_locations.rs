//! Locations: one by its id, read from its stream, and the list of them by id. `main` is always among them.

use cqrs::{Invalid, Query, QueryError, ReadSide, Select, Version};

use super::page::{Page, PageRequest, page};
use crate::domain::ids::LocationId;
use crate::domain::location::{Location, LocationDetails};
use crate::read_models::locations::LocationRow;

/// Asks for one location.
#[derive(Clone, Debug)]
pub struct LocationById {
    /// Its id.
    pub location: LocationId,
}

impl Query for LocationById {
    const NAME: &'static str = "location-by-id";
    /// Its details and the version of its stream; none if it is not known.
    type Answer = Option<(LocationDetails, Version)>;

    async fn answer(self, read: &ReadSide) -> Result<Self::Answer, QueryError> {
        let (found, version) = read.state(&Location::stream(&self.location)).await?;
        let known = self.location.is_main() || found.is_registered();
        Ok(known.then(|| (found.details().clone(), version)))
    }
}

/// Asks for a part of all locations.
#[derive(Clone, Debug)]
pub struct ListLocations {
    /// Only those whose ids start so.
    pub prefix: Option<String>,
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
        let select = Select { key_prefix: self.prefix.clone(), ..self.page.select() };
        let mut found = page::<LocationRow>(read, &select).await?;
        let main = LocationRow { location: LocationId::main().as_str().into(), details: LocationDetails::default() };
        let meant = self.prefix.as_ref().is_none_or(|prefix| main.location.starts_with(prefix.as_str()));
        let starts_before = self.page.after.as_ref().is_none_or(|after| **after < *main.location);
        let ends_after = found.next.as_ref().is_none_or(|next| **next > *main.location);
        let place = found.items.partition_point(|row| row.location < main.location);
        let named = found.items.get(place).is_some_and(|row| row.location == main.location);
        if meant && starts_before && ends_after && !named {
            found.items.insert(place, main);
            if found.items.len() > self.page.limit {
                found.items.truncate(self.page.limit);
                found.next = found.items.last().map(|row| row.location.to_string());
            }
        }
        Ok(found)
    }
}
