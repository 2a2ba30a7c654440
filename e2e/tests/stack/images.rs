//! Every image: its size, its user, what is in it and what is not.

use e2e::engine::{docker, inspect};
use serde_json::Value;

struct Image {
    name: &'static str,
    /// In decimal megabytes.
    most: u64,
    /// Programs that read commands and are needed: initdb and `pg_dump` start others through one.
    shell: Option<&'static str>,
}

const IMAGES: [Image; 8] = [
    image("api", 8, None),
    image("mcp", 8, None),
    image("nexus", 12, None),
    image("dataflow", 12, None),
    image("postgres", 100, Some("usr/bin/dash")),
    image("redis", 26, None),
    image("haproxy", 24, None),
    image("neo4j", 300, None),
];
/// Of all together.
const MOST: u64 = 500;

const SHELLS: [&str; 9] = [
    "sh", "ash", "bash", "dash", "zsh", "busybox", "perl", "python3", "env",
];
const INSTALLERS: [&str; 7] = ["apt", "apt-get", "dpkg", "apk", "rpm", "pip", "curl"];

const fn image(name: &'static str, most: u64, shell: Option<&'static str>) -> Image {
    Image { name, most, shell }
}

fn tag(name: &str) -> String {
    format!("gantry/{name}:{}", e2e::tag())
}

fn size(image: &Value) -> u64 {
    image["Size"].as_u64().expect("a size in bytes")
}

#[test]
fn each_is_small_and_so_are_all_together() {
    let mut sum = 0;
    for image in &IMAGES {
        let size = size(&inspect(&tag(image.name)));
        println!("{}: {} kB", image.name, size / 1000);
        assert!(
            size <= image.most * 1_000_000,
            "{} has {size} bytes",
            image.name
        );
        sum += size;
    }
    assert!(sum <= MOST * 1_000_000, "together {sum} bytes");
}

#[test]
fn each_runs_as_a_numbered_nobody_and_probes_itself() {
    for image in &IMAGES {
        let name = image.name;
        let config = inspect(&tag(name))["Config"].take();
        let user = config["User"].as_str().unwrap_or_default();
        let number: u32 = user
            .split(':')
            .next()
            .and_then(|user| user.parse().ok())
            .unwrap_or_default();
        assert_ne!(number, 0, "{name} runs as {user:?}");
        let probe = &config["Healthcheck"];
        assert_eq!(probe["Test"][0], "CMD", "{name}: {probe}");
        assert_ne!(probe["Retries"], Value::Null, "{name}: {probe}");
        assert!(config["Entrypoint"].is_array(), "{name}");
        let labels = &config["Labels"];
        for label in ["title", "version", "revision", "licenses"] {
            let label = format!("org.opencontainers.image.{label}");
            assert!(labels[&label].is_string(), "{name} has no {label}");
        }
        assert_eq!(config["Volumes"], Value::Null, "{name}");
    }
}

/// As `tar -tv` lists what a container of it would begin with.
fn files(name: &str) -> Vec<(String, String)> {
    let container = docker(["create", "--label", "gantry.test=images", &tag(name)]).unwrap();
    let folder = tempfile::tempdir().expect("a folder");
    let tar = folder.path().join("image.tar");
    docker(["export", "--output", &tar.to_string_lossy(), &container]).unwrap();
    docker(["rm", &container]).unwrap();
    let tar = tar.to_string_lossy();
    let listed = e2e::engine::said("tar", ["-tvf", tar.as_ref()], []).unwrap();
    let entry = |line: &str| {
        let mode = line.split(' ').next()?.to_owned();
        // Permissions, owner, size, day, time, path, perhaps an arrow.
        let path = line.split_whitespace().nth(5)?.to_owned();
        Some((mode, path))
    };
    listed.lines().filter_map(entry).collect()
}

#[test]
fn none_has_a_shell_an_installer_or_a_file_that_gives_rights() {
    for image in &IMAGES {
        let files = files(image.name);
        assert!(!files.is_empty());
        for (mode, path) in files {
            let special = mode.get(1..).unwrap_or_default();
            // A folder for everyone's temporary files carries `t`, which gives no rights.
            assert!(
                !special.contains(['s', 'S']),
                "{}: {mode} {path}",
                image.name
            );
            let is_file = !mode.starts_with('d');
            let name = path.rsplit('/').next().unwrap_or_default();
            let needed = image.shell.is_some_and(|shell| {
                path == shell || ["bin/sh", "usr/bin/sh"].contains(&path.as_str())
            });
            let unwanted = SHELLS.contains(&name) || INSTALLERS.contains(&name);
            assert!(
                !is_file || !path.contains("bin/") || !unwanted || needed,
                "{}: {path}",
                image.name
            );
        }
    }
}

#[test]
fn service_images_hold_one_program_and_a_notice() {
    for name in ["api", "mcp", "nexus", "dataflow"] {
        let ours: Vec<String> = files(name)
            .into_iter()
            // The engine itself adds these to every container.
            .filter(|(_, path)| {
                !["dev/", "proc/", "sys/", "etc/", ".dockerenv"]
                    .iter()
                    .any(|engines| path.starts_with(engines))
            })
            .map(|(_, path)| path)
            .collect();
        assert_eq!(ours, ["NOTICE".to_owned(), name.to_owned()]);
    }
}

#[test]
fn no_history_tells_a_secret() {
    for image in &IMAGES {
        let history = docker([
            "history",
            "--no-trunc",
            "--format",
            "{{.CreatedBy}}",
            &tag(image.name),
        ])
        .unwrap();
        for word in [
            "PASSWORD=",
            "SECRET=",
            "TOKEN=",
            "PRIVATE KEY",
            "://gantry:",
        ] {
            assert!(!history.contains(word), "{}: {word}", image.name);
        }
    }
}
