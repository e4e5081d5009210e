//! The gate: before anything else looks at a request, a keeper says who it comes from, and which router it goes to, if any.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use axum::Router;
use axum::body::{Body, HttpBody};
use axum::extract::Request;
use axum::http::header::WWW_AUTHENTICATE;
use axum::http::{HeaderMap, HeaderName, HeaderValue};
use axum::response::{IntoResponse, Response};
use axum::routing::future::RouteFuture;
use bytes::Bytes;
use tower::{BoxError, Service};

use crate::caller::{Caller, Scope};
use crate::edge::{EdgeLimits, edge_around};
use crate::kinds;
use crate::problem::Problem;

/// Knows who may come in.
pub trait Keeper: Send + Sync + 'static {
    /// What becomes of a request, by its method, path and headers.
    fn admit(&self, request: &Request) -> Admission;
}

/// What becomes of a request.
pub enum Admission {
    /// It comes in.
    In(Guest),
    /// It is answered right here.
    Refused(Refusal),
    /// It takes a moment to know.
    Later(Pin<Box<dyn Future<Output = Admission> + Send>>),
}

/// A request that comes in.
pub struct Guest {
    /// What answers it: a router with its [`edge`](crate::edge) around it.
    pub router: Router,
    /// Who it comes from; none where everybody may come in.
    pub caller: Option<Arc<Caller>>,
    /// Headers that its answer carries.
    pub headers: Vec<(HeaderName, HeaderValue)>,
}

/// Why a request is not let in, and what its answer says of it in its headers.
#[derive(Clone, Debug)]
pub struct Refusal {
    /// The body.
    pub problem: Problem,
    /// Headers of the answer.
    pub headers: Vec<(HeaderName, HeaderValue)>,
}

impl Refusal {
    /// 401: there is no credential.
    #[must_use]
    pub fn no_credential() -> Self {
        let detail = "Send `Authorization: Bearer` with an API key or a token.";
        Self::unauthenticated(detail, HeaderValue::from_static("Bearer"))
    }

    /// 401: there is a credential that does not count; `why` says so without repeating it.
    #[must_use]
    pub fn bad_credential(why: &str) -> Self {
        Self::unauthenticated(why, HeaderValue::from_static("Bearer error=\"invalid_token\""))
    }

    /// 403: the credential does not open this.
    #[must_use]
    pub fn lacks(scope: Scope) -> Self {
        let name = scope.name();
        let detail = format!("This needs the scope `{name}`, which your credential does not have.");
        let challenge = HeaderValue::from_str(&format!("Bearer error=\"insufficient_scope\", scope=\"{name}\""));
        let challenge = challenge.unwrap_or(HeaderValue::from_static("Bearer"));
        Self { problem: Problem::new(kinds::FORBIDDEN, detail), headers: vec![(WWW_AUTHENTICATE, challenge)] }
    }

    fn unauthenticated(detail: &str, challenge: HeaderValue) -> Self {
        Self { problem: Problem::new(kinds::UNAUTHENTICATED, detail), headers: vec![(WWW_AUTHENTICATE, challenge)] }
    }
}

impl From<Problem> for Refusal {
    fn from(problem: Problem) -> Self {
        Self { problem, headers: Vec::new() }
    }
}

/// The credential that a request carries.
///
/// # Errors
/// 401 if there is none, or none of the kind that is taken.
pub fn bearer(headers: &HeaderMap) -> Result<&str, Refusal> {
    let mut sent = headers.get_all(axum::http::header::AUTHORIZATION).iter();
    let Some(first) = sent.next() else { return Err(Refusal::no_credential()) };
    let wrong = |why| Err(Refusal::bad_credential(why));
    if sent.next().is_some() {
        return wrong("There is more than one `Authorization` header: send one.");
    }
    let Some((scheme, credential)) = first.to_str().ok().and_then(|text| text.split_once(' ')) else {
        return wrong("The `Authorization` header is not `Bearer` and a credential.");
    };
    if !scheme.eq_ignore_ascii_case("bearer") {
        return wrong("The `Authorization` header has another scheme than `Bearer`.");
    }
    Ok(credential.trim())
}

/// A service that asks its keeper about each request. Put it on a socket with [`serve`](crate::serve).
#[derive(Clone)]
pub struct Gate {
    keeper: Arc<dyn Keeper>,
    /// Answers what is refused: with correlation and metrics like any other answer.
    refused: Router,
}

impl Gate {
    /// The gate that `keeper` keeps.
    pub fn new(keeper: Arc<dyn Keeper>, limits: EdgeLimits) -> Self {
        Self { keeper, refused: edge_around(Router::new().fallback(refused), limits) }
    }
}

async fn refused(request: Request) -> Response {
    match request.extensions().get::<Refusal>().cloned() {
        Some(refusal) => {
            let mut response = refusal.problem.into_response();
            response.headers_mut().extend(refusal.headers.into_iter().map(|(name, value)| (Some(name), value)));
            response
        }
        None => Problem::internal("a refusal without its reason").into_response(),
    }
}

impl<B> Service<axum::http::Request<B>> for Gate
where
    B: HttpBody<Data = Bytes> + Send + 'static,
    B::Error: Into<BoxError>,
{
    type Response = Response;
    type Error = Infallible;
    type Future = GateFuture;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: axum::http::Request<B>) -> GateFuture {
        let request = request.map(Body::new);
        match self.keeper.admit(&request) {
            Admission::Later(deciding) => GateFuture(Step::Deciding(deciding, self.refused.clone(), Some(request))),
            now => GateFuture(led(now, &self.refused, request)),
        }
    }
}

