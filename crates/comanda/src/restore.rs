//! `comanda restore`: makes a data folder of a backup, checks all of it, and gives its logs new epochs.

mod renewal;

use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;
use miette::{IntoDiagnostic, Result, miette};
use serde::Serialize;

use crate::backup::files;
use crate::backup::manifest::{Manifest, refuse_backup};
use crate::compose::copies::is_in_use;
use crate::{backup, verify};

/// What a restore can be told.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// The folder that `comanda backup --to` has made. It stays as it is.
    #[arg(long, value_name = "BACKUP")]
    from: PathBuf,
    /// The data folder to make. It must not exist, or be empty.
    #[arg(long = "data", value_name = "EMPTYDIR", env = "COMANDA_DATA_DIR")]
    dir: PathBuf,
    /// Do everything and verify it, then leave nothing: a rehearsal.
    #[arg(long)]
    dry_run: bool,
    /// Restore also if the verification finds differences, which the backed-up data then had.
    #[arg(long)]
    despite_findings: bool,
    /// Print the report as one line of JSON.
    #[arg(long)]
    json: bool,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Report<'a> {
    restored: bool,
    data: &'a Path,
    /// When the backup was made.
    at: &'a str,
    verified: &'a verify::Report,
}

/// Restores, and says what was found. Exit code 1 if the data differs from its logs: then nothing is restored.
pub(crate) async fn run(options: Options) -> Result<ExitCode> {
    let manifest = Manifest::read(&options.from)?;
    let (target, parent) = vacant(&options.dir)?;
    let begun = tempfile::Builder::new().prefix(".comanda-restore-").tempdir_in(&parent);
    let begun = begun.map_err(|why| files::cannot("write into", &parent, &why))?;
    copy(&manifest, &options.from, begun.path())?;
    for tenant in &manifest.tenants {
        renewal::renew(begun.path(), tenant).await?;
    }
    let verified = verify::verify_all(begun.path()).await?;
    let restored = (verified.ok || options.despite_findings) && !options.dry_run;
    if restored {
        files::sync_folder(begun.path())?;
        std::fs::rename(begun.path(), &target)
            .map_err(|why| files::cannot("rename what was restored to", &target, &why))?;
        // Nothing lies there any more that could be deleted.
        let _renamed = begun.keep();
        files::sync_folder(&parent)?;
    }
    let report = Report { restored, data: &options.dir, at: &manifest.at, verified: &verified };
    if options.json {
        say!("{}", serde_json::to_string(&report).into_diagnostic()?)?;
    } else {
        verify::print(&verified)?;
        let (dir, at) = (options.dir.display(), &manifest.at);
        match (restored, options.dry_run) {
            (true, _) => say!(
                "restored {dir} as it was at {at}; tokens and cursors given out before are refused, and keys ended since count again"
            )?,
            (false, true) => say!("nothing was kept: this was a rehearsal")?,
            (false, false) => say!("nothing was restored: take another backup, or say --despite-findings")?,
        }
    }
    Ok(if verified.ok || restored { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// The folder to make and the one that it lies in, if nothing is in the way.
fn vacant(dir: &Path) -> Result<(PathBuf, PathBuf)> {
    refuse_backup(dir)?;
    if !files::is_vacant(dir)? {
        let used = ["inventory", "fulfillment"].iter().any(|context| is_in_use(&dir.join(context)));
        let said = if used { "a server runs on it" } else { "it is not empty" };
        return Err(miette!(
            help = "name a folder that does not exist or is empty",
            "cannot restore into {}: {said}",
            dir.display()
        ));
    }
    let target = dir.canonicalize().unwrap_or_else(|_| dir.to_owned());
    let parent = target.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new(".")).to_owned();
    if !parent.exists() {
        files::make_folder(&parent)?;
    }
    let device = |path: &Path| path.metadata().map(|found| found.dev()).ok();
    if target.exists() && device(&target) != device(&parent) {
        return Err(miette!(
            help = "name a folder within it that does not exist",
            "{} is the root of a file system: nothing can be renamed to it",
            dir.display()
        ));
    }
    Ok((target, parent))
}

/// Copies every file and compares it with its checksum.
fn copy(manifest: &Manifest, from: &Path, to: &Path) -> Result<()> {
    let bar = backup::bar(manifest.bytes(), "copying")?;
    for file in manifest.files() {
        let (source, target) = (from.join(&file.path), to.join(&file.path));
        if let Some(folder) = target.parent() {
            files::make_folder(folder)?;
        }
        let copied = files::copy(&source, &target, file.path.clone(), &mut |bytes| bar.inc(bytes))?;
        if copied != *file {
            let source = source.display();
            return Err(miette!(
                help = "restore another backup; nothing was restored",
                "{source} is damaged: it is not what the manifest says"
            ));
        }
    }
    bar.finish_and_clear();
    Ok(())
}
