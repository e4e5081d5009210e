//! What a token must be and say to count, and who comes with it then.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use comanda_web::{Caller, Scope, Scopes};
use cqrs::Timestamp;
use jsonwebtoken::errors::ErrorKind;
use jsonwebtoken::{Algorithm, TokenData, Validation};
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::{Map, Value};

use super::key_set::Key;
use super::options::Rules;
use super::remembered::Accepted;
use super::signatures::TAKEN;
use crate::keys::tenant_name;

/// The bytes of a token.
const TOKEN_BYTES_MAX: usize = 8 * 1024;

/// The characters of a subject, as OpenID Connect bounds it.
const SUBJECT_CHARS_MAX: usize = 255;

/// What an access token may call itself (`typ`); it need not. An ID token is told from it by its audience.
const TYPES: [&str; 3] = ["jwt", "at+jwt", "application/at+jwt"];

/// Why a token does not count: says what is wrong and repeats nothing of it.
pub(super) type Why = Cow<'static, str>;

/// What a token says of itself before anything is checked.
#[derive(Debug)]
pub(super) struct Head {
    algorithm: Algorithm,
    key_id: Option<String>,
}

#[derive(Deserialize)]
struct Header {
    alg: String,
    kid: Option<String>,
    typ: Option<String>,
    /// Whatever it is, it is not understood here, so the token must be refused (RFC 7515).
    crit: Option<IgnoredAny>,
}

impl Head {
    pub(super) fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    pub(super) fn key_id(&self) -> Option<&str> {
        self.key_id.as_deref()
    }
}

/// The head of `token`, if it is of a kind that is taken.
pub(super) fn head(token: &str) -> Result<Head, &'static str> {
    if token.len() > TOKEN_BYTES_MAX {
        return Err("The token is longer than 8192 bytes: ask its issuer for one with fewer claims.");
    }
    let head = match token.split('.').collect::<Vec<_>>()[..] {
        [head, _, _] => head,
        [_, _, _, _, _] => return Err("The token is encrypted: only signed ones are taken."),
        _ => return Err("This is neither an API key nor a JWT."),
    };
    let unread = "The head of the token cannot be read: it is no JWT.";
    let head = URL_SAFE_NO_PAD.decode(head).map_err(|_| unread)?;
    let Header { alg, kid, typ, crit } = serde_json::from_slice(&head).map_err(|_| unread)?;
    if crit.is_some() {
        return Err("The token has critical extensions (`crit`): none is understood here.");
    }
    if typ.is_some_and(|typ| !TYPES.iter().any(|known| known.eq_ignore_ascii_case(&typ))) {
        return Err("The token is no access token, by its `typ`.");
    }
    let algorithm = alg.parse().ok().filter(|algorithm| TAKEN.contains(algorithm));
    let algorithm = algorithm.ok_or(
        "The token is not signed by an algorithm that is taken: these are RS256, RS384, RS512, PS256, PS384, PS512, ES256, \
         ES384 and EdDSA.",
    )?;
    Ok(Head { algorithm, key_id: kid })
}

/// Checks tokens by fixed rules.
pub(super) struct Checker {
    rules: Rules,
    validation: Validation,
    /// What comes after the subject in an actor's name: the same subject of another issuer is somebody else.
    at_issuer: String,
}

impl Checker {
    pub(super) fn new(rules: Rules) -> Self {
        let mut validation = Validation::default();
        validation.set_issuer(&[&rules.issuer]);
        validation.set_audience(&[&rules.audience]);
        validation.set_required_spec_claims(&["exp", "iss", "aud", "sub"]);
        validation.validate_nbf = true;
        validation.leeway = rules.leeway.as_secs();
        let host = rules.issuer.split_once("://").map_or(rules.issuer.as_str(), |(_, host)| host);
        let at_issuer = format!("@{}", host.trim_end_matches('/'));
        Self { rules, validation, at_issuer }
    }

