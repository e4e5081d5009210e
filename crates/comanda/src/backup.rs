//! `comanda backup`: a copy of a data folder as it stood at one moment, made while its server runs.

pub(crate) mod files;
pub(crate) mod manifest;

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use clap::Args;
use cqrs::{Clock, SystemClock};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use miette::{IntoDiagnostic, Result, miette};
use serde::Serialize;

use crate::compose::copies::{LogAtMoment, at_one_moment, check_copy};
use crate::counted::counted;
use crate::keys::DEFAULT_TENANT;
use crate::{serve, tenants};
use manifest::{FileCopy, LogCopy, Manifest, TenantCopy};

/// What is state beside the logs. All else in a data folder is made anew from the logs, or is a lock.
const SECRETS: [&str; 2] = ["webhooks.key", "keys.json"];

/// What a backup can be told.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// The data folder. Its server may run meanwhile.
    #[arg(long = "data", value_name = "DIR", env = "COMANDA_DATA_DIR")]
    dir: PathBuf,
    /// The folder to make. It must not exist, or be empty; there are secrets in it, so only its owner can read it.
    #[arg(long, value_name = "NEWDIR")]
    to: PathBuf,
    /// Print the report as one line of JSON.
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Report {
    to: PathBuf,
    at: String,
    tenants: usize,
    events: u64,
    bytes: u64,
    /// The longest time that a writer was held up.
    writers_held_ms: f64,
    elapsed_s: f64,
}

/// Makes a backup and says what is in it.
pub(crate) fn run(options: Options) -> Result<ExitCode> {
    let (started, from, to) = (Instant::now(), &options.dir, &options.to);
    manifest::refuse_backup(from)?;
    let parts = parts(from)?;
    let is_ours = |dir: &Path| {
        dir.canonicalize().ok().zip(from.canonicalize().ok()).is_some_and(|(dir, from)| dir.starts_with(from))
    };
    if to.ancestors().any(is_ours) {
        return Err(miette!(help = "choose a folder elsewhere", "{} lies in the data folder", to.display()));
    }
    manifest::refuse_backup(to)?;
    if !files::is_vacant(to)? {
        return Err(miette!(help = "name a folder that does not exist or is empty", "{} is not empty", to.display()));
    }
    files::make_folder(to)?;
    let made = write(&parts, to);
    let (manifest, held) = match made {
        Ok(made) => made,
        Err(why) => {
            clear(to);
            return Err(why);
        }
    };
    let report = Report {
        to: to.clone(),
        at: manifest.at.clone(),
        tenants: manifest.tenants.len(),
        events: manifest.events(),
        bytes: manifest.bytes(),
        writers_held_ms: held.as_secs_f64() * 1_000.0,
        elapsed_s: started.elapsed().as_secs_f64(),
    };
    if options.json {
        say!("{}", serde_json::to_string(&report).into_diagnostic()?)?;
    } else {
        let Report { at, tenants, events, bytes, elapsed_s, .. } = report;
        let (tenants, held_us) = (counted(tenants as u64, "tenant"), held.as_micros());
        let events = counted(events, "event");
        say!("backed up {} to {}: {events}, {bytes} bytes, {tenants}, begun at {at}", from.display(), to.display())?;
        say!(
            "every log was read back and checked; no writer was held up for more than {held_us} µs; it took {elapsed_s:.1} s"
        )?;
    }
    Ok(ExitCode::SUCCESS)
}

/// Each tenant's name and its folder within the data folder.
fn parts(from: &Path) -> Result<Vec<(String, PathBuf, PathBuf)>> {
    if !serve::has_data(from) {
        return Err(serve::no_data_in(from));
    }
    let mut parts = vec![(DEFAULT_TENANT.to_owned(), from.to_owned(), PathBuf::new())];
    for tenant in tenants::tenants_in(from)? {
        parts.push((tenant.clone(), tenants::dir_of(from, &tenant), tenants::dir_of(Path::new(""), &tenant)));
    }
    let half = |dir: &Path| {
        ["inventory", "fulfillment"].into_iter().find(|context| !dir.join(context).join("log.db").exists())
    };
    match parts.iter().find_map(|(_, dir, _)| Some((dir, half(dir)?))) {
        Some((dir, missing)) => Err(miette!(
            help = "copies of different moments contradict each other: let both processes use one data folder (they may), or stop both and copy each folder",
            "{} has no {missing}: a backup is of both contexts at one moment",
            dir.display()
        )),
        None => Ok(parts),
    }
}

