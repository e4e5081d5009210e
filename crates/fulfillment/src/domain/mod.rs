//! The rules of Fulfillment. Nothing here waits, reads a clock, draws a random number or logs.

pub mod backlog;
pub mod goods_return;
pub mod ids;
pub mod order;
pub mod pick_list;
pub mod shipment;
pub mod wave;
