//! The manifest of a backup: what is in it, of which moment, and the checksum of every file. Written last, by rename.

use std::path::{Component, Path, PathBuf};

use cqrs::{Epoch, Position};
use miette::{IntoDiagnostic, Result, miette};
use serde::{Deserialize, Serialize};

use super::files;

/// The format that this program writes, and the newest that it reads.
const FORMAT: u32 = 1;
/// The file itself, and its own checksum as `sha256sum --check` reads it.
const FILE: &str = "manifest.json";
const SUM_FILE: &str = "manifest.json.sha256";
/// The bytes that a manifest may have.
const BYTES_MAX: u64 = 16 << 20;

/// The backup that `dir` is, or lies in. Other programs have manifests too: only ours has its checksum beside it.
pub(crate) fn backup_around(dir: &Path) -> Option<PathBuf> {
    let whole = std::path::absolute(dir).unwrap_or_else(|_| dir.to_owned());
    // What is not made yet lies where its nearest folder does, links and `..` followed.
    let real = whole.ancestors().find_map(|above| above.canonicalize().ok())?;
    let is_backup = |dir: &&Path| dir.join(FILE).exists() && dir.join(SUM_FILE).exists();
    real.ancestors().find(is_backup).map(Path::to_owned)
}

/// Refuses to work in a backup: whatever is written into one makes it worth nothing.
///
/// # Errors
/// `dir` is a backup, or lies in one.
pub(crate) fn refuse_backup(dir: &Path) -> Result<()> {
    match backup_around(dir) {
        None => Ok(()),
        Some(backup) => Err(miette!(
            help = format!(
                "make a data folder of it: comanda restore --from {} --data NEWDIR; or name a folder elsewhere",
                backup.display()
            ),
            "{} is a backup, and whatever is written into it would ruin it",
            backup.display()
        )),
    }
}

/// What is in a backup.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Manifest {
    format: u32,
    /// The version of the program that made it.
    program: String,
    /// When it was made.
    pub(crate) at: String,
    /// The default tenant first.
    pub(crate) tenants: Vec<TenantCopy>,
}

/// One tenant's part.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct TenantCopy {
    pub(crate) tenant: String,
    /// The moment that both logs are of.
    pub(crate) at: String,
    pub(crate) logs: Vec<LogCopy>,
    /// Keys and secrets.
    pub(crate) files: Vec<FileCopy>,
}

/// A log, and where it ended.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct LogCopy {
    pub(crate) context: String,
    pub(crate) epoch: Epoch,
    pub(crate) schema: u32,
    /// The last position of each partition.
    pub(crate) heads: Vec<Position>,
    pub(crate) events: u64,
    pub(crate) file: FileCopy,
}

/// A file, by its path in the backup and in the data folder.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct FileCopy {
    pub(crate) path: String,
    pub(crate) bytes: u64,
    pub(crate) sha256: String,
}

#[derive(Deserialize)]
struct Format {
    format: u32,
}

impl Manifest {
    pub(crate) fn of(at: String, tenants: Vec<TenantCopy>) -> Self {
        Self { format: FORMAT, program: env!("CARGO_PKG_VERSION").to_owned(), at, tenants }
    }

    /// Every file that it names.
    pub(crate) fn files(&self) -> impl Iterator<Item = &FileCopy> {
        self.tenants.iter().flat_map(|tenant| tenant.logs.iter().map(|log| &log.file).chain(&tenant.files))
    }

    pub(crate) fn bytes(&self) -> u64 {
        self.files().map(|file| file.bytes).sum()
    }

    pub(crate) fn events(&self) -> u64 {
        self.tenants.iter().flat_map(|tenant| &tenant.logs).map(|log| log.events).sum()
    }

    /// Makes the backup in `dir` whole: before this it is none.
    pub(super) fn write(&self, dir: &Path) -> Result<()> {
        let text = serde_json::to_vec_pretty(self).into_diagnostic()?;
        let sum = format!("{}  {FILE}\n", files::digest(&text));
        files::write_private(&dir.join(SUM_FILE), sum.as_bytes())?;
        let draft = dir.join(format!("{FILE}.draft"));
        files::write_private(&draft, &text)?;
        std::fs::rename(&draft, dir.join(FILE)).into_diagnostic()?;
        files::sync_folder(dir)
    }

    /// The manifest of the backup in `dir`.
    pub(crate) fn read(dir: &Path) -> Result<Self> {
        let path = dir.join(FILE);
        if !path.exists() {
            return Err(miette!(
                help = "name a folder that `comanda backup --to` has finished; one that was interrupted is of no use: delete it",
                "{} is no whole backup: it has no {FILE}",
                dir.display()
            ));
        }
        let text = files::read_small(&path, BYTES_MAX)?;
        let format: Format = serde_json::from_slice(&text).map_err(|why| damaged(&path, &why.to_string()))?;
        if format.format > FORMAT {
            return Err(miette!(
                help = "restore it with the program that made it, or a newer one",
                "{} has format {}, and this program reads up to {FORMAT}",
                path.display(),
                format.format
            ));
        }
        let sum = files::read_small(&dir.join(SUM_FILE), BYTES_MAX)?;
        if sum != format!("{}  {FILE}\n", files::digest(&text)).as_bytes() {
            return Err(damaged(&path, &format!("it is not what {SUM_FILE} says")));
        }
        let manifest: Self = serde_json::from_slice(&text).map_err(|why| damaged(&path, &why.to_string()))?;
        let outside =
            |file: &&FileCopy| !Path::new(&file.path).components().all(|part| matches!(part, Component::Normal(_)));
        if let Some(file) = manifest.files().find(outside) {
            return Err(damaged(&path, &format!("{:?} lies outside of it", file.path)));
        }
        Ok(manifest)
    }
}

fn damaged(path: &Path, why: &str) -> miette::Report {
    miette!(help = "restore another backup", "{} is damaged: {why}", path.display())
}
