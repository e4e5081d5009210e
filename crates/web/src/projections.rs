//! `/v1/projections` of one context: how its views are, a rebuild, the way back, and what is parked in them.

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::{get, post};
use comanda_contracts as contract;
use cqrs::{
    Compared, ParkedStream, Phase, ProjectionDesk, ProjectionDeskError, ProjectionStatus, Purpose, RebuildStatus,
    Replayed,
};
use utoipa::OpenApi;

use crate::context_param::{ContextPageParams, ContextParam, is_meant};
use crate::json::{Nothing, OptionalJson};
use crate::page::{List, Params, page_limit};
use crate::path::PathParam;
use crate::problem::Problem;
use crate::reply::Reply;

crate::kinds! {
    UNKNOWN_VIEW = 404, "unknown-view", "There is no such view",
        "The context has no view of this name: `GET /v1/projections` lists them.";
    REBUILD_UNDER_WAY = 409, "rebuild-under-way", "A build of this view is under way",
        "One build of a view is made at a time. `GET /v1/projections` says how far it is.";
    NOTHING_KEPT = 409, "nothing-kept", "There is nothing to swap back to",
        "The view has no earlier build that this version of the program can read.";
    UNKNOWN_PARKED_KEY = 404, "unknown-parked-key", "No such stream waits",
        "No stream of this name is parked in the view: it never was, or was replayed meanwhile.";
    NEEDS_REBUILD = 409, "needs-rebuild", "Only a rebuild has the events in order",
        "Rows of this view are written by several streams; a replay of one would turn their order round. Rebuild the view.";
}

type Desk = State<ProjectionDesk>;

/// Every route of a context's views. Put [`edge`](crate::edge) around what is served.
pub fn router(desk: ProjectionDesk) -> Router {
    Router::new()
        .route("/v1/projections", get(list))
        .route("/v1/projections/{name}/rebuild", post(rebuild))
        .route("/v1/projections/{name}/swap-back", post(swap_back))
        .route("/v1/projections/{name}/parked", get(parked))
        .route("/v1/projections/{name}/parked/{key}/replay", post(replay))
        .with_state(desk)
}

/// The description of every route: merge it into the document, then [`complete`](crate::openapi::complete).
#[must_use]
pub fn openapi() -> utoipa::openapi::OpenApi {
    Description::openapi()
}

#[derive(OpenApi)]
#[openapi(
    paths(list, rebuild, swap_back, parked, replay),
    tags((name = "Projections", description = "The views: how far they are, rebuilds, and what waits in them."))
)]
struct Description;

impl ContextPageParams {
    /// The part of `all`, whose names are in order, that is asked for.
    fn part<'a, T>(
        &self,
        list: List,
        all: impl Iterator<Item = &'a T>,
        name: impl Fn(&T) -> &str,
    ) -> Result<(Vec<&'a T>, Option<String>), Problem> {
        let after = self.cursor.as_deref().map(|cursor| list.place::<String>(cursor)).transpose()?;
        let limit = page_limit(self.limit)?;
        let mut left = all.filter(|item| after.as_deref().is_none_or(|after| name(item) > after));
        let items: Vec<_> = left.by_ref().take(limit).collect();
        let more = left.next().and(items.last());
        let next_cursor = more.map(|last| list.cursor(&name(last))).transpose()?;
        Ok((items, next_cursor))
    }
}

/// Lists the views in the order of their names
///
/// Each with its build, how far it has read, and how a rebuild goes.
#[utoipa::path(get, path = "/v1/projections", operation_id = "listProjections", tag = "Projections", params(ContextPageParams),
    responses((status = 200, description = "A part of them", body = contract::Page<contract::Projection>)))]
async fn list(State(desk): Desk, Params(params): Params<ContextPageParams>, list: List) -> Result<Reply, Problem> {
    is_meant(params.context.as_deref(), desk.context())?;
    let mut views = desk.list().await.map_err(ProjectionDeskError::from)?;
    views.sort_unstable_by_key(|view| view.name);
    let (items, next_cursor) = params.part(list, views.iter(), |view| view.name)?;
    let items = items.into_iter().map(projection).collect();
    Ok(Reply::json(StatusCode::OK, &contract::Page { items, next_cursor }))
}

