//! Tenants: each has a folder, logs, views, threads and routes of its own, so nothing of one can name anything of another.
//!
//! The default tenant's data lies in the data folder itself, where it always was; another one's in `tenants/<name>` below it.
//! Tenants that have data are opened at the start, because their orders, holds and webhooks go on whether anybody asks or not.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};

use axum::Router;
use comanda_web::{EdgeLimits, Problem, edge, kinds};
use miette::{IntoDiagnostic, Result, miette};
use tokio::sync::{Mutex, watch};

use crate::compose::Data;
use crate::keys::{DEFAULT_TENANT, tenant_name};
use crate::ops::Ops;
use crate::platform::{Contexts, Platform, Surroundings};
use crate::routes::{self, Elsewhere};
use crate::{fault, serve, site};

/// The folder below the data folder that has those of the other tenants.
const FOLDER: &str = "tenants";

comanda_web::kinds! {
    TOO_MANY_TENANTS = 503, "too-many-tenants", "The server has no room for another tenant",
        "Your credential counts, but the server has as many tenants as it takes. Whoever runs it can raise --tenants-max.";
}

/// One tenant's contexts at work, and what answers for them.
pub(crate) struct Stack {
    router: Router,
    platform: Platform,
}

/// What all stacks of a server share.
#[derive(Clone)]
pub(crate) struct Common {
    /// Told why something has stopped before its time.
    pub(crate) failed: watch::Sender<Option<String>>,
    /// Long polls end once its sender is dropped.
    pub(crate) stopping: watch::Receiver<()>,
    pub(crate) limits: EdgeLimits,
}

impl Stack {
    /// Starts `contexts`. Only the default tenant's stack has the operators' routes: they are about the whole process.
    pub(crate) async fn start(
        contexts: Contexts,
        surroundings: &Surroundings,
        elsewhere: &Elsewhere,
        ops: impl FnOnce(&Platform) -> Option<Ops>,
        common: &Common,
    ) -> Result<Self> {
        let platform = Platform::start(contexts, surroundings, common.failed.clone()).await?;
        let router = routes::router(&platform, elsewhere, ops(&platform), &common.stopping);
        Ok(Self { router: edge(router, common.limits), platform })
    }

    pub(crate) fn platform(&self) -> &Platform {
        &self.platform
    }

    /// Nobody may be asking any more.
    async fn stop(self) {
        drop(self.router);
        self.platform.stop().await;
    }
}

/// How stacks of further tenants are made.
pub(crate) struct Founding {
    /// The data folder.
    pub(crate) dir: PathBuf,
    /// Those of a log that is made now.
    pub(crate) partitions: u16,
    /// Tenants beside the default one.
    pub(crate) tenants_max: usize,
    pub(crate) surroundings: Surroundings,
    pub(crate) fault: fault::Options,
}

impl Founding {
    async fn stack(self: &Arc<Self>, tenant: &str, common: &Common) -> Result<Stack> {
        let (founding, dir) = (Arc::clone(self), dir_of(&self.dir, tenant));
        // Opening a store blocks.
        let opened = tokio::task::spawn_blocking(move || founding.open(&dir)).await.into_diagnostic()?;
        let (contexts, signing_key) = opened?;
        let mut surroundings = Surroundings { signing_key, ..self.surroundings.clone() };
        if let Some(carrier) = &mut surroundings.carrier {
            carrier.tenant = Some(tenant.to_owned());
        }
        Stack::start(contexts, &surroundings, &Elsewhere::default(), |_| None, common).await
    }

    fn open(&self, dir: &Path) -> Result<(Contexts, crate::compose::hooks::SigningKey)> {
        let signing_key = site::signing_key(dir)?;
        let wrapped = |data: Data| data.wrapped(|store| self.fault.around(store));
        let inventory = Data::open_inventory(dir, self.partitions).into_diagnostic()?;
        let fulfillment = Data::open_fulfillment(dir, self.partitions).into_diagnostic()?;
        Ok((Contexts { inventory: Some(wrapped(inventory)), fulfillment: Some(wrapped(fulfillment)) }, signing_key))
    }
}

/// The tenants of a server.
pub(crate) struct Tenants {
    main: Stack,
    others: RwLock<HashMap<Arc<str>, Stack>>,
    /// One tenant is opened at a time.
    opening: Mutex<()>,
    /// None if this process has the default tenant alone.
    founding: Option<Arc<Founding>>,
    common: Common,
}

