//! `<service> healthcheck`: the image's own probe, without a shell and curl.

use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::process::ExitCode;
use std::time::Duration;

use crate::Env;

/// 0 where the service's own `/readyz` says 200.
pub(crate) fn healthcheck(service: &str) -> ExitCode {
    let env = Env::of_process(service);
    let mut address: SocketAddr =
        env.or("OPS_LISTEN", SocketAddr::from((Ipv4Addr::LOCALHOST, 9100)));
    if address.ip().is_unspecified() {
        address.set_ip(Ipv4Addr::LOCALHOST.into());
    }
    match ask(address) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) | Err(_) => ExitCode::FAILURE,
    }
}

fn ask(address: SocketAddr) -> std::io::Result<bool> {
    let limit = Duration::from_secs(4);
    let mut stream = TcpStream::connect_timeout(&address, limit)?;
    stream.set_read_timeout(Some(limit))?;
    stream.write_all(b"GET /readyz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")?;
    let mut head = [0; 12];
    stream.read_exact(&mut head)?;
    Ok(&head == b"HTTP/1.1 200")
}
