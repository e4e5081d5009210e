//! The file with the API keys: read whole, replaced whole, changed by one process at a time.

use std::fs::{File, OpenOptions};
use std::io::{ErrorKind, Read, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use miette::{IntoDiagnostic, Result, WrapErr, miette};
use serde::{Deserialize, Serialize};

use super::record::KeyRecord;
use crate::backup::manifest::refuse_backup;

/// Keys that a file may have, ended ones among them.
const KEYS_MAX: usize = 10_000;

/// The bytes that a file of so many keys may have.
const FILE_BYTES_MAX: u64 = 16 << 20;

/// The file. It need not exist: then there are no keys.
#[derive(Clone, Debug)]
pub(super) struct KeyFile {
    path: PathBuf,
}

/// What the file holds.
#[derive(Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Content {
    keys: Vec<KeyRecord>,
}

/// What tells one state of the file from another without reading it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Stamp {
    file: u64,
    bytes: u64,
    modified: (i64, i64),
}

impl KeyFile {
    pub(super) fn at(path: PathBuf) -> Self {
        Self { path }
    }

    /// The stamp of the file as it is; none if there is no file.
    pub(super) fn stamp(&self) -> Result<Option<Stamp>> {
        match std::fs::metadata(&self.path) {
            Ok(found) => {
                let modified = (found.mtime(), found.mtime_nsec());
                Ok(Some(Stamp { file: found.ino(), bytes: found.len(), modified }))
            }
            Err(cause) if cause.kind() == ErrorKind::NotFound => Ok(None),
            Err(cause) => {
                Err(cause).into_diagnostic().wrap_err(format!("the keys at {} cannot be read", self.path.display()))
            }
        }
    }

    /// Every key.
    pub(super) fn read(&self) -> Result<Vec<KeyRecord>> {
        let path = self.path.display();
        let file = match File::open(&self.path) {
            Ok(file) => file,
            Err(cause) if cause.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
            Err(cause) => return Err(cause).into_diagnostic().wrap_err(format!("the keys at {path} cannot be read")),
        };
        let mut text = Vec::new();
        let read = file.take(FILE_BYTES_MAX + 1).read_to_end(&mut text).into_diagnostic();
        read.wrap_err(format!("the keys at {path} cannot be read"))?;
        let damaged = |why: String| {
            miette!(
                help = "bring it back from a copy, or delete it and create the keys anew",
                "{path} is damaged: {why}"
            )
        };
        if text.len() as u64 > FILE_BYTES_MAX {
            return Err(damaged(format!("it has more than {FILE_BYTES_MAX} bytes")));
        }
        let content: Content = serde_json::from_slice(&text).map_err(|why| damaged(why.to_string()))?;
        Ok(content.keys)
    }

    /// Changes the keys: all of it is there afterwards, also after a power cut, or nothing is.
    pub(super) fn change<T>(&self, change: impl FnOnce(&mut Vec<KeyRecord>) -> Result<T>) -> Result<T> {
        let dir = self.path.parent().filter(|dir| !dir.as_os_str().is_empty()).unwrap_or(Path::new("."));
        refuse_backup(dir)?;
        std::fs::create_dir_all(dir).into_diagnostic().wrap_err(format!("{} cannot be made", dir.display()))?;
        let failed = |cause: std::io::Error| miette!("the keys at {} cannot be written: {cause}", self.path.display());
        // Held until the end: whoever changes them at the same time waits for it.
        let lock = private().open(self.beside("lock")).map_err(failed)?;
        lock.lock().map_err(failed)?;
        let mut keys = self.read()?;
        let done = change(&mut keys)?;
        if keys.len() > KEYS_MAX {
            return Err(miette!(
                help = "move those that have ended out of the file",
                "{} has {KEYS_MAX} keys already",
                self.path.display()
            ));
        }
        let text = serde_json::to_vec_pretty(&Content { keys }).into_diagnostic()?;
        let draft = self.beside("draft");
        let written = private().truncate(true).open(&draft).and_then(|mut file| {
            file.write_all(&text)?;
            file.sync_all()
        });
        written.and_then(|()| std::fs::rename(&draft, &self.path)).map_err(failed)?;
        File::open(dir).and_then(|dir| dir.sync_all()).map_err(failed)?;
        Ok(done)
    }

    fn beside(&self, ending: &str) -> PathBuf {
        let mut name = self.path.file_name().unwrap_or_default().to_owned();
        name.push(".");
        name.push(ending);
        self.path.with_file_name(name)
    }
}

/// A file that its owner alone can read.
fn private() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.write(true).create(true).mode(0o600);
    options
}