    /// Who comes with `token`, signed by `key`.
    pub(super) fn check(&self, token: &str, head: &Head, key: &Key) -> Result<Accepted, Why> {
        let mut validation = self.validation.clone();
        validation.algorithms = vec![head.algorithm];
        let checked = jsonwebtoken::decode::<Map<String, Value>>(token, &key.decoding, &validation);
        let TokenData { claims, .. } = checked.map_err(|why| explained(why.into_kind()))?;
        // The library takes a list as well, if one of it fits.
        if !claims.get("iss").is_some_and(Value::is_string) {
            return Err("The token is of more than one issuer.".into());
        }
        let caller = Caller {
            tenant: self.tenant(&claims)?.into(),
            actor: format!("jwt:{}{}", subject(&claims)?, self.at_issuer).into(),
            scopes: self.scopes(&claims)?,
            key_id: None,
            holds: self.rules.holds,
        };
        let until = ends(&claims).saturating_add(self.rules.leeway);
        Ok(Accepted { caller: Arc::new(caller), until })
    }

    fn tenant<'a>(&'a self, claims: &'a Map<String, Value>) -> Result<&'a str, Why> {
        let claim = &self.rules.tenant_claim;
        let wrong = || Why::from(format!("The token's claim `{claim}` is not the name of a tenant."));
        match (claims.get(claim), &self.rules.tenant) {
            (Some(Value::String(named)), _) => tenant_name(named).map(|_| named.as_str()).map_err(|_| wrong()),
            (None, Some(tenant)) => Ok(tenant),
            (None, None) => {
                Err(format!("The token does not say for which tenant it is: it lacks the claim `{claim}`.").into())
            }
            (Some(_), _) => Err(wrong()),
        }
    }

    /// Those that are known here: tokens may have others, for other servers.
    fn scopes(&self, claims: &Map<String, Value>) -> Result<Scopes, Why> {
        let claim = &self.rules.scope_claim;
        let wrong = || Why::from(format!("The token's claim `{claim}` is neither a text nor a list of texts."));
        let names: Vec<&str> = match claims.get(claim) {
            None => Vec::new(),
            Some(Value::String(names)) => names.split(' ').collect(),
            Some(Value::Array(names)) => {
                names.iter().map(|name| name.as_str().ok_or_else(wrong)).collect::<Result<_, _>>()?
            }
            Some(_) => return Err(wrong()),
        };
        let known = Scope::ALL.into_iter().filter(|scope| names.contains(&scope.name()));
        Ok(known.collect::<Vec<_>>().into())
    }
}

/// Whom a token is about: it stands in every event that is caused by it.
fn subject(claims: &Map<String, Value>) -> Result<&str, Why> {
    let subject = claims.get("sub").and_then(Value::as_str).unwrap_or_default();
    let printable = subject.bytes().all(|byte| byte.is_ascii_graphic() || byte == b' ') && subject.trim() == subject;
    if printable && (1..=SUBJECT_CHARS_MAX).contains(&subject.len()) {
        return Ok(subject);
    }
    Err(format!("The token's claim `sub` is not 1 to {SUBJECT_CHARS_MAX} printable ASCII characters.").into())
}

/// When a token ends that was found right: it has this claim.
fn ends(claims: &Map<String, Value>) -> Timestamp {
    let seconds = claims.get("exp").and_then(Value::as_f64).unwrap_or_default();
    Timestamp::EPOCH.saturating_add(Duration::try_from_secs_f64(seconds).unwrap_or_default())
}

