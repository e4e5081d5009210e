//! What Inventory does when Fulfillment asks for stock, gives it back, ships it or takes goods back: the anti-corruption layer.
//!
//! A message becomes one of the domain's own commands, decided as any other. Every request for stock is answered, a
//! refused one too. What cannot be done as asked (to ship more than is held) is a dead letter: somebody has to look.

use std::convert::Infallible;
use std::fmt::Display;

use comanda_contracts::events as contract;
use cqrs::{CannotReact, Command, Message, React, Reaction, States, Streams};
use serde::de::DeserializeOwned;

use crate::domain::ids::{InvalidId, LineId, LocationId, OrderId, Quantity, ReservationId, Sku, check_id};
use crate::domain::reservation::commit::{Commit, CommitLine, RefuseInvalid};
use crate::domain::reservation::give_back::{GiveBack, GiveBackLine};
use crate::domain::reservation::order::ForOrder;
use crate::domain::reservation::ship::{Ship, ShipLine, ShipRejection};
use crate::domain::stock_item::Disposition;
use crate::domain::stock_item::take_back::{TakeBack, TakeBackLine};

/// Inventory's reaction to orders.
#[derive(Clone, Copy, Debug)]
pub enum Orders {}

/// What a message of Fulfillment means here.
#[derive(Clone, Debug)]
pub enum Asked {
    /// An order wants stock.
    Commit(Commit),
    /// An order wants stock by a request that is wrong in itself.
    RefuseInvalid(RefuseInvalid),
    /// An order gives stock back.
    GiveBack(GiveBack),
    /// Units of an order have left.
    Ship(Ship),
    /// Goods have come back.
    TakeBack(TakeBack),
}

impl React for Orders {
    const NAME: &'static str = "inventory-orders";
    type Input = Asked;

    fn read(message: &Message) -> Result<Option<Asked>, CannotReact> {
        let asked = match &*message.kind {
            contract::ReserveStockRequested::TYPE => commit(data(message)?)?,
            contract::ReleaseReservationRequested::TYPE => Asked::GiveBack(give_back(data(message)?)?),
            contract::ConsumeReservationRequested::TYPE => Asked::Ship(ship(data(message)?)?),
            contract::GoodsReturned::TYPE => Asked::TakeBack(take_back(data(message)?)?),
            _ => return Ok(None),
        };
        Ok(Some(asked))
    }

    fn streams(asked: &Asked) -> Streams {
        match asked {
            Asked::Commit(command) => command.streams(),
            Asked::RefuseInvalid(command) => command.streams(),
            Asked::GiveBack(command) => command.streams(),
            Asked::Ship(command) => command.streams(),
            Asked::TakeBack(command) => command.streams(),
        }
    }

    fn react(asked: &Asked, _: &Message, states: &States<'_>) -> Result<Reaction, CannotReact> {
        match asked {
            Asked::Commit(command) => command.decide(states).map_err(never),
            Asked::RefuseInvalid(command) => command.decide(states).map_err(never),
            Asked::GiveBack(command) => command.decide(states).map_err(ever),
            Asked::Ship(command) => command.decide(states).map_err(|why| match &why {
                // The receipt may still be booked.
                ShipRejection::NotOnHand { .. } => CannotReact::Yet(why.to_string()),
                ShipRejection::UnknownLine { .. } | ShipRejection::TooMuch { .. } => ever(why),
            }),
            Asked::TakeBack(command) => command.decide(states).map_err(ever),
        }
    }
}

fn never(impossible: Infallible) -> CannotReact {
    match impossible {}
}

fn ever(why: impl Display) -> CannotReact {
    CannotReact::Ever(why.to_string())
}

fn data<T: DeserializeOwned>(message: &Message) -> Result<T, CannotReact> {
    message.data_as().map_err(|cause| CannotReact::Ever(format!("{} cannot be read: {cause}", message.kind)))
}

/// A field as the domain's own type.
fn field<T, E: Display>(name: &str, parsed: Result<T, E>) -> Result<T, CannotReact> {
    parsed.map_err(|cause| CannotReact::Ever(format!("{name}: {cause}")))
}

