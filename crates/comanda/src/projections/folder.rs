//! The views of a folder that no server runs on.

use std::path::Path;
use std::time::Duration;

use comanda_contracts::{Projection, Rebuild};
use comanda_web::projections::projection;
use cqrs::{ProjectionDesk, ProjectionDeskError, Purpose};
use miette::{IntoDiagnostic, Result, miette};

use super::Order;
use crate::asking::NOTHING_KEPT;
use crate::backup::manifest::refuse_backup;
use crate::compose::Data;
use crate::serve::{has_data, no_data_in};

/// How often it is looked how far a build is.
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// An open folder.
pub(super) struct Folder {
    inventory: Option<Data>,
    fulfillment: Option<Data>,
}

impl Folder {
    pub(super) fn open(dir: &Path) -> Result<Self> {
        if !has_data(dir) {
            return Err(no_data_in(dir));
        }
        refuse_backup(dir)?;
        let there = |context: &str| dir.join(context).join("log.db").exists();
        let inventory = there("inventory").then(|| Data::open_inventory(dir, 1)).transpose().into_diagnostic()?;
        let fulfillment = there("fulfillment").then(|| Data::open_fulfillment(dir, 1)).transpose().into_diagnostic()?;
        Ok(Self { inventory, fulfillment })
    }

    fn data(&self, context: &str) -> Option<&Data> {
        match context {
            "inventory" => self.inventory.as_ref(),
            _ => self.fulfillment.as_ref(),
        }
    }

    /// The views of `context`, as they were left; none if its data is not there.
    pub(super) async fn list(&self, context: &str) -> Result<Option<Vec<Projection>>> {
        let Some(data) = self.data(context) else { return Ok(None) };
        let desk = data.projector().await.into_diagnostic()?.desk();
        Ok(Some(desk.list().await.into_diagnostic()?.iter().map(projection).collect()))
    }

    /// Carries the order out here; what the view had not read yet is read first.
    pub(super) async fn carry_out(
        &self,
        context: &str,
        view: &str,
        order: Order,
        moved: impl Fn(&Rebuild),
    ) -> Result<Projection> {
        let data = self.data(context).ok_or_else(|| miette!("{context} is not there"))?;
        let purpose = match order {
            Order::Rebuild { compare_only } => Purpose::Rebuild { compare_only },
            Order::SwapBack => Purpose::SwapBack,
        };
        let mut projector = data.projector().await.into_diagnostic()?;
        let (desk, name) = (projector.desk(), view.to_owned());
        // On a thread of its own, because it blocks in the store.
        let work = move || {
            tokio::runtime::Handle::current().block_on(async move { projector.rebuild_now(&name, purpose).await })
        };
        let mut working = tokio::task::spawn_blocking(work);
        loop {
            tokio::select! {
                done = &mut working => {
                    let done = done.into_diagnostic()?;
                    if let Err(why @ ProjectionDeskError::NothingKept { .. }) = done {
                        return Err(miette!(help = NOTHING_KEPT, "{why}"));
                    }
                    done.into_diagnostic()?;
                    return read(&desk, view).await;
                }
                () = tokio::time::sleep(LOOK_EVERY) => {
                    if let Some(rebuild) = read(&desk, view).await?.rebuild {
                        moved(&rebuild);
                    }
                }
            }
        }
    }
}

async fn read(desk: &ProjectionDesk, view: &str) -> Result<Projection> {
    Ok(projection(&desk.read(view).await.into_diagnostic()?))
}
