//! A client from outside: https to the edge, whose certificate it knows.

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, ensure};
use serde_json::Value;
use ureq::tls::{Certificate, PemItem, RootCerts, TlsConfig, parse_pem};
use ureq::{Agent, Body, http};

use crate::Answer;

/// Above the deadline of a read, so that who gives up first is the server.
const PATIENCE: Duration = Duration::from_mins(2);

/// Cheap to clone; connections are kept and shared.
#[derive(Clone)]
pub struct Edge {
    agent: Agent,
    address: String,
    key: Option<String>,
}

impl Edge {
    /// At this port of loopback, as the holder of the key.
    pub fn new(port: u16, certificate: &Path, key: &str) -> anyhow::Result<Self> {
        let pem = std::fs::read(certificate)
            .with_context(|| format!("reading {}", certificate.display()))?;
        let roots: Vec<Certificate<'static>> = parse_pem(&pem)
            .filter_map(|item| match item {
                Ok(PemItem::Certificate(certificate)) => Some(certificate),
                _ => None,
            })
            .collect();
        let tls = TlsConfig::builder()
            .root_certs(RootCerts::Specific(Arc::new(roots)))
            .build();
        let agent = Agent::config_builder()
            .tls_config(tls)
            .http_status_as_error(false)
            .max_redirects(0)
            .timeout_global(Some(PATIENCE))
            .max_idle_connections_per_host(256)
            .max_idle_connections(256)
            .build()
            .into();
        Ok(Self {
            agent,
            address: format!("https://localhost:{port}"),
            key: Some(key.to_owned()),
        })
    }

    /// The same edge for the holder of another key, or of none.
    #[must_use]
    pub fn of(&self, key: Option<&str>) -> Self {
        Self {
            key: key.map(str::to_owned),
            ..self.clone()
        }
    }

    pub fn address(&self) -> &str {
        &self.address
    }

    pub fn get(&self, path: &str) -> anyhow::Result<Answer> {
        self.request("GET", path, &[], None)
    }

    /// An answer that is cut off is an error: it acknowledges nothing.
    pub fn request(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: Option<&Value>,
    ) -> anyhow::Result<Answer> {
        let mut response = self.send(method, path, headers, body)?;
        let headers = response
            .headers()
            .iter()
            .map(|(name, value)| {
                let value = String::from_utf8_lossy(value.as_bytes()).into_owned();
                (name.as_str().to_owned(), value)
            })
            .collect();
        Ok(Answer {
            status: response.status().as_u16(),
            headers,
            body: response
                .body_mut()
                .with_config()
                .limit(1 << 30)
                .read_to_vec()?,
        })
    }

    /// The lines of an answer as they come, for one that does not end by itself.
    pub fn lines(
        &self,
        path: &str,
    ) -> anyhow::Result<impl Iterator<Item = std::io::Result<String>>> {
        let response = self.send("GET", path, &[], None)?;
        ensure!(response.status() == 200, "{path}: {}", response.status());
        Ok(BufReader::new(response.into_body().into_reader()).lines())
    }

    fn send(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: Option<&Value>,
    ) -> anyhow::Result<http::Response<Body>> {
        let mut request = http::Request::builder()
            .method(method)
            .uri(format!("{}{path}", self.address));
        if let Some(key) = &self.key {
            request = request.header("Authorization", format!("Bearer {key}"));
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let sent = match body {
            Some(body) => self.agent.run(
                request
                    .header("Content-Type", "application/json")
                    .body(body.to_string())?,
            ),
            None => self.agent.run(request.body(())?),
        };
        Ok(sent?)
    }
}
