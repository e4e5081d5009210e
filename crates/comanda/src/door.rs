//! The door: who may come in, and what for. Keys are those of the data folder, tokens those of an issuer; without either,
//! loopback is open.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use axum::extract::Request;
use clap::{Args, ValueEnum};
use comanda_web::{Admission, Caller, Guest, Keeper, Problem, Refusal, Scope, access, bearer, kinds};
use cqrs::{Clock, SystemClock};
use miette::Result;

use crate::keys::{Keys, Known, Place};
use crate::tenants::Tenants;
use crate::tokens::{self, Checked, Tokens};

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
    #[command(flatten)]
    tokens: tokens::Options,
}

/// Who is let in.
pub(crate) struct Credentials {
    keys: Arc<Keys>,
    tokens: Option<Arc<Tokens>>,
    required: bool,
}

impl Credentials {
    /// As `options` say, for the data in `dir` served at `addr`. An address that others can reach is never open.
    pub(crate) fn of(options: &Options, dir: &Path, addr: SocketAddr) -> Result<Self> {
        let keys = Arc::new(Keys::open(&options.keys, dir)?);
        let tokens = Tokens::of(&options.tokens)?.map(Arc::new);
        Ok(Self { keys, tokens, required: options.auth == Auth::Required || !addr.ip().is_loopback() })
    }

    /// Follows what is changed while the server runs.
    pub(crate) fn watch(&self) -> impl Future<Output = ()> + Send + 'static {
        let (keys, tokens) = (Arc::clone(&self.keys).watch(), self.tokens.as_ref().map(|tokens| tokens.watch()));
        async move {
            match tokens {
                Some(tokens) => drop(tokio::join!(keys, tokens)),
                None => keys.await,
            }
        }
    }

    /// Whether nobody comes in without a credential.
    fn are_asked_for(&self) -> bool {
        self.required || self.tokens.is_some() || self.keys.any()
    }

    fn known(&self, credential: &str) -> Checked {
        if Keys::are_meant(credential) {
            return Checked::Now(self.keys.caller(credential, SystemClock.now()).map_err(Refusal::bad_credential));
        }
        match &self.tokens {
            Some(tokens) => tokens.caller(credential),
            None => Checked::Now(Err(Refusal::bad_credential("This is no API key, and tokens are not taken here."))),
        }
    }

    /// Whether `caller` may be the first of its tenant. Whoever made an API key has said that there is such a tenant; a token
    /// says what its issuer was told, and must not make folders here.
    fn may_found(&self, caller: &Caller) -> bool {
        caller.key_id.is_some() || self.keys.name_tenant(&caller.tenant)
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
#[derive(Clone)]
pub(crate) struct Door {
    pub(crate) part: Part,
    pub(crate) credentials: Arc<Credentials>,
    pub(crate) tenants: Arc<Tenants>,
}

impl Keeper for Door {
    fn admit(&self, request: &Request) -> Admission {
        self.admitted(request).unwrap_or_else(Admission::Refused)
    }
}

impl Door {
    fn admitted(&self, request: &Request) -> Result<Admission, Refusal> {
        let nobody = || Admission::In(Guest { router: self.tenants.main_router(), caller: None, headers: Vec::new() });
        let Some(scope) = access::needed(request.method(), request.uri().path()) else { return Ok(nobody()) };
        if !self.credentials.are_asked_for() {
            return self.behind(scope).map(|()| nobody());
        }
        match self.credentials.known(bearer(request.headers())?) {
            Checked::Now(known) => self.let_in(known?, scope),
            Checked::Later(checked) => {
                let door = self.clone();
                Ok(Admission::Later(Box::pin(async move {
                    let admitted = checked.await.and_then(|known| door.let_in(known, scope));
                    admitted.unwrap_or_else(Admission::Refused)
                })))
            }
        }
    }

    /// What becomes of somebody who is known and asks for what needs `scope`.
    fn let_in(&self, known: Known, scope: Scope) -> Result<Admission, Refusal> {
        let Known { caller, rate } = known;
        let headers = rate.map_or(Ok(Vec::new()), |rate| rate.draw())?;
        self.behind(scope)?;
        if !caller.scopes.has(scope) {
            return Err(Refusal::lacks(scope));
        }
        // From the credential alone: there is no other way to say whose data is meant.
        if let Some(router) = self.tenants.router_of(&caller.tenant) {
            return Ok(Admission::In(Guest { router, caller: Some(caller), headers }));
        }
        if !self.credentials.may_found(&caller) {
            let detail = "The tenant that your token names is not known here.";
            return Err(Problem::new(kinds::FORBIDDEN, detail).into());
        }
        let tenants = Arc::clone(&self.tenants);
        Ok(Admission::Later(Box::pin(async move {
            match tenants.opened(Arc::clone(&caller.tenant)).await {
                Ok(router) => Admission::In(Guest { router, caller: Some(caller), headers }),
                Err(problem) => Admission::Refused(problem.into()),
            }
        })))
    }

    fn behind(&self, scope: Scope) -> Result<(), Refusal> {
        if self.part.has(scope) {
            return Ok(());
        }
        let detail = "Operations have an address of their own, and nothing else is there: see --operations-addr.";
        Err(Problem::new(kinds::NOT_FOUND, detail).into())
    }
}
