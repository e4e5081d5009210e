//! An example of every contract event: one order of two lines, from request to return.

use super::Example;
use crate::events::*;

const ORDER: &str = "ORD-1001";
const RESERVATION: &str = "ORD-1001/1";
const SHIPMENT: &str = "SHP-1001";

fn tea() -> QuantityOfLine {
    QuantityOfLine { line_id: "1".into(), quantity: 3 }
}

fn cup() -> QuantityOfLine {
    QuantityOfLine { line_id: "2".into(), quantity: 1 }
}

macro_rules! examples {
    ($($shape:ident => { $($body:tt)* })*) => {
        $(impl Example for $shape {
            fn example() -> Self {
                $shape { $($body)* }
            }
        })*
    };
}

examples! {
    StockReserved => {
        reservation_id: RESERVATION.into(),
        order_id: ORDER.into(),
        attempt: 1,
        lines: vec![
            ReservedLine {
                line_id: "1".into(),
                sku: "TEA-01".into(),
                requested: 3,
                reserved: 3,
                allocations: vec![
                    PickFrom { location_id: "main".into(), quantity: 2, bin: Some("A-04-12-2".into()) },
                    PickFrom { location_id: "north".into(), quantity: 1, bin: None },
                ],
            },
            ReservedLine {
                line_id: "2".into(),
                sku: "CUP-07".into(),
                requested: 2,
                reserved: 1,
                allocations: vec![PickFrom { location_id: "main".into(), quantity: 1, bin: None }],
            },
        ],
    }
    StockReservationRejected => {
        reservation_id: RESERVATION.into(),
        order_id: ORDER.into(),
        attempt: 1,
        code: RejectionCode::InsufficientStock,
        shortfalls: vec![LineShortfall { line_id: "2".into(), sku: "CUP-07".into(), requested: 2, available: 1 }],
    }
    ReservationReleased => {
        reservation_id: RESERVATION.into(),
        order_id: Some(ORDER.into()),
        lines: vec![cup()],
        ended: true,
    }
    ReservationExpired => { reservation_id: "cart-77".into(), }
    ReservationConsumed => {
        reservation_id: RESERVATION.into(),
        order_id: Some(ORDER.into()),
        reference: Some(SHIPMENT.into()),
        lines: vec![tea(), cup()],
    }
    StockBecameAvailable => { sku: "CUP-07".into(), location_id: "main".into(), quantity: 40, }
    ReserveStockRequested => {
        reservation_id: RESERVATION.into(),
        order_id: ORDER.into(),
        attempt: 1,
        allow_partial: true,
        lines: vec![
            ReserveLineRequested {
                line_id: "1".into(),
                sku: "TEA-01".into(),
                quantity: 3,
                exclude_locations: Vec::new(),
            },
            ReserveLineRequested {
                line_id: "2".into(),
                sku: "CUP-07".into(),
                quantity: 2,
                exclude_locations: vec!["south".into()],
            },
        ],
    }
    ReleaseReservationRequested => {
        reservation_id: RESERVATION.into(),
        order_id: ORDER.into(),
        lines: vec![ReleaseLineRequested { line_id: "2".into(), quantity: 1, location_id: Some("main".into()) }],
    }
    ConsumeReservationRequested => {
        reservation_id: RESERVATION.into(),
        order_id: ORDER.into(),
        reference: SHIPMENT.into(),
        lines: vec![
            ConsumeLineRequested { line_id: "1".into(), quantity: 2, location_id: "main".into() },
            ConsumeLineRequested { line_id: "1".into(), quantity: 1, location_id: "north".into() },
            ConsumeLineRequested { line_id: "2".into(), quantity: 1, location_id: "main".into() },
        ],
    }
    GoodsReturned => {
        return_id: "RET-1001".into(),
        order_id: ORDER.into(),
        lines: vec![ReturnedLine {
            line_id: "1".into(),
            sku: "TEA-01".into(),
            quantity: 1,
            location_id: "main".into(),
            disposition: Disposition::Restock,
        }],
    }
    OrderPlaced => {
        order_id: ORDER.into(),
        lines: vec![
            OrderPlacedLine { line_id: "1".into(), sku: "TEA-01".into(), quantity: 3 },
            OrderPlacedLine { line_id: "2".into(), sku: "CUP-07".into(), quantity: 2 },
        ],
    }
    OrderReserved => { order_id: ORDER.into(), complete: false, lines: vec![tea(), cup()], }
    OrderBackordered => { order_id: ORDER.into(), lines: vec![cup()], }
    OrderRejected => {
        order_id: ORDER.into(),
        complete: false,
        lines: vec![RejectedLine { line_id: "2".into(), quantity: 1, code: "INSUFFICIENT_STOCK".into() }],
    }
    OrderCancelled => { order_id: ORDER.into(), complete: false, lines: vec![cup()], }
    OrderReadyToShip => { order_id: ORDER.into(), }
    ShipmentBooked => {
        shipment_id: SHIPMENT.into(),
        order_id: ORDER.into(),
        carrier: "parcel".into(),
        tracking_number: "PX-000-117".into(),
    }
    ShipmentDispatched => { shipment_id: SHIPMENT.into(), order_id: ORDER.into(), lines: vec![tea(), cup()], }
    ShipmentDelivered => { shipment_id: SHIPMENT.into(), order_id: ORDER.into(), }
}
