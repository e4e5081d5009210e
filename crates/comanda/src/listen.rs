//! The address to listen on: loopback only, as long as there are no keys to keep strangers out.

use std::net::SocketAddr;

use miette::{IntoDiagnostic, Result, WrapErr, miette};
use tokio::net::TcpListener;

/// Opens `addr` for listening.
///
/// # Errors
/// If the address is not loopback, is in use or cannot be had; the report says what to do.
pub(crate) async fn on(addr: SocketAddr) -> Result<TcpListener> {
    if !addr.ip().is_loopback() {
        return Err(miette!(
            help = "listen on 127.0.0.1 and let a proxy that authenticates its callers stand before it",
            "refusing to listen on {addr}: anyone who reaches it could sell the stock, as there are no API keys yet"
        ));
    }
    TcpListener::bind(addr).await.map_err(|cause| {
        let help = match cause.kind() {
            std::io::ErrorKind::AddrInUse => {
                "another process listens there: stop it, or choose another port with --listen"
            }
            _ => "choose another address with --listen",
        };
        miette!(help = help, "cannot listen on {addr}: {cause}")
    })
}

/// The address a listener really has: the port may have been left to the system.
pub(crate) fn address(listener: &TcpListener) -> Result<SocketAddr> {
    listener.local_addr().into_diagnostic().wrap_err("the listener has no address")
}