fn explained(why: ErrorKind) -> Why {
    match why {
        ErrorKind::InvalidSignature => "The token's signature is wrong.".into(),
        ErrorKind::ExpiredSignature => "The token has expired: get a new one.".into(),
        ErrorKind::ImmatureSignature => "The token does not count yet, by its claim `nbf`.".into(),
        ErrorKind::InvalidIssuer => "The token is of another issuer than the one that is trusted here.".into(),
        ErrorKind::InvalidAudience => "The token is for another audience than this server.".into(),
        ErrorKind::MissingRequiredClaim(claim) | ErrorKind::InvalidClaimFormat(claim) => {
            format!("The token's claim `{claim}` is missing, or is not what it should be.").into()
        }
        _ => "The token cannot be read: it is no JWT.".into(),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use comanda_web::HoldLimits;
    use serde_json::json;

    use super::*;

    fn checker(tenant: Option<&str>) -> Checker {
        Checker::new(Rules {
            issuer: "https://login.example.org/shop/".to_owned(),
            audience: "comanda".to_owned(),
            tenant_claim: "tenant".to_owned(),
            tenant: tenant.map(str::to_owned),
            scope_claim: "scope".to_owned(),
            leeway: Duration::from_secs(30),
            holds: HoldLimits::default(),
        })
    }

    fn claims(claims: Value) -> Map<String, Value> {
        claims.as_object().unwrap().clone()
    }

    #[test]
    fn scopes_are_a_text_or_a_list_and_what_is_not_known_opens_nothing() {
        let scopes =
            |scope: Value| checker(None).scopes(&claims(json!({ "scope": scope }))).map(|scopes| scopes.to_string());
        for (scope, known) in [
            (json!("queries"), "queries"),
            (json!("openid commands profile queries"), "queries,commands"),
            (json!(["operations", "email"]), "operations"),
            (json!([]), ""),
            (json!(""), ""),
            (json!("queries,commands"), ""),
            (json!("QUERIES"), ""),
            (json!("queries:all"), ""),
        ] {
            assert_eq!(scopes(scope.clone()).unwrap(), known, "{scope}");
        }
        for wrong in [json!(7), json!({"queries": true}), json!(["queries", 7]), json!(null)] {
            assert!(scopes(wrong.clone()).is_err(), "{wrong}");
        }
        assert_eq!(checker(None).scopes(&claims(json!({}))).unwrap(), Scopes::default());
    }

    #[test]
    fn a_tenant_is_named_or_known_beforehand_and_never_guessed() {
        let tenant = |default, said: Value| checker(default).tenant(&claims(said)).map(str::to_owned);
        assert_eq!(tenant(None, json!({"tenant": "shop-7"})).unwrap(), "shop-7");
        assert_eq!(tenant(Some("main"), json!({"tenant": "shop-7"})).unwrap(), "shop-7");
        assert_eq!(tenant(Some("main"), json!({})).unwrap(), "main");
        assert!(tenant(None, json!({})).is_err());
        for wrong in [json!(""), json!("../shop"), json!("Shop"), json!(7), json!(null), json!(["shop-7"])] {
            assert!(tenant(Some("main"), json!({ "tenant": wrong })).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_subject_can_stand_in_a_log_and_keeps_its_issuer() {
        for right in ["mia", "auth0|5f7c", "mia@example.org", "CN=Mia Lang", "a", &"a".repeat(255)] {
            assert_eq!(subject(&claims(json!({ "sub": right }))).unwrap(), right);
        }
        for wrong in
            [json!(""), json!(" "), json!("mia "), json!("a\nb"), json!("mi\u{e4}"), json!("a".repeat(256)), json!(7)]
        {
            assert!(subject(&claims(json!({ "sub": wrong }))).is_err(), "{wrong}");
        }
        assert_eq!(checker(None).at_issuer, "@login.example.org/shop");
    }

    #[test]
    fn a_token_counts_until_its_end_whatever_number_that_is() {
        let ms = |exp: Value| ends(&claims(json!({ "exp": exp }))).as_millis();
        assert_eq!((ms(json!(10)), ms(json!(10.5)), ms(json!(-1))), (10_000, 10_500, 0));
        assert!(ms(json!(9_999_999_999_u64)) > 1_000_000_000_000);
    }
}
