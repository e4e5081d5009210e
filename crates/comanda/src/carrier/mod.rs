//! The carrier over HTTP: a client that never books twice, and a stand-in to prove it on.
//!
//! | request | answers |
//! | --- | --- |
//! | `PUT /consignments/{reference}` `{"carrier": "fast", "packages": 2}` | 201 `{"trackingNumber": "…"}` |
//! | `GET /consignments/{reference}` | 200 with the same body; 404 with `"code": "UNKNOWN_CONSIGNMENT"` |
//! | `DELETE /consignments/{reference}` | 204; 404 as above |
//! | `GET /statistics` (the stand-in only) | 200 `{"bookings": 1, "unheard": 0, "doubleBookings": 0, "lookups": 0, "cancellations": 0}` |

mod breaker;
pub(crate) mod http;
pub(crate) mod patience;
pub(crate) mod standin;
#[cfg(test)]
mod tests;
mod wire;
