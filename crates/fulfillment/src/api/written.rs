//! Orders and what they wait for, as the contract writes them.

use comanda_contracts as contract;

use crate::application::order_by_id::FoundOrder;
use crate::application::waits::WaitsFor;
use crate::domain::order::{Order, OrderLine, Policy, Priority, Units, reservation_id};
use crate::read_models::orders::OrderRow;

/// A whole order. One that was never placed has no shape.
pub(super) fn order(found: FoundOrder) -> Option<contract::Order> {
    let FoundOrder { order_id, order, waits, .. } = found;
    let placed = order.placed()?;
    let id = order_id.as_str();
    Some(contract::Order {
        order_id: id.to_owned(),
        status: order.status().as_str().to_owned(),
        policy: policy(placed.policy),
        priority: priority(placed.priority),
        placed_at: placed.placed_at.to_rfc3339(),
        promised_at: placed.promised_at.map(cqrs::Timestamp::to_rfc3339),
        customer: placed.customer.as_deref().map(ToOwned::to_owned),
        on_hold: order.on_hold().map(ToOwned::to_owned),
        lines: order.lines().iter().map(|one| line(id, &order, one)).collect(),
        waits_for: waits.into_iter().map(waits_for).collect(),
    })
}

fn line(id: &str, order: &Order, line: &OrderLine) -> contract::OrderLine {
    contract::OrderLine {
        line_id: line.line_id.as_str().to_owned(),
        sku: line.sku.as_str().to_owned(),
        status: order.line_status(line).as_str().to_owned(),
        ordered: line.ordered,
        pending: line.untouched(),
        reserved: line.reserved(),
        backordered: line.backordered,
        rejected: line.rejected,
        rejected_for: line.rejected_for.as_deref().map(ToOwned::to_owned),
        cancelled: line.cancelled,
        picked: line.picked(),
        packed: line.packed(),
        shipped: line.shipped(),
        delivered: line.delivered(),
        returned: line.returned,
        allocations: line.units.iter().map(|units| allocation(id, units)).collect(),
    }
}

fn allocation(id: &str, units: &Units) -> contract::OrderAllocation {
    contract::OrderAllocation {
        reservation_id: reservation_id(id, units.attempt),
        location_id: units.location.as_str().to_owned(),
        bin: units.bin.as_ref().map(|bin| bin.as_str().to_owned()),
        quantity: units.reserved,
    }
}

pub(super) fn waits_for(waits: WaitsFor) -> contract::WaitsFor {
    contract::WaitsFor {
        code: waits.code.to_owned(),
        text: waits.text,
        since: waits.since.map(cqrs::Timestamp::to_rfc3339),
        until: waits.until.map(cqrs::Timestamp::to_rfc3339),
    }
}

/// An order in a list.
pub(super) fn summary(row: OrderRow) -> contract::OrderSummary {
    let sum = |count: fn(&OrderLine) -> i64| row.order.lines().iter().map(count).sum::<i64>();
    let placed = row.order.placed();
    contract::OrderSummary {
        order_id: row.order_id.as_str().to_owned(),
        status: row.status.as_str().to_owned(),
        since: row.since.to_rfc3339(),
        priority: priority(placed.map(|placed| placed.priority).unwrap_or_default()),
        placed_at: placed.map(|placed| placed.placed_at).unwrap_or_default().to_rfc3339(),
        promised_at: placed.and_then(|placed| placed.promised_at).map(cqrs::Timestamp::to_rfc3339),
        customer: placed.and_then(|placed| placed.customer.as_deref()).map(ToOwned::to_owned),
        lines: i64::try_from(row.order.lines().len()).unwrap_or(i64::MAX),
        pending: sum(OrderLine::untouched),
        backordered: sum(|line| line.backordered),
    }
}

fn policy(policy: Policy) -> contract::OrderPolicy {
    match policy {
        Policy::ShipComplete => contract::OrderPolicy::ShipComplete,
        Policy::ShipAvailable => contract::OrderPolicy::ShipAvailable,
        Policy::Backorder => contract::OrderPolicy::Backorder,
    }
}

pub(super) fn priority(priority: Priority) -> contract::OrderPriority {
    match priority {
        Priority::Express => contract::OrderPriority::Express,
        Priority::Standard => contract::OrderPriority::Standard,
        Priority::Economy => contract::OrderPriority::Economy,
    }
}
