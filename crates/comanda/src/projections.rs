//! `comanda projections`: the views of a running server, or of a stopped folder: listed, built anew, swapped back.

mod folder;
mod server;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Subcommand};
use comanda_contracts::{Projection, Rebuild};
use comfy_table::presets::UTF8_FULL_CONDENSED;
use comfy_table::{CellAlignment, Table};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use miette::{IntoDiagnostic, Result, miette};
use serde::Serialize;

use crate::address::Address;
use crate::asking::Trust;
use crate::counted::{counted, with_rate};
use crate::outgoing;
use folder::Folder;
use server::Server;

/// What can be done with views.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// List every view: its build, how far it has read, what is parked in it, and how a rebuild goes.
    List(Place),
    /// Build a view anew from the start of the log beside the live build, compare the two, and swap. Exit code 1 if it
    /// failed, or if --compare-only found differences.
    Rebuild {
        #[command(flatten)]
        view: View,
        /// Only compare: the live build stays, whatever is found.
        #[arg(long)]
        compare_only: bool,
    },
    /// Go back to the build that was live before; it is brought up to the log first.
    SwapBack {
        #[command(flatten)]
        view: View,
    },
}

/// A view, and where it is.
#[derive(Debug, Args)]
pub(crate) struct View {
    /// The view's name, as `list` shows it.
    name: String,
    #[command(flatten)]
    place: Place,
}

/// Where the views are.
#[derive(Debug, Args)]
pub(crate) struct Place {
    /// Where a running server is; `https://` before it if it speaks TLS.
    #[arg(long, value_name = "HOST:PORT", default_value = "127.0.0.1:8080", conflicts_with = "data")]
    addr: Address,
    #[command(flatten)]
    trust: Trust,
    /// The folder of a stopped server.
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    #[command(flatten)]
    outgoing: outgoing::Options,
    /// Only the views of this context.
    #[arg(long, value_name = "NAME", value_parser = CONTEXTS)]
    context: Option<String>,
    /// Print the result as one line of JSON.
    #[arg(long)]
    json: bool,
}

/// The contexts there can be.
const CONTEXTS: [&str; 2] = ["inventory", "fulfillment"];

/// What is done with one view.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Order {
    Rebuild { compare_only: bool },
    SwapBack,
}

/// The views of one context.
#[derive(Debug, Serialize)]
struct OfContext {
    context: &'static str,
    items: Vec<Projection>,
}

/// Where views are looked after: a server or a folder.
enum Desk {
    Server(Server),
    Folder(Folder),
}

impl Desk {
    fn at(place: &Place) -> Result<Self> {
        match &place.data {
            Some(dir) => Ok(Self::Folder(Folder::open(dir)?)),
            None => {
                let (credential, authorities) = (place.outgoing.credential()?, place.trust.authorities(&place.addr)?);
                Ok(Self::Server(Server::at(&place.addr, credential.as_ref(), authorities.as_deref())?))
            }
        }
    }

    /// The views of each context that is there, or of the one that was named.
    async fn list(&self, place: &Place) -> Result<Vec<OfContext>> {
        let asked = |context: &&str| place.context.as_ref().is_none_or(|only| only == context);
        let mut found = Vec::new();
        for context in CONTEXTS.into_iter().filter(asked) {
            let items = match self {
                Self::Server(server) => server.list(context).await?,
                Self::Folder(folder) => folder.list(context).await?,
            };
            found.extend(items.map(|items| OfContext { context, items }));
        }
        match (found.is_empty(), &place.context) {
            (true, Some(context)) => Err(miette!("{context} is not there")),
            _ => Ok(found),
        }
    }

    /// Carries the order out; `moved` is told how far it is.
    async fn carry_out(
        &self,
        context: &'static str,
        view: &str,
        order: Order,
        moved: impl Fn(&Rebuild),
    ) -> Result<Projection> {
        match self {
            Self::Server(server) => server.carry_out(context, view, order, moved).await,
            Self::Folder(folder) => folder.carry_out(context, view, order, moved).await,
        }
    }
}

