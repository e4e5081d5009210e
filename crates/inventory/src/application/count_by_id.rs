//! A count by its id, read from its own stream.

use cqrs::{Query, QueryError, ReadSide, Version};

use crate::domain::cycle_count::CycleCount;
use crate::domain::ids::CountId;

/// Asks for one count.
#[derive(Clone, Debug)]
pub struct CountById {
    /// Its id.
    pub count_id: CountId,
}

impl Query for CountById {
    const NAME: &'static str = "count-by-id";
    /// The count and the version of its stream; none if nobody asked for it.
    type Answer = Option<(CycleCount, Version)>;

    async fn answer(self, read: &ReadSide) -> Result<Self::Answer, QueryError> {
        let (found, version) = read.state(&CycleCount::stream(&self.count_id)).await?;
        Ok(found.exists().then(|| ((*found).clone(), version)))
    }
}
