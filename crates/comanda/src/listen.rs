//! Where a server listens: on loopback as it likes, elsewhere only encrypted, with operations at an address of their own.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use clap::Args;
use comanda_web::{NoTls, Tls};
use miette::{IntoDiagnostic, Result, WrapErr, miette};
use tokio::net::TcpListener;

use crate::door::Part;

/// How others may reach a server.
#[derive(Args, Clone, Debug, Default)]
#[group(id = "listening")]
pub(crate) struct Options {
    /// The certificate, with its chain, as PEM. It is read anew when it changes.
    #[arg(long, value_name = "FILE", requires = "tls_key", env = "COMANDA_TLS_CERT")]
    tls_cert: Option<PathBuf>,
    /// The certificate's private key, as PEM.
    #[arg(long, value_name = "FILE", requires = "tls_cert", env = "COMANDA_TLS_KEY")]
    tls_key: Option<PathBuf>,
    /// Where operations (metrics, dead letters, webhooks) are served, and nothing else. Without it they are served together with
    /// all else on loopback, and nowhere on an address that others can reach.
    #[arg(long, value_name = "ADDR:PORT", env = "COMANDA_OPERATIONS_ADDR")]
    operations_addr: Option<SocketAddr>,
    /// Let others reach the server without TLS: whoever is on the way can read every key and every order. Only where
    /// something else encrypts before it.
    #[arg(long)]
    i_know_keys_travel_in_clear_text: bool,
}

/// Open sockets, and what is behind them.
pub(crate) struct Listening {
    pub(crate) main: TcpListener,
    pub(crate) tls: Option<Arc<Tls>>,
    /// Where operations are served apart, and what encrypts them.
    pub(crate) operations: Option<(TcpListener, Option<Arc<Tls>>)>,
    /// What is served at the main address.
    pub(crate) part: Part,
}

impl Listening {
    /// All of it at one address on loopback.
    pub(crate) fn on_loopback(main: TcpListener) -> Self {
        Self { main, tls: None, operations: None, part: Part::Whole }
    }
}

impl Options {
    /// Opens `addr`, and the address of operations if there is one.
    ///
    /// # Errors
    /// An address that others can reach would not be encrypted; the certificate cannot be used; an address cannot be had.
    pub(crate) async fn on(&self, addr: SocketAddr) -> Result<Listening> {
        let tls = match (&self.tls_cert, &self.tls_key) {
            (Some(certificate), Some(key)) => Some(Arc::new(Tls::open(certificate, key).map_err(no_tls)?)),
            _ => None,
        };
        for addr in [Some(addr), self.operations_addr].into_iter().flatten() {
            self.refuse_clear_text(addr, tls.is_some())?;
        }
        let main = bind(addr, "--listen").await?;
        let operations = match self.operations_addr {
            // On loopback nobody is on the way, and no certificate is made out for it.
            Some(apart) => {
                let tls = tls.clone().filter(|_| !apart.ip().is_loopback());
                Some((bind(apart, "--operations-addr").await?, tls))
            }
            None => None,
        };
        let whole = addr.ip().is_loopback() && operations.is_none();
        let part = if whole { Part::Whole } else { Part::Public };
        Ok(Listening { main, tls, operations, part })
    }

    fn refuse_clear_text(&self, addr: SocketAddr, encrypted: bool) -> Result<()> {
        if addr.ip().is_loopback() || encrypted || self.i_know_keys_travel_in_clear_text {
            return Ok(());
        }
        Err(miette!(
            help = "name a certificate with --tls-cert and --tls-key; or listen on 127.0.0.1; or, if something that encrypts \
                    stands before it, say --i-know-keys-travel-in-clear-text",
            "refusing to listen on {addr}: others can reach it, and keys and orders would pass unencrypted"
        ))
    }
}

fn no_tls(NoTls { file, why }: NoTls) -> miette::Report {
    let help = "name a PEM file with the certificate chain, and one with its private key";
    miette!(help = help, "{} cannot be used for TLS: {why}", file.display())
}

/// Opens `addr`, which must be loopback, for listening.
///
/// # Errors
/// If the address is not loopback, is in use or cannot be had; the report says what to do.
pub(crate) async fn on(addr: SocketAddr) -> Result<TcpListener> {
    if !addr.ip().is_loopback() {
        return Err(miette!(
            help = "listen on 127.0.0.1; `comanda serve` can listen elsewhere, with TLS and keys",
            "refusing to listen on {addr}: anyone who reaches it could do as he likes"
        ));
    }
    bind(addr, "--listen").await
}

async fn bind(addr: SocketAddr, flag: &str) -> Result<TcpListener> {
    TcpListener::bind(addr).await.map_err(|cause| {
        let help = match cause.kind() {
            std::io::ErrorKind::AddrInUse => {
                format!("another process listens there: stop it, or choose another port with {flag}")
            }
            _ => format!("choose another address with {flag}"),
        };
        miette!(help = help, "cannot listen on {addr}: {cause}")
    })
}

/// The address a listener really has: the port may have been left to the system.
pub(crate) fn address(listener: &TcpListener) -> Result<SocketAddr> {
    listener.local_addr().into_diagnostic().wrap_err("the listener has no address")
}
