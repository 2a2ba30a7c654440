//! All the addresses that a service's name has, asked again each second, used in turn.

use std::net::{IpAddr, SocketAddr};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::{HeaderValue, Request, Response, Uri};
use http_body_util::combinators::UnsyncBoxBody;
use hyper::body::Incoming;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::client::legacy::{Client, Error};
use hyper_util::rt::{TokioExecutor, TokioTimer};
use wire::Problem;

use crate::address::{Address, BadAddress};
use crate::tls::{self, Connector};

/// How long an answer of the resolver is believed, and a dead replica avoided.
const BELIEVED: Duration = Duration::from_secs(1);
/// How long one that drains is avoided: until after it has stopped, so that nothing is on its way to it at that moment.
const LEAVES: Duration = Duration::from_secs(5);
const CONNECT: Duration = Duration::from_secs(2);

pub(crate) type Outgoing = UnsyncBoxBody<Bytes, Problem>;

pub(crate) struct Endpoint {
    pub(crate) address: Address,
    http: Client<Connector, Outgoing>,
    /// Of `Host`, which stays the service's name whichever replica is asked.
    pub(crate) host: HeaderValue,
    replicas: Mutex<Replicas>,
    turn: AtomicUsize,
}

struct Replicas {
    addresses: Arc<[SocketAddr]>,
    until: Instant,
    /// Until when.
    avoided: Vec<(SocketAddr, Instant)>,
}

impl Endpoint {
    pub(crate) fn new(address: Address, trusted: Option<&[u8]>) -> Result<Self, BadAddress> {
        let mut connector = HttpConnector::new();
        connector.set_nodelay(true);
        connector.set_connect_timeout(Some(CONNECT));
        let connector = tls::connector(connector, &address, trusted)?;
        let http = Client::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            // Below the server's patience, so that no request meets a connection that is being closed.
            .pool_idle_timeout(Duration::from_secs(20))
            .set_host(false)
            .build(connector);
        let host = format!("{}:{}", bracketed(&address.host), address.port);
        Ok(Self {
            host: HeaderValue::from_str(&host).expect("a host that a URI has fits a header"),
            address,
            http,
            replicas: Mutex::new(Replicas {
                addresses: Arc::default(),
                until: Instant::now(),
                avoided: Vec::new(),
            }),
            turn: AtomicUsize::new(0),
        })
    }

    /// The replicas in the order in which to try them; those that refused or took their leave a moment ago come last,
    /// and of them those first that are the likeliest to be back.
    pub(crate) async fn replicas(&self) -> std::io::Result<Vec<SocketAddr>> {
        let now = Instant::now();
        let (known, fresh) = {
            let replicas = self.replicas.lock().unwrap_or_else(PoisonError::into_inner);
            (Arc::clone(&replicas.addresses), replicas.until > now)
        };
        let addresses = if fresh {
            known
        } else {
            self.resolve(known).await?
        };
        let mut order = addresses.to_vec();
        if order.len() > 1 {
            let turn = self.turn.fetch_add(1, Ordering::Relaxed) % order.len();
            order.rotate_left(turn);
            let mut replicas = self.replicas.lock().unwrap_or_else(PoisonError::into_inner);
            replicas.avoided.retain(|(_, until)| *until > now);
            order.sort_by_key(|address| {
                let mut avoided = replicas.avoided.iter();
                avoided.find_map(|(one, until)| (one == address).then_some(*until))
            });
        }
        Ok(order)
    }

    /// A resolver that does not answer leaves what was known: replicas outlive name servers.
    async fn resolve(&self, known: Arc<[SocketAddr]>) -> std::io::Result<Arc<[SocketAddr]>> {
        let (host, port) = (self.address.host.as_str(), self.address.port);
        let found: Arc<[SocketAddr]> = match host.parse::<IpAddr>() {
            Ok(ip) => Arc::new([SocketAddr::new(ip, port)]),
            Err(_) => {
                match tokio::time::timeout(CONNECT, tokio::net::lookup_host((host, port))).await {
                    Ok(Ok(found)) => found.collect(),
                    Ok(Err(error)) if known.is_empty() => return Err(error),
                    Err(_) if known.is_empty() => return Err(std::io::ErrorKind::TimedOut.into()),
                    Ok(Err(_)) | Err(_) => known,
                }
            }
        };
        self.believe(Arc::clone(&found));
        Ok(found)
    }

    fn believe(&self, found: Arc<[SocketAddr]>) {
        let mut replicas = self.replicas.lock().unwrap_or_else(PoisonError::into_inner);
        replicas.addresses = found;
        replicas.until = Instant::now() + BELIEVED;
    }

    /// Sends to one replica.
    pub(crate) async fn send(
        &self,
        replica: SocketAddr,
        path: &str,
        mut request: Request<Outgoing>,
    ) -> Result<Response<Incoming>, Error> {
        let scheme = if self.address.secure { "https" } else { "http" };
        let target = format!("{scheme}://{replica}{}{path}", self.address.prefix);
        *request.uri_mut() = Uri::try_from(target).unwrap_or_default();
        let sent = self.http.request(request).await;
        match &sent {
            Err(error) if error.is_connect() => self.avoid(replica, BELIEVED),
            Ok(response) if is_farewell(response) => self.avoid(replica, LEAVES),
            _ => {}
        }
        sent
    }

    /// For that time the others are asked first, and the resolver is asked again.
    fn avoid(&self, replica: SocketAddr, time: Duration) {
        let mut replicas = self.replicas.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        replicas.avoided.retain(|(avoided, _)| *avoided != replica);
        replicas.avoided.push((replica, now + time));
        replicas.until = now;
    }
}

/// A replica that drains ends each connection with its answer.
fn is_farewell(response: &Response<Incoming>) -> bool {
    let connection = response.headers().get(http::header::CONNECTION);
    connection.is_some_and(|value| value.as_bytes().eq_ignore_ascii_case(b"close"))
}

fn bracketed(host: &str) -> String {
    if host.contains(':') {
        format!("[{host}]")
    } else {
        host.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn who_takes_their_leave_is_asked_last_for_longer_than_who_refused() {
        let address = "http://dataflow:8001".parse().unwrap();
        let endpoint = Endpoint::new(address, None).unwrap();
        let addresses = [1, 2, 3].map(|last| SocketAddr::from(([127, 0, 0, last], 8001)));
        let [leaves, refuses, stays] = addresses;
        endpoint.avoid(leaves, LEAVES);
        endpoint.avoid(refuses, BELIEVED);
        for _ in 0..3 {
            endpoint.believe(Arc::new(addresses));
            assert_eq!(endpoint.replicas().await.unwrap(), [stays, refuses, leaves]);
        }
    }
}
