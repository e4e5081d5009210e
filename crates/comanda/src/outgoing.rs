//! The credential that this process sends along when it asks other processes.

use std::fmt;
use std::path::PathBuf;

use clap::Args;
use miette::{IntoDiagnostic, Result, WrapErr, miette};

/// The variable that a credential can be in; never an argument, which everybody on the machine can read.
const VARIABLE: &str = "COMANDA_API_KEY";

/// Where the credential is.
#[derive(Args, Clone, Debug, Default)]
#[group(id = "outgoing")]
pub(crate) struct Options {
    /// A file with the API key that is sent to other processes; without it the variable COMANDA_API_KEY, if it is set.
    #[arg(long, value_name = "FILE")]
    api_key_file: Option<PathBuf>,
}

/// An API key or a token.
#[derive(Clone)]
pub(crate) struct Credential(String);

impl Credential {
    /// Its text: for a header and nothing else.
    pub(crate) fn text(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Credential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a credential")
    }
}

impl Options {
    /// The credential, if there is one.
    pub(crate) fn credential(&self) -> Result<Option<Credential>> {
        let (text, place) = match &self.api_key_file {
            Some(path) => {
                let place = path.display().to_string();
                let text = std::fs::read_to_string(path).into_diagnostic();
                (text.wrap_err(format!("the API key in {place} cannot be read"))?, place)
            }
            None => match std::env::var(VARIABLE) {
                Ok(text) => (text, VARIABLE.to_owned()),
                Err(std::env::VarError::NotPresent) => return Ok(None),
                Err(std::env::VarError::NotUnicode(_)) => return Err(miette!("{VARIABLE} is no text")),
            },
        };
        let text = text.trim();
        if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(miette!(
                help = "put the key there as `comanda keys create` has printed it, and nothing else",
                "what is in {place} is no API key"
            ));
        }
        Ok(Some(Credential(text.to_owned())))
    }
}
