//! `?context=`: which context is meant, where one address serves several.

use serde::Deserialize;

use crate::kinds;
use crate::problem::Problem;

/// The context that is meant.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ContextParam {
    /// The context that is meant; needed only where this address serves several.
    pub context: Option<String>,
}

/// The same, and which part of a list.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ContextPageParams {
    /// The context that is meant; needed only where this address serves several.
    pub context: Option<String>,
    /// At most so many items, 1 to 200; 50 unless given.
    pub limit: Option<i64>,
    /// The `nextCursor` of the page before.
    pub cursor: Option<String>,
}

/// Makes sure that `asked` names no other context than `served`.
///
/// # Errors
/// 400 naming the context that is served here.
pub fn is_meant(asked: Option<&str>, served: &str) -> Result<(), Problem> {
    if asked.is_none_or(|asked| asked == served) {
        return Ok(());
    }
    let detail = format!("must be {served}: no other context is served here");
    Err(Problem::at(kinds::INVALID_PARAMETER, "?context", detail))
}