impl Tenants {
    /// The default tenant's stack, and those of all others that have data.
    pub(crate) async fn open(main: Stack, founding: Option<Founding>, common: Common) -> Result<Self> {
        let founding = founding.map(Arc::new);
        let mut others = HashMap::new();
        if let Some(founding) = &founding {
            let names = tenants_in(&founding.dir)?;
            if names.len() > founding.tenants_max {
                return Err(miette!(
                    help = "raise --tenants-max, if the machine has room for them",
                    "there is data of {} tenants, and {} are taken",
                    names.len(),
                    founding.tenants_max
                ));
            }
            for name in names {
                others.insert(name.as_str().into(), founding.stack(&name, &common).await?);
            }
        }
        Ok(Self { main, others: RwLock::new(others), opening: Mutex::default(), founding, common })
    }

    /// The default tenant's contexts.
    pub(crate) fn main(&self) -> &Platform {
        self.main.platform()
    }

    /// What answers where nobody is known.
    pub(crate) fn main_router(&self) -> Router {
        self.main.router.clone()
    }

    /// What answers `tenant`, if it is open.
    pub(crate) fn router_of(&self, tenant: &str) -> Option<Router> {
        if tenant == DEFAULT_TENANT {
            return Some(self.main_router());
        }
        let others = self.others.read().unwrap_or_else(PoisonError::into_inner);
        others.get(tenant).map(|stack| stack.router.clone())
    }

    /// What answers `tenant`, opened if it is not yet.
    pub(crate) async fn opened(self: Arc<Self>, tenant: Arc<str>) -> Result<Router, Problem> {
        // A task of its own: whoever asks may go away in the middle of it.
        match tokio::spawn(async move { self.open_other(&tenant).await }).await {
            Ok(opened) => opened,
            Err(why) => Err(Problem::internal(&format!("opening a tenant: {why}"))),
        }
    }

    async fn open_other(&self, tenant: &Arc<str>) -> Result<Router, Problem> {
        let _alone = self.opening.lock().await;
        if let Some(router) = self.router_of(tenant) {
            return Ok(router);
        }
        let Some(founding) = &self.founding else {
            let detail = "This process has the data of the default tenant alone: your credential is for another one.";
            return Err(Problem::new(kinds::FORBIDDEN, detail));
        };
        let count = self.others.read().unwrap_or_else(PoisonError::into_inner).len();
        if count >= founding.tenants_max {
            let detail = format!("The server takes {} tenants beside its own, and has them.", founding.tenants_max);
            return Err(Problem::new(TOO_MANY_TENANTS, detail));
        }
        if tenant_name(tenant).is_err() {
            return Err(Problem::new(kinds::FORBIDDEN, "The tenant that your credential names cannot be one."));
        }
        let stack = founding.stack(tenant, &self.common).await.map_err(|why| {
            tracing::error!(%why, tenant = &**tenant, "a tenant cannot be opened");
            Problem::new(kinds::UNAVAILABLE, "Your data cannot be opened now. The server's log says why.")
        })?;
        let router = stack.router.clone();
        self.others.write().unwrap_or_else(PoisonError::into_inner).insert(Arc::clone(tenant), stack);
        Ok(router)
    }

    /// Nobody may be asking any more.
    pub(crate) async fn stop(self) {
        let others = self.others.into_inner().unwrap_or_else(PoisonError::into_inner);
        for stack in others.into_values() {
            stack.stop().await;
        }
        self.main.stop().await;
    }
}

/// The folders of the other tenants that have data in `dir`, by name.
pub(crate) fn tenants_in(dir: &Path) -> Result<Vec<String>> {
    let entries = match std::fs::read_dir(dir.join(FOLDER)) {
        Err(cause) if cause.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries.into_diagnostic()?,
    };
    let mut names = Vec::new();
    for entry in entries {
        let entry = entry.into_diagnostic()?;
        if let Ok(name) = entry.file_name().into_string()
            && tenant_name(&name).is_ok()
            && serve::has_data(&entry.path())
        {
            names.push(name);
        }
    }
    names.sort_unstable();
    Ok(names)
}

/// The data of the other tenant `name` in `dir`.
pub(crate) fn dir_of(dir: &Path, name: &str) -> PathBuf {
    dir.join(FOLDER).join(name)
}
