//! The door: who may come in, and what for. Its keys are those of the data folder; without any, loopback is open.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use axum::Router;
use axum::extract::Request;
use clap::{Args, ValueEnum};
use comanda_web::{Admission, Caller, Guest, Keeper, Refusal, access, bearer};
use cqrs::{Clock, SystemClock};
use miette::Result;

use crate::keys::{Keys, Place};
use crate::tenants::Tenants;

/// When a credential is asked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum Auth {
    /// As soon as there is a key, and always on an address that others can reach.
    #[default]
    Auto,
    /// Always.
    Required,
}

/// What the door can be told.
#[derive(Args, Clone, Debug, Default)]
#[group(id = "door")]
pub(crate) struct Options {
    /// When a credential is asked for.
    #[arg(long, value_enum, default_value_t, env = "COMANDA_AUTH")]
    auth: Auth,
    #[command(flatten)]
    keys: Place,
}

/// Who is let in.
pub(crate) struct Credentials {
    keys: Arc<Keys>,
    required: bool,
}

impl Credentials {
    /// As `options` say, for the data in `dir` served at `addr`.
    pub(crate) fn of(options: &Options, dir: &Path, addr: SocketAddr) -> Result<Self> {
        let keys = Arc::new(Keys::open(&options.keys, dir)?);
        Ok(Self { keys, required: options.auth == Auth::Required || !addr.ip().is_loopback() })
    }

    /// Follows what is changed while the server runs.
    pub(crate) fn watch(&self) -> impl Future<Output = ()> + Send + 'static {
        Arc::clone(&self.keys).watch()
    }

    /// Whether nobody comes in without a credential.
    fn are_asked_for(&self) -> bool {
        self.required || self.keys.any()
    }

    fn caller(&self, credential: &str) -> Result<Arc<Caller>, Refusal> {
        if !Keys::are_meant(credential) {
            return Err(Refusal::bad_credential("This is no API key."));
        }
        self.keys.caller(credential, SystemClock.now()).map_err(Refusal::bad_credential)
    }
}

/// Keeps the gate of a server.
pub(crate) struct Door {
    pub(crate) credentials: Credentials,
    pub(crate) tenants: Arc<Tenants>,
}

impl Keeper for Door {
    fn admit(&self, request: &Request) -> Admission {
        let caller = match self.caller(request) {
            Ok(Some(caller)) => caller,
            Ok(None) => return Admission::In(led_to(self.tenants.main_router(), None)),
            Err(refusal) => return Admission::Refused(refusal),
        };
        // From the credential alone: there is no other way to say whose data is meant.
        if let Some(router) = self.tenants.router_of(&caller.tenant) {
            return Admission::In(led_to(router, Some(caller)));
        }
        let tenants = Arc::clone(&self.tenants);
        Admission::Later(Box::pin(async move {
            match tenants.opened(Arc::clone(&caller.tenant)).await {
                Ok(router) => Admission::In(led_to(router, Some(caller))),
                Err(problem) => Admission::Refused(problem.into()),
            }
        }))
    }
}

impl Door {
    /// Who comes with a request; none where nobody need be known.
    fn caller(&self, request: &Request) -> Result<Option<Arc<Caller>>, Refusal> {
        let Some(scope) = access::needed(request.method(), request.uri().path()) else { return Ok(None) };
        if !self.credentials.are_asked_for() {
            return Ok(None);
        }
        let caller = self.credentials.caller(bearer(request.headers())?)?;
        if caller.scopes.has(scope) { Ok(Some(caller)) } else { Err(Refusal::lacks(scope)) }
    }
}

fn led_to(router: Router, caller: Option<Arc<Caller>>) -> Guest {
    Guest { router, caller, headers: Vec::new() }
}
