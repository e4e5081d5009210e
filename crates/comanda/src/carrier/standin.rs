//! The stand-in carrier: a server that takes consignments, and can be told to be slow, to fail, and to say yes unheard.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::process::ExitCode;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::extract::{Path, State};
use axum::http::header::RETRY_AFTER;
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, put};
use axum::{Json, Router};
use clap::Args;
use comanda_web::{ServeLimits, serve};
use miette::Result;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};
use tokio::net::TcpListener;
use tokio::sync::oneshot;

use super::wire::{ConsignmentAnswer, ConsignmentRequest, Refusal, UNKNOWN_CONSIGNMENT};
use crate::listen;
use crate::serve::stop_signal;

/// How long an answer is kept back that shall never be heard; the caller has gone by then.
const UNHEARD_FOR: Duration = Duration::from_secs(60);

/// Consignments that are remembered; then no more are taken.
const CONSIGNMENTS_MAX: usize = 1_000_000;

/// The stand-in carrier's command line.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// The address to listen on.
    #[arg(long, value_name = "ADDR:PORT", default_value = "127.0.0.1:8090")]
    listen: SocketAddr,
    #[command(flatten)]
    behaviour: Behaviour,
}

/// What a carrier is like.
#[derive(Clone, Copy, Debug, Default, Args)]
pub(crate) struct Behaviour {
    /// Milliseconds before each answer.
    #[arg(long, value_name = "MS", default_value_t = 0)]
    pub(crate) slow_ms: u64,
    /// Of a hundred bookings so many fail: half of them answer 500, half 503 with `Retry-After`. Nothing is booked then.
    #[arg(long, value_name = "PERCENT", default_value_t = 0, value_parser = clap::value_parser!(u8).range(0..=100))]
    pub(crate) fail_percent: u8,
    /// Of a hundred bookings that succeed so many are never answered: the caller's time-out comes after the yes.
    #[arg(long, value_name = "PERCENT", default_value_t = 0, value_parser = clap::value_parser!(u8).range(0..=100))]
    pub(crate) timeout_after_yes_percent: u8,
    /// What is drawn at random follows from it and the order of requests.
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub(crate) seed: u64,
    /// Answer a second booking of one reference like the first. Without it that is a double booking, as with most carriers.
    #[arg(long)]
    pub(crate) idempotent: bool,
}

/// What a carrier has done so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Statistics {
    /// Consignments taken, double ones included.
    pub(crate) bookings: u64,
    /// Of these, how many were never answered: the caller's time-out came after the yes.
    pub(crate) unheard: u64,
    /// Consignments taken under a reference that was booked already.
    pub(crate) double_bookings: u64,
    /// Times somebody asked for a booking.
    pub(crate) lookups: u64,
    /// Bookings taken back.
    pub(crate) cancellations: u64,
}