/// Rebuilds a view
///
/// A new build is folded from the start of the log beside the live one, which goes on; it is compared with it, and swapped in
/// whether they differ or not. With `compareOnly` it is dropped instead. The list says how far it is.
#[utoipa::path(post, path = "/v1/projections/{name}/rebuild", operation_id = "rebuildProjection", tag = "Projections",
    params(("name" = String, Path), ContextParam), request_body = Option<contract::RebuildRequest>,
    responses(
        (status = 202, description = "It is ordered", body = contract::Projection),
        (status = 404, description = "UNKNOWN_VIEW"),
        (status = 409, description = "REBUILD_UNDER_WAY"),
    ))]
async fn rebuild(
    State(desk): Desk,
    PathParam(name): PathParam<String>,
    Params(ContextParam { context }): Params<ContextParam>,
    request: OptionalJson<contract::RebuildRequest>,
) -> Result<Reply, Problem> {
    is_meant(context.as_deref(), desk.context())?;
    desk.rebuild(&name, request.value.unwrap_or_default().compare_only)?;
    ordered(&desk, &name).await
}

/// Goes back to the build before
///
/// It is brought up to the log first, compared with the live one, and then swapped in; the build that was live is kept.
#[utoipa::path(post, path = "/v1/projections/{name}/swap-back", operation_id = "swapProjectionBack", tag = "Projections",
    params(("name" = String, Path), ContextParam),
    responses(
        (status = 202, description = "It is ordered", body = contract::Projection),
        (status = 404, description = "UNKNOWN_VIEW"),
        (status = 409, description = "REBUILD_UNDER_WAY; NOTHING_KEPT"),
    ))]
async fn swap_back(
    State(desk): Desk,
    PathParam(name): PathParam<String>,
    Params(ContextParam { context }): Params<ContextParam>,
    _: OptionalJson<Nothing>,
) -> Result<Reply, Problem> {
    is_meant(context.as_deref(), desk.context())?;
    desk.swap_back(&name)?;
    ordered(&desk, &name).await
}

/// Lists what is parked in a view
///
/// Streams that wait from an event on that could not be applied, by name; everything else flows.
#[utoipa::path(get, path = "/v1/projections/{name}/parked", operation_id = "listParkedKeys", tag = "Projections",
    params(("name" = String, Path), ContextPageParams),
    responses(
        (status = 200, description = "A part of them", body = contract::Page<contract::ParkedKey>),
        (status = 404, description = "UNKNOWN_VIEW"),
    ))]
async fn parked(
    State(desk): Desk,
    PathParam(name): PathParam<String>,
    Params(params): Params<ContextPageParams>,
    list: List,
) -> Result<Reply, Problem> {
    is_meant(params.context.as_deref(), desk.context())?;
    let parked = desk.parked(&name)?;
    let mut streams: Vec<&ParkedStream> = parked.iter().collect();
    streams.sort_unstable_by_key(|parked| &parked.stream);
    let (items, next_cursor) = params.part(list, streams.into_iter(), |parked| parked.stream.as_str())?;
    let items = items.into_iter().map(parked_key).collect();
    Ok(Reply::json(StatusCode::OK, &contract::Page { items, next_cursor }))
}

/// Replays a parked stream
///
/// Once its cause is mended: what waits is applied in order, until an event fails again.
#[utoipa::path(post, path = "/v1/projections/{name}/parked/{key}/replay", operation_id = "replayParkedKey",
    tag = "Projections",
    params(
        ("name" = String, Path),
        ("key" = String, Path, description = "The stream, its `/` written as `%2F`"),
        ContextParam,
    ),
    responses(
        (status = 200, description = "What became of it", body = contract::ReplayedKey),
        (status = 404, description = "UNKNOWN_VIEW; UNKNOWN_PARKED_KEY"),
        (status = 409, description = "NEEDS_REBUILD"),
    ))]
async fn replay(
    State(desk): Desk,
    PathParam((name, key)): PathParam<(String, String)>,
    Params(ContextParam { context }): Params<ContextParam>,
    _: OptionalJson<Nothing>,
) -> Result<Reply, Problem> {
    is_meant(context.as_deref(), desk.context())?;
    let body = match desk.replay(&name, &key).await? {
        Replayed::Whole { events } => contract::ReplayedKey { whole: true, events, parked: None },
        Replayed::Stuck { events, parked } => {
            contract::ReplayedKey { whole: false, events, parked: Some(parked_key(&parked)) }
        }
    };
    Ok(Reply::json(StatusCode::OK, &body))
}

async fn ordered(desk: &ProjectionDesk, name: &str) -> Result<Reply, Problem> {
    Ok(Reply::json(StatusCode::ACCEPTED, &projection(&desk.read(name).await?)))
}

