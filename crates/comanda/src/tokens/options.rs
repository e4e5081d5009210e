//! Whose tokens are taken: the options of a server, and what they come to.

use std::num::NonZeroU32;
use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use comanda_web::HoldLimits;
use miette::{Result, miette};
use reqwest::Url;

use super::source::Source;
use crate::keys::{per_second, tenant_name};

/// Where an issuer publishes its keys unless it is said.
const WELL_KNOWN: &str = "/.well-known/jwks.json";

/// The characters of an issuer's URL: it stands in every event that its users cause.
const ISSUER_CHARS_MAX: usize = 200;

/// Whose tokens are taken.
#[derive(Args, Clone, Debug, Default)]
#[group(id = "tokens")]
pub(crate) struct Options {
    /// Take JWTs of this issuer beside API keys: its URL, exactly as the claim `iss` of its tokens has it.
    #[arg(long, value_name = "URL", requires = "jwt_audience", env = "COMANDA_JWT_ISSUER", value_parser = issuer)]
    jwt_issuer: Option<String>,
    /// Whom its tokens must be for: what their claim `aud` names this server.
    #[arg(long, value_name = "NAME", requires = "jwt_issuer", env = "COMANDA_JWT_AUDIENCE", value_parser = name)]
    jwt_audience: Option<String>,
    /// Where the issuer publishes its keys (JWKS): an address, https or on this machine, or a file. Unless given, the issuer's
    /// URL and `/.well-known/jwks.json`.
    #[arg(long, value_name = "URL|FILE", requires = "jwt_issuer", env = "COMANDA_JWT_JWKS")]
    jwt_jwks: Option<String>,
    /// The claim that names the tenant.
    #[arg(long, value_name = "CLAIM", default_value = "tenant", env = "COMANDA_JWT_TENANT_CLAIM", value_parser = name)]
    jwt_tenant_claim: String,
    /// The tenant of tokens that name none. Unless given, they are refused.
    #[arg(long, value_name = "NAME", requires = "jwt_issuer", env = "COMANDA_JWT_TENANT", value_parser = tenant_name)]
    jwt_tenant: Option<String>,
    /// The claim with the scopes: a text with spaces between them, or a list.
    #[arg(long, value_name = "CLAIM", default_value = "scope", env = "COMANDA_JWT_SCOPE_CLAIM", value_parser = name)]
    jwt_scope_claim: String,
    /// By how many seconds the issuer's clock may differ from the one here.
    #[arg(
        long,
        value_name = "SECONDS",
        default_value_t = 30,
        env = "COMANDA_JWT_LEEWAY_SECONDS",
        value_parser = clap::value_parser!(u64).range(0..=300)
    )]
    jwt_leeway_seconds: u64,
    /// How many seconds keys count on that should have been fetched anew while the issuer cannot be reached.
    #[arg(
        long,
        value_name = "SECONDS",
        default_value_t = 3_600,
        env = "COMANDA_JWT_STALE_SECONDS_MAX",
        value_parser = clap::value_parser!(u64).range(0..=86_400)
    )]
    jwt_stale_seconds_max: u64,
    /// Requests a second that each user with a token may send; unbounded unless given.
    #[arg(long, value_name = "N", requires = "jwt_issuer", env = "COMANDA_JWT_RATE", value_parser = per_second)]
    jwt_rate: Option<NonZeroU32>,
    /// Units that each user with a token may hold at once in reservations that are not confirmed; unbounded unless given.
    #[arg(long, value_name = "N", requires = "jwt_issuer", env = "COMANDA_JWT_UNITS_HELD_MAX",
        value_parser = clap::value_parser!(u64).range(1..=1_000_000_000))]
    jwt_units_held_max: Option<u64>,
    /// Seconds that a hold of each of them may last; a week, like everybody's, unless given.
    #[arg(long, value_name = "N", requires = "jwt_issuer", env = "COMANDA_JWT_HOLD_SECONDS_MAX",
        value_parser = clap::value_parser!(u64).range(1..=604_800))]
    jwt_hold_seconds_max: Option<u64>,
}

/// What the options come to.
pub(super) struct Settings {
    pub(super) rules: Rules,
    pub(super) source: Source,
    pub(super) stale_max: Duration,
    pub(super) rate: Option<NonZeroU32>,
}

/// What a token must say.
pub(super) struct Rules {
    pub(super) issuer: String,
    pub(super) audience: String,
    pub(super) tenant_claim: String,
    /// The tenant of tokens that name none.
    pub(super) tenant: Option<String>,
    pub(super) scope_claim: String,
    pub(super) leeway: Duration,
    /// How much of the stock each user may hold back.
    pub(super) holds: HoldLimits,
}

impl Options {
    /// None if no tokens are taken.
    pub(super) fn settings(&self) -> Result<Option<Settings>> {
        let (Some(issuer), Some(audience)) = (self.jwt_issuer.clone(), self.jwt_audience.clone()) else {
            return Ok(None);
        };
        let published = self.jwt_jwks.clone().unwrap_or_else(|| issuer.trim_end_matches('/').to_owned() + WELL_KNOWN);
        let rules = Rules {
            issuer,
            audience,
            tenant_claim: self.jwt_tenant_claim.clone(),
            tenant: self.jwt_tenant.clone(),
            scope_claim: self.jwt_scope_claim.clone(),
            leeway: Duration::from_secs(self.jwt_leeway_seconds),
            holds: HoldLimits { units_max: self.jwt_units_held_max, seconds_max: self.jwt_hold_seconds_max },
        };
        let stale_max = Duration::from_secs(self.jwt_stale_seconds_max);
        Ok(Some(Settings { rules, source: source(&published)?, stale_max, rate: self.jwt_rate }))
    }
}

fn source(published: &str) -> Result<Source> {
    if !published.contains("://") {
        return Ok(Source::In(PathBuf::from(published)));
    }
    let url = Url::parse(published).map_err(|why| why.to_string());
    url.and_then(Source::at).map_err(|why| {
        miette!(
            help = "name an https address, or a file, with --jwt-jwks",
            "the keys of tokens cannot be fetched from {published}: {why}"
        )
    })
}

/// An issuer's URL, kept as it is written: it is compared letter by letter.
fn issuer(text: &str) -> Result<String, String> {
    let url = Url::parse(text).map_err(|why| format!("it is no URL: {why}"))?;
    let plain =
        url.username().is_empty() && url.password().is_none() && url.query().is_none() && url.fragment().is_none();
    let right = ["http", "https"].contains(&url.scheme()) && plain && text.len() <= ISSUER_CHARS_MAX;
    if right && text.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'@') {
        return Ok(text.to_owned());
    }
    Err(format!(
        "an issuer is an http or https URL of at most {ISSUER_CHARS_MAX} characters, without user, query and fragment"
    ))
}

/// Something a claim is named or says.
fn name(text: &str) -> Result<String, String> {
    let right = (1..=255).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic());
    right.then(|| text.to_owned()).ok_or_else(|| "it has 1 to 255 visible ASCII characters".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_issuer_is_a_plain_url() {
        for right in ["https://login.example.org", "https://login.example.org/realms/shop/", "http://127.0.0.1:8000"] {
            assert_eq!(issuer(right).as_deref(), Ok(right));
        }
        let long = format!("https://{}", "a".repeat(200));
        for wrong in [
            "",
            "login.example.org",
            "ftp://login.example.org",
            "https://mia@login.example.org",
            "https://login.example.org/@",
            "https://login.example.org?a=b",
            "https://login.example.org#a",
            &long,
        ] {
            assert!(issuer(wrong).is_err(), "{wrong}");
        }
    }
}
