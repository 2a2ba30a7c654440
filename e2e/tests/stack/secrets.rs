//! No secret is to be seen in what the engine tells, in any process's arguments and environment, in a log.

use std::fs;

use e2e::engine::{docker, said};

use crate::{SERVICES, prod};

#[test]
fn no_secret_is_found_anywhere_but_in_its_file() {
    let stack = prod();
    let mut secrets = Vec::new();
    for entry in fs::read_dir(stack.folder.join(".gantry/secrets")).unwrap() {
        let entry = entry.unwrap();
        let text = fs::read_to_string(entry.path()).unwrap();
        // Of a certificate with its key, the key's own lines.
        let key = text.split("PRIVATE KEY-----").nth(1);
        let secret = key.map_or(text.trim(), |key| key.trim().lines().next().unwrap_or(key));
        assert!(secret.len() >= 16, "{} is short", entry.path().display());
        secrets.push((entry.file_name(), secret.to_owned()));
    }
    assert!(secrets.len() >= 5, "{} secrets", secrets.len());
    let mut places = 0;
    let mut look = |place: String, text: &str| {
        places += 1;
        for (name, secret) in &secrets {
            assert!(
                !text.contains(secret),
                "{} is to be seen in {place}",
                name.display()
            );
        }
    };
    for service in SERVICES.iter().chain(&["seed"]) {
        for container in stack.all_containers(service) {
            look(
                format!("inspect of {service}"),
                &docker(["inspect", &container]).unwrap(),
            );
            let logs = docker(["logs", &container]);
            look(format!("the log of {service}"), &(logs.out + &logs.err));
            let processes = docker(["top", &container, "-eo", "pid"]);
            for pid in processes.out.lines().skip(1).map(str::trim) {
                for file in ["cmdline", "environ"] {
                    let bytes = fs::read(format!("/proc/{pid}/{file}")).unwrap_or_default();
                    look(
                        format!("{file} of {service}"),
                        &String::from_utf8_lossy(&bytes),
                    );
                }
            }
        }
    }
    for name in [
        "api", "mcp", "nexus", "dataflow", "postgres", "redis", "neo4j", "haproxy",
    ] {
        let image = format!("gantry/{name}:{}", e2e::tag());
        let history = docker(["history", "--no-trunc", &image]).unwrap();
        look(format!("the history of {name}"), &history);
    }
    let config = stack.gantry(&["render", "compose", "--stdout", "-C"]);
    look("the rendered compose file".to_owned(), &config.out);
    assert!(places > 30, "only {places} places were looked at");
}

#[test]
fn secrets_lie_in_a_folder_that_is_its_owners_alone() {
    let folder = prod().folder.join(".gantry/secrets");
    let mode = said("stat", ["-c", "%a", &folder.to_string_lossy()], []).unwrap();
    assert_eq!(mode, "700");
}
