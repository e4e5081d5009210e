//! Reacting: what Inventory's contract events mean for orders and backlogs here.

use std::sync::Arc;

use comanda_contracts::events::{
    RejectionCode, ReservedLine, StockBecameAvailable, StockReservationRejected, StockReserved,
};
use cqrs::{CannotReact, Decision, InvalidId, Message, React, Reaction, States, Streams};
use serde::de::DeserializeOwned;

use crate::domain::backlog::{Backlog, Service};
use crate::domain::ids::{Bin, LineId, LocationId, OrderId, Sku};
use crate::domain::order::{Order, OrderInput, PickFrom, ReservedUnits};

/// The reaction to what happens to stock.
#[derive(Clone, Copy, Debug)]
pub struct Stock;

/// What has happened to stock, in the words of this context.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StockNews {
    /// An order's attempt was answered.
    Answered {
        /// The order.
        order_id: OrderId,
        /// The attempt.
        attempt: u32,
        /// The answer.
        answer: OrderInput,
    },
    /// Units can be promised that could not be before.
    Came {
        /// The SKU.
        sku: Sku,
        /// How many.
        quantity: i64,
    },
}

impl React for Stock {
    const NAME: &'static str = "fulfillment-stock";
    type Input = StockNews;

    fn read(message: &Message) -> Result<Option<StockNews>, CannotReact> {
        let news = match &*message.kind {
            StockReserved::TYPE => reserved(data(message)?),
            StockReservationRejected::TYPE => rejected(data(message)?),
            StockBecameAvailable::TYPE => came(&data(message)?),
            _ => return Ok(None),
        };
        news.map(Some).map_err(|why: InvalidId| CannotReact::Ever(format!("{}: {why}", message.kind)))
    }

    fn streams(news: &StockNews) -> Streams {
        match news {
            StockNews::Answered { order_id, .. } => Streams::one(&Order::stream(order_id)),
            StockNews::Came { sku, .. } => Streams::one(&Backlog::stream(sku)),
        }
    }

    fn react(news: &StockNews, _: &Message, states: &States<'_>) -> Result<Reaction, CannotReact> {
        let mut service = Service::new(states);
        match news {
            StockNews::Answered { order_id, attempt, answer } => {
                if states.of(&Order::stream(order_id)).attempt(*attempt).is_none() {
                    // Somebody holds stock for what was never asked: a person has to see it.
                    let why = format!("order {order_id} has made no attempt {attempt}");
                    return Err(CannotReact::Ever(why));
                }
                service.tell(order_id, answer);
            }
            StockNews::Came { sku, quantity } => service.freed(sku, *quantity),
        }
        Ok::<Decision<()>, _>(service.decision())
    }
}

fn data<T: DeserializeOwned>(message: &Message) -> Result<T, CannotReact> {
    message.data_as().map_err(|why| CannotReact::Ever(format!("{} cannot be read: {why}", message.kind)))
}

fn reserved(event: StockReserved) -> Result<StockNews, InvalidId> {
    let lines = event.lines.into_iter().map(line).collect::<Result<_, InvalidId>>()?;
    let attempt = event.attempt;
    let answer = OrderInput::Reserved { attempt, lines };
    Ok(StockNews::Answered { order_id: OrderId::parse(&event.order_id)?, attempt, answer })
}

fn line(line: ReservedLine) -> Result<ReservedUnits, InvalidId> {
    let from = line.allocations.into_iter().map(|place| {
        let bin = place.bin.as_deref().map(Bin::parse).transpose()?;
        Ok(PickFrom { location: LocationId::parse(&place.location_id)?, bin, quantity: place.quantity })
    });
    let from = from.collect::<Result<_, InvalidId>>()?;
    let code = line.code.map(|why| Arc::from(code(why)));
    Ok(ReservedUnits { line_id: LineId::parse(&line.line_id)?, from, code })
}

fn rejected(event: StockReservationRejected) -> Result<StockNews, InvalidId> {
    let lines = event.shortfalls.iter().map(|short| LineId::parse(&short.line_id)).collect::<Result<_, _>>()?;
    let attempt = event.attempt;
    let answer = OrderInput::Refused { attempt, code: Arc::from(code(event.code)), lines };
    Ok(StockNews::Answered { order_id: OrderId::parse(&event.order_id)?, attempt, answer })
}

fn came(event: &StockBecameAvailable) -> Result<StockNews, InvalidId> {
    Ok(StockNews::Came { sku: Sku::parse(&event.sku)?, quantity: event.quantity })
}

fn code(code: RejectionCode) -> &'static str {
    match code {
        RejectionCode::InsufficientStock => "INSUFFICIENT_STOCK",
        RejectionCode::UnknownSku => "UNKNOWN_SKU",
        RejectionCode::UnknownLocation => "UNKNOWN_LOCATION",
        RejectionCode::AlreadyReleased => "ALREADY_RELEASED",
        RejectionCode::Conflict => "CONFLICT",
        RejectionCode::Invalid => "INVALID",
    }
}
