//! The calls of picking, packing, shipping and returning, as patient as the others: each may be repeated.

use comanda_contracts::{
    AssignBin, OrderPackages, OrderPickLists, PackRequest, Package, Page, PickList, PickListSummary, PickRequest,
    PlanShipmentRequest, ReceiveReturnRequest, ReleaseWaveRequest, RequestReturnRequest, Shipment,
    TrackShipmentRequest, Wave, WaveReleased,
};

use crate::call::Call;
use crate::shop::{Shop, ShopError};

impl Shop {
    /// Says in which bin of a location a SKU lies.
    ///
    /// # Errors
    /// [`ShopError`]
    pub async fn assign_bin(&mut self, sku: &str, location: &str, bin: &str) -> Result<(), ShopError> {
        let path = format!("/v1/stock/{sku}/locations/{location}/bin");
        let call = Call::put_json(path.as_str(), &AssignBin { bin: bin.to_owned() })?;
        self.command(&path, &call).await.map(drop)
    }

    /// The pick lists of `location` that nobody has released, the most urgent first: 1 to 200.
    ///
    /// # Errors
    /// [`ShopError`]
    pub async fn pick_queue(&mut self, location: &str, limit: usize) -> Result<Page<PickListSummary>, ShopError> {
        self.query(&format!("/v1/pick-lists?location={location}&status=DRAFT&limit={limit}")).await
    }

    /// All that is picked for an order; nothing where nothing is reserved.
    ///
    /// # Errors
    /// [`ShopError`]
    pub async fn pick_lists_of(&mut self, order_id: &str) -> Result<Vec<PickList>, ShopError> {
        match self.query::<OrderPickLists>(&format!("/v1/orders/{order_id}/pick-list")).await {
            Ok(found) => Ok(found.pick_lists),
            Err(error) if error.status() == Some(409) => Ok(Vec::new()),
            Err(error) => Err(error),
        }
    }

    /// Releases pick lists together. The request should carry an id.
    ///
    /// # Errors
    /// [`ShopError`]
    pub async fn release_wave(&mut self, request: &ReleaseWaveRequest) -> Result<WaveReleased, ShopError> {
        let call = Call::post_json("/v1/waves", request)?;
        Ok(self.command("POST /v1/waves", &call).await?.json()?)
    }

    /// A wave, with its stops in the order of the route.
    ///
    /// # Errors
    /// [`ShopError`]
    pub async fn wave(&mut self, wave_id: &str) -> Result<Wave, ShopError> {
        self.query(&format!("/v1/waves/{wave_id}")).await
    }

    /// Says that `units` of a task are picked by now.
    ///
    /// # Errors
    /// [`ShopError`]
    pub async fn pick(&mut self, pick_list: &str, task: &str, units: i64) -> Result<(), ShopError> {
        self.task(pick_list, task, "pick", units).await
    }

    /// Says that `units` of a task are not there.
    ///
    /// # Errors
    /// [`ShopError`]
    pub async fn miss(&mut self, pick_list: &str, task: &str, units: i64) -> Result<(), ShopError> {
        self.task(pick_list, task, "short", units).await
    }

    async fn task(&mut self, pick_list: &str, task: &str, verb: &str, units: i64) -> Result<(), ShopError> {
        let path = format!("/v1/pick-lists/{pick_list}/tasks/{task}/{verb}");
        let call = Call::post_json(path.as_str(), &PickRequest { quantity: Some(units) })?;
        self.command(&path, &call).await.map(drop)
    }

    /// Packs all that is picked for an order and not packed into one package.
    ///
    /// # Errors
    /// [`ShopError`]
    pub async fn pack(&mut self, order_id: &str, package_id: &str) -> Result<(), ShopError> {
        let path = format!("/v1/orders/{order_id}/packages");
        let request = PackRequest { package_id: package_id.to_owned(), lines: None };
        self.command(&path, &Call::post_json(path.as_str(), &request)?).await.map(drop)
    }

    /// The packages of an order.
    ///
    /// # Errors
    /// [`ShopError`]
    pub async fn packages(&mut self, order_id: &str) -> Result<Vec<Package>, ShopError> {
        Ok(self.query::<OrderPackages>(&format!("/v1/orders/{order_id}/packages")).await?.packages)
    }

    /// Says that an order can leave.
    ///
    /// # Errors
    /// [`ShopError`]
    pub async fn make_ready(&mut self, order_id: &str) -> Result<(), ShopError> {
        self.poke(format!("/v1/orders/{order_id}/ready-to-ship")).await
    }

    /// Plans a shipment; its carrier is asked from then on.
    ///
    /// # Errors
    /// [`ShopError`]
    pub async fn plan_shipment(&mut self, request: &PlanShipmentRequest) -> Result<(), ShopError> {
        let call = Call::post_json("/v1/shipments", request)?;
        self.command("POST /v1/shipments", &call).await.map(drop)
    }

    /// A shipment as it stands.
    ///
    /// # Errors
    /// [`ShopError`]
    pub async fn shipment(&mut self, shipment_id: &str) -> Result<Shipment, ShopError> {
        self.query(&format!("/v1/shipments/{shipment_id}")).await
    }

    /// Lets a booked shipment leave.
    ///
    /// # Errors
    /// [`ShopError`]
    pub async fn dispatch(&mut self, shipment_id: &str) -> Result<(), ShopError> {
        self.poke(format!("/v1/shipments/{shipment_id}/dispatch")).await
    }

    /// Passes on news of a shipment.
    ///
    /// # Errors
    /// [`ShopError`]
    pub async fn track(&mut self, shipment_id: &str, news: &TrackShipmentRequest) -> Result<(), ShopError> {
        let path = format!("/v1/shipments/{shipment_id}/tracking");
        self.command(&path, &Call::post_json(path.as_str(), news)?).await.map(drop)
    }

    /// Announces that units come back.
    ///
    /// # Errors
    /// [`ShopError`]
    pub async fn request_return(&mut self, request: &RequestReturnRequest) -> Result<(), ShopError> {
        let call = Call::post_json("/v1/returns", request)?;
        self.command("POST /v1/returns", &call).await.map(drop)
    }

    /// Records what has come with a return.
    ///
    /// # Errors
    /// [`ShopError`]
    pub async fn receive_return(&mut self, return_id: &str, came: &ReceiveReturnRequest) -> Result<(), ShopError> {
        let path = format!("/v1/returns/{return_id}/receive");
        self.command(&path, &Call::post_json(path.as_str(), came)?).await.map(drop)
    }

    async fn poke(&mut self, path: String) -> Result<(), ShopError> {
        self.command(&path, &Call::post(path.as_str(), "")).await.map(drop)
    }
}
