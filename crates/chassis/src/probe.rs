//! `<service> healthcheck`: the image's own probe, without a shell and curl.

use std::io::{self, Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::process::ExitCode;
use std::time::Duration;

use crate::Env;

const LIMIT: Duration = Duration::from_secs(4);
/// More of an answer than anybody reads in a status.
const MOST_SHOWN: usize = 200;

/// Success where the service's own `/readyz` says 200; else a line says why, which Docker shows. With `report` its
/// `/health` is printed, and having got it is the success.
pub(crate) fn healthcheck(service: &str, report: bool) -> ExitCode {
    let env = Env::of_process(service);
    let mut address: SocketAddr =
        env.or("OPS_LISTEN", SocketAddr::from((Ipv4Addr::LOCALHOST, 9100)));
    if address.ip().is_unspecified() {
        address.set_ip(Ipv4Addr::LOCALHOST.into());
    }
    let path = if report { "/health" } else { "/readyz" };
    let told = match ask(address, path) {
        Ok((_, body)) if report => return print(&body),
        Ok((200, _)) => return ExitCode::SUCCESS,
        Ok((status, body)) => {
            let shown: String = body.trim().chars().take(MOST_SHOWN).collect();
            format!("{path}: {status} {shown}")
        }
        Err(error) => format!("{path} at {address}: {error}"),
    };
    // A closed standard error leaves nobody to tell.
    let _ = writeln!(io::stderr(), "{told}");
    ExitCode::FAILURE
}

fn print(report: &str) -> ExitCode {
    match writeln!(io::stdout(), "{}", report.trim_end()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    }
}

/// Status and body.
fn ask(address: SocketAddr, path: &str) -> io::Result<(u16, String)> {
    let mut stream = TcpStream::connect_timeout(&address, LIMIT)?;
    stream.set_read_timeout(Some(LIMIT))?;
    // HTTP/1.0, so that the body comes in one piece and ends with the connection.
    write!(stream, "GET {path} HTTP/1.0\r\nHost: localhost\r\n\r\n")?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer)?;
    let answer = String::from_utf8_lossy(&answer);
    let (head, body) = answer.split_once("\r\n\r\n").unwrap_or_default();
    let status = head
        .split(' ')
        .nth(1)
        .and_then(|status| status.parse().ok());
    let status = status.ok_or_else(|| io::Error::other("the answer is no HTTP"))?;
    Ok((status, body.to_owned()))
}
