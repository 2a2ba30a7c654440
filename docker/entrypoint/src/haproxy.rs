//! The edge's image: `HAProxy` behind a check of its certificate and its configuration, and its probe.

use std::fs;

use crate::exchange::Exchange;
use crate::settings::Settings;
use crate::{Error, entry, launch};

const SERVER: &str = "/usr/sbin/haproxy";
const CONF: &str = "/etc/haproxy/haproxy.cfg";
/// The configuration names this file, so it is no setting.
const CERTIFICATE: &str = "/run/secrets/edge_certificate";
/// What the configuration asks of the environment; the image sets each.
const NUMBERS: [(&str, u32); 3] = [
    ("GANTRY_EDGE_HTTPS_PORT", 65_535),
    ("GANTRY_EDGE_RATE", 1_000_000_000),
    ("GANTRY_EDGE_MAXCONN", 1_000_000),
];
const OPS: u16 = 8404;

pub fn act(words: &[&str]) -> Result<(), Error> {
    let mut settings = Settings::of_process(&["GANTRY_EDGE_"]);
    for (name, most) in NUMBERS {
        let value = settings.take(name, "");
        if !value
            .parse::<u32>()
            .is_ok_and(|number| (1..=most).contains(&number))
        {
            return Err(Error::Settings(format!(
                "{name} is a number from 1 to {most}, not `{value}`"
            )));
        }
    }
    settings.end()?;
    match words {
        [] => serve(),
        ["probe"] => ask(Exchange::open(OPS)?),
        _ => Err(entry::unknown(words, "nothing, probe")),
    }
}

fn serve() -> Result<(), Error> {
    let text = fs::read_to_string(CERTIFICATE).map_err(|error| {
        Error::Settings(format!(
            "the certificate {CERTIFICATE} cannot be read ({error}): mount a PEM file with the chain and its private \
             key there as the secret edge_certificate"
        ))
    })?;
    certificate(&text).map_err(|what| {
        Error::Settings(format!(
            "{CERTIFICATE} holds no {what}: it has to be one PEM file with the certificate, its chain and its private \
             key (cat fullchain.pem privkey.pem)"
        ))
    })?;
    let mut trial = launch::inheriting(SERVER);
    trial.args(["-c", "-f", CONF]);
    launch::step(trial, "")?;
    // With a master, a new certificate is loaded by SIGUSR2 without closing the port; SIGUSR1 still drains all.
    let mut server = launch::inheriting(SERVER);
    server.args(["-W", "-db", "-f", CONF]);
    Err(launch::become_server(server))
}

/// What is missing.
fn certificate(pem: &str) -> Result<(), &'static str> {
    let has = |what: &str| {
        let begins = |line: &str| line.starts_with("-----BEGIN ") && line.contains(what);
        pem.lines().any(begins)
    };
    if !has("CERTIFICATE-----") {
        return Err("certificate");
    }
    if !has("PRIVATE KEY-----") {
        return Err("private key");
    }
    Ok(())
}

fn ask(mut exchange: Exchange) -> Result<(), Error> {
    exchange.send(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")?;
    let line = exchange.line()?;
    if line.starts_with("HTTP/1.1 200 ") {
        return Ok(());
    }
    Err(Error::Unfit(format!("/healthz answers {line}")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exchange::fake::answering;

    #[test]
    fn a_certificate_comes_with_its_key() {
        let chain = "-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----\n";
        assert_eq!(certificate(""), Err("certificate"));
        assert_eq!(certificate(chain), Err("private key"));
        let with = |kind: &str| format!("{chain}-----BEGIN {kind}PRIVATE KEY-----\n");
        for kind in ["", "EC ", "RSA "] {
            assert_eq!(certificate(&with(kind)), Ok(()));
        }
    }

    #[test]
    fn only_200_is_green() {
        let check = |answer: &'static [&'static [u8]], expected: bool| {
            assert_eq!(ask(answering(answer)).is_ok(), expected);
        };
        check(&[b"HTTP/1.1 200 OK\r\n\r\n"], true);
        check(&[b"HTTP/1.1 503 Service Unavailable\r\n\r\n"], false);
        check(&[b"nonsense"], false);
    }
}
