//! Every stored event of webhooks, locked in `docs/events`: an old log must stay readable.

use comanda_messaging::webhooks::domain::directory::Directory;
use comanda_messaging::webhooks::domain::endpoint::Endpoint;
use cqrs::testkit::ShapeLock;

#[test]
fn stored_events_are_locked() {
    let lock = ShapeLock::read(concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/events/webhooks.json"));
    lock.kind::<Endpoint>(&[]).kind::<Directory>(&[]).holds();
}
