//! `comanda keys`: makes, lists, rotates and revokes API keys, also while a server runs.

use std::num::NonZeroU32;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::{Args, Subcommand};
use comanda_web::Scopes;
use comfy_table::Table;
use comfy_table::presets::UTF8_FULL_CONDENSED;
use cqrs::{Clock, SystemClock, Timestamp};
use miette::{Result, miette};
use serde_json::json;

use super::file::KeyFile;
use super::lifetime::{Lifetime, span};
use super::rate::per_second;
use super::record::{DEFAULT_TENANT, KeyRecord, key_name, tenant_name};
use super::secret::{self, Fresh};
use super::table::Place;
use crate::serve::{has_data, no_data_in};

/// Keys of one name that count at once: the old one and the one that takes over.
const ACTIVE_MAX: usize = 2;

/// What can be done with API keys.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Make a key. Its whole text is printed once, and kept nowhere.
    Create(Create),
    /// Show all keys, without their secrets.
    List(List),
    /// Make a key that takes over from another one, which goes on for a while.
    Rotate(Rotate),
    /// End a key, at a running server too, within a second.
    Revoke(Revoke),
}

/// Where the keys are kept.
#[derive(Args, Debug)]
pub(crate) struct Kept {
    /// The data folder that the keys open. Its server may run meanwhile.
    #[arg(long = "data", value_name = "DIR", env = "COMANDA_DATA_DIR")]
    dir: Option<PathBuf>,
    #[command(flatten)]
    place: Place,
}

impl Kept {
    /// The file of keys that are looked at or changed: there must be something that they open.
    fn existing(&self) -> Result<KeyFile> {
        self.place.must_be_there()?;
        let file = self.file()?;
        match &self.dir {
            Some(dir) if !self.place.is_said() && !has_data(dir) && file.stamp()?.is_none() => Err(no_data_in(dir)),
            _ => Ok(file),
        }
    }

    fn file(&self) -> Result<KeyFile> {
        match &self.dir {
            Some(dir) => Ok(self.place.file(dir)),
            None if self.place.is_said() => Ok(self.place.file(&PathBuf::new())),
            None => Err(miette!(help = "say --data DIR or --keys FILE", "it is not said where the keys are")),
        }
    }
}

#[derive(Args, Debug)]
pub(crate) struct Create {
    /// Whom the key is for: recorded as `key:<name>` with everything done by it.
    #[arg(long, value_parser = key_name)]
    name: String,
    /// Whose data it opens.
    #[arg(long, default_value = DEFAULT_TENANT, value_parser = tenant_name)]
    tenant: String,
    /// What it may do: queries, commands, operations.
    #[arg(long, value_name = "SCOPE,...", default_value = "queries,commands")]
    scopes: Scopes,
    /// How long it counts: `90d`, `12h`, `never`, or until an instant.
    #[arg(long, value_name = "SPAN", default_value = "365d")]
    expires: Lifetime,
    /// Requests a second that may come with it, and with the one that takes over from it; unbounded unless given.
    #[arg(long, value_name = "N", value_parser = per_second)]
    rate: Option<NonZeroU32>,
    /// Units that it may hold at once in reservations that are not confirmed; unbounded unless given.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=1_000_000_000))]
    units_held_max: Option<u64>,
    /// Seconds that a hold of it may last; a week, like everybody's, unless given.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=604_800))]
    hold_seconds_max: Option<u64>,
    #[command(flatten)]
    kept: Kept,
}

#[derive(Args, Debug)]
pub(crate) struct List {
    /// Print them as JSON.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    kept: Kept,
}

#[derive(Args, Debug)]
pub(crate) struct Rotate {
    /// The id of the key that is to be replaced: the eight characters after `cmd_`.
    id: String,
    /// How long the old one still counts.
    #[arg(long, value_name = "SPAN", default_value = "1d", value_parser = span)]
    overlap: Duration,
    /// How long the new one counts: `90d`, `12h`, `never`, or until an instant.
    #[arg(long, value_name = "SPAN", default_value = "365d")]
    expires: Lifetime,
    #[command(flatten)]
    kept: Kept,
}

#[derive(Args, Debug)]
pub(crate) struct Revoke {
    /// The id of the key: the eight characters after `cmd_`.
    id: String,
    #[command(flatten)]
    kept: Kept,
}

/// Does it.
pub(crate) fn run(command: Command) -> Result<ExitCode> {
    let now = SystemClock.now();
    match command {
        Command::Create(options) => create(&options, now)?,
        Command::List(options) => list(&options, now)?,
        Command::Rotate(options) => rotate(&options, now)?,
        Command::Revoke(options) => revoke(&options, now)?,
    }
    Ok(ExitCode::SUCCESS)
}

fn create(options: &Create, now: Timestamp) -> Result<()> {
    let expires_at = end(options.expires, now)?;
    let fresh = options.kept.file()?.change(|keys| {
        let same = |key: &KeyRecord| key.is_active_for(&options.tenant, &options.name, now);
        if let Some(key) = keys.iter().find(|key| same(key)) {
            return Err(miette!(
                help = format!(
                    "`comanda keys rotate {}` makes one that takes over from it; or choose another name",
                    key.id
                ),
                "{} of {} has a key already",
                options.name,
                options.tenant
            ));
        }
        let record = KeyRecord {
            id: String::new(),
            name: options.name.clone(),
            tenant: options.tenant.clone(),
            scopes: options.scopes,
            hash: String::new(),
            created_at: now,
            expires_at,
            revoked_at: None,
            rate: options.rate,
            units_held_max: options.units_held_max,
            hold_seconds_max: options.hold_seconds_max,
        };
        Ok(added(keys, record))
    })?;
    tell(&fresh, &format!("It may use {}", options.scopes), expires_at)
}

