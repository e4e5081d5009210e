//! The servers under test: two processes that know each other by their feeds, or one; killed, and started where they were.

use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};

use miette::{Result, miette};

use super::{Control, Options};
use crate::lots::Lots;
use crate::victim::Victim;

/// Where free ports are looked for: below those that the system gives to outgoing connections, which could take a port
/// while its server is dead.
const PORTS: (u64, u64) = (20_000, 31_999);

/// Ports tried until one is free.
const PORT_TRIES_MAX: u32 = 200;

/// The processes, and how each of them is started.
pub(super) struct Servers {
    dir: PathBuf,
    servers: Vec<Server>,
}

struct Server {
    listen: String,
    args: Vec<String>,
    /// None while it is dead.
    process: Option<Victim>,
}

impl Servers {
    /// Starts what `options` ask for on `dir`; `seed` decides what is done to messages.
    pub(super) async fn start(dir: &Path, options: &Options, seed: u64) -> Result<Self> {
        let mut lots = Lots::of(seed ^ u64::from(std::process::id()));
        let faults = faults(options, seed);
        let mut servers = Vec::new();
        if options.one_process {
            servers.push(Server { listen: free_port(&mut lots)?.to_string(), args: faults, process: None });
        } else {
            let (front, stock) = (free_port(&mut lots)?, free_port(&mut lots)?);
            let of = |listen: SocketAddr, roles: &str, other: &str, at: SocketAddr| {
                let own = ["--roles", roles, other, &format!("http://{at}")].map(str::to_owned);
                Server { listen: listen.to_string(), args: [&own[..], &faults].concat(), process: None }
            };
            servers.push(of(front, "fulfillment,gateway", "--inventory-at", stock));
            servers.push(of(stock, "inventory", "--fulfillment-at", front));
        }
        let mut servers = Self { dir: dir.to_owned(), servers };
        servers.revive().await?;
        Ok(servers)
    }

    /// Where both contexts are reached.
    pub(super) fn addr(&self) -> Result<SocketAddr> {
        let front = self.servers.first().and_then(|server| server.listen.parse().ok());
        front.ok_or_else(|| miette!("no server was started"))
    }

    /// Kills one of them with -9, or all; returns how many died.
    pub(super) async fn kill(&mut self, lots: &mut Lots) -> Result<u32> {
        // One number more than there are servers: then all of them.
        let all = self.servers.len() as u64;
        let chosen = lots.between(0, all);
        let mut killed = 0;
        for (number, server) in (0..).zip(&mut self.servers) {
            if chosen == number || chosen == all {
                killed += server.kill().await?;
            }
        }
        Ok(killed)
    }

    /// Kills all of them.
    pub(super) async fn stop(&mut self) -> Result<()> {
        for server in &mut self.servers {
            server.kill().await?;
        }
        Ok(())
    }

    /// Starts those that are dead, where they were, and waits until they are ready.
    pub(super) async fn revive(&mut self) -> Result<()> {
        for server in self.servers.iter_mut().filter(|server| server.process.is_none()) {
            let args: Vec<&str> = server.args.iter().map(String::as_str).collect();
            server.process = Some(Victim::start(&self.dir, &server.listen, &args).await?);
        }
        Ok(())
    }
}

impl Server {
    async fn kill(&mut self) -> Result<u32> {
        match self.process.take() {
            Some(mut process) => process.kill().await.map(|()| 1),
            None => Ok(0),
        }
    }
}

/// What a server is told about faults; nothing if it has none to order.
fn faults(options: &Options, seed: u64) -> Vec<String> {
    let mut args = Vec::new();
    if cfg!(feature = "faults") {
        args.extend(["--fault-messages".to_owned(), seed.to_string()]);
    }
    if let Some(control) = options.control {
        let guard = match control {
            Control::DedupeOff => "dedupe",
            Control::GapCheckOff => "gap-check",
        };
        args.extend(["--fault-without", guard].map(str::to_owned));
    }
    args
}

fn free_port(lots: &mut Lots) -> Result<SocketAddr> {
    for _ in 0..PORT_TRIES_MAX {
        let port = u16::try_from(lots.between(PORTS.0, PORTS.1)).unwrap_or_default();
        let addr = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        if TcpListener::bind(addr).is_ok() {
            return Ok(addr);
        }
    }
    Err(miette!("no free port was found from {} to {}", PORTS.0, PORTS.1))
}