/// The order's attempt that a reservation's id names.
fn attempt(reservation_id: &str, order_id: &str) -> Result<ForOrder, CannotReact> {
    let order_id = field("orderId", OrderId::parse(order_id))?;
    let id = field("reservationId", ReservationId::parse(reservation_id))?;
    let attempt = id.attempt_of(&order_id);
    let attempt = attempt.ok_or_else(|| ever(format!("reservation {id} is not of order {order_id}")))?;
    Ok(ForOrder { order_id, attempt })
}

fn commit(request: contract::ReserveStockRequested) -> Result<Asked, CannotReact> {
    let order = attempt(&request.reservation_id, &request.order_id)?;
    if order.attempt != request.attempt {
        let why = format!("reservation {} is not of attempt {}", request.reservation_id, request.attempt);
        return Err(CannotReact::Ever(why));
    }
    let lines = request.lines.iter().map(commit_line).collect::<Option<Vec<_>>>();
    let command = lines.map(|lines| Commit { order: order.clone(), lines, allow_partial: request.allow_partial });
    // What is wrong in itself has an answer too: an order that got none would wait for its time-out.
    Ok(match command.filter(|command| command.validate().is_ok()) {
        Some(command) => Asked::Commit(command),
        None => Asked::RefuseInvalid(RefuseInvalid { order }),
    })
}

fn commit_line(line: &contract::ReserveLineRequested) -> Option<CommitLine> {
    let exclude: Result<_, InvalidId> = line.exclude_locations.iter().map(|id| LocationId::parse(id)).collect();
    Some(CommitLine {
        line_id: LineId::parse(&line.line_id).ok()?,
        sku: Sku::parse(&line.sku).ok()?,
        quantity: Quantity::parse(line.quantity).ok()?,
        exclude: exclude.ok()?,
    })
}

fn give_back(request: contract::ReleaseReservationRequested) -> Result<GiveBack, CannotReact> {
    let line = |line: &contract::ReleaseLineRequested| {
        Ok(GiveBackLine {
            line_id: field("lineId", LineId::parse(&line.line_id))?,
            quantity: field("quantity", Quantity::parse(line.quantity))?,
            location: line.location_id.as_deref().map(|id| field("locationId", LocationId::parse(id))).transpose()?,
        })
    };
    let order = attempt(&request.reservation_id, &request.order_id)?;
    Ok(GiveBack { order, lines: request.lines.iter().map(line).collect::<Result<_, CannotReact>>()? })
}

fn ship(request: contract::ConsumeReservationRequested) -> Result<Ship, CannotReact> {
    let line = |line: &contract::ConsumeLineRequested| {
        Ok(ShipLine {
            line_id: field("lineId", LineId::parse(&line.line_id))?,
            quantity: field("quantity", Quantity::parse(line.quantity))?,
            location: field("locationId", LocationId::parse(&line.location_id))?,
        })
    };
    let order = attempt(&request.reservation_id, &request.order_id)?;
    field("reference", check_id(&request.reference))?;
    let lines = request.lines.iter().map(line).collect::<Result<_, CannotReact>>()?;
    Ok(Ship { order, reference: request.reference.into(), lines })
}

fn take_back(request: contract::GoodsReturned) -> Result<TakeBack, CannotReact> {
    let line = |line: &contract::ReturnedLine| {
        Ok(TakeBackLine {
            sku: field("sku", Sku::parse(&line.sku))?,
            quantity: field("quantity", Quantity::parse(line.quantity))?,
            location: field("locationId", LocationId::parse(&line.location_id))?,
            disposition: match line.disposition {
                contract::Disposition::Restock => Disposition::Restock,
                contract::Disposition::Damaged => Disposition::Damaged,
                contract::Disposition::Scrap => Disposition::Scrap,
            },
        })
    };
    let lines = request.lines.iter().map(line).collect::<Result<_, CannotReact>>()?;
    field("returnId", check_id(&request.return_id))?;
    let command = TakeBack { reference: request.return_id.into(), lines };
    field("GoodsReturned", command.validate())?;
    Ok(command)
}
