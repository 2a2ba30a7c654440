//! Whom a service can reach, and who can reach it.

use super::service::Service;
use super::{Column, Holes, Stage};
use crate::read::{items, number, text};

pub(super) fn check(service: &Service<'_>, holes: &mut Holes<'_>) {
    networks(service, holes);
    ports(service, holes);
}

fn networks(service: &Service<'_>, holes: &mut Holes<'_>) {
    let mode = service.text("network_mode");
    if mode == "none" {
        return;
    }
    if !mode.is_empty() {
        // The host's own is told in another column, too.
        let what =
            format!("network_mode {mode} puts it onto a network that the file does not name");
        holes.found(Column::Networks, "network_mode", what, "networks: [app]");
        return;
    }
    let networks = service.networks();
    if networks.is_empty() {
        let what = "it is on no network of its own";
        holes.found(Column::Networks, "networks", what, "networks: [app]");
    }
    for (name, internal) in networks {
        let place = format!("networks/{name}");
        if name == "default" {
            let what = "everything shares the network `default`, and it leads outside";
            holes.found(
                Column::Networks,
                &place,
                what,
                "networks: [app], with app internal",
            );
            continue;
        }
        let may = match name {
            "edge" => service.is_edge(),
            "egress" => true,
            "debug" => service.stage == Stage::Development,
            _ => false,
        };
        if !internal && !may {
            let (what, fix) = match name {
                "edge" => (
                    "only the service `edge` faces the outside".to_owned(),
                    "networks: [app]".to_owned(),
                ),
                "debug" => (
                    "the network `debug` is for development".to_owned(),
                    "leave it out of production".to_owned(),
                ),
                _ => (
                    format!("the network `{name}` leads outside"),
                    format!(
                        "networks: {{ {name}: {{ internal: true }} }} at the top, or egress for what must call out"
                    ),
                ),
            };
            holes.found(Column::Networks, &place, what, fix);
        }
    }
}

fn ports(service: &Service<'_>, holes: &mut Holes<'_>) {
    let is_debug = service.networks().iter().any(|(name, _)| *name == "debug");
    for (index, port) in items(service.key("ports")).enumerate() {
        let published = text(port, "published");
        let target = number(&port["target"]).unwrap_or_default();
        let place = format!("ports/{index}");
        let mut found = |what: String, fix: String| {
            holes.found(Column::Ports, &format!("{place}/host_ip"), what, fix);
        };
        let fix = format!("\"${{GANTRY_BIND:-127.0.0.1}}:{published}:{target}\"");
        let address = text(port, "host_ip");
        match address {
            "" => found(
                format!("{published} is open on every address of the host"),
                fix,
            ),
            "0.0.0.0" | "::" if service.is_edge() => {
                found(
                    format!("{published} is open on every address of the host"),
                    fix,
                );
            }
            _ => {}
        }
        if service.is_edge() {
            continue;
        }
        let is_loopback = address.starts_with("127.") || address == "::1";
        let may = service.stage == Stage::Development && is_debug && is_loopback;
        if !may && !address.is_empty() {
            let what = format!("{published} is published, which is for the edge alone");
            let fix =
                "leave it out; in development on 127.0.0.1, by a service on the network `debug`";
            holes.found(Column::Ports, &place, what, fix);
        }
    }
}
