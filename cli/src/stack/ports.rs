//! Ports of this machine that a stack wants, looked at before anything starts.

use std::io;
use std::net::TcpListener;

use docker::{Container, Published, Stack};
use wire::ExitKind;

use crate::failure::Failure;

/// Names every port that somebody else listens on.
pub fn told_before(stack: &Stack, running: &[Container]) -> Result<(), Failure> {
    let ours: Vec<u16> = running.iter().flat_map(|c| c.published.clone()).collect();
    let mut taken = Vec::new();
    for service in &stack.services {
        for port in &service.published {
            if !ours.contains(&port.port) && is_taken(port) {
                taken.push(format!("{} for {}", shown(port), service.name));
            }
        }
    }
    if taken.is_empty() {
        return Ok(());
    }
    let detail = format!(
        "something else listens where the stack is to: {}",
        taken.join(", ")
    );
    Err(Failure::refused(ExitKind::Unavailable, detail).hint(
        "end it, or choose other ports: GANTRY_HTTPS_PORT=8444 GANTRY_HTTP_PORT=8081, in the environment or in .env",
    ))
}

/// Only what is certain: a port that may not be opened by this user is opened by the engine.
fn is_taken(port: &Published) -> bool {
    let address = port.address.as_deref().unwrap_or("0.0.0.0");
    let bound = TcpListener::bind((address, port.port));
    bound.is_err_and(|error| error.kind() == io::ErrorKind::AddrInUse)
}

fn shown(port: &Published) -> String {
    match port.address.as_deref() {
        Some(address) if address.contains(':') => format!("[{address}]:{}", port.port),
        Some(address) => format!("{address}:{}", port.port),
        None => port.port.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_port_that_is_taken_is_named_unless_the_stack_itself_has_it() {
        let busy = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = busy.local_addr().unwrap().port();
        let config = format!(
            r#"{{"services": {{"edge": {{"ports": [{{"host_ip": "127.0.0.1", "target": 8443, "published": "{port}"}}]}}}}}}"#
        );
        let stack = Stack::read(&config).unwrap();
        let refused = told_before(&stack, &[]).unwrap_err().to_json();
        let detail = refused["detail"].as_str().unwrap();
        assert!(
            detail.ends_with(&format!("127.0.0.1:{port} for edge")),
            "{detail}"
        );
        let own = format!(
            r#"{{"Service": "edge", "State": "running", "Publishers": [{{"URL": "127.0.0.1", "TargetPort": 8443, "PublishedPort": {port}, "Protocol": "tcp"}}]}}"#
        );
        told_before(&stack, &docker::containers(&own).unwrap()).unwrap();
    }
}
