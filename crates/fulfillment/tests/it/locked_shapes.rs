//! Every stored event of Fulfillment, locked in `docs/events`: an old log must stay readable.

use comanda_fulfillment::domain::backlog::Backlog;
use comanda_fulfillment::domain::goods_return::GoodsReturn;
use comanda_fulfillment::domain::order::Order;
use comanda_fulfillment::domain::pick_list::PickList;
use comanda_fulfillment::domain::shipment::Shipment;
use comanda_fulfillment::domain::wave::Wave;
use cqrs::testkit::ShapeLock;

use crate::{leaving_shapes, shapes, warehouse_shapes};

/// The samples that stay readable.
const LOCK: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/events/fulfillment.json");

#[test]
fn stored_events_are_locked() {
    let orders = [shapes::order_events(), warehouse_shapes::order_events(), leaving_shapes::order_events()].concat();
    let lock = ShapeLock::read(LOCK, &std::fs::read_to_string(LOCK).unwrap());
    let lock = lock.kind::<Order>(&orders).kind::<Backlog>(&shapes::backlog_events());
    let lock =
        lock.kind::<PickList>(&warehouse_shapes::pick_list_events()).kind::<Wave>(&warehouse_shapes::wave_events());
    lock.kind::<Shipment>(&leaving_shapes::shipment_events())
        .kind::<GoodsReturn>(&leaving_shapes::return_events())
        .holds(|file, text| std::fs::write(file, text));
}
