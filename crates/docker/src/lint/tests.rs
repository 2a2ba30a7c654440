//! One good file without a hole, and every column broken by itself.

use serde_json::{Value, json};

use super::{Column, Report, Stage, lint};

/// As `docker compose config --format json` writes it.
fn good() -> Value {
    let service = json!({
        "image": "gantry/x:0.1.0@sha256:4a5f0b1f3d6f6a4b8e7b5a4d1c2f3e4d5c6b7a8990a1b2c3d4e5f60718293a4b",
        "user": "65532:65532",
        "read_only": true,
        "tmpfs": ["/tmp:noexec,nosuid,nodev,size=16m"],
        "cap_drop": ["ALL"],
        "security_opt": ["no-new-privileges:true"],
        "mem_limit": "268435456",
        "cpus": 1.5,
        "pids_limit": 128,
        "ulimits": {"nofile": {"soft": 4096, "hard": 4096}},
        "logging": {"driver": "local", "options": {"max-file": "3", "max-size": "10m", "mode": "non-blocking"}},
        "healthcheck": {"timeout": "5s", "interval": "30s", "retries": 3, "start_period": "10s"},
        "restart": "on-failure:5",
        "stop_grace_period": "35s",
        "networks": {"app": null},
        "environment": {"GANTRY_API_DATAFLOW": "http://dataflow:8001", "GANTRY_X_KEY_FILE": "/run/secrets/key"},
        "secrets": [{"source": "key", "target": "/run/secrets/key"}],
        "command": null,
        "entrypoint": null,
    });
    let mut edge = service.clone();
    edge["networks"] = json!({"app": null, "edge": null});
    edge["ports"] = json!([{"mode": "ingress", "host_ip": "127.0.0.1", "target": 8443, "published": "8443", "protocol": "tcp"}]);
    edge["depends_on"] = json!({"api": {"condition": "service_started", "required": true}});
    let mut api = service.clone();
    api["depends_on"] = json!({"seed": {"condition": "service_completed_successfully", "required": true},
        "postgres": {"condition": "service_healthy", "required": true}});
    let mut seed = service.clone();
    seed["restart"] = json!("on-failure:5");
    seed["healthcheck"] = json!({"disable": true});
    let mut postgres = service;
    postgres["stop_grace_period"] = json!("1m0s");
    postgres["volumes"] = json!([{"type": "volume", "source": "records", "target": "/var/lib/postgresql"},
        {"type": "bind", "source": "/srv/films", "target": "/project", "read_only": true}]);
    json!({
        "name": "gantry-films",
        "networks": {"app": {"name": "a", "internal": true}, "edge": {"name": "e"}, "debug": {"name": "d"},
            "egress": {"name": "o"}, "default": {"name": "n"}},
        "volumes": {"records": {"name": "r"}},
        "secrets": {"key": {"name": "k", "file": "/srv/films/.gantry/secrets/key"}, "bare": {"environment": "X"}},
        "services": {"edge": edge, "api": api, "seed": seed, "postgres": postgres},
    })
}

/// What of the findings tests look at: service, column and place.
fn told(report: &Report) -> Vec<String> {
    let findings = report.findings.iter().map(|finding| {
        assert!(!finding.what.is_empty() && !finding.fix.is_empty());
        let place = finding.pointer.strip_prefix("/services/").unwrap();
        format!("{}: {place}", finding.column)
    });
    findings.collect()
}

/// The good file with one value of the service replaced; a null takes it away.
#[track_caller]
fn check_at(stage: Stage, place: &str, value: Value, expected: &[&str]) {
    let mut config = good();
    let (parent, key) = place.rsplit_once('/').unwrap();
    let parent = config.pointer_mut(&format!("/{parent}")).unwrap();
    if value.is_null() {
        parent.as_object_mut().unwrap().remove(key);
    } else {
        parent[key] = value;
    }
    assert_eq!(told(&lint(&config, stage)), expected, "{place}");
}

#[track_caller]
fn check(key: &str, value: Value, expected: &[&str]) {
    check_at(
        Stage::Production,
        &format!("services/api/{key}"),
        value,
        expected,
    );
}

#[test]
fn a_hardened_stack_has_no_hole() {
    for stage in [Stage::Development, Stage::Production] {
        let report = lint(&good(), stage);
        assert_eq!(told(&report), Vec::<String>::new());
        assert_eq!(report.services, ["api", "edge", "postgres", "seed"]);
    }
}

#[test]
fn whom_it_runs_as_and_what_it_may() {
    check("user", json!(null), &["user: api/user"]);
    check("user", json!("root"), &["user: api/user"]);
    check("user", json!("0:65532"), &["user: api/user"]);
    check("user", json!("65532:0"), &["user: api/user"]);
    check("user", json!("65532"), &[]);
    check("read_only", json!(false), &["read_only: api/read_only"]);
    check(
        "tmpfs",
        json!(["/tmp:noexec,nosuid,nodev"]),
        &["read_only: api/tmpfs/0"],
    );
    check("tmpfs", json!(["/tmp"]), &["read_only: api/tmpfs/0"]);
    let tmpfs = |size| json!([{"type": "tmpfs", "target": "/x", "tmpfs": {"size": size}}]);
    check("volumes", tmpfs(json!("1000")), &[]);
    check(
        "volumes",
        tmpfs(json!(null)),
        &["read_only: api/volumes/0/tmpfs/size"],
    );
    check(
        "cap_drop",
        json!(["NET_RAW"]),
        &["privileges: api/cap_drop"],
    );
    check(
        "cap_add",
        json!(["NET_ADMIN"]),
        &["privileges: api/cap_add/0"],
    );
    check(
        "security_opt",
        json!(["no-new-privileges:false"]),
        &["privileges: api/security_opt"],
    );
    check(
        "security_opt",
        json!([
            "no-new-privileges:true",
            "seccomp:unconfined",
            "apparmor=unconfined",
            "label=disable"
        ]),
        &[
            "privileges: api/security_opt/1",
            "privileges: api/security_opt/2",
            "privileges: api/security_opt/3",
        ],
    );
}

