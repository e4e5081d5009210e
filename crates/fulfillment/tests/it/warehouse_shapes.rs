//! The shape of what the warehouse stores, locked: an old log must stay readable.

use comanda_fulfillment::domain::ids::{Bin, LocationId, PackageId, Sku, WaveId};
use comanda_fulfillment::domain::order::{OrderEvent, UnitsAt};
use comanda_fulfillment::domain::pick_list::{PickListEvent, PickListId, Release, ReleasedTask};
use comanda_fulfillment::domain::wave::{LeftOut, LeftOutReason, ReleasedWave, WaveEvent};
use cqrs::Timestamp;
use serde::Serialize;

use crate::house::line_id;

fn units_at() -> UnitsAt {
    UnitsAt { line_id: line_id("1"), attempt: 1, location: LocationId::parse("main").unwrap(), quantity: 2 }
}

pub(crate) fn order_events() -> Vec<OrderEvent> {
    vec![
        OrderEvent::PickingStarted,
        OrderEvent::Picked { units: units_at() },
        OrderEvent::ShortPicked { units: units_at() },
        OrderEvent::Packed { package: PackageId::parse("box-1").unwrap(), lines: vec![units_at()] },
    ]
}

pub(crate) fn pick_list_events() -> Vec<PickListEvent> {
    let task = |bin: Option<&str>| ReleasedTask {
        line_id: line_id("1"),
        sku: Sku::parse("TEA").unwrap(),
        bin: bin.map(|text| Bin::parse(text).unwrap()),
        quantity: 2,
    };
    let release = |wave: Option<&str>, tasks| Release {
        wave: wave.map(|text| WaveId::parse(text).unwrap()),
        released_at: Timestamp::from_millis(1_000),
        tasks,
    };
    vec![
        PickListEvent::Released(release(None, vec![task(None)])),
        PickListEvent::Released(release(Some("w-1"), vec![task(Some("A-1-2-3"))])),
        PickListEvent::Picked { task: line_id("1"), quantity: 2 },
        PickListEvent::Short { task: line_id("1"), quantity: 2 },
    ]
}

pub(crate) fn wave_events() -> Vec<WaveEvent> {
    let reasons = [
        LeftOutReason::NothingToPick,
        LeftOutReason::OrderOnHold,
        LeftOutReason::ReleasedBefore,
        LeftOutReason::WaveFull,
    ];
    let list = |text: &str| PickListId::parse(text).unwrap();
    let released = |left_out| ReleasedWave {
        location: LocationId::parse("main").unwrap(),
        lists: vec![list("o-7~1~main")],
        left_out,
        released_at: Timestamp::from_millis(1_000),
    };
    let left_out = reasons.into_iter().map(|reason| LeftOut { list: list("o-8~1~main"), reason }).collect();
    vec![WaveEvent::Released(released(Vec::new())), WaveEvent::Released(released(left_out))]
}

fn stored<E: Serialize>(events: &[E]) -> String {
    events.iter().map(|event| serde_json::to_string(event).unwrap() + "\n").collect()
}

#[test]
fn stored_events() {
    let (order, list, wave) = (stored(&order_events()), stored(&pick_list_events()), stored(&wave_events()));
    insta::assert_snapshot!(format!("# order\n{order}# pick list\n{list}# wave\n{wave}"));
}
