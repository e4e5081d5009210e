//! Shipments: one by its id, read from its stream; lists of them; and those whose carrier somebody has to talk to.

use cqrs::{Compare, Invalid, Query, QueryError, ReadSide, Select, Timestamp, Version};

use super::page::{Page, PageRequest, check_limit, page};
use crate::domain::ids::{OrderId, ShipmentId};
use crate::domain::shipment::{Shipment, ShipmentStatus};
use crate::read_models::shipments::ShipmentRow;

/// Asks for one shipment.
#[derive(Clone, Debug)]
pub struct ShipmentById {
    /// Its id.
    pub shipment_id: ShipmentId,
}

impl Query for ShipmentById {
    const NAME: &'static str = "shipment-by-id";
    /// The shipment and the version of its stream; none if there is no such shipment.
    type Answer = Option<(Shipment, Version)>;

    async fn answer(self, read: &ReadSide) -> Result<Self::Answer, QueryError> {
        let (shipment, version) = read.state(&Shipment::stream(&self.shipment_id)).await?;
        Ok(shipment.planned().is_some().then(|| (shipment.as_ref().clone(), version)))
    }
}

/// Asks for a part of all shipments, the oldest first.
#[derive(Clone, Debug)]
pub struct ListShipments {
    /// Only those that are there.
    pub status: Option<ShipmentStatus>,
    /// Only this order's.
    pub order_id: Option<OrderId>,
    /// Which part.
    pub page: PageRequest,
}

impl Query for ListShipments {
    const NAME: &'static str = "list-shipments";
    type Answer = Page<ShipmentRow>;

    fn validate(&self) -> Result<(), Invalid> {
        self.page.check()
    }

    async fn answer(self, read: &ReadSide) -> Result<Page<ShipmentRow>, QueryError> {
        let mut select = self.page.select(Some(ShipmentRow::BY_AGE));
        if let Some(status) = self.status {
            select = select.with(ShipmentRow::BY_STATUS, Compare::Equal, status.as_str());
        }
        if let Some(order_id) = &self.order_id {
            select = select.with(ShipmentRow::BY_ORDER, Compare::Equal, order_id.as_str());
        }
        page(read, &select).await
    }
}

/// Asks which shipments' carriers somebody has to talk to by now, the longest due first.
#[derive(Clone, Copy, Debug)]
pub struct DueShipments {
    /// At most so many, 1 to 200.
    pub limit: usize,
}

/// Shipments that are due, and when that was asked.
#[derive(Clone, Debug)]
pub struct Due {
    /// Which.
    pub shipments: Vec<ShipmentRow>,
    /// The instant they are due at.
    pub now: Timestamp,
}

impl Query for DueShipments {
    const NAME: &'static str = "due-shipments";
    type Answer = Due;

    fn validate(&self) -> Result<(), Invalid> {
        check_limit(self.limit)
    }

    async fn answer(self, read: &ReadSide) -> Result<Due, QueryError> {
        let (by, now) = (ShipmentRow::BY_WORK, read.now());
        let select = Select { order: Some(by), ..Select::first(self.limit) };
        // Nothing orders before every number: what is not due at all is left out by the lower end.
        let select = select.with(by, Compare::AtLeast, i64::MIN).with(by, Compare::AtMost, now.as_millis());
        let rows = read.select::<ShipmentRow>(&select).await?.rows;
        Ok(Due { shipments: rows.into_iter().map(|(_, row)| row).collect(), now })
    }
}
