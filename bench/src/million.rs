//! A million films over HTTP in one request or one answer, without holding them.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt, Empty};
use hyper::body::{Body, Frame, Incoming};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

use crate::stream::Passed;
use crate::work::{film, film_id};

/// Films of one frame of the body.
const PART: u64 = 1000;
/// What stands before an id and its last 12 digits, by which alone the ids differ.
const BEFORE_DIGITS: usize = r#"{"id":"00000000-0000-7000-8000-"#.len();

/// All films, as JSON Lines or CSV.
pub(crate) fn receive(port: u16, form: &str) -> anyhow::Result<Passed> {
    let request = Request::get("/api/v1/film?limit=all")
        .header("host", "127.0.0.1")
        .header("accept", form)
        .body(Empty::<Bytes>::new())?;
    exchange(port, request, async |answer| {
        let mut passed = Passed::nothing();
        let mut body = answer.into_body();
        while let Some(frame) = body.frame().await {
            if let Some(part) = frame?.data_ref() {
                passed.count(part);
            }
        }
        Ok(passed)
    })
}

/// The films of the numbers from 1, as JSON Lines; whole thousands of them.
pub(crate) fn send(port: u16, rows: u64) -> anyhow::Result<Passed> {
    let films = Films::of(rows);
    let bytes = films.part.len() as u64 * (rows / PART);
    let request = Request::post("/api/v1/film")
        .header("host", "127.0.0.1")
        .header("content-type", "application/x-ndjson")
        .header("prefer", "return=minimal")
        .body(films)?;
    exchange(port, request, async |answer| {
        answer.into_body().collect().await?;
        Ok(Passed {
            rows,
            bytes,
            took: Duration::ZERO,
        })
    })
}

/// One request on a connection of its own, until its answer has been read.
fn exchange<B>(
    port: u16,
    request: Request<B>,
    read: impl AsyncFnOnce(Response<Incoming>) -> anyhow::Result<Passed>,
) -> anyhow::Result<Passed>
where
    B: Body<Data = Bytes, Error = Infallible> + Send + 'static,
{
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(async {
        let stream = TcpStream::connect(("127.0.0.1", port)).await?;
        let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
        let begun = Instant::now();
        let asking = async {
            let answer = sender.send_request(request).await?;
            let status = answer.status();
            if !status.is_success() {
                let body = answer.into_body().collect().await?.to_bytes();
                anyhow::bail!("{status}: {}", String::from_utf8_lossy(&body));
            }
            let mut passed = read(answer).await?;
            passed.took = begun.elapsed();
            drop(sender);
            Ok(passed)
        };
        let (passed, ended) = tokio::join!(asking, connection);
        let passed = passed?;
        ended?;
        Ok(passed)
    })
}

/// A body that is made while it is sent: the same thousand films again and again, under other ids.
struct Films {
    part: Vec<u8>,
    /// Where in the part the digits of each id are.
    digits: Vec<usize>,
    next: u64,
    last: u64,
}

impl Films {
    fn of(rows: u64) -> Self {
        let (mut part, mut digits) = (Vec::new(), Vec::new());
        for number in 1..=PART {
            digits.push(part.len() + BEFORE_DIGITS);
            let rest = film(number).to_string();
            let line = format!("{{\"id\":\"{}\",{}\n", film_id(number), &rest[1..]);
            part.extend(line.into_bytes());
        }
        Self {
            part,
            digits,
            next: 1,
            last: rows,
        }
    }
}

impl Body for Films {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        if self.next > self.last {
            return Poll::Ready(None);
        }
        let films = &mut *self;
        for at in &films.digits {
            let digits = format!("{:012x}", films.next);
            films.part[*at..*at + digits.len()].copy_from_slice(digits.as_bytes());
            films.next += 1;
        }
        Poll::Ready(Some(Ok(Frame::data(Bytes::copy_from_slice(&films.part)))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_film_has_an_id_of_its_own() {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .build()
            .unwrap();
        let sent = runtime.block_on(Films::of(3000).collect()).unwrap();
        let sent = sent.to_bytes();
        let ids: Vec<String> = sent
            .split(|byte| *byte == b'\n')
            .filter(|line| !line.is_empty())
            .map(|line| serde_json::from_slice::<serde_json::Value>(line).unwrap())
            .map(|film| film["id"].as_str().unwrap().to_owned())
            .collect();
        let expected: Vec<String> = (1..=3000).map(film_id).collect();
        assert_eq!(ids, expected);
    }
}
