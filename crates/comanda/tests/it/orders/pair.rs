//! Both contexts as two processes on one folder, which reach each other by HTTP alone; each can be killed and come back.

use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU16, Ordering};

use tempfile::TempDir;

use crate::server::{Server, comanda, complaint, run};
use crate::wait;

/// One of the two processes: what it is started with, each time.
pub(crate) struct Part {
    addr: SocketAddr,
    arguments: Vec<String>,
    data: PathBuf,
    errors: PathBuf,
    running: Option<Server>,
}

/// Inventory, and Fulfillment with the gateway.
pub(crate) struct Pair {
    pub(crate) inventory: Part,
    pub(crate) fulfillment: Part,
    _folder: TempDir,
}

impl Pair {
    pub(crate) fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let (inventory, fulfillment) = (free_addr(), free_addr());
        let part = |name: &str, addr, roles: &str, other: &str, at| Part {
            addr,
            arguments: ["serve", "--listen", &format!("{addr}"), "--roles", roles, other, &format!("http://{at}")]
                .map(ToOwned::to_owned)
                .to_vec(),
            data: folder.path().join("data"),
            errors: folder.path().join(name),
            running: None,
        };
        let mut pair = Self {
            inventory: part("inventory.txt", inventory, "inventory", "--fulfillment-at", fulfillment),
            fulfillment: part("fulfillment.txt", fulfillment, "fulfillment,gateway", "--inventory-at", inventory),
            _folder: folder,
        };
        pair.inventory.start();
        pair.fulfillment.start();
        pair
    }

    /// Ends both in good order and verifies the folder.
    #[track_caller]
    pub(crate) fn stop_and_verify(mut self) -> serde_json::Value {
        for part in [&mut self.fulfillment, &mut self.inventory] {
            drop(part.running.take().unwrap().stop());
        }
        let verified = run(&["verify", "--json", "--data", self.inventory.data.to_str().unwrap()]);
        let printed = String::from_utf8(verified.stdout.clone()).unwrap();
        assert!(verified.status.success(), "{printed} {}", complaint(&verified));
        serde_json::from_str(&printed).unwrap()
    }
}

impl Part {
    pub(crate) fn start(&mut self) {
        let mut command = comanda();
        command.args(&self.arguments);
        let server = Server::serving(command, &self.data, &self.errors);
        wait::until("the part is ready", || (server.get("/ready").status == 200).then_some(()));
        self.running = Some(server);
    }

    /// Kills it (-9).
    pub(crate) fn kill(&mut self) {
        drop(self.running.take().unwrap().kill());
    }

    /// Kills it and starts it at the same address.
    pub(crate) fn kill_and_start(&mut self) {
        self.kill();
        self.start();
    }

    #[track_caller]
    pub(crate) fn server(&self) -> &Server {
        self.running.as_ref().expect("it runs")
    }

    pub(crate) fn addr(&self) -> SocketAddr {
        self.addr
    }

    pub(crate) fn data(&self) -> &Path {
        &self.data
    }
}

/// An address that nobody listens at, and that the system gives to nobody who does not ask for it by its number: a process
/// must find it free again after it was killed.
fn free_addr() -> SocketAddr {
    /// Below the ports that Linux gives out by itself.
    const FIRST: u16 = 12_000;
    const COUNT: u16 = 20_000;
    static NEXT: AtomicU16 = AtomicU16::new(0);
    // Tests run side by side, many as processes of their own: each begins elsewhere.
    let begin = std::process::id().wrapping_mul(17) % u32::from(COUNT);
    let begin = u16::try_from(begin).unwrap();
    wait::until("a free port", || {
        let port = FIRST + (begin + NEXT.fetch_add(1, Ordering::Relaxed) % COUNT) % COUNT;
        TcpListener::bind(("127.0.0.1", port)).and_then(|listener| listener.local_addr()).ok()
    })
}
