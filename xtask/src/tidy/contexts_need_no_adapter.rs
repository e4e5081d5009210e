//! A context depends on no database, broker or HTTP client; its tests need none.

use super::contexts_apart::CONTEXTS;
use super::finding::Finding;
use super::tree::Tree;

/// Packages that talk to a database, a broker or a server.
pub(super) const ADAPTERS: &[&str] = &[
    "amqprs",
    "async-nats",
    "comanda-messaging",
    "comanda-stores",
    "curl",
    "deadpool-postgres",
    "diesel",
    "fred",
    "isahc",
    "lapin",
    "libsqlite3-sys",
    "mongodb",
    "mysql_async",
    "nats",
    "postgres",
    "rdkafka",
    "redis",
    "reqwest",
    "rumqttc",
    "rusqlite",
    "sea-orm",
    "sqlx",
    "tokio-postgres",
    "ureq",
];

/// Packages that are HTTP clients when the feature `client` is on.
const MAYBE_CLIENTS: &[&str] = &["hyper", "hyper-util"];

pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    CONTEXTS.iter().flat_map(|context| adapters_reached(tree, context)).collect()
}

fn adapters_reached(tree: &Tree, context: &str) -> Vec<Finding> {
    let is_adapter = |chain: &[&str]| match chain {
        [.., user, used] => {
            ADAPTERS.contains(used) || (MAYBE_CLIENTS.contains(used) && asks_for_client(tree, user, used))
        }
        _ => false,
    };
    let reached = tree.graph.reached(context);
    let bad = reached.values().filter(|chain| is_adapter(chain));
    // A chain that goes on beneath an adapter says nothing new.
    let bad = bad.filter(|chain| !chain.iter().rev().skip(1).any(|name| ADAPTERS.contains(name)));
    bad.map(|chain| {
        let (path, line) = tree.manifest_line(context, chain.get(1).unwrap_or(&context));
        Finding {
            path,
            line,
            what: format!("a context depends on an adapter: {}", chain.join(" -> ")),
            why: "the rules of the business must compile and be tested without any server or driver",
            fix: "use a port of `cqrs`; adapters live in `stores` and `messaging` and meet the context in `comanda`",
        }
    })
    .collect()
}

fn asks_for_client(tree: &Tree, user: &str, used: &str) -> bool {
    tree.graph.features_asked(user, used).iter().any(|feature| feature.starts_with("client") || feature == "full")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_context_on_ports_and_an_http_server_passes() {
        let tree = Tree::default()
            .with_package("comanda-web", &["axum", "hyper/server"])
            .with_package("comanda-stores", &["rusqlite"])
            .with_package("comanda-load", &["hyper/client"])
            .with_package("comanda-inventory", &["comanda-web", "cqrs"]);
        assert!(check(&tree).is_empty());
    }

    #[test]
    fn a_driver_beneath_a_context_is_found_once() {
        let tree = Tree::default()
            .with_package("rusqlite", &["libsqlite3-sys"])
            .with_package("comanda-web", &["rusqlite"])
            .with_package("comanda-inventory", &["comanda-web"]);
        let findings = check(&tree);
        assert_eq!(findings.len(), 1, "{findings:?}");
        assert!(findings[0].what.ends_with("comanda-inventory -> comanda-web -> rusqlite"));
    }

    #[test]
    fn an_http_client_is_found() {
        let tree = Tree::default().with_package("comanda-inventory", &["hyper/client"]);
        assert_eq!(check(&tree).len(), 1);
        let tree = Tree::default().with_package("comanda-fulfillment", &["reqwest"]);
        assert_eq!(check(&tree).len(), 1);
    }
}
