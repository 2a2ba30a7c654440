//! How much memory and how many processors the container may use, from its cgroup of either version.

use std::fs;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Room {
    pub(crate) mib: u64,
    pub(crate) cpus: u64,
}

/// Version 2, then version 1.
const LIMITS: [&str; 2] = [
    "/sys/fs/cgroup/memory.max",
    "/sys/fs/cgroup/memory/memory.limit_in_bytes",
];

impl Room {
    /// Without a limit it is the machine's memory; the standard library knows both versions' processor quotas.
    pub(crate) fn of_process() -> Self {
        let read = |path: &str| fs::read_to_string(path).unwrap_or_default();
        let machine = machine(&read("/proc/meminfo"));
        let limit = LIMITS.iter().find_map(|path| limit(&read(path)));
        Self {
            mib: limit.unwrap_or(machine).min(machine) / (1 << 20),
            cpus: std::thread::available_parallelism().map_or(1, |cpus| cpus.get() as u64),
        }
    }

    pub(crate) fn percent(self, percent: u64) -> u64 {
        self.mib * percent / 100
    }
}

/// `max` is no limit, and so is version 1's nearly endless number.
fn limit(text: &str) -> Option<u64> {
    let bytes: u64 = text.trim().parse().ok()?;
    (bytes < 1 << 60).then_some(bytes)
}

fn machine(meminfo: &str) -> u64 {
    let line = meminfo
        .lines()
        .find_map(|line| line.strip_prefix("MemTotal:"));
    let kib = line.and_then(|line| line.trim().strip_suffix(" kB"));
    // A kernel that does not say is treated as a small machine, not as an endless one.
    kib.and_then(|kib| kib.trim().parse().ok())
        .map_or(1 << 30, |kib: u64| kib << 10)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_of_both_versions_are_read() {
        assert_eq!(limit("536870912\n"), Some(536_870_912));
        for none in ["max\n", "9223372036854771712\n", "", "x"] {
            assert_eq!(limit(none), None);
        }
        assert_eq!(machine("MemTotal:       24 kB\nMemFree: 1 kB\n"), 24 << 10);
        assert_eq!(machine(""), 1 << 30);
    }
}
