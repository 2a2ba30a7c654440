//! PostgreSQL's settings, from the memory and the processors that the container has.

use crate::room::Room;

/// Names and values; `shared_memory` is the size of /dev/shm in MiB.
pub(super) fn settings(room: Room, shared_memory: u64) -> Vec<(&'static str, String)> {
    let connections = (room.mib / 8).clamp(25, 200);
    let mib = |mib: u64| format!("{mib}MB");
    // Workers that build an index together keep it in /dev/shm: more than fits there fails with "no space left".
    let maintenance = room.percent(6).min(shared_memory * 3 / 4).clamp(16, 2048);
    let fixed = [
        ("listen_addresses", "0.0.0.0"),
        ("unix_socket_directories", "/run/postgresql"),
        ("hba_file", "/etc/postgresql/pg_hba.conf"),
        ("password_encryption", "scram-sha-256"),
        ("log_timezone", "UTC"),
        ("timezone", "UTC"),
        // Compiling a plan costs more than the short queries of an API take.
        ("jit", "off"),
        ("huge_pages", "off"),
        ("wal_level", "replica"),
        ("wal_compression", "lz4"),
        ("min_wal_size", "80MB"),
        ("checkpoint_completion_target", "0.9"),
        // A volume on anything but a spinning disk.
        ("random_page_cost", "1.1"),
        ("log_line_prefix", "%m [%p] %q%u@%d "),
        ("log_lock_waits", "on"),
        ("log_min_error_statement", "panic"),
    ];
    let derived = [
        ("shared_buffers", mib(room.percent(25).max(16))),
        ("effective_cache_size", mib(room.percent(75).max(32))),
        ("maintenance_work_mem", mib(maintenance)),
        (
            "work_mem",
            mib((room.percent(25) / connections).clamp(1, 64)),
        ),
        ("max_connections", connections.to_string()),
        ("max_wal_size", mib(room.mib.clamp(256, 4096))),
        ("wal_buffers", mib((room.percent(1)).clamp(1, 16))),
        ("max_worker_processes", (room.cpus + 6).to_string()),
        ("max_parallel_workers", room.cpus.to_string()),
        (
            "max_parallel_workers_per_gather",
            (room.cpus / 2).to_string(),
        ),
        (
            "max_parallel_maintenance_workers",
            (room.cpus / 2).to_string(),
        ),
    ];
    let fixed = fixed.map(|(name, value)| (name, value.to_owned()));
    fixed.into_iter().chain(derived).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_limit_decides_the_sizes() {
        let check = |mib: u64, cpus: u64, shared: u64, expected: &[(&str, &str)]| {
            let all = settings(Room { mib, cpus }, shared);
            for (name, value) in expected {
                let found = all.iter().find(|(known, _)| known == name);
                assert_eq!(found.unwrap().1, *value, "{name}");
            }
        };
        check(
            1024,
            2,
            64,
            &[
                ("shared_buffers", "256MB"),
                ("effective_cache_size", "768MB"),
                ("maintenance_work_mem", "48MB"),
                ("work_mem", "2MB"),
                ("max_connections", "128"),
                ("max_wal_size", "1024MB"),
                ("max_parallel_workers_per_gather", "1"),
            ],
        );
        check(
            128,
            1,
            64,
            &[
                ("shared_buffers", "32MB"),
                ("max_connections", "25"),
                ("work_mem", "1MB"),
            ],
        );
        check(
            65_536,
            32,
            4096,
            &[
                ("maintenance_work_mem", "2048MB"),
                ("max_connections", "200"),
                ("work_mem", "64MB"),
            ],
        );
    }
}
