//! The generator of load, a process of its own: so many connections, each sends its next request when it has its
//! answer.
//!
//! It shares the machine with what it loads, so it does as little as it can: requests are rendered before the
//! measurement, one thread waits for all sockets at once, and of an answer only the head is read.

use std::net::{Ipv4Addr, SocketAddr, TcpStream, ToSocketAddrs as _};
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use mio::{Events, Interest, Poll, Token};
use serde_json::json;

use crate::connection::Connection;
use crate::work::{self, Work};
use crate::{flow, mcp};

/// How long answers may take that are still due at the end.
const DRAIN: Duration = Duration::from_secs(30);

/// `address` is `host:port`, or a port of loopback; `asked` is a work's name, or a path to get. Prints one line of JSON: `requests` within the measured time,
/// `answered` in all, `seconds`, `per_second`, and latencies in milliseconds.
pub(crate) fn run(
    address: &str,
    asked: &str,
    concurrency: &str,
    seconds: &str,
) -> anyhow::Result<()> {
    let requests = Requests::of(asked)?;
    let duration = Duration::from_secs_f64(seconds.parse()?);
    let address = match address.parse() {
        Ok(port) => SocketAddr::from((Ipv4Addr::LOCALHOST, port)),
        Err(_) => address
            .to_socket_addrs()?
            .next()
            .context("the name has an address")?,
    };
    let measured = measure(&requests, address, concurrency.parse()?, duration)?;
    let mut latencies = measured.latencies;
    latencies.sort_unstable();
    let at = |percent: usize| {
        let latency = latencies.get(latencies.len() * percent / 100);
        latency.map(|latency| latency.as_secs_f64() * 1000.0)
    };
    let count = u32::try_from(latencies.len())?;
    println!(
        "{}",
        json!({
            "requests": count,
            "answered": measured.answered,
            "seconds": duration.as_secs_f64(),
            "per_second": f64::from(count) / duration.as_secs_f64(),
            "p50_ms": at(50),
            "p99_ms": at(99),
        })
    );
    Ok(())
}

struct Requests {
    rendered: Vec<Vec<u8>>,
    /// Whether an answer without a body is a failure.
    answer_has_body: bool,
}

impl Requests {
    fn of(asked: &str) -> anyhow::Result<Self> {
        if asked.starts_with('/') {
            return Ok(Self {
                rendered: vec![work::get(asked)],
                answer_has_body: true,
            });
        }
        if asked.starts_with("mcp:") {
            let numbers = 0..Work::Read.different_requests();
            return Ok(Self {
                rendered: numbers
                    .map(|number| mcp::request(asked, number))
                    .collect::<anyhow::Result<_>>()?,
                answer_has_body: true,
            });
        }
        if asked.starts_with("run:") {
            return Ok(Self {
                rendered: vec![flow::request(asked)],
                answer_has_body: true,
            });
        }
        let work = Work::named(asked)?;
        // Another start in each process, so that two measurements do not ask for the same films in the same order.
        let (_, first) = uuid::Uuid::now_v7().as_u64_pair();
        let numbers = 0..work.different_requests();
        Ok(Self {
            rendered: numbers
                .map(|number| work.request(first.wrapping_add(number)))
                .collect(),
            answer_has_body: work != Work::Bulk,
        })
    }

    fn nth(&self, number: usize) -> &[u8] {
        &self.rendered[number % self.rendered.len()]
    }
}

struct Measured {
    /// Of the requests that were answered within the measured time.
    latencies: Vec<Duration>,
    /// With those of the warm-up and those that came late.
    answered: u64,
}

fn measure(
    requests: &Requests,
    address: SocketAddr,
    clients: usize,
    duration: Duration,
) -> anyhow::Result<Measured> {
    let mut poll = Poll::new()?;
    let mut connections = Vec::with_capacity(clients);
    for number in 0..clients {
        let stream = TcpStream::connect(address)?;
        stream.set_nodelay(true)?;
        stream.set_nonblocking(true)?;
        let mut stream = mio::net::TcpStream::from_std(stream);
        let interest = Interest::READABLE | Interest::WRITABLE;
        poll.registry()
            .register(&mut stream, Token(number), interest)?;
        connections.push(Connection::new(stream));
    }
    let mut measured = Measured {
        latencies: Vec::new(),
        answered: 0,
    };
    let begin = Instant::now() + duration / 4;
    let end = begin + duration;
    for (number, connection) in connections.iter_mut().enumerate() {
        connection.ask(requests.nth(number), Instant::now())?;
    }
    let mut events = Events::with_capacity(clients);
    let mut asked = clients;
    let mut due = clients;
    while due > 0 {
        let left = (end + DRAIN).saturating_duration_since(Instant::now());
        ensure!(!left.is_zero(), "{due} answers are missing");
        poll.poll(&mut events, Some(left))?;
        for event in &events {
            let connection = &mut connections[event.token().0];
            if !connection.advance(requests.answer_has_body)? {
                continue;
            }
            let now = Instant::now();
            measured.answered += 1;
            if (begin..end).contains(&now) {
                measured.latencies.push(now - connection.asked_at());
            }
            if now < end {
                connection
                    .ask(requests.nth(asked), now)
                    .context("sending the next request")?;
                asked += 1;
            } else {
                due -= 1;
            }
        }
    }
    Ok(measured)
}
