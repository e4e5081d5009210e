//! The door: who may come in, and what for. Its keys are those of the data folder; without any, loopback is open.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use axum::extract::Request;
use axum::http::{HeaderName, HeaderValue};
use clap::{Args, ValueEnum};
use comanda_web::{Admission, Caller, Guest, Keeper, Problem, Refusal, Scope, access, bearer, kinds};
use cqrs::{Clock, SystemClock};
use miette::Result;

use crate::keys::{Keys, Known, Place};
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
    /// As `options` say, for the data in `dir` served at `addr`. An address that others can reach is never open.
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

    fn known(&self, credential: &str) -> Result<Known, Refusal> {
        if !Keys::are_meant(credential) {
            return Err(Refusal::bad_credential("This is no API key."));
        }
        self.keys.caller(credential, SystemClock.now()).map_err(Refusal::bad_credential)
    }
}

/// The part of the interface that is behind a door.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    /// All of it.
    Whole,
    /// What others may reach.
    Public,
    /// What those who see after the system need.
    Operations,
}

impl Part {
    /// Whether what needs `scope` is behind it.
    fn has(self, scope: Scope) -> bool {
        match self {
            Self::Whole => true,
            Self::Public => scope != Scope::Operations,
            Self::Operations => scope == Scope::Operations,
        }
    }
}

/// Keeps the gate of a server.
pub(crate) struct Door {
    pub(crate) part: Part,
    pub(crate) credentials: Arc<Credentials>,
    pub(crate) tenants: Arc<Tenants>,
}

impl Keeper for Door {
    fn admit(&self, request: &Request) -> Admission {
        let (caller, headers) = match self.known(request) {
            Ok(Some((caller, headers))) => (caller, headers),
            Ok(None) => {
                let router = self.tenants.main_router();
                return Admission::In(Guest { router, caller: None, headers: Vec::new() });
            }
            Err(refusal) => return Admission::Refused(refusal),
        };
        // From the credential alone: there is no other way to say whose data is meant.
        if let Some(router) = self.tenants.router_of(&caller.tenant) {
            return Admission::In(Guest { router, caller: Some(caller), headers });
        }
        let tenants = Arc::clone(&self.tenants);
        Admission::Later(Box::pin(async move {
            match tenants.opened(Arc::clone(&caller.tenant)).await {
                Ok(router) => Admission::In(Guest { router, caller: Some(caller), headers }),
                Err(problem) => Admission::Refused(problem.into()),
            }
        }))
    }
}

/// Headers of an answer.
type Headers = Vec<(HeaderName, HeaderValue)>;

impl Door {
    /// Who comes with a request, and what the answer says of his rate; none where nobody need be known.
    fn known(&self, request: &Request) -> Result<Option<(Arc<Caller>, Headers)>, Refusal> {
        let Some(scope) = access::needed(request.method(), request.uri().path()) else { return Ok(None) };
        if !self.credentials.are_asked_for() {
            return self.behind(scope).map(|()| None);
        }
        let Known { caller, rate } = self.credentials.known(bearer(request.headers())?)?;
        let headers = rate.map_or(Ok(Vec::new()), |rate| rate.draw())?;
        self.behind(scope)?;
        if caller.scopes.has(scope) { Ok(Some((caller, headers))) } else { Err(Refusal::lacks(scope)) }
    }

    fn behind(&self, scope: Scope) -> Result<(), Refusal> {
        if self.part.has(scope) {
            return Ok(());
        }
        let detail = "Operations have an address of their own, and nothing else is there: see --operations-addr.";
        Err(Problem::new(kinds::NOT_FOUND, detail).into())
    }
}