/// Sends a request where its admission says.
fn led(admission: Admission, refused: &Router, mut request: Request) -> Step {
    match admission {
        Admission::In(Guest { mut router, caller, headers }) => {
            if let Some(caller) = caller {
                request.extensions_mut().insert(caller);
            }
            Step::Answering(router.call(request), headers)
        }
        Admission::Refused(refusal) => {
            request.extensions_mut().insert(refusal);
            Step::Answering(refused.clone().call(request), Vec::new())
        }
        Admission::Later(deciding) => Step::Deciding(deciding, refused.clone(), Some(request)),
    }
}

/// A request on its way through the gate.
pub struct GateFuture(Step);

enum Step {
    Deciding(Pin<Box<dyn Future<Output = Admission> + Send>>, Router, Option<Request>),
    Answering(RouteFuture<Infallible>, Vec<(HeaderName, HeaderValue)>),
}

impl Future for GateFuture {
    type Output = Result<Response, Infallible>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.get_mut();
        loop {
            match &mut this.0 {
                Step::Deciding(deciding, refused, request) => {
                    let Poll::Ready(admission) = deciding.as_mut().poll(cx) else { return Poll::Pending };
                    let request = request.take().unwrap_or_default();
                    this.0 = led(admission, refused, request);
                }
                Step::Answering(answering, headers) => {
                    let Poll::Ready(answered) = Pin::new(answering).poll(cx) else { return Poll::Pending };
                    return Poll::Ready(answered.map(|mut response| {
                        response.headers_mut().extend(headers.drain(..).map(|(name, value)| (Some(name), value)));
                        response
                    }));
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use axum::http::StatusCode;
    use axum::http::header::{ALLOW, AUTHORIZATION};
    use axum::routing::get;
    use tower::ServiceExt;

    use super::*;
    use crate::call::Call;
    use crate::correlation::X_CORRELATION_ID;

    /// Lets in whoever says "sesame", at once or later.
    struct Sesame {
        later: bool,
    }

    impl Keeper for Sesame {
        fn admit(&self, request: &Request) -> Admission {
            let credential = bearer(request.headers()).map(str::to_owned);
            let admission = move || match credential.as_deref() {
                Ok("sesame") => {
                    let caller = Caller {
                        tenant: "t".into(),
                        actor: "key:a".into(),
                        scopes: crate::Scopes::all(),
                        key_id: None,
                        holds: crate::HoldLimits::default(),
                    };
                    let who = async |call: Call| call.actor().unwrap_or("nobody").to_owned();
                    let router = edge_around(Router::new().route("/who", get(who)), EdgeLimits::default());
                    let headers = vec![(ALLOW, HeaderValue::from_static("GET"))];
                    Admission::In(Guest { router, caller: Some(Arc::new(caller)), headers })
                }
                Ok(_) => Admission::Refused(Refusal::bad_credential("That is not the word.")),
                Err(refusal) => Admission::Refused(refusal.clone()),
            };
            if self.later { Admission::Later(Box::pin(async move { admission() })) } else { admission() }
        }
    }

    async fn asked(later: bool, credential: Option<&str>) -> (StatusCode, HeaderMap, String) {
        let gate = Gate::new(Arc::new(Sesame { later }), EdgeLimits::default());
        let request = axum::http::Request::get("/who");
        let request = credential.into_iter().fold(request, |request, sent| request.header(AUTHORIZATION, sent));
        let response = gate.oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
        let (head, body) = response.into_parts();
        let body = axum::body::to_bytes(body, 10_000).await.unwrap();
        (head.status, head.headers, String::from_utf8(body.to_vec()).unwrap())
    }

    #[tokio::test]
    async fn whoever_has_the_word_comes_in_under_his_name() {
        for later in [false, true] {
            let (status, headers, body) = asked(later, Some("Bearer sesame")).await;
            assert_eq!((status, body.as_str()), (StatusCode::OK, "key:a"));
            assert_eq!(headers[ALLOW], "GET", "the keeper's headers are on the answer");
        }
    }

    #[tokio::test]
    async fn everybody_else_is_refused_as_a_problem_that_can_be_found_in_the_log() {
        for later in [false, true] {
            for (credential, challenge) in [
                (None, "Bearer"),
                (Some("Bearer mellon"), "Bearer error=\"invalid_token\""),
                (Some("Basic c2VzYW1l"), "Bearer error=\"invalid_token\""),
                (Some("sesame"), "Bearer error=\"invalid_token\""),
            ] {
                let (status, headers, body) = asked(later, credential).await;
                assert_eq!(status, StatusCode::UNAUTHORIZED, "{credential:?}");
                assert_eq!(headers[WWW_AUTHENTICATE], challenge, "{credential:?}");
                assert!(headers.contains_key(X_CORRELATION_ID));
                assert!(body.contains("UNAUTHENTICATED") && !body.contains("mellon"), "{body}");
            }
        }
    }

    #[test]
    fn one_credential_is_taken_and_not_two() {
        let mut headers = HeaderMap::new();
        headers.append(AUTHORIZATION, HeaderValue::from_static("bearer one"));
        assert_eq!(bearer(&headers).unwrap(), "one");
        headers.append(AUTHORIZATION, HeaderValue::from_static("Bearer two"));
        assert_eq!(bearer(&headers).unwrap_err().problem.status(), 401);
    }
}