/// Does what was asked.
pub(crate) async fn run(command: Command) -> Result<ExitCode> {
    let (view, order) = match &command {
        Command::List(place) => {
            let found = Desk::at(place)?.list(place).await?;
            if place.json {
                say!("{}", serde_json::to_string(&found).into_diagnostic()?)?;
            } else {
                say!("{}", table(&found))?;
            }
            return Ok(ExitCode::SUCCESS);
        }
        Command::Rebuild { view, compare_only } => (view, Order::Rebuild { compare_only: *compare_only }),
        Command::SwapBack { view } => (view, Order::SwapBack),
    };
    let desk = Desk::at(&view.place)?;
    let context = context_of(&desk.list(&view.place).await?, &view.name)?;
    let bar = bar(&view.name)?;
    let moved = |rebuild: &Rebuild| {
        bar.set_length(rebuild.events_total);
        bar.set_position(rebuild.events);
    };
    let done = desk.carry_out(context, &view.name, order, moved).await;
    bar.finish_and_clear();
    let done = done?;
    if view.place.json {
        say!("{}", serde_json::to_string(&done).into_diagnostic()?)?;
    } else {
        say!("{}", outcome(context, &done))?;
    }
    let rebuild = done.rebuild.unwrap_or_default();
    let differs =
        rebuild.compared.is_some_and(|compared| compared.only_live + compared.only_new + compared.different > 0);
    let only_compared = order == Order::Rebuild { compare_only: true };
    Ok(if rebuild.state == "DONE" && !(only_compared && differs) { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// The one context that has the view `name`.
fn context_of(found: &[OfContext], name: &str) -> Result<&'static str> {
    let has = |of: &&OfContext| of.items.iter().any(|view| view.name == name);
    let contexts: Vec<&'static str> = found.iter().filter(has).map(|of| of.context).collect();
    match contexts.as_slice() {
        [only] => Ok(only),
        [] => {
            let known: Vec<&str> = found.iter().flat_map(|of| of.items.iter().map(|view| view.name.as_str())).collect();
            Err(miette!(help = format!("there are: {}", known.join(", ")), "there is no view {name:?}"))
        }
        several => Err(miette!(
            help = "say which with --context",
            "several contexts have a view {name:?}: {}",
            several.join(", ")
        )),
    }
}

fn bar(name: &str) -> Result<ProgressBar> {
    let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
    let style = "{msg} {bar:36} {human_pos}/{human_len} events ({rate}/s, {eta} left)";
    bar.set_style(with_rate(ProgressStyle::with_template(style).into_diagnostic()?));
    bar.set_message(name.to_owned());
    Ok(bar)
}

fn table(found: &[OfContext]) -> String {
    let mut table = Table::new();
    let header = ["context", "view", "version", "build", "kept", "events", "behind", "parked", "last build"];
    table.load_style(UTF8_FULL_CONDENSED).set_header(header);
    for (context, view) in found.iter().flat_map(|of| of.items.iter().map(|view| (of.context, view))) {
        let number = |number: Option<u32>| number.map_or_else(String::new, |number| number.to_string());
        let kept =
            view.kept.as_ref().map_or_else(String::new, |kept| format!("v{} build {}", kept.version, kept.build));
        table.add_row([
            context.to_owned(),
            view.name.clone(),
            view.version.to_string(),
            number(view.build),
            kept,
            view.events.to_string(),
            view.behind_events.to_string(),
            view.parked.to_string(),
            view.rebuild.as_ref().map(in_short).unwrap_or_default(),
        ]);
    }
    for column in table.column_iter_mut().skip(5).take(3) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    table.to_string()
}

/// How a build goes, or went, in a few words.
fn in_short(rebuild: &Rebuild) -> String {
    let what = format!("{} {}", rebuild.purpose, rebuild.state).to_lowercase().replace('_', " ");
    match (rebuild.state.as_str(), rebuild.eta_seconds) {
        ("FOLDING", Some(eta)) => format!("{what}: {}/{}, {eta:.0} s left", rebuild.events, rebuild.events_total),
        ("FAILED", _) => format!("{what}: {}", rebuild.cause.as_deref().unwrap_or_default()),
        _ => what,
    }
}

fn outcome(context: &str, done: &Projection) -> String {
    let name = &done.name;
    let Some(rebuild) = &done.rebuild else { return format!("{name}: nothing was done") };
    let mut text = format!(
        "{name}: {} events in {:.2} s, {:.0}/s",
        rebuild.events, rebuild.elapsed_seconds, rebuild.events_per_second
    );
    if let Some(compared) = &rebuild.compared {
        let differ = compared.only_live + compared.only_new + compared.different;
        text.push_str(&format!("\n  compared {} rows with the live build: {differ} differ", compared.rows));
        if differ > 0 {
            text.push_str(&format!(
                " ({} only there, {} only here, {} not the same): {}",
                compared.only_live,
                compared.only_new,
                compared.different,
                compared.keys.join(", ")
            ));
        }
    }
    let end = match (rebuild.state.as_str(), rebuild.swapped) {
        ("DONE", Some(true)) => {
            format!("build {} is live now; `swap-back` leads to the one before", done.build.unwrap_or_default())
        }
        ("DONE", _) => "it was only compared; the live build stays".to_owned(),
        _ => in_short(rebuild),
    };
    text.push_str(&format!("\n  {end}"));
    if let Some(parked) = rebuild.parked.filter(|parked| *parked > 0) {
        let (streams, wait) = (counted(parked, "stream"), if parked == 1 { "waits" } else { "wait" });
        text.push_str(&format!(
            "\n  {streams} {wait} in the new build, parked at an event that could not be applied: what it says of them is \
             missing or old\n  a server on this data lists what is parked in the live build: \
             GET /v1/projections/{name}/parked?context={context}"
        ));
    }
    text
}
