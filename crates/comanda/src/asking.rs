//! How a command of this program asks a running server: where it is, what is sent along, and what a refusal says.

use std::path::PathBuf;

use clap::Args;
use comanda_contracts::Problem;
use comanda_load::{Answer, Client};
use miette::{IntoDiagnostic, Report, Result, WrapErr, miette};

use crate::address::Address;
use crate::outgoing;

/// What helps who wants to go back to a build that is not there.
pub(crate) const NOTHING_KEPT: &str = "only what was swapped can be swapped back: `comanda projections rebuild` makes a new build and keeps the one before it";

/// Whom a server is believed by that speaks TLS.
#[derive(Args, Debug)]
pub(crate) struct Trust {
    /// Whoever signed the server's certificate, as PEM; those whom this machine trusts unless given.
    #[arg(long, value_name = "FILE")]
    tls_ca: Option<PathBuf>,
}

impl Trust {
    /// The certificates of those who are believed at `addr`, if they were named.
    ///
    /// # Errors
    /// They cannot be read, or the server is asked in clear text, where nobody looks at them.
    pub(crate) fn authorities(&self, addr: &Address) -> Result<Option<Vec<u8>>> {
        if self.tls_ca.is_some() && !addr.encrypted {
            let help = format!("write --addr https://{addr}, with the name that is in its certificate");
            return Err(miette!(help = help, "--tls-ca is for a server that speaks TLS, and {addr} is asked without"));
        }
        let read = |file: &PathBuf| {
            let cannot = || format!("the certificates in {} cannot be read", file.display());
            std::fs::read(file).into_diagnostic().wrap_err_with(cannot)
        };
        self.tls_ca.as_ref().map(read).transpose()
    }
}

/// Where a server is reached, and as whom.
#[derive(Debug, Args)]
pub(crate) struct Server {
    /// Where the server is; `https://` before it if it speaks TLS.
    #[arg(long, value_name = "HOST:PORT", default_value = "127.0.0.1:8080")]
    pub(crate) addr: Address,
    #[command(flatten)]
    trust: Trust,
    #[command(flatten)]
    outgoing: outgoing::Options,
}

impl Server {
    /// Has every client that is made from now on send the credential along, if there is one, and encrypt, if it is to.
    pub(crate) fn introduce(&self) -> Result<()> {
        let authorities = self.trust.authorities(&self.addr)?;
        if self.addr.encrypted {
            comanda_load::speak_tls(&self.addr.host, authorities.as_deref()).into_diagnostic()?;
        }
        match self.outgoing.credential()? {
            Some(credential) => comanda_load::come_with(credential.text()).into_diagnostic(),
            None => Ok(()),
        }
    }

    /// A connection to it.
    pub(crate) fn client(&self) -> Client {
        Client::new(self.addr.socket).with_host(&self.addr.authority())
    }
}

/// What a server said that did not do what it was asked.
pub(crate) fn refused(answer: &Answer) -> Report {
    match answer.json::<Problem>() {
        Ok(problem) => refusal(&problem),
        Err(why) => miette!("{why}"),
    }
}

/// A problem, for whoever typed the command; with what to do about it where that is not the request's matter.
pub(crate) fn refusal(problem: &Problem) -> Report {
    let said = format!("the server refused with {} {}: {}", problem.status, problem.code, problem.detail);
    match (problem.status, problem.code.as_ref()) {
        (401, _) => miette!(help = "put an API key into COMANDA_API_KEY, or into a file for --api-key-file", "{said}"),
        (403, _) => miette!(
            help =
                "the key that was sent does not open this: use one that does; `comanda keys create --scopes` makes one",
            "{said}"
        ),
        (_, "NOTHING_KEPT") => miette!(help = NOTHING_KEPT, "{said}"),
        _ => miette!("{said}"),
    }
}
