//! What a service has to do with others: networks, ports, secrets, images, the host.

use serde_json::json;

use super::{check, check_at, good, told};
use crate::lint::{Stage, lint};

#[test]
fn whom_it_reaches_and_who_reaches_it() {
    check("networks", json!(null), &["networks: api/networks"]);
    check(
        "networks",
        json!({"default": null}),
        &["networks: api/networks/default"],
    );
    check(
        "networks",
        json!({"edge": null}),
        &["networks: api/networks/edge"],
    );
    check(
        "networks",
        json!({"unknown": null}),
        &["networks: api/networks/unknown"],
    );
    check("networks", json!({"app": null, "egress": null}), &[]);
    check(
        "networks",
        json!({"debug": null}),
        &["networks: api/networks/debug"],
    );
    check("network_mode", json!("none"), &[]);
    check(
        "network_mode",
        json!("service:edge"),
        &["networks: api/network_mode"],
    );
    let port = |address: &str| json!([{"host_ip": address, "target": 5432, "published": "5432"}]);
    check("ports", port("127.0.0.1"), &["ports: api/ports/0"]);
    check("ports", port(""), &["ports: api/ports/0/host_ip"]);
    let edge = |address, expected: &[&str]| {
        check_at(
            Stage::Production,
            "services/edge/ports",
            port(address),
            expected,
        );
    };
    edge("192.0.2.7", &[]);
    edge("0.0.0.0", &["ports: edge/ports/0/host_ip"]);
    edge("", &["ports: edge/ports/0/host_ip"]);
    let mut config = good();
    config["services"]["postgres"]["networks"] = json!({"app": null, "debug": null});
    config["services"]["postgres"]["ports"] = port("127.0.0.1");
    assert_eq!(
        told(&lint(&config, Stage::Development)),
        Vec::<String>::new()
    );
    config["services"]["postgres"]["ports"] = port("192.0.2.7");
    assert_eq!(
        told(&lint(&config, Stage::Development)),
        ["ports: postgres/ports/0"]
    );
}

#[test]
fn what_it_could_betray() {
    check(
        "environment",
        json!({"DB_PASSWORD": "x"}),
        &["secrets: api/environment/DB_PASSWORD"],
    );
    check(
        "environment",
        json!({"API_TOKEN": null}),
        &["secrets: api/environment/API_TOKEN"],
    );
    check(
        "environment",
        json!({"DB": "postgres://me:x@db/films"}),
        &["secrets: api/environment/DB"],
    );
    check(
        "environment",
        json!({"DB_PASSWORD_FILE": "x", "TOKEN": "/run/secrets/token"}),
        &[],
    );
    check(
        "labels",
        json!({"a/secret": "x"}),
        &["secrets: api/labels/a~1secret"],
    );
    check(
        "command",
        json!(["redis-server", "--requirepass", "x"]),
        &["secrets: api/command/1"],
    );
    check(
        "command",
        json!(["serve", "--token=x"]),
        &["secrets: api/command/1"],
    );
    check(
        "command",
        json!(["serve", "--token-file=x", "--key", "/run/secrets/key"]),
        &[],
    );
    check(
        "entrypoint",
        json!(["x", "http://a:b@c"]),
        &["secrets: api/entrypoint/1"],
    );
    check(
        "build",
        json!({"args": {"NPM_TOKEN": "x"}}),
        &["secrets: api/build/args/NPM_TOKEN"],
    );
    check(
        "secrets",
        json!([{"source": "bare"}]),
        &["secrets: api/secrets/0"],
    );
}

#[test]
fn which_image_it_is() {
    let mut config = good();
    let mut check = |image: &str, builds: bool, development: &[&str], production: &[&str]| {
        let api = &mut config["services"]["api"];
        api["image"] = json!(image);
        api["build"] = if builds {
            json!({"context": "."})
        } else {
            json!(null)
        };
        assert_eq!(
            told(&lint(&config, Stage::Development)),
            development,
            "{image}"
        );
        assert_eq!(
            told(&lint(&config, Stage::Production)),
            production,
            "{image}"
        );
    };
    let hole = &["image: api/image"][..];
    check("gantry/api:0.1.0", true, &[], &[]);
    check("registry:5000/gantry/api", true, &[], hole);
    check("gantry/api:latest", true, &[], hole);
    check("redis:8", false, hole, hole);
    check(
        "redis",
        false,
        hole,
        &["image: api/image", "image: api/image"],
    );
    check("redis@sha256:12", false, hole, hole);
    // What another service builds is own, too.
    let mut shared = good();
    shared["services"]["postgres"]["image"] = json!("gantry/postgres:1");
    shared["services"]["postgres"]["build"] = json!({"context": "."});
    shared["services"]["seed"]["image"] = json!("gantry/postgres:1");
    assert_eq!(
        told(&lint(&shared, Stage::Production)),
        Vec::<String>::new()
    );
    let digest = "4a5f0b1f3d6f6a4b8e7b5a4d1c2f3e4d5c6b7a8990a1b2c3d4e5f60718293a4b";
    check(&format!("redis@sha256:{digest}"), false, &[], &[]);
}

#[test]
fn what_it_never_has() {
    check("privileged", json!(true), &["never: api/privileged"]);
    check(
        "network_mode",
        json!("host"),
        &["networks: api/network_mode", "never: api/network_mode"],
    );
    for key in ["pid", "ipc", "uts", "userns_mode", "cgroup"] {
        check(key, json!("host"), &[&format!("never: api/{key}")]);
    }
    check(
        "devices",
        json!([{"source": "/dev/fuse"}]),
        &["never: api/devices"],
    );
    check("cgroup_parent", json!("/"), &["never: api/cgroup_parent"]);
    let bind = |source: &str| json!([{"type": "bind", "source": source, "target": "/x", "read_only": true}]);
    for source in [
        "/",
        "/etc",
        "/etc/ssl/",
        "/proc",
        "/sys/fs",
        "/var/run",
        "/dev/shm",
        "/run/docker.sock",
        "/srv/docker.sock",
    ] {
        check("volumes", bind(source), &["never: api/volumes/0"]);
    }
    check("volumes", bind("/etcetera"), &[]);
    let shared = json!([{"type": "bind", "source": "/srv", "target": "/x", "bind": {"propagation": "rshared"}}]);
    check("volumes", shared, &["never: api/volumes/0"]);
    let mut config = good();
    config["volumes"]["records"] =
        json!({"driver_opts": {"type": "none", "o": "bind", "device": "/etc"}});
    assert_eq!(
        told(&lint(&config, Stage::Production)),
        ["never: postgres/volumes/0"]
    );
}
