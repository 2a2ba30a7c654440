//! What no service may have, whatever for: the host's namespaces, devices, sockets and system folders.

use serde_json::Value;

use super::service::Service;
use super::{Column, Holes};
use crate::read::{items, text, texts};

/// Folders of the host that are never mounted, with everything below them.
const FOLDERS: [&str; 11] = [
    "/boot", "/dev", "/etc", "/lib", "/lib64", "/proc", "/root", "/run", "/sys", "/usr", "/var/run",
];

pub(super) fn check(service: &Service<'_>, holes: &mut Holes<'_>) {
    let mut found = |place: &str, what: String| {
        holes.found(Column::Never, place, what, "leave it out");
    };
    if service.is_true("privileged") {
        let what = "privileged: whoever takes it over has the host".to_owned();
        found("privileged", what);
    }
    for key in ["network_mode", "pid", "ipc", "uts", "userns_mode", "cgroup"] {
        if service.text(key) == "host" {
            found(key, format!("{key}: host shares a namespace with the host"));
        }
    }
    for key in [
        "cgroup_parent",
        "devices",
        "device_cgroup_rules",
        "gpus",
        "runtime",
    ] {
        let value = service.key(key);
        let is_empty =
            value.as_array().is_some_and(Vec::is_empty) || value == &Value::String(String::new());
        if !value.is_null() && !is_empty {
            found(key, format!("{key} reaches past the container's limits"));
        }
    }
    for (index, mount) in items(service.key("volumes")).enumerate() {
        let source = text(mount, "source");
        if let Some(what) = mounted(mount, source) {
            found(&format!("volumes/{index}"), what);
        }
    }
    for (index, rule) in texts(service.key("volumes_from")).into_iter().enumerate() {
        found(
            &format!("volumes_from/{index}"),
            format!("it takes over whatever {rule} mounts"),
        );
    }
    named_volumes(service, &mut found);
}

fn mounted(mount: &Value, source: &str) -> Option<String> {
    let propagation = text(&mount["bind"], "propagation");
    if matches!(propagation, "shared" | "rshared") {
        return Some(format!("mounts below {source} spread to the host"));
    }
    if text(mount, "type") != "bind" {
        return None;
    }
    forbidden(source)
}

fn forbidden(source: &str) -> Option<String> {
    let source = if source.len() > 1 {
        source.trim_end_matches('/')
    } else {
        source
    };
    if source.ends_with("/docker.sock")
        || source.ends_with("/containerd.sock")
        || source.ends_with("/podman.sock")
    {
        return Some(format!(
            "{source} makes it the host's administrator, read-only or not"
        ));
    }
    let is_below = |folder: &str| {
        source == folder
            || source
                .strip_prefix(folder)
                .is_some_and(|rest| rest.starts_with('/'))
    };
    (source == "/" || FOLDERS.into_iter().any(is_below))
        .then(|| format!("{source} is the host's own"))
}

/// A volume can be a bind in disguise: `driver_opts: { o: bind, device: /etc }`.
fn named_volumes(service: &Service<'_>, found: &mut impl FnMut(&str, String)) {
    for (index, mount) in items(service.key("volumes")).enumerate() {
        let options = &service.config["volumes"][text(mount, "source")]["driver_opts"];
        let is_bind = text(options, "o")
            .split(',')
            .any(|option| matches!(option, "bind" | "rbind"));
        if text(mount, "type") == "volume"
            && is_bind
            && let Some(what) = forbidden(text(options, "device"))
        {
            found(&format!("volumes/{index}"), what);
        }
    }
}