fn rotate(options: &Rotate, now: Timestamp) -> Result<()> {
    let expires_at = end(options.expires, now)?;
    let until = now.saturating_add(options.overlap);
    check_id(&options.id)?;
    let fresh = options.kept.existing()?.change(|keys| {
        let old = active(keys, &options.id, now)?.clone();
        let others = keys.iter().filter(|key| key.is_active_for(&old.tenant, &old.name, now)).count();
        if others >= ACTIVE_MAX {
            return Err(miette!(
                help = "`comanda keys list` shows them: revoke the one that is out of use",
                "{} of {} has {ACTIVE_MAX} keys already",
                old.name,
                old.tenant
            ));
        }
        let ends = old.expires_at.map_or(until, |end| end.min(until));
        active(keys, &options.id, now)?.expires_at = Some(ends);
        Ok(added(keys, KeyRecord { created_at: now, expires_at, revoked_at: None, ..old }))
    })?;
    tell(&fresh, &format!("{} counts until {}", options.id, until.to_rfc3339()), expires_at)
}

fn revoke(options: &Revoke, now: Timestamp) -> Result<()> {
    check_id(&options.id)?;
    options.kept.existing()?.change(|keys| {
        let found = keys.iter_mut().find(|key| key.id == options.id).ok_or_else(|| unknown(&options.id))?;
        found.revoked_at.get_or_insert(now);
        Ok(())
    })?;
    note!("{} is revoked; a running server refuses it within a second.", options.id);
    Ok(())
}

fn list(options: &List, now: Timestamp) -> Result<()> {
    let keys = options.kept.existing()?.read()?;
    let when = |at: Option<Timestamp>| at.map(Timestamp::to_rfc3339);
    let state = |key: &KeyRecord| key.ended(now).unwrap_or("active");
    if options.json {
        let shown = keys.iter().map(|key| {
            json!({ "id": key.id, "name": key.name, "tenant": key.tenant, "scopes": key.scopes, "state": state(key), "rate": key.rate,
                "unitsHeldMax": key.units_held_max, "holdSecondsMax": key.hold_seconds_max,
                "createdAt": key.created_at.to_rfc3339(), "expiresAt": when(key.expires_at), "revokedAt": when(key.revoked_at) })
        });
        say!("{}", json!({ "keys": shown.collect::<Vec<_>>() }))?;
        return Ok(());
    }
    let mut table = Table::new();
    table.load_style(UTF8_FULL_CONDENSED);
    table.set_header(["id", "name", "tenant", "scopes", "rate", "state", "created", "expires"]);
    for key in &keys {
        let expires = when(key.expires_at).unwrap_or_else(|| "never".to_owned());
        let (created, scopes) = (key.created_at.to_rfc3339(), key.scopes.to_string());
        let rate = key.rate.map_or_else(String::new, |rate| format!("{rate}/s"));
        table.add_row([&key.id, &key.name, &key.tenant, &scopes, &rate, state(key), &created, &expires]);
    }
    say!("{table}")?;
    Ok(())
}

/// Adds `record` under a new id and secret.
fn added(keys: &mut Vec<KeyRecord>, record: KeyRecord) -> Fresh {
    let mut fresh = Fresh::new();
    while keys.iter().any(|key| key.id == fresh.id) {
        fresh = Fresh::new();
    }
    keys.push(KeyRecord { id: fresh.id.clone(), hash: fresh.hash.to_hex(), ..record });
    fresh
}

fn active<'a>(keys: &'a mut [KeyRecord], id: &str, now: Timestamp) -> Result<&'a mut KeyRecord> {
    let found = keys.iter_mut().find(|key| key.id == id).ok_or_else(|| unknown(id))?;
    match found.ended(now) {
        None => Ok(found),
        Some(how) => Err(miette!(help = "create a new one under its name", "the key {id} is {how} already")),
    }
}

/// Refuses what is no id, without repeating it: it may be a whole key.
fn check_id(text: &str) -> Result<()> {
    if secret::is_id(text) {
        return Ok(());
    }
    Err(miette!(
        help = "the id is the part after `cmd_`, 8 characters; `comanda keys list` shows the ids. The rest of a key is \
                secret: it belongs on no command line",
        "that is no id of a key"
    ))
}

fn unknown(id: &str) -> miette::Report {
    miette!(help = "`comanda keys list` shows the ids", "there is no key {id:?}")
}

fn end(lifetime: Lifetime, now: Timestamp) -> Result<Option<Timestamp>> {
    let end = lifetime.end(now);
    if end.is_some_and(|end| end <= now) {
        return Err(miette!(help = "choose a later end", "the key would have expired before it was made"));
    }
    Ok(end)
}

/// The secret alone goes to standard output, so that it can go from there to where it is kept.
fn tell(fresh: &Fresh, more: &str, expires_at: Option<Timestamp>) -> Result<()> {
    say!("{}", fresh.text)?;
    let until = expires_at.map_or_else(|| "for ever".to_owned(), |end| format!("until {}", end.to_rfc3339()));
    note!("The key {} counts {until}. {more}. Its text is shown this once and kept nowhere.", fresh.id);
    Ok(())
}
