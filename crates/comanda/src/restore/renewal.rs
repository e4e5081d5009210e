//! New epochs for restored logs: what was told after the backup is of other logs, and each context follows the other's new one.

use std::path::Path;

use comanda_fulfillment::react::Stock;
use comanda_inventory::react::Orders;
use cqrs::{CommandBus, Dispatch, Envelope, React, Reopen};
use miette::{IntoDiagnostic, Result, miette};

use crate::backup::manifest::TenantCopy;
use crate::compose::Data;
use crate::compose::copies::{Renewed, renew_epoch};
use crate::compose::hooks::domain::follow_restored::FollowRestored;
use crate::keys::DEFAULT_TENANT;
use crate::tenants;

/// Renews both logs of a tenant below `dir`, then has inboxes and webhooks go on under the new epochs.
pub(super) async fn renew(dir: &Path, tenant: &TenantCopy) -> Result<()> {
    let dir = if tenant.tenant == DEFAULT_TENANT { dir.to_owned() } else { tenants::dir_of(dir, &tenant.tenant) };
    let inventory = renew_epoch(&dir.join("inventory")).into_diagnostic()?;
    let fulfillment = renew_epoch(&dir.join("fulfillment")).into_diagnostic()?;
    let orders = reopen::<Orders>("fulfillment", fulfillment);
    follow(Data::open_inventory(&dir, 1).into_diagnostic()?, inventory, orders).await?;
    let stock = reopen::<Stock>("inventory", inventory);
    follow(Data::open_fulfillment(&dir, 1).into_diagnostic()?, fulfillment, stock).await
}

fn reopen<R: React>(source: &str, log: Renewed) -> Reopen {
    Reopen { consumer: R::NAME.into(), source: source.into(), partitions: log.partitions, from: log.from, to: log.to }
}

/// Has a context's inboxes follow the other's log, and its webhooks its own.
async fn follow(data: Data, own: Renewed, reopen: Reopen) -> Result<()> {
    let hooks = FollowRestored { from: own.from, to: own.to };
    let work = async |commands: CommandBus| {
        commands
            .dispatch(Envelope::new(reopen))
            .await
            .map_err(|why| miette!("the inboxes cannot be reopened: {why}"))?;
        commands.dispatch(Envelope::new(hooks)).await.map_err(|why| miette!("webhooks cannot follow: {why}"))?;
        Ok(())
    };
    data.decide(work).await.into_diagnostic()?
}
