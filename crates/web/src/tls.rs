//! TLS: a certificate and its key from files, read again when they change, so that a renewed one needs no restart.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::{Duration, SystemTime};

use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::{ServerConfig, crypto};

/// How often the files are looked at.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// Certificates of a chain.
const CHAIN_MAX: usize = 16;

/// What a server proves with who it is.
pub struct Tls {
    certificate: PathBuf,
    key: PathBuf,
    acceptor: RwLock<TlsAcceptor>,
    /// When the files were changed last, as of the last look.
    seen: Mutex<[Option<SystemTime>; 2]>,
}

/// The files cannot serve.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NoTls {
    /// The file that is wrong.
    pub file: PathBuf,
    /// What is wrong with it.
    pub why: String,
}

impl Tls {
    /// From a file with a chain of certificates and one with the first one's key, both PEM.
    ///
    /// # Errors
    /// [`NoTls`]
    pub fn open(certificate: &Path, key: &Path) -> Result<Self, NoTls> {
        let (certificate, key) = (certificate.to_owned(), key.to_owned());
        let seen = Mutex::new([changed(&certificate), changed(&key)]);
        let acceptor = RwLock::new(acceptor(&certificate, &key)?);
        Ok(Self { certificate, key, acceptor, seen })
    }

    /// What the next connection is accepted with.
    pub(crate) fn acceptor(&self) -> TlsAcceptor {
        self.acceptor.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Reads the files again whenever they have changed. What cannot serve changes nothing, and is logged.
    pub async fn watch(self: Arc<Self>) {
        let mut every = tokio::time::interval(LOOK_EVERY);
        every.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            every.tick().await;
            match self.look() {
                Ok(false) => {}
                Ok(true) => tracing::info!("the certificate was read anew"),
                Err(NoTls { file, why }) => {
                    tracing::error!(file = %file.display(), why, "the certificate stays as it was");
                }
            }
        }
    }

    /// Whether there was something new.
    fn look(&self) -> Result<bool, NoTls> {
        let now = [changed(&self.certificate), changed(&self.key)];
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        if *seen == now {
            return Ok(false);
        }
        // Said once for each change: two files are replaced one after the other, and fit together again after that.
        *seen = now;
        let fresh = acceptor(&self.certificate, &self.key)?;
        *self.acceptor.write().unwrap_or_else(PoisonError::into_inner) = fresh;
        Ok(true)
    }
}

fn changed(file: &Path) -> Option<SystemTime> {
    std::fs::metadata(file).and_then(|found| found.modified()).ok()
}

fn acceptor(certificate: &Path, key: &Path) -> Result<TlsAcceptor, NoTls> {
    let wrong = |file: &Path, why: String| NoTls { file: file.to_owned(), why };
    let of_certificate = |why: &dyn std::fmt::Display| wrong(certificate, why.to_string());
    let chain = CertificateDer::pem_file_iter(certificate).map_err(|why| of_certificate(&why))?;
    let chain: Vec<_> = chain.take(CHAIN_MAX).collect::<Result<_, _>>().map_err(|why| of_certificate(&why))?;
    if chain.is_empty() {
        return Err(of_certificate(&"there is no certificate in it"));
    }
    let secret = PrivateKeyDer::from_pem_file(key).map_err(|why| wrong(key, why.to_string()))?;
    let builder = ServerConfig::builder_with_provider(Arc::new(crypto::ring::default_provider()));
    let builder = builder.with_safe_default_protocol_versions().map_err(|why| of_certificate(&why))?;
    let config = builder.with_no_client_auth().with_single_cert(chain, secret);
    let mut config = config.map_err(|why| wrong(key, format!("it does not fit the certificate: {why}")))?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(TlsAcceptor::from(Arc::new(config)))
}
