//! Orders over HTTP: the router on stores in memory, with an Inventory that answers when a test lets it.

mod description;
mod leaving;
mod orders;
mod shop;
mod warehouse;
