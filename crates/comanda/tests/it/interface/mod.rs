//! The interface as its OpenAPI document describes it: every read, every list and every method, found in the document itself.

mod document;
mod lists;
mod methods;
mod reads;
mod shop;