#[test]
fn how_much_it_may_take() {
    check("mem_limit", json!(null), &["limits: api/mem_limit"]);
    check("cpus", json!(0), &["limits: api/cpus"]);
    check("pids_limit", json!(-1), &["limits: api/pids_limit"]);
    check("ulimits", json!(null), &["limits: api/ulimits/nofile"]);
    check("ulimits/nofile", json!(1024), &[]);
    check("logging", json!(null), &["logging: api/logging"]);
    check(
        "logging/driver",
        json!("syslog"),
        &["logging: api/logging/driver"],
    );
    check(
        "logging/options/mode",
        json!("blocking"),
        &["logging: api/logging/options/mode"],
    );
    let files =
        json!({"driver": "json-file", "options": {"max-size": "10m", "mode": "non-blocking"}});
    check("logging", files, &["logging: api/logging/options/max-file"]);
    let mut config = good();
    let api = &mut config["services"]["api"];
    for key in ["mem_limit", "cpus", "pids_limit"] {
        api.as_object_mut().unwrap().remove(key);
    }
    api["deploy"] =
        json!({"resources": {"limits": {"cpus": "0.5", "memory": "1073741824", "pids": 5}}});
    assert_eq!(
        told(&lint(&config, Stage::Production)),
        Vec::<String>::new()
    );
}

#[test]
fn how_it_is_watched_and_what_it_waits_for() {
    check(
        "healthcheck",
        json!(null),
        &["healthcheck: api/healthcheck"],
    );
    check(
        "healthcheck/disable",
        json!(true),
        &["healthcheck: api/healthcheck"],
    );
    check(
        "healthcheck/test",
        json!(["NONE"]),
        &["healthcheck: api/healthcheck"],
    );
    check(
        "healthcheck/test",
        json!(["CMD-SHELL", "curl x"]),
        &["healthcheck: api/healthcheck/test"],
    );
    check(
        "healthcheck/test",
        json!(["CMD", "/api", "healthcheck"]),
        &[],
    );
    for key in ["interval", "retries", "start_period", "timeout"] {
        check(
            &format!("healthcheck/{key}"),
            json!(null),
            &[&format!("healthcheck: api/healthcheck/{key}")],
        );
    }
    check(
        "healthcheck/timeout",
        json!("30s"),
        &["healthcheck: api/healthcheck/timeout"],
    );
    check(
        "depends_on/postgres",
        json!({"condition": ""}),
        &["depends_on: api/depends_on/postgres/condition"],
    );
}

#[test]
fn whoever_waits_for_health_waits_for_somebody_who_tells() {
    let mut config = good();
    let mut check = |name: &str, condition: &str, expected: &[&str]| {
        config["services"]["seed"]["labels"] = json!({"gantry.job": "true"});
        config["services"]["api"]["depends_on"] = json!({name: {"condition": condition}});
        assert_eq!(
            told(&lint(&config, Stage::Production)),
            expected,
            "{condition}"
        );
    };
    check("seed", "service_started", &[]);
    check("seed", "service_completed_successfully", &[]);
    check("postgres", "service_healthy", &[]);
    check(
        "seed",
        "service_healthy",
        &["depends_on: api/depends_on/seed/condition"],
    );
}

#[test]
fn how_it_ends_and_comes_back() {
    check(
        "stop_grace_period",
        json!("10s"),
        &["stop: api/stop_grace_period"],
    );
    check(
        "stop_grace_period",
        json!(null),
        &["stop: api/stop_grace_period"],
    );
    check_at(
        Stage::Production,
        "services/postgres/stop_grace_period",
        json!("10s"),
        &[],
    );
    check("restart", json!(null), &["stop: api/restart"]);
    check("restart", json!("no"), &["stop: api/restart"]);
    check("restart", json!("unless-stopped"), &["stop: api/restart"]);
    check("restart", json!("on-failure"), &["stop: api/restart"]);
    check_at(Stage::Production, "services/seed/restart", json!("no"), &[]);
    check_at(
        Stage::Production,
        "services/seed/restart",
        json!("always"),
        &["stop: seed/restart"],
    );
}

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

#[test]
fn findings_come_all_at_once_and_in_order() {
    let config = json!({"services": {"b": {"image": "x"}, "a": {"image": "x"}}});
    let report = lint(&config, Stage::Production);
    assert!(report.findings.is_sorted());
    for service in ["a", "b"] {
        let failed: Vec<Column> = Column::ALL
            .into_iter()
            .filter(|column| !report.passes(service, *column))
            .collect();
        let told: Vec<&str> = failed.iter().map(|column| column.name()).collect();
        assert_eq!(
            told.join(" "),
            "user read_only privileges limits logging healthcheck networks image stop"
        );
    }
}
