//! Publishing what leaves and comes back: shipments and returns, in order with their order's other events.

use std::collections::BTreeMap;

use comanda_contracts::events as contract;
use comanda_contracts::events::{
    GoodsReturned, QuantityOfLine, ReturnedLine, ShipmentBooked, ShipmentDelivered, ShipmentDispatched,
};
use cqrs::{ContractEvent, Recorded, Unreadable};

use crate::domain::goods_return::{Disposition, GoodsReturn, ReceivedUnits, ReturnEvent};
use crate::domain::order::UnitsAt;
use crate::domain::shipment::{Shipment, ShipmentEvent};

/// What a stored event of a shipment or a return tells others, if anything.
///
/// # Errors
/// [`Unreadable`] if it cannot be decoded.
pub(crate) fn publish_leaving(event: &Recorded) -> Result<Option<ContractEvent>, Unreadable> {
    if let Some(happened) = event.as_event_of::<Shipment>()? {
        return publish_shipment(event, &happened);
    }
    if let Some(happened) = event.as_event_of::<GoodsReturn>()? {
        return publish_return(event, &happened);
    }
    Ok(None)
}

fn publish_shipment(event: &Recorded, happened: &ShipmentEvent) -> Result<Option<ContractEvent>, Unreadable> {
    let shipment_id = event.stream.id().to_owned();
    match happened {
        ShipmentEvent::Booked { order_id, carrier, tracking_number, .. } => {
            let booked = ShipmentBooked {
                shipment_id: shipment_id.clone(),
                order_id: order_id.as_str().to_owned(),
                carrier: carrier.as_str().to_owned(),
                tracking_number: tracking_number.as_ref().to_owned(),
            };
            ContractEvent::new(event, ShipmentBooked::TYPE, &shipment_id, order_id.as_str(), &booked).map(Some)
        }
        ShipmentEvent::Dispatched { order_id, lines } => {
            let dispatched = ShipmentDispatched {
                shipment_id: shipment_id.clone(),
                order_id: order_id.as_str().to_owned(),
                lines: by_line(lines),
            };
            ContractEvent::new(event, ShipmentDispatched::TYPE, &shipment_id, order_id.as_str(), &dispatched).map(Some)
        }
        ShipmentEvent::Delivered { order_id } => {
            let delivered =
                ShipmentDelivered { shipment_id: shipment_id.clone(), order_id: order_id.as_str().to_owned() };
            ContractEvent::new(event, ShipmentDelivered::TYPE, &shipment_id, order_id.as_str(), &delivered).map(Some)
        }
        // How its carrier is asked is nobody's business.
        _ => Ok(None),
    }
}

fn publish_return(event: &Recorded, happened: &ReturnEvent) -> Result<Option<ContractEvent>, Unreadable> {
    let ReturnEvent::Received { order_id, lines } = happened else { return Ok(None) };
    let return_id = event.stream.id().to_owned();
    let returned = GoodsReturned {
        return_id: return_id.clone(),
        order_id: order_id.as_str().to_owned(),
        lines: lines.iter().map(returned).collect(),
    };
    ContractEvent::new(event, GoodsReturned::TYPE, &return_id, order_id.as_str(), &returned).map(Some)
}

/// Units by line, whichever attempt reserved them.
fn by_line(lines: &[UnitsAt]) -> Vec<QuantityOfLine> {
    let mut units: BTreeMap<&str, i64> = BTreeMap::new();
    for at in lines {
        *units.entry(at.line_id.as_str()).or_default() += at.quantity;
    }
    units.into_iter().map(|(line, quantity)| QuantityOfLine { line_id: line.to_owned(), quantity }).collect()
}

fn returned(units: &ReceivedUnits) -> ReturnedLine {
    ReturnedLine {
        line_id: units.line_id.as_str().to_owned(),
        sku: units.sku.as_str().to_owned(),
        quantity: units.quantity,
        location_id: units.location.as_str().to_owned(),
        disposition: match units.disposition {
            Disposition::Restock => contract::Disposition::Restock,
            Disposition::Damaged => contract::Disposition::Damaged,
            Disposition::Scrap => contract::Disposition::Scrap,
        },
    }
}
