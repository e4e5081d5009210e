//! What is due by now: a stock row whose holds have ended since the log last spoke of the SKU is put right as it is read.

use std::sync::Arc;

use cqrs::{QueryError, ReadSide, Select, Timestamp};

use crate::domain::stock_item::Level;
use crate::read_models::expiring_holds::ExpiringHoldsRow;
use crate::read_models::stock::StockRow;

/// Rows of expiring holds read at once.
const PAGE: usize = 100;

/// Pages read for one SKU. The sweep records what is due every second, so that many only pile up if it has stopped.
const PAGES_MAX: usize = 100;

/// `row` as of now, and the last instant at which some of it came back unrecorded.
///
/// The holds are read after the row and may be newer: then an ended one is no longer among them and counts as held
/// until the row is read again: availability is rather told too low.
pub(super) async fn as_of_now(
    read: &ReadSide,
    mut row: Arc<StockRow>,
) -> Result<(Arc<StockRow>, Option<Timestamp>), QueryError> {
    let now = read.now();
    let mut last = None;
    if row.next_expiry.is_none_or(|next| next > now) {
        return Ok((row, last));
    }
    let mut select = Select { key_prefix: Some(format!("{}/", row.sku)), ..Select::first(PAGE) };
    for _ in 0..PAGES_MAX {
        let holds = read.select::<ExpiringHoldsRow>(&select).await?;
        for (_, hold) in holds.rows {
            if hold.expires_at > now {
                return Ok((row, last));
            }
            let back = Level { reserved: -hold.quantity, ..Level::default() };
            Arc::make_mut(&mut row).add(&hold.location, back);
            last = Some(hold.expires_at);
        }
        match holds.next {
            Some(next) => select.after = Some(next),
            None => return Ok((row, last)),
        }
    }
    Err(QueryError::Unavailable(format!("more holds of {} have ended than can be read at once", row.sku)))
}
