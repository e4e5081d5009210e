//! Consistency tokens where several contexts share an address: each token says whose it is, and each context reads its own.
//!
//! On the wire a token is `<context>@<token>`; a client that works with several contexts may send several, with `;` in
//! between. A query passes over those of other contexts: they say nothing about its views.

use axum::Router;
use axum::extract::Request;
use axum::http::HeaderValue;
use axum::response::Response;
use bytes::Bytes;
use tower::util::{MapRequestLayer, MapResponseLayer};

use crate::call::CONSISTENCY_TOKEN;

/// What stands between a context's name and its token.
pub(crate) const WHOSE: char = '@';

/// What stands between the tokens of several contexts.
const NEXT: char = ';';

/// `router`, whose handlers see and give tokens of `context` alone.
pub fn in_context(router: Router, context: &'static str) -> Router {
    router
        .layer(MapRequestLayer::new(move |request| own_token(context, request)))
        .layer(MapResponseLayer::new(move |response| signed(context, response)))
}

/// Leaves of the tokens that came along only that of `context`, without its name.
fn own_token(context: &str, mut request: Request) -> Request {
    let Some(header) = request.headers().get(CONSISTENCY_TOKEN) else { return request };
    // What is no text is no token, and is refused where it is read.
    let Ok(text) = header.to_str() else { return request };
    let mut own = text.split(NEXT).map(str::trim).filter_map(|token| match token.split_once(WHOSE) {
        Some((whose, token)) => (whose == context).then_some(token),
        // Nobody's: refused where it is read, unless it is one of an address with one context.
        None => Some(token),
    });
    match own.next().map(HeaderValue::from_str) {
        Some(Ok(token)) => drop(request.headers_mut().insert(CONSISTENCY_TOKEN, token)),
        _ => drop(request.headers_mut().remove(CONSISTENCY_TOKEN)),
    }
    request
}

/// Writes the name of `context` before the token of an answer.
fn signed(context: &str, mut response: Response) -> Response {
    if let Some(token) = response.headers_mut().get_mut(CONSISTENCY_TOKEN) {
        let mut text = Vec::with_capacity(context.len() + 1 + token.len());
        text.extend_from_slice(context.as_bytes());
        text.push(b'@');
        text.extend_from_slice(token.as_bytes());
        if let Ok(named) = HeaderValue::from_maybe_shared(Bytes::from(text)) {
            *token = named;
        }
    }
    response
}

#[cfg(test)]
mod tests {
    use axum::body::Body;

    use super::*;

    fn read_by(context: &str, header: &'static str) -> Option<String> {
        let request = Request::get("/").header(CONSISTENCY_TOKEN, header).body(Body::empty()).unwrap();
        let own = own_token(context, request);
        own.headers().get(CONSISTENCY_TOKEN).map(|token| token.to_str().unwrap().to_owned())
    }

    #[test]
    fn each_context_reads_its_own_token() {
        let both = "inventory@a:0.1; fulfillment@b:2.3,4.5";
        assert_eq!(read_by("inventory", both).as_deref(), Some("a:0.1"));
        assert_eq!(read_by("fulfillment", both).as_deref(), Some("b:2.3,4.5"));
        assert_eq!(read_by("kitchen", both), None);
        assert_eq!(read_by("kitchen", "mine").as_deref(), Some("mine"));
    }

    #[test]
    fn an_answer_says_whose_its_token_is() {
        let mut response = Response::new(Body::empty());
        response.headers_mut().insert(CONSISTENCY_TOKEN, HeaderValue::from_static("a:0.1"));
        assert_eq!(signed("inventory", response).headers()[CONSISTENCY_TOKEN], "inventory@a:0.1");
        assert!(!signed("inventory", Response::new(Body::empty())).headers().contains_key(CONSISTENCY_TOKEN));
    }
}
