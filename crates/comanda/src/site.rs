//! What surrounds a server: which roles it has, where the others are, and what its folder holds beside the data.

use std::fs::OpenOptions;
use std::io::{ErrorKind, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use axum::http::Uri;
use axum::http::uri::Authority;
use clap::{Args, ValueEnum};
use miette::{IntoDiagnostic, Result, miette};

use crate::carrier::patience::{CarrierAt, Patience};
use crate::compose::carrier_at;
use crate::compose::hooks::{KEY_BYTES, SigningKey, WebhookSettings};
use crate::fault;
use crate::gateway::Peer;
use crate::outgoing::{self, Credential};
use crate::platform::Surroundings;
use crate::routes::Elsewhere;

/// The file with the key that signs webhooks, in the data folder.
const SIGNING_KEY_FILE: &str = "webhooks.key";

/// A part of the system that a process can run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Role {
    /// Stock and reservations.
    Inventory,
    /// Orders, picking, shipments, returns.
    Fulfillment,
    /// One address for both, wherever they run.
    Gateway,
}

/// What a process runs, and where it finds what it does not run.
#[derive(Debug, Args)]
pub(crate) struct SiteOptions {
    /// What this process runs. A context it does not run is reached at the address given for it.
    #[arg(
        long,
        value_name = "ROLE",
        value_delimiter = ',',
        default_value = "inventory,fulfillment,gateway",
        env = "COMANDA_ROLES"
    )]
    roles: Vec<Role>,
    /// Where another process serves Inventory, as `http://host:port`.
    #[arg(long, value_name = "URL", env = "COMANDA_INVENTORY_AT")]
    inventory_at: Option<String>,
    /// Where another process serves Fulfillment, as `http://host:port`.
    #[arg(long, value_name = "URL", env = "COMANDA_FULFILLMENT_AT")]
    fulfillment_at: Option<String>,
    /// Where carriers are booked, as `http://host:port`; without it shipments wait to be booked. `comanda carrier` is one to try.
    #[arg(long, value_name = "URL", env = "COMANDA_CARRIER_AT")]
    carrier_at: Option<String>,
    #[command(flatten)]
    outgoing: outgoing::Options,
    #[command(flatten)]
    carrier_patience: Patience,
    /// Let webhooks go to this machine itself: to try them, never in a public place.
    #[arg(long)]
    webhooks_to_loopback: bool,
}

/// A site that is only missing its folder.
pub(crate) struct Plan {
    inventory: Option<String>,
    fulfillment: Option<String>,
    elsewhere: Elsewhere,
    credential: Option<Credential>,
    carrier: Option<CarrierAt>,
    webhooks: WebhookSettings,
}

impl SiteOptions {
    /// Whether this process has `role`.
    pub(crate) fn has(&self, role: Role) -> bool {
        self.roles.contains(&role)
    }

    /// What they come to; nothing is made.
    ///
    /// # Errors
    /// The options contradict each other, leave out where a context is, or name what cannot be used.
    pub(crate) fn plan(&self) -> Result<Plan> {
        let here = |role, at: &Option<String>, flag: &str| match (self.has(role), at) {
            (true, Some(_)) => Err(miette!(
                help = "leave one of the two out",
                "this process runs {role:?} itself, and {flag} says that another one does"
            )),
            (false, None) => Err(miette!(
                help = "say where it is, or add its role",
                "this process does not run {role:?}, and {flag} does not say where it is"
            )),
            (_, at) => at.as_deref().map(|base| authority(base).map(|_| base.to_owned())).transpose(),
        };
        let inventory = here(Role::Inventory, &self.inventory_at, "--inventory-at")?;
        let fulfillment = here(Role::Fulfillment, &self.fulfillment_at, "--fulfillment-at")?;
        let gateway = self.has(Role::Gateway);
        let peer = |context, at: &Option<String>| match at {
            Some(base) if gateway => Ok(Some(Peer::there(context, authority(base)?))),
            _ => Ok::<_, miette::Report>(None),
        };
        let elsewhere =
            Elsewhere { inventory: peer("inventory", &inventory)?, fulfillment: peer("fulfillment", &fulfillment)? };
        let webhooks = WebhookSettings::default();
        let webhooks = if self.webhooks_to_loopback { webhooks.to_loopback() } else { webhooks };
        let patience = self.carrier_patience;
        let carrier = self.carrier_at.clone().map(|base| CarrierAt { base, patience, tenant: None });
        if let Some(at) = &carrier {
            carrier_at(at).into_diagnostic()?;
        }
        let credential = self.outgoing.credential()?;
        Ok(Plan { inventory, fulfillment, elsewhere, credential, carrier, webhooks })
    }
}

