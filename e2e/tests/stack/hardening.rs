//! What docker-bench-security asks of images and containers (its sections 4 and 5), and our own scorecard.

use std::path::Path;

use e2e::engine::{docker, inspect, said};
use serde_json::Value;

use crate::{SERVICES, prod, top};

/// Every container of the production stack, with its service.
fn containers() -> Vec<(&'static str, Value)> {
    let of = |service: &'static str| {
        let ids = prod().containers(service);
        assert!(!ids.is_empty(), "{service} runs");
        ids.into_iter().map(move |id| (service, inspect(&id)))
    };
    SERVICES.into_iter().flat_map(of).collect()
}

#[test]
fn both_stacks_pass_the_lint_in_every_column() {
    for kind in ["dev", "prod"] {
        let files = ["compose.yaml", &format!("compose.{kind}.yaml")].map(|name| {
            let path = top().join("deploy/compose").join(name);
            path.to_string_lossy().into_owned()
        });
        let linted = prod().gantry(&["lint", &files[0], &files[1], "--project"]);
        assert!(linted.ok, "{kind}:\n{}{}", linted.out, linted.err);
    }
}

/// Section 5, as the bench reads it from `docker inspect`. 5.2 is not asked where the host has no `AppArmor`, and 5.8
/// where nobody publishes below 1024.
#[test]
fn no_container_is_warned_of() {
    let armed = Path::new("/sys/module/apparmor/parameters/enabled").exists();
    let mut warnings = Vec::new();
    for (service, told) in containers() {
        let host = &told["HostConfig"];
        let empty = |value: &Value| value.is_null() || value.as_array().is_some_and(Vec::is_empty);
        let has = |value: &Value, wanted: &str| {
            let list = value.as_array();
            list.is_some_and(|list| list.iter().any(|one| one == wanted))
        };
        let sensitive = [
            "/", "/boot", "/dev", "/etc", "/lib", "/proc", "/sys", "/usr", "/var/run",
        ];
        let mounts = told["Mounts"].as_array().cloned().unwrap_or_default();
        let ports = host["PortBindings"]
            .as_object()
            .cloned()
            .unwrap_or_default();
        let bindings = || {
            ports
                .values()
                .filter_map(|bound| bound.as_array())
                .flatten()
        };
        let checks = [
            (
                "5.1 swarm",
                docker(["info", "--format", "{{.Swarm.LocalNodeState}}"])
                    .out
                    .trim()
                    == "inactive",
            ),
            ("5.2 AppArmor", !armed || told["AppArmorProfile"] != ""),
            (
                "5.4 capabilities",
                empty(&host["CapAdd"]) && has(&host["CapDrop"], "ALL"),
            ),
            ("5.5 privileged", host["Privileged"] == false),
            (
                "5.6 sensitive mounts",
                mounts.iter().all(|mount| {
                    !sensitive.contains(&mount["Source"].as_str().unwrap_or_default())
                }),
            ),
            (
                "5.8 ports below 1024",
                bindings().all(|bound| {
                    bound["HostPort"]
                        .as_str()
                        .and_then(|port| port.parse().ok())
                        .is_none_or(|port: u16| port >= 1024)
                }),
            ),
            ("5.10 host network", host["NetworkMode"] != "host"),
            (
                "5.11 memory",
                host["Memory"].as_u64().unwrap_or_default() > 0,
            ),
            (
                "5.12 cpu",
                host["NanoCpus"].as_u64().unwrap_or_default() > 0,
            ),
            ("5.13 read-only root", host["ReadonlyRootfs"] == true),
            (
                "5.14 bound to one interface",
                bindings().all(|bound| {
                    !["", "0.0.0.0"].contains(&bound["HostIp"].as_str().unwrap_or_default())
                }),
            ),
            (
                "5.15 restart",
                host["RestartPolicy"]["MaximumRetryCount"] == 5,
            ),
            ("5.16 host processes", host["PidMode"] != "host"),
            ("5.17 host ipc", host["IpcMode"] != "host"),
            ("5.18 devices", empty(&host["Devices"])),
            ("5.19 ulimits", !empty(&host["Ulimits"])),
            (
                "5.20 mount propagation",
                mounts.iter().all(|mount| mount["Propagation"] != "shared"),
            ),
            ("5.21 host uts", host["UTSMode"] != "host"),
            (
                "5.22 seccomp",
                !has(&host["SecurityOpt"], "seccomp=unconfined"),
            ),
            ("5.25 cgroup", host["CgroupParent"] == ""),
            (
                "5.26 no new privileges",
                has(&host["SecurityOpt"], "no-new-privileges:true")
                    || has(&host["SecurityOpt"], "no-new-privileges"),
            ),
            (
                "5.27 health",
                told["State"]["Health"]["Status"] == "healthy",
            ),
            (
                "5.29 pids",
                host["PidsLimit"].as_u64().unwrap_or_default() > 0,
            ),
            (
                "5.30 default bridge",
                told["NetworkSettings"]["Networks"]["bridge"].is_null(),
            ),
            ("5.31 host users", host["UsernsMode"] != "host"),
            (
                "5.32 engine's socket",
                mounts.iter().all(|mount| {
                    !mount["Source"]
                        .as_str()
                        .unwrap_or_default()
                        .ends_with("docker.sock")
                }),
            ),
            (
                "4.1 user",
                told["Config"]["User"]
                    .as_str()
                    .is_some_and(|user| !user.is_empty() && !user.starts_with('0')),
            ),
            ("4.6 healthcheck", !told["Config"]["Healthcheck"].is_null()),
        ];
        for (check, passed) in checks {
            if !passed {
                warnings.push(format!("{service}: {check}"));
            }
        }
    }
    assert!(warnings.is_empty(), "{warnings:#?}");
}

#[test]
fn hadolint_finds_nothing() {
    let hadolint = e2e::target().unwrap().join("testkit/hadolint/bin/hadolint");
    let dockerfile = top().join("docker/Dockerfile");
    let settings = top().join("docker/hadolint.yaml");
    let found = said(
        &hadolint,
        [
            "--config",
            &settings.to_string_lossy(),
            &dockerfile.to_string_lossy(),
        ],
        [],
    );
    assert!(found.ok, "{}{}", found.out, found.err);
}
