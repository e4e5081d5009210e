//! The calls of the order interface, as patient as those of the inventory one.

use comanda_contracts::{Order, OrderAccepted, PlaceOrderRequest};

use crate::call::Call;
use crate::shop::{Shop, ShopError};

impl Shop {
    /// Places an order. It should carry an id, so that a repetition is the same order.
    ///
    /// # Errors
    /// [`ShopError`]
    pub async fn place_order(&mut self, request: &PlaceOrderRequest) -> Result<OrderAccepted, ShopError> {
        let call = Call::post_json("/v1/orders", request)?;
        Ok(self.command("POST /v1/orders", &call).await?.json()?)
    }

    /// Cancels a whole order.
    ///
    /// # Errors
    /// [`ShopError`]; an order that can only leave is a refusal with status 409.
    pub async fn cancel_order(&mut self, order_id: &str) -> Result<(), ShopError> {
        let path = format!("/v1/orders/{order_id}/cancel");
        self.command(&path, &Call::post(path.as_str(), "")).await.map(drop)
    }

    /// An order as it stands, with what it waits for; `None` when the server knows none of that id.
    ///
    /// # Errors
    /// [`ShopError`]
    pub async fn order(&mut self, order_id: &str) -> Result<Option<Order>, ShopError> {
        match self.known_order(order_id).await {
            Ok(order) => Ok(Some(order)),
            Err(error) if error.status() == Some(404) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// An order that must be there.
    ///
    /// # Errors
    /// [`ShopError`]; one that is not there is a refusal with status 404.
    pub(crate) async fn known_order(&mut self, order_id: &str) -> Result<Order, ShopError> {
        self.query(&format!("/v1/orders/{order_id}")).await
    }
}
