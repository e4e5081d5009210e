//! `comanda events tail`: prints the contract events of a running server as they happen.

use std::process::ExitCode;

use clap::Args;
use comanda_contracts::events::CloudEvent;
use comanda_load::{Answer, Call, Client};
use comanda_web::feed::END;
use miette::{IntoDiagnostic, Result, miette};
use tokio::sync::mpsc;

use crate::asking::{Server, refused};
use crate::output::{self, Reader};
use crate::serve;

/// Events asked for at once.
const PAGE: usize = 1_000;

/// Seconds a poll waits for a first event: well below what a call may take.
const WAIT_S: u64 = 5;

/// Events on their way to the printer.
const PRINTING_MAX: usize = 1_000;

/// What the tail can be told.
#[derive(Debug, Args)]
pub(crate) struct TailOptions {
    #[command(flatten)]
    server: Server,
    /// Only this context's events; all that the address serves unless given.
    #[arg(long, value_name = "NAME", value_parser = ["inventory", "fulfillment"])]
    context: Option<String>,
    /// Only events whose type contains this, as `order-reserved` or `stock`.
    #[arg(long = "type", value_name = "TEXT")]
    kind: Option<String>,
    /// Only events about this: the id of an order, a reservation, a shipment or a return, or a SKU.
    #[arg(long, value_name = "ID")]
    subject: Option<String>,
    /// Begin with the first event there is, instead of the next one.
    #[arg(long)]
    from_start: bool,
    /// End when there is nothing more to read, instead of waiting for it.
    #[arg(long)]
    no_follow: bool,
    /// Print each event as one line of JSON, as the feed gives it.
    #[arg(long)]
    json: bool,
}

/// Prints events until a signal stops it.
pub(crate) async fn tail(options: TailOptions) -> Result<ExitCode> {
    options.server.introduce()?;
    let contexts = match &options.context {
        Some(context) => vec![context.clone()],
        None => served(&options).await?,
    };
    let stop = serve::stop_signal()?;
    let (found, mut printing) = mpsc::channel(PRINTING_MAX);
    let mut followers = tokio::task::JoinSet::new();
    for context in contexts {
        let follower = Follower { client: options.server.client(), context, after: None };
        followers.spawn(follower.follow(options.from_start, options.no_follow, found.clone()));
    }
    drop(found);
    tokio::pin!(stop);
    loop {
        tokio::select! {
            () = &mut stop => return Ok(ExitCode::SUCCESS),
            event = printing.recv() => match event {
                Some(event) if options.wants(&event) => if print(&event, options.json)? == Reader::Gone { return Ok(ExitCode::SUCCESS) },
                Some(_) => {}
                // Every follower has come to the end.
                None => break,
            },
            Some(ended) = followers.join_next() => ended.into_diagnostic()??,
        }
    }
    while let Some(ended) = followers.join_next().await {
        ended.into_diagnostic()??;
    }
    Ok(ExitCode::SUCCESS)
}

/// The contexts whose feeds the address serves.
async fn served(options: &TailOptions) -> Result<Vec<String>> {
    let mut served = Vec::new();
    for context in ["inventory", "fulfillment"] {
        let path = format!("/v1/events?context={context}&limit=1");
        let answer = options.server.client().call(&Call::get(path)).await.into_diagnostic()?;
        match answer.status {
            200 => served.push(context.to_owned()),
            401 | 403 => return Err(refused(&answer)),
            _ => {}
        }
    }
    if served.is_empty() {
        return Err(miette!("{} serves no feed of events: is it a Comanda server?", options.server.addr));
    }
    Ok(served)
}

impl TailOptions {
    fn wants(&self, event: &CloudEvent) -> bool {
        self.kind.as_ref().is_none_or(|kind| event.event_type.contains(kind.as_str()))
            && self.subject.as_ref().is_none_or(|subject| event.subject == *subject)
    }
}

/// Reads the feed of one context.
struct Follower {
    client: Client,
    context: String,
    after: Option<String>,
}

impl Follower {
    async fn follow(mut self, from_start: bool, no_follow: bool, found: mpsc::Sender<CloudEvent>) -> Result<()> {
        if !from_start {
            self.after = Some(END.to_owned());
            self.page(0).await?;
        }
        loop {
            let answer = self.page(if no_follow { 0 } else { WAIT_S }).await?;
            for event in answer.json::<Vec<CloudEvent>>().into_diagnostic()? {
                if found.send(event).await.is_err() {
                    return Ok(());
                }
            }
            if no_follow && !answer.feed_more {
                return Ok(());
            }
        }
    }

    /// The next page, and goes on behind it.
    async fn page(&mut self, wait_s: u64) -> Result<Answer> {
        let after = self.after.as_deref().map(|after| format!("&after={after}")).unwrap_or_default();
        let path = format!("/v1/events?context={}&limit={PAGE}&timeout={wait_s}{after}", self.context);
        let answer = self.client.call(&Call::get(path)).await.into_diagnostic()?;
        if !answer.is_success() {
            return Err(refused(&answer));
        }
        self.after.clone_from(&answer.feed_next);
        Ok(answer)
    }
}

/// Prints one event; says whether anybody still reads.
fn print(event: &CloudEvent, json: bool) -> Result<Reader> {
    if json {
        return output::line(format_args!("{}", serde_json::to_string(event).into_diagnostic()?));
    }
    // `comanda.fulfillment.order-placed.v1`: who owns it and what happened.
    let name = event.event_type.strip_prefix("comanda.").unwrap_or(&event.event_type);
    output::line(format_args!("{}  {name}  {}  {}", event.time, event.subject, event.data))
}