/// A view as it is written.
#[must_use]
pub fn projection(status: &ProjectionStatus) -> contract::Projection {
    contract::Projection {
        name: status.name.to_owned(),
        version: status.version,
        build: status.live,
        kept: status.kept.map(|(version, build)| contract::KeptBuild { version, build }),
        events: status.events,
        behind_events: status.behind,
        parked: u64::try_from(status.parked).unwrap_or(u64::MAX),
        rebuild: status.rebuild.as_ref().map(rebuild_of),
    }
}

fn rebuild_of(status: &RebuildStatus) -> contract::Rebuild {
    let purpose = match status.purpose {
        Purpose::First => "FIRST",
        Purpose::Rebuild { compare_only: false } => "REBUILD",
        Purpose::Rebuild { compare_only: true } => "COMPARE",
        Purpose::SwapBack => "SWAP_BACK",
    };
    let (mut swapped, mut compared, mut parked, mut cause) = (None, None, None, None);
    let state = match &status.phase {
        Phase::Waiting => "WAITING",
        Phase::Folding => "FOLDING",
        Phase::Comparing => "COMPARING",
        Phase::Done { compared: found, swapped: is_live, parked: waiting } => {
            (swapped, compared) = (Some(*is_live), found.as_ref().map(compared_builds));
            parked = Some(*waiting as u64);
            "DONE"
        }
        Phase::Failed { cause: why } => {
            cause = Some(why.clone());
            "FAILED"
        }
        Phase::Dropped => "DROPPED",
    };
    contract::Rebuild {
        purpose: purpose.to_owned(),
        state: state.to_owned(),
        events: status.events,
        events_total: status.events_total,
        events_per_second: status.events_per_s,
        elapsed_seconds: status.elapsed.as_secs_f64(),
        eta_seconds: status.eta.map(|eta| eta.as_secs_f64()),
        swapped,
        compared,
        parked,
        cause,
    }
}

fn compared_builds(compared: &Compared) -> contract::ComparedBuilds {
    let Compared { rows, only_live, only_new, different, keys } = compared;
    contract::ComparedBuilds {
        rows: *rows,
        only_live: *only_live,
        only_new: *only_new,
        different: *different,
        keys: keys.clone(),
    }
}

fn parked_key(parked: &ParkedStream) -> contract::ParkedKey {
    contract::ParkedKey {
        key: parked.stream.to_string(),
        partition: parked.partition.0,
        position: parked.position,
        version: parked.version,
        cause: parked.cause.clone(),
        waiting: parked.waiting,
    }
}

impl From<ProjectionDeskError> for Problem {
    fn from(error: ProjectionDeskError) -> Self {
        let detail = error.to_string();
        match error {
            ProjectionDeskError::UnknownView { .. } => Self::new(UNKNOWN_VIEW, detail),
            ProjectionDeskError::UnderWay { .. } => Self::new(REBUILD_UNDER_WAY, detail),
            ProjectionDeskError::NothingKept { .. } => Self::new(NOTHING_KEPT, detail),
            ProjectionDeskError::NotParked { .. } => Self::new(UNKNOWN_PARKED_KEY, detail),
            ProjectionDeskError::NeedsRebuild { .. } => Self::new(NEEDS_REBUILD, detail),
            ProjectionDeskError::NobodyThere => {
                Self::new(crate::kinds::UNAVAILABLE, "The views cannot be looked after now. Retry in a second.")
            }
            ProjectionDeskError::Failed(why) => Self::internal(&why.to_string()),
            ProjectionDeskError::Store(why) => Self::internal(&why.to_string()),
        }
    }
}

#[cfg(test)]
mod tests {
    use axum::extract::{FromRequestParts, Request};

    use super::*;

    #[tokio::test]
    async fn every_item_comes_once_whatever_the_page() {
        let request = Request::get("/v1/projections/stock/parked").body(()).unwrap();
        let list = List::from_request_parts(&mut request.into_parts().0, &()).await.unwrap();
        let all: Vec<String> = (10..17).map(|n| format!("stock/{n}")).collect();
        for limit in [1, 2, 7, 200] {
            let (mut met, mut cursor) = (Vec::new(), None);
            loop {
                let params = ContextPageParams { context: None, limit: Some(limit), cursor };
                let (items, next) = params.part(list, all.iter(), |name| name).unwrap();
                assert!((1..=limit).contains(&i64::try_from(items.len()).unwrap()), "limit {limit}");
                met.extend(items.into_iter().cloned());
                cursor = next;
                if cursor.is_none() {
                    break;
                }
            }
            assert_eq!(met, all, "limit {limit}");
        }
    }
}
