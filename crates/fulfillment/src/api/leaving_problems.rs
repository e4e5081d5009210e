//! What each rejection of shipments and returns becomes over HTTP.

use comanda_web::Problem;

use super::problems::{
    ID_CONFLICT, NOTHING_READY, ORDER_LINE_HAS_LESS, SEVERAL_LOCATIONS, TOO_MANY_RETURNS, TOO_MANY_SHIPMENTS,
    TOO_MUCH_NEWS, UNKNOWN_ORDER_LINE, UNKNOWN_RETURN, UNKNOWN_SHIPMENT, WRONG_TRANSITION, at, unknown_order,
};
use crate::domain::goods_return::ReturnRejection;
use crate::domain::ids::{ReturnId, ShipmentId};
use crate::domain::shipment::plan::PlanRejection;
use crate::domain::shipment::{ShipmentRejection, WrongShipmentTransition};

/// The problem of a shipment that was never planned.
pub(super) fn unknown_shipment(id: &ShipmentId) -> Problem {
    Problem::new(UNKNOWN_SHIPMENT, format!("Shipment {id} does not exist."))
}

/// The problem of a return that was never announced.
pub(super) fn unknown_return(id: &ReturnId) -> Problem {
    Problem::new(UNKNOWN_RETURN, format!("Return {id} does not exist."))
}

fn wrong(detail: String, from: &str, to: &str, allowed: Vec<String>) -> Problem {
    Problem::new(WRONG_TRANSITION, detail).with(|problem| {
        problem.from = Some(from.to_owned());
        problem.to = Some(to.to_owned());
        problem.allowed = Some(allowed);
        problem.state = Some(from.to_owned());
    })
}

impl From<WrongShipmentTransition> for Problem {
    fn from(why: WrongShipmentTransition) -> Self {
        let allowed = why.allowed.iter().map(|status| status.as_str().to_owned()).collect();
        let detail = format!("A shipment that is {} cannot become {}.", why.from, why.to);
        wrong(detail, why.from.as_str(), why.to.as_str(), allowed)
    }
}

impl From<PlanRejection> for Problem {
    fn from(rejection: PlanRejection) -> Self {
        match rejection {
            PlanRejection::UnknownOrder { order_id } => unknown_order(&order_id),
            PlanRejection::UnknownLine { order_id, line_id, place } => {
                let detail = format!("Order {order_id} has no line {line_id}.");
                at(format!("/lines/{place}/lineId"), Self::new(UNKNOWN_ORDER_LINE, detail))
            }
            PlanRejection::LineHasLess { line_id, place, ready } => {
                let detail = format!("Line {line_id} has {ready} units that are ready and in no shipment.");
                at(format!("/lines/{place}/quantity"), Self::new(ORDER_LINE_HAS_LESS, detail))
            }
            PlanRejection::NothingReady { status } => {
                let detail = format!("The order is {status}: nothing of it is ready that is in no shipment.");
                Self::new(NOTHING_READY, detail).with(|problem| problem.state = Some(status.as_str().to_owned()))
            }
            PlanRejection::SeveralLocations { locations } => {
                let named: Vec<_> = locations.iter().take(10).map(ToString::to_string).collect();
                let detail = format!("What is ready lies at {}: name one of them.", named.join(", "));
                at("/locationId".to_owned(), Self::new(SEVERAL_LOCATIONS, detail))
            }
            why @ PlanRejection::TooMany => Self::new(TOO_MANY_SHIPMENTS, format!("Refused: {why}.")),
            PlanRejection::IdConflict { shipment_id } => {
                let detail = format!("Shipment {shipment_id} exists with other content.");
                Self::new(ID_CONFLICT, detail).with(|p| p.instance = Some(format!("/v1/shipments/{shipment_id}")))
            }
        }
    }
}

impl From<ShipmentRejection> for Problem {
    fn from(rejection: ShipmentRejection) -> Self {
        match rejection {
            ShipmentRejection::UnknownShipment { shipment_id } => unknown_shipment(&shipment_id),
            ShipmentRejection::WrongTransition(why) => why.into(),
            why @ ShipmentRejection::TooMuchNews => Self::new(TOO_MUCH_NEWS, format!("Refused: {why}.")),
            ShipmentRejection::IdConflict { event_id } => {
                let detail = format!("The news {event_id} was told before with other content.");
                at("/eventId".to_owned(), Self::new(ID_CONFLICT, detail))
            }
        }
    }
}

impl From<ReturnRejection> for Problem {
    fn from(rejection: ReturnRejection) -> Self {
        match rejection {
            ReturnRejection::UnknownReturn { return_id } => unknown_return(&return_id),
            ReturnRejection::UnknownOrder { order_id } => unknown_order(&order_id),
            ReturnRejection::UnknownLine { line_id, place } => {
                let detail = format!("There is no line {line_id}.");
                at(format!("/lines/{place}/lineId"), Self::new(UNKNOWN_ORDER_LINE, detail))
            }
            ReturnRejection::LineHasLess { line_id, place, returnable } => {
                let detail = format!("Line {line_id} has {returnable} units that can come back.");
                at(format!("/lines/{place}/quantity"), Self::new(ORDER_LINE_HAS_LESS, detail))
            }
            why @ ReturnRejection::TooMany => Self::new(TOO_MANY_RETURNS, format!("Refused: {why}.")),
            ReturnRejection::IdConflict { return_id } => {
                let detail = format!("Return {return_id} exists, or has come, with other content.");
                Self::new(ID_CONFLICT, detail).with(|p| p.instance = Some(format!("/v1/returns/{return_id}")))
            }
            ReturnRejection::WrongTransition { from, to } => {
                let allowed = from.next().iter().map(|status| status.as_str().to_owned()).collect();
                let detail = format!("A return that is {from} cannot become {to}.");
                wrong(detail, from.as_str(), to.as_str(), allowed)
            }
        }
    }
}