fn write(parts: &[(String, PathBuf, PathBuf)], to: &Path) -> Result<(Manifest, Duration)> {
    let logs = parts
        .iter()
        .flat_map(|(_, dir, _)| ["inventory", "fulfillment"].map(|context| dir.join(context).join("log.db")));
    let bar = bar(logs.filter_map(|log| Some(std::fs::metadata(log).ok()?.len())).sum(), "copying")?;
    let (at, mut held_max, mut copies) = (SystemClock.now().to_rfc3339(), Duration::ZERO, Vec::new());
    for (tenant, dir, within) in parts {
        files::make_folder(&to.join(within))?;
        // Carts come in at Inventory all the time: it is the other one that is held up.
        let moment = at_one_moment(&dir.join("fulfillment"), &dir.join("inventory")).map_err(refused)?;
        held_max = held_max.max(moment.held);
        let at = SystemClock.now().to_rfc3339();
        let logs = vec![
            log("inventory", moment.second, to, within, &bar)?,
            log("fulfillment", moment.first, to, within, &bar)?,
        ];
        let mut secrets = Vec::new();
        for name in SECRETS.into_iter().filter(|name| dir.join(name).exists()) {
            let path = within.join(name);
            secrets.push(files::copy(&dir.join(name), &to.join(&path), path.display().to_string(), &mut |_| {})?);
        }
        files::sync_folder(&to.join(within))?;
        copies.push(TenantCopy { tenant: tenant.clone(), at, logs, files: secrets });
    }
    let manifest = Manifest::of(at, copies);
    manifest.write(to)?;
    bar.finish_and_clear();
    Ok((manifest, held_max))
}

/// Copies a log, and reads the copy back.
fn log(context: &str, log: LogAtMoment, to: &Path, within: &Path, bar: &ProgressBar) -> Result<LogCopy> {
    let path = within.join(context).join("log.db");
    let (copy, identity, before) = (to.join(&path), log.identity().clone(), bar.position());
    let folder = to.join(within).join(context);
    files::make_folder(&folder)?;
    drop(files::new_file(&copy)?);
    log.copy_to(&copy, &mut |bytes| bar.set_position(before + bytes)).map_err(refused)?;
    files::sync_folder(&folder)?;
    if check_copy(&copy).map_err(refused)? != identity {
        return Err(miette!("{} is not what was copied: look after the disk", copy.display()));
    }
    let file: FileCopy = files::describe(&copy, path.display().to_string())?;
    let events = identity.events();
    Ok(LogCopy {
        context: context.to_owned(),
        epoch: identity.epoch,
        schema: identity.schema,
        heads: identity.heads,
        events,
        file,
    })
}

fn refused(why: crate::compose::copies::CopyError) -> miette::Report {
    miette!(help = "nothing is left of the backup; mend the cause and make it again", "{why}")
}

/// Leaves the target as empty as it was.
fn clear(to: &Path) {
    for entry in std::fs::read_dir(to).into_iter().flatten().flatten() {
        let path = entry.path();
        let cleared = if path.is_dir() { std::fs::remove_dir_all(&path) } else { std::fs::remove_file(&path) };
        if let Err(why) = cleared {
            tracing::warn!(%why, path = %path.display(), "a part of a backup that is none is left: delete it");
        }
    }
}

/// A bar of bytes, on standard error if somebody looks.
pub(crate) fn bar(bytes: u64, what: &'static str) -> Result<ProgressBar> {
    let bar = ProgressBar::with_draw_target(Some(bytes), ProgressDrawTarget::stderr());
    let style = "{msg} {bar:36} {bytes}/{total_bytes} ({bytes_per_sec}, {eta} left)";
    bar.set_style(ProgressStyle::with_template(style).into_diagnostic()?);
    bar.set_message(what);
    Ok(bar)
}
