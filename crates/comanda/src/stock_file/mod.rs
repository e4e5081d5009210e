//! A shop's catalogue and stock as a CSV file: `comanda import` makes it so, `comanda export` writes it down.

mod columns;
pub(crate) mod export;
pub(crate) mod import;
mod pages;
mod report;
mod seen;
mod send;