impl Plan {
    /// The site on the data folder `dir`.
    ///
    /// # Errors
    /// The folder cannot be written to, or what is in it is damaged.
    pub(crate) fn carried_out(self, dir: &Path, faults: fault::Options) -> Result<Site> {
        let Self { inventory, fulfillment, elsewhere, credential, carrier, webhooks } = self;
        let signing_key = signing_key(dir)?;
        let surroundings = Surroundings { inventory, fulfillment, credential, carrier, signing_key, webhooks, faults };
        Ok(Site { surroundings, elsewhere })
    }
}

/// What a server needs to know beside its data.
pub(crate) struct Site {
    pub(crate) surroundings: Surroundings,
    pub(crate) elsewhere: Elsewhere,
}

impl Site {
    /// Whether all of Comanda runs in this process: only then can it have more than one tenant.
    pub(crate) fn is_whole(&self) -> bool {
        self.surroundings.inventory.is_none() && self.surroundings.fulfillment.is_none()
    }

    /// Both contexts in this process, whose data is in `dir`; carriers are booked at `carrier`.
    pub(crate) fn alone(dir: &Path, carrier: Option<CarrierAt>) -> Result<Self> {
        let (signing_key, webhooks) = (signing_key(dir)?, WebhookSettings::default());
        let (inventory, fulfillment, faults) = (None, None, fault::Options::default());
        let surroundings =
            Surroundings { inventory, fulfillment, credential: None, carrier, signing_key, webhooks, faults };
        Ok(Self { surroundings, elsewhere: Elsewhere::default() })
    }
}

/// `host:port` of a base address.
fn authority(base: &str) -> Result<Authority> {
    let uri: Uri = base.parse().unwrap_or_default();
    match (uri.scheme_str(), uri.authority()) {
        (Some("http"), Some(authority)) => Ok(authority.clone()),
        _ => Err(miette!(help = "write it as http://host:port", "{base} is no address of another process")),
    }
}

/// The key that signs webhooks: made at the first start, readable by the owner alone.
///
/// It is there whole or not at all: another process may start on the folder at the same time, or this one be killed.
pub(crate) fn signing_key(dir: &Path) -> Result<SigningKey> {
    let path = dir.join(SIGNING_KEY_FILE);
    std::fs::create_dir_all(dir).into_diagnostic()?;
    if !path.exists() {
        let fresh: [u8; KEY_BYTES] = rand::random();
        let draft = dir.join(format!("{SIGNING_KEY_FILE}.{}", std::process::id()));
        let file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&draft);
        file.and_then(|mut file| file.write_all(&fresh).and_then(|()| file.sync_all())).into_diagnostic()?;
        let linked = std::fs::hard_link(&draft, &path);
        std::fs::remove_file(&draft).into_diagnostic()?;
        match linked {
            Err(cause) if cause.kind() != ErrorKind::AlreadyExists => return Err(cause).into_diagnostic(),
            _ => {}
        }
    }
    let stored = std::fs::read(&path).into_diagnostic()?;
    let key: [u8; KEY_BYTES] = stored.as_slice().try_into().map_err(|_| {
        miette!(
            help = "bring it back from a copy; or delete it, and rotate the secret of every webhook",
            "{} is damaged: it has {} bytes instead of {KEY_BYTES}",
            path.display(),
            stored.len()
        )
    })?;
    Ok(SigningKey::new(key))
}