/// Runs the stand-in until a signal stops it, then prints what it has done.
pub(crate) async fn run(options: Options) -> Result<ExitCode> {
    let standin = StandIn::start(listen::on(options.listen).await?, options.behaviour)?;
    let stop = stop_signal()?;
    say!("the stand-in carrier serves http://{}", standin.addr)?;
    stop.await;
    let Statistics { bookings, unheard, double_bookings, lookups, cancellations } = standin.statistics();
    say!(
        "{bookings} bookings, {unheard} of them unheard, {double_bookings} double; {lookups} lookups, {cancellations} cancellations"
    )?;
    standin.stop().await;
    Ok(if double_bookings == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// A stand-in carrier that runs in this process.
pub(crate) struct StandIn {
    /// Where it listens.
    pub(crate) addr: SocketAddr,
    shared: Arc<Shared>,
    stop: oneshot::Sender<()>,
    serving: tokio::task::JoinHandle<u32>,
}

struct Shared {
    behaviour: Behaviour,
    books: Mutex<Books>,
}

struct Books {
    random: ChaCha8Rng,
    consignments: HashMap<String, String>,
    statistics: Statistics,
}

impl StandIn {
    /// Serves on `listener`, on the runtime this is called in.
    pub(crate) fn start(listener: TcpListener, behaviour: Behaviour) -> Result<Self> {
        let addr = listen::address(&listener)?;
        let random = ChaCha8Rng::seed_from_u64(behaviour.seed);
        let books = Books { random, consignments: HashMap::new(), statistics: Statistics::default() };
        let shared = Arc::new(Shared { behaviour, books: Mutex::new(books) });
        let (stop, stopped) = oneshot::channel::<()>();
        let limits = ServeLimits { drain_wait: Duration::from_secs(1), ..ServeLimits::default() };
        let serving = tokio::spawn(serve(listener, router(Arc::clone(&shared)), limits, async move {
            drop(stopped.await);
        }));
        Ok(Self { addr, shared, stop, serving })
    }

    /// What it has done so far.
    pub(crate) fn statistics(&self) -> Statistics {
        self.shared.books().statistics
    }

    /// Stops it; answers that are kept back are never given.
    pub(crate) async fn stop(self) {
        drop(self.stop);
        let _cut = self.serving.await;
    }
}

impl Shared {
    fn books(&self) -> MutexGuard<'_, Books> {
        self.books.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn be_slow(&self) {
        tokio::time::sleep(Duration::from_millis(self.behaviour.slow_ms)).await;
    }
}

fn router(shared: Arc<Shared>) -> Router {
    Router::new()
        .route("/consignments/{reference}", put(book).get(find).delete(cancel))
        .route("/statistics", get(statistics))
        .with_state(shared)
}

/// How a booking ends.
enum Fate {
    Booked { tracking_number: String, heard: bool },
    Failed { busy: bool },
    Full,
}

async fn book(
    State(shared): State<Arc<Shared>>,
    Path(reference): Path<String>,
    Json(request): Json<ConsignmentRequest>,
) -> Response {
    if request.packages == 0 || request.carrier.is_empty() {
        return refuse(
            StatusCode::UNPROCESSABLE_ENTITY,
            "NOTHING_TO_CARRY",
            "a consignment has a carrier and a package",
        );
    }
    // Decided before any waiting: a caller that goes away in the meantime has been said yes to all the same.
    let fate = decide(&mut shared.books(), &shared.behaviour, &reference);
    shared.be_slow().await;
    match fate {
        Fate::Booked { tracking_number, heard } => {
            if !heard {
                tokio::time::sleep(UNHEARD_FOR).await;
            }
            (StatusCode::CREATED, Json(ConsignmentAnswer { tracking_number })).into_response()
        }
        Fate::Failed { busy: true } => {
            let mut response = refuse(StatusCode::SERVICE_UNAVAILABLE, "BUSY", "nothing was booked");
            response.headers_mut().insert(RETRY_AFTER, HeaderValue::from_static("1"));
            response
        }
        Fate::Failed { busy: false } => refuse(StatusCode::INTERNAL_SERVER_ERROR, "FAILED", "something broke"),
        Fate::Full => refuse(StatusCode::INSUFFICIENT_STORAGE, "FULL", "too many consignments: start another stand-in"),
    }
}

fn decide(books: &mut Books, behaviour: &Behaviour, reference: &str) -> Fate {
    let percent = |books: &mut Books, percent: u8| books.random.random_range(0..100) < percent;
    if percent(books, behaviour.fail_percent) {
        return Fate::Failed { busy: books.random.random_bool(0.5) };
    }
    let heard = !percent(books, behaviour.timeout_after_yes_percent);
    let known = books.consignments.get(reference).cloned();
    if let Some(tracking_number) = known.as_ref().filter(|_| behaviour.idempotent) {
        return Fate::Booked { tracking_number: tracking_number.clone(), heard };
    }
    if known.is_none() && books.consignments.len() >= CONSIGNMENTS_MAX {
        return Fate::Full;
    }
    books.statistics.bookings += 1;
    books.statistics.unheard += u64::from(!heard);
    if let Some(first) = known {
        books.statistics.double_bookings += 1;
        tracing::error!(reference, first, "DOUBLE BOOKING: this reference was booked already");
    }
    let tracking_number = format!("ST{:010}", books.statistics.bookings);
    books.consignments.insert(reference.to_owned(), tracking_number.clone());
    Fate::Booked { tracking_number, heard }
}

async fn find(State(shared): State<Arc<Shared>>, Path(reference): Path<String>) -> Response {
    shared.be_slow().await;
    let mut books = shared.books();
    books.statistics.lookups += 1;
    match books.consignments.get(&reference).cloned() {
        Some(tracking_number) => Json(ConsignmentAnswer { tracking_number }).into_response(),
        None => unknown(),
    }
}

async fn cancel(State(shared): State<Arc<Shared>>, Path(reference): Path<String>) -> Response {
    shared.be_slow().await;
    let mut books = shared.books();
    if books.consignments.remove(&reference).is_none() {
        return unknown();
    }
    books.statistics.cancellations += 1;
    StatusCode::NO_CONTENT.into_response()
}

async fn statistics(State(shared): State<Arc<Shared>>) -> Json<Statistics> {
    Json(shared.books().statistics)
}

fn unknown() -> Response {
    refuse(StatusCode::NOT_FOUND, UNKNOWN_CONSIGNMENT, "no consignment has this reference")
}

fn refuse(status: StatusCode, code: &str, detail: &str) -> Response {
    (status, Json(Refusal { code: code.to_owned(), detail: detail.to_owned() })).into_response()
}
