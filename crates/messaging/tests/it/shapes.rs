//! Every stored event of webhooks, locked in `docs/events`: an old log must stay readable.

use comanda_messaging::webhooks::domain::directory::Directory;
use comanda_messaging::webhooks::domain::endpoint::Endpoint;
use cqrs::testkit::ShapeLock;

/// The samples that stay readable.
const LOCK: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/events/webhooks.json");

#[test]
fn stored_events_are_locked() {
    let lock = ShapeLock::read(LOCK, &std::fs::read_to_string(LOCK).unwrap());
    lock.kind::<Endpoint>(&[]).kind::<Directory>(&[]).holds(|file, text| std::fs::write(file, text));
}
