//! The load generator, a process of its own: so many connections, each sends its next request when it has its answer.

use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use bytes::Bytes;
use http::Request;
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http1::{self, SendRequest};
use hyper_util::rt::TokioIo;
use serde_json::json;
use tokio::net::TcpStream;
use tokio::task::JoinSet;

use crate::work::Work;

/// Prints one line of JSON: `requests`, `seconds`, `per_second`, and latencies in milliseconds.
pub(crate) fn run(
    port: &str,
    work: &str,
    concurrency: &str,
    seconds: &str,
    token: Option<&str>,
) -> anyhow::Result<()> {
    let plan = Plan {
        port: port.parse()?,
        work: Work::named(work)?,
        clients: concurrency.parse()?,
        duration: Duration::from_secs_f64(seconds.parse()?),
        token: token.map(str::to_owned),
    };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let (mut latencies, took) = runtime.block_on(measure(&plan))?;
    ensure!(
        !latencies.is_empty(),
        "not one request was answered in time"
    );
    latencies.sort_unstable();
    let at = |percent: usize| {
        let index = (latencies.len() * percent / 100).min(latencies.len() - 1);
        latencies[index].as_secs_f64() * 1000.0
    };
    let answered = u32::try_from(latencies.len())?;
    println!(
        "{}",
        json!({
            "requests": answered,
            "seconds": took.as_secs_f64(),
            "per_second": f64::from(answered) / took.as_secs_f64(),
            "p50_ms": at(50),
            "p99_ms": at(99),
        })
    );
    Ok(())
}

struct Plan {
    port: u16,
    work: Work,
    clients: u64,
    duration: Duration,
    token: Option<String>,
}

/// The latencies of the requests that began and ended within the measured time.
async fn measure(plan: &Plan) -> anyhow::Result<(Vec<Duration>, Duration)> {
    let begin = Instant::now() + plan.duration / 4;
    let end = begin + plan.duration;
    let mut connections = JoinSet::new();
    let mut clients = JoinSet::new();
    for number in 0..plan.clients {
        let stream = TcpStream::connect(("127.0.0.1", plan.port)).await?;
        stream.set_nodelay(true)?;
        let (sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
        connections.spawn(connection);
        let client = Client {
            sender,
            work: plan.work,
            host: format!("127.0.0.1:{}", plan.port),
            authorization: plan.token.as_ref().map(|token| format!("Bearer {token}")),
        };
        clients.spawn(client.run(number * 1_000_003 + seed(), begin, end));
    }
    let mut latencies = Vec::new();
    while let Some(done) = clients.join_next().await {
        latencies.extend(done??);
    }
    Ok((latencies, plan.duration))
}

/// Another start in each process, so that two measurements do not ask for the same films.
fn seed() -> u64 {
    let (_, low) = uuid::Uuid::now_v7().as_u64_pair();
    low >> 8
}

struct Client {
    sender: SendRequest<Full<Bytes>>,
    work: Work,
    host: String,
    authorization: Option<String>,
}

impl Client {
    async fn run(
        mut self,
        first: u64,
        begin: Instant,
        end: Instant,
    ) -> anyhow::Result<Vec<Duration>> {
        let mut latencies = Vec::new();
        let mut number = first;
        while Instant::now() < end {
            let request = self.request(number)?;
            number = number.wrapping_add(1);
            let sent = Instant::now();
            let answer = self.sender.send_request(request).await?;
            let status = answer.status();
            let body = answer.into_body().collect().await?.to_bytes();
            ensure!(
                status.is_success(),
                "{status}: {}",
                String::from_utf8_lossy(&body)
            );
            let answered = Instant::now();
            if sent >= begin && answered <= end {
                latencies.push(answered - sent);
            }
        }
        Ok(latencies)
    }

    fn request(&self, number: u64) -> anyhow::Result<Request<Full<Bytes>>> {
        let (method, path, body) = self.work.request(number);
        let mut request = Request::builder()
            .method(method)
            .uri(path)
            .header("host", &self.host);
        if let Some(authorization) = &self.authorization {
            request = request.header("authorization", authorization);
        }
        let body = match body {
            Some(body) => {
                request = request.header("content-type", "application/json");
                Bytes::from(serde_json::to_vec(&body)?)
            }
            None => Bytes::new(),
        };
        request.body(Full::new(body)).context("a request")
    }
}
