//! The address of a server, as it is typed: `host:port`, or with `http://` or `https://` before it.

use std::fmt;
use std::net::{SocketAddr, TcpStream, ToSocketAddrs};
use std::str::FromStr;
use std::time::Duration;

/// How long it is tried whether somebody listens at one of several addresses.
const CONNECT_WAIT: Duration = Duration::from_secs(2);

/// Where a server is, looked up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Address {
    pub(crate) encrypted: bool,
    /// The name or the address that was typed, without brackets.
    pub(crate) host: String,
    port: u16,
    pub(crate) socket: SocketAddr,
}

impl Address {
    /// What paths are put behind.
    pub(crate) fn base(&self) -> String {
        let scheme = if self.encrypted { "https" } else { "http" };
        format!("{scheme}://{}", self.authority())
    }

    /// What is sent as the host: a proxy tells servers apart by it.
    pub(crate) fn authority(&self) -> String {
        let Self { host, port, .. } = self;
        if host.contains(':') { format!("[{host}]:{port}") } else { format!("{host}:{port}") }
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.encrypted { f.write_str(&self.base()) } else { f.write_str(&self.authority()) }
    }
}

impl FromStr for Address {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || "write host:port, or https://host:port if the server speaks TLS".to_owned();
        let (encrypted, rest) = match text.split_once("://") {
            None => (false, text),
            Some(("http", rest)) => (false, rest),
            Some(("https", rest)) => (true, rest),
            Some(_) => return Err(wrong()),
        };
        let (host, port) = rest.strip_suffix('/').unwrap_or(rest).rsplit_once(':').ok_or_else(wrong)?;
        let port: u16 = port.parse().map_err(|_| wrong())?;
        let bare = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
        let is_name = |host: &str| {
            let known = |byte: u8| byte.is_ascii_alphanumeric() || b"-._".contains(&byte);
            !host.is_empty() && host.bytes().all(known)
        };
        let host = match bare {
            Some(bare) if bare.contains(':') => bare,
            None if is_name(host) => host,
            _ => return Err(wrong()),
        };
        let found = (host, port).to_socket_addrs().map_err(|why| format!("{host} cannot be found: {why}"))?;
        let found: Vec<SocketAddr> = found.collect();
        let socket = reachable(&found).ok_or_else(|| format!("{host} has no address"))?;
        Ok(Self { encrypted, host: host.to_owned(), port, socket })
    }
}

/// The address of several at which somebody listens: `localhost` has two, and a server listens at one of them.
fn reachable(found: &[SocketAddr]) -> Option<SocketAddr> {
    let first = found.first().copied();
    let listens = |addr: &&SocketAddr| TcpStream::connect_timeout(addr, CONNECT_WAIT).is_ok();
    if found.len() < 2 { first } else { found.iter().find(listens).copied().or(first) }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_a_host_and_a_port_plain_or_encrypted() {
        for (text, shown, base) in [
            ("127.0.0.1:8080", "127.0.0.1:8080", "http://127.0.0.1:8080"),
            ("http://127.0.0.1:8080/", "127.0.0.1:8080", "http://127.0.0.1:8080"),
            ("https://127.0.0.1:8443", "https://127.0.0.1:8443", "https://127.0.0.1:8443"),
            ("[::1]:8080", "[::1]:8080", "http://[::1]:8080"),
            ("localhost:8080", "localhost:8080", "http://localhost:8080"),
        ] {
            let address: Address = text.parse().unwrap();
            assert_eq!((address.to_string().as_str(), address.base().as_str()), (shown, base));
            assert!(address.socket.ip().is_loopback());
        }
    }

    #[test]
    fn what_is_none_says_what_would_be_one() {
        for wrong in
            ["", "8080", "127.0.0.1", ":8080", "::1:8080", "[]:1", "a:99999", "ftp://a:1", "https://a:1/v1", "a b:1"]
        {
            assert!(wrong.parse::<Address>().unwrap_err().contains("host:port"), "{wrong}");
        }
    }
}
