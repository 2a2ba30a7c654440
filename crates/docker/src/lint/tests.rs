//! One good file without a hole, and every column broken by itself.

mod itself;
mod surroundings;

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
