//! Asks by HTTP, within limits.

use std::time::Duration;

use ureq::config::Config;
use ureq::http::{Method, Request, Response, Uri};
use ureq::tls::{RootCerts, TlsConfig};
use ureq::unversioned::transport::DefaultConnector;
use ureq::{Agent, Body, Error};
use wire::{Code, Problem};

use super::guard::{Guard, Refused};
use crate::settings::Reach;

/// Cheap to clone; connections are kept.
#[derive(Clone)]
pub(super) struct Web {
    agent: Agent,
    answer_bytes: u64,
    time: Duration,
}

pub(super) struct Told {
    pub(super) status: u16,
    pub(super) headers: Vec<(String, String)>,
    pub(super) body: Vec<u8>,
}

impl Web {
    /// For addresses that workflows name.
    pub(super) fn guarded(reach: &Reach) -> Self {
        let agent = Agent::with_parts(config(5), DefaultConnector::default(), Guard::new(reach));
        Self::with(agent, reach)
    }

    /// For addresses that the settings name.
    pub(super) fn trusted(reach: &Reach) -> Self {
        Self::with(config(0).into(), reach)
    }

    fn with(agent: Agent, reach: &Reach) -> Self {
        Self {
            agent,
            answer_bytes: u64::try_from(reach.answer_bytes).unwrap_or(u64::MAX),
            time: reach.time,
        }
    }

    /// Within `time`, if that is said and shorter than the usual.
    pub(super) async fn ask(
        &self,
        request: Request<Vec<u8>>,
        time: Option<Duration>,
    ) -> Result<Told, Problem> {
        let web = self.clone();
        let time = time.map_or(self.time, |time| time.min(self.time));
        let asked = tokio::task::spawn_blocking(move || web.ask_now(request, time)).await;
        asked.map_err(|error| {
            Problem::new(Code::Internal).detail(format!("the request was dropped: {error}"))
        })?
    }

    fn ask_now(&self, request: Request<Vec<u8>>, time: Duration) -> Result<Told, Problem> {
        let uri = request.uri().clone();
        let failed = |error: Error| problem(&uri, error);
        // Without a body none is announced: some refuse a GET that has one, however short.
        let mut answer = if request.body().is_empty() && !has_body(request.method()) {
            let (head, _) = request.into_parts();
            self.run(Request::from_parts(head, ()), time)
        } else {
            self.run(request, time)
        }
        .map_err(failed)?;
        let headers = answer.headers().iter();
        let headers = headers.map(|(name, value)| {
            let value = String::from_utf8_lossy(value.as_bytes()).into_owned();
            (name.as_str().to_owned(), value)
        });
        Ok(Told {
            status: answer.status().as_u16(),
            headers: headers.collect(),
            body: read(&mut answer, self.answer_bytes).map_err(failed)?,
        })
    }

    fn run(
        &self,
        request: Request<impl ureq::AsSendBody>,
        time: Duration,
    ) -> Result<Response<Body>, Error> {
        let request = self
            .agent
            .configure_request(request)
            .timeout_global(Some(time))
            .build();
        self.agent.run(request)
    }
}

fn has_body(method: &Method) -> bool {
    matches!(*method, Method::POST | Method::PUT | Method::PATCH)
}

fn read(answer: &mut Response<Body>, limit: u64) -> Result<Vec<u8>, Error> {
    answer.body_mut().with_config().limit(limit).read_to_vec()
}

/// No proxies: what is checked is where the connection goes.
fn config(redirects: u32) -> Config {
    Agent::config_builder()
        .max_redirects(redirects)
        .max_redirects_will_error(true)
        .http_status_as_error(false)
        .allow_non_standard_methods(true)
        .proxy(None)
        .tls_config(TlsConfig::builder().root_certs(RootCerts::WebPki).build())
        .user_agent(concat!("gantry/", env!("CARGO_PKG_VERSION")))
        .build()
}

fn problem(uri: &Uri, error: Error) -> Problem {
    let host = uri.host().unwrap_or_default();
    let (code, why) = match error {
        Error::Timeout(_) => (Code::Timeout, format!("`{host}` did not answer in time")),
        Error::BodyExceedsLimit(limit) => {
            let why = format!("the answer of `{host}` is larger than {limit} bytes");
            (Code::PayloadTooLarge, why)
        }
        Error::BadUri(why) => (
            Code::InvalidInput,
            format!("the address cannot be asked: {why}"),
        ),
        Error::Other(error) if error.is::<Refused>() => {
            let problem = Problem::new(Code::Forbidden).detail(error.to_string());
            return problem.hint("nexus' HTTP_HOSTS and HTTP_PRIVATE say what may be reached");
        }
        other => (
            Code::Unavailable,
            format!("`{host}` cannot be asked: {other}"),
        ),
    };
    Problem::new(code).detail(why)
}
