//! The views of a running server, over HTTP.

use std::time::Duration;

use comanda_contracts::{Page, Problem, Projection, Rebuild, RebuildRequest};
use miette::{IntoDiagnostic, Result, WrapErr, miette};
use reqwest::header::{AUTHORIZATION, HeaderMap, HeaderValue};
use reqwest::redirect::Policy;
use reqwest::{Certificate, Client, ClientBuilder, RequestBuilder, StatusCode, Url};
use serde::de::DeserializeOwned;

use super::Order;
use crate::address::Address;
use crate::asking::refusal;
use crate::outgoing::Credential;

/// How long one answer may take.
const ANSWER_WAIT_MAX: Duration = Duration::from_secs(30);

/// How often it is asked how far a build is.
const ASK_EVERY: Duration = Duration::from_millis(100);

/// A running server.
pub(super) struct Server {
    client: Client,
    base: Url,
}

impl Server {
    /// The server at `addr`, which is told `credential` if there is one. If it speaks TLS it is believed by `authorities`, or
    /// by those whom this machine trusts.
    pub(super) fn at(addr: &Address, credential: Option<&Credential>, authorities: Option<&[u8]>) -> Result<Self> {
        let mut headers = HeaderMap::new();
        if let Some(credential) = credential {
            let mut value = HeaderValue::from_str(&format!("Bearer {}", credential.text())).into_diagnostic()?;
            value.set_sensitive(true);
            headers.insert(AUTHORIZATION, value);
        }
        let client = Client::builder().no_proxy().redirect(Policy::none()).timeout(ANSWER_WAIT_MAX);
        let client = client.default_headers(headers);
        let client = match authorities {
            Some(pem) => {
                let known = Certificate::from_pem_bundle(pem).into_diagnostic()?;
                known.into_iter().fold(client.tls_built_in_root_certs(false), ClientBuilder::add_root_certificate)
            }
            None => client,
        };
        let base = Url::parse(&format!("{}/v1/projections", addr.base())).into_diagnostic()?;
        Ok(Self { client: client.build().into_diagnostic()?, base })
    }

    /// The views of `context`; none if it is not served there.
    pub(super) async fn list(&self, context: &str) -> Result<Option<Vec<Projection>>> {
        let (mut views, mut cursor) = (Vec::new(), None::<String>);
        loop {
            let mut url = self.url(&[], context);
            if let Some(cursor) = &cursor {
                url.query_pairs_mut().append_pair("cursor", cursor);
            }
            match self.send::<Page<Projection>>(self.client.get(url)).await? {
                Ok(page) => {
                    views.extend(page.items);
                    cursor = page.next_cursor;
                }
                Err(problem) if problem.code == "INVALID_PARAMETER" => return Ok(None),
                Err(problem) => return Err(refusal(&problem)),
            }
            if cursor.is_none() {
                return Ok(Some(views));
            }
        }
    }

    /// Gives the order, and waits until it is carried out.
    pub(super) async fn carry_out(
        &self,
        context: &str,
        view: &str,
        order: Order,
        moved: impl Fn(&Rebuild),
    ) -> Result<Projection> {
        let request = match order {
            Order::Rebuild { compare_only } => {
                let request = self.client.post(self.url(&[view, "rebuild"], context));
                request.json(&RebuildRequest { compare_only })
            }
            Order::SwapBack => self.client.post(self.url(&[view, "swap-back"], context)),
        };
        let ordered = self.send::<Projection>(request).await?;
        ordered.map_err(|problem| refusal(&problem))?;
        loop {
            let views = self.list(context).await?.unwrap_or_default();
            let Some(projection) = views.into_iter().find(|projection| projection.name == view) else {
                return Err(miette!("the server has no view {view:?} any more"));
            };
            let rebuild = projection.rebuild.clone().unwrap_or_default();
            if !["WAITING", "FOLDING", "COMPARING"].contains(&rebuild.state.as_str()) {
                return Ok(projection);
            }
            moved(&rebuild);
            tokio::time::sleep(ASK_EVERY).await;
        }
    }

    fn url(&self, segments: &[&str], context: &str) -> Url {
        let mut url = self.base.clone();
        // It has a path by its making, so this cannot fail.
        if let Ok(mut path) = url.path_segments_mut() {
            path.extend(segments);
        }
        url.query_pairs_mut().append_pair("context", context);
        url
    }

    async fn send<T: DeserializeOwned>(&self, request: RequestBuilder) -> Result<Result<T, Problem>> {
        let unreachable = || {
            let server = self.base.authority();
            let tls = if self.base.scheme() == "http" {
                " One that speaks TLS is asked as https://NAME:PORT, with the name in its certificate."
            } else {
                " Whoever signed its certificate must be known here, and the name be that in it."
            };
            format!("no answer from {server}; is the server running?{tls}")
        };
        let response = request.send().await.into_diagnostic().wrap_err_with(unreachable)?;
        let status = response.status();
        let body = response.bytes().await.into_diagnostic().wrap_err_with(unreachable)?;
        let strange = || format!("what {} answered ({status}) is not understood", self.base.authority());
        match status {
            StatusCode::OK | StatusCode::ACCEPTED => {
                serde_json::from_slice(&body).into_diagnostic().wrap_err_with(strange).map(Ok)
            }
            _ => serde_json::from_slice(&body).into_diagnostic().wrap_err_with(strange).map(Err),
        }
    }
}
