//! How a command of this program asks a running server: where it is, what is sent along, and what a refusal says.

use std::net::SocketAddr;

use clap::Args;
use comanda_contracts::Problem;
use comanda_load::{Answer, Client};
use miette::{IntoDiagnostic, Report, Result, miette};

use crate::outgoing;

/// What helps who wants to go back to a build that is not there.
pub(crate) const NOTHING_KEPT: &str = "only what was swapped can be swapped back: `comanda projections rebuild` makes a new build and keeps the one before it";

/// Where a server is reached, and as whom.
#[derive(Debug, Args)]
pub(crate) struct Server {
    /// The server's address.
    #[arg(long, value_name = "ADDR:PORT", default_value = "127.0.0.1:8080")]
    pub(crate) addr: SocketAddr,
    #[command(flatten)]
    outgoing: outgoing::Options,
}

impl Server {
    /// Has every client that is made from now on send the credential along, if there is one.
    pub(crate) fn introduce(&self) -> Result<()> {
        match self.outgoing.credential()? {
            Some(credential) => comanda_load::come_with(credential.text()).into_diagnostic(),
            None => Ok(()),
        }
    }

    /// A connection to it.
    pub(crate) fn client(&self) -> Client {
        Client::new(self.addr)
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
