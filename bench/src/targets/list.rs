//! What is wanted.

use super::Bound::{AtLeast, AtMost};
use super::{Figure, Target};
use crate::results::Key;
use crate::{containers, mcp};

const fn speed(work: &'static str, clients: usize, contender: &'static str) -> Key<'static> {
    Key {
        command: "rest",
        work,
        clients,
        contender,
        figure: "per_second",
    }
}

/// Throughput of the first contender as a part of the second's.
const fn throughput(
    what: &'static str,
    (work, clients): (&'static str, usize),
    (of, by): (&'static str, &'static str),
    least: f64,
) -> Target {
    Target {
        what,
        figure: Figure::Ratio(speed(work, clients, of), speed(work, clients, by)),
        bound: AtLeast(least),
        unit: "×",
    }
}

pub(super) const fn other(
    command: &'static str,
    work: &'static str,
    contender: &'static str,
    figure: &'static str,
) -> Key<'static> {
    Key {
        command,
        work,
        clients: 1,
        contender,
        figure,
    }
}

pub(super) const fn at_most(
    what: &'static str,
    figure: Key<'static>,
    most: f64,
    unit: &'static str,
) -> Target {
    Target {
        what,
        figure: Figure::Plain(figure),
        bound: AtMost(most),
        unit,
    }
}

const fn deep(what: &'static str, order: [&'static str; 2], contender: &'static str) -> Target {
    Target {
        what,
        figure: Figure::Ratio(
            other("pages", order[1], contender, "p50_ms"),
            other("pages", order[0], contender, "p50_ms"),
        ),
        bound: AtMost(1.2),
        unit: "×",
    }
}

/// `way` in a container against natively.
const fn contained(
    what: &'static str,
    work: &'static str,
    way: &'static str,
    least: f64,
) -> Target {
    const fn speed(work: &'static str, contender: &'static str) -> Key<'static> {
        Key {
            command: containers::PROXIED,
            work,
            clients: 64,
            contender,
            figure: "per_second",
        }
    }
    Target {
        what,
        figure: Figure::Ratio(speed(work, way), speed(work, containers::NATIVE)),
        bound: AtLeast(least),
        unit: "×",
    }
}

/// Calls of a tool a second, of the first contender by the second.
const fn called(
    what: &'static str,
    (work, clients): (&'static str, usize),
    (of, by): (&'static str, &'static str),
    least: f64,
) -> Target {
    const fn speed(work: &'static str, clients: usize, contender: &'static str) -> Key<'static> {
        Key {
            command: "mcp",
            work,
            clients,
            contender,
            figure: "per_second",
        }
    }
    Target {
        what,
        figure: Figure::Ratio(speed(work, clients, of), speed(work, clients, by)),
        bound: AtLeast(least),
        unit: "×",
    }
}

pub(crate) const BY_ID: [&str; 2] = ["page 1 by id", "page 10,000 by id"];
pub(crate) const BY_GROSS: [&str; 2] = ["page 1 by gross", "page 10,000 by gross"];

pub(super) const TARGETS: &[Target] = &[
    throughput(
        "point read, c=64, of pgbench",
        ("read", 64),
        ("gantry", "pgbench"),
        1.0,
    ),
    throughput(
        "point read, c=64, of bare",
        ("read", 64),
        ("gantry", "bare"),
        1.15,
    ),
    throughput(
        "list of 20, c=16, of pgbench",
        ("list", 16),
        ("gantry", "pgbench"),
        0.6,
    ),
    throughput(
        "list of 20, c=16, of bare",
        ("list", 16),
        ("gantry", "bare"),
        1.0,
    ),
    throughput(
        "list of 20, c=64, of pgbench",
        ("list", 64),
        ("gantry", "pgbench"),
        0.6,
    ),
    throughput(
        "list of 20, c=64, of bare",
        ("list", 64),
        ("gantry", "bare"),
        1.0,
    ),
    throughput(
        "durable create with its outbox row, c=64, of pgbench with the same SQL",
        ("create", 64),
        ("gantry", "pgbench"),
        1.0,
    ),
    throughput(
        "bulk create of 1,000, c=1, of bare with the same outbox rows",
        ("bulk", 1),
        ("gantry", "bare"),
        1.0,
    ),
    throughput(
        "bulk create of 1,000, c=16, of bare with the same outbox rows",
        ("bulk", 16),
        ("gantry", "bare"),
        1.0,
    ),
    throughput(
        "bulk create of 1,000, c=1, of COPY into both tables",
        ("bulk", 1),
        ("gantry", "copy"),
        0.5,
    ),
    throughput(
        "bulk create of 1,000, c=16, of COPY into both tables",
        ("bulk", 16),
        ("gantry", "copy"),
        0.5,
    ),
    throughput(
        "api → dataflow, point read, c=64, of one process",
        ("read", 64),
        ("split", "gantry"),
        0.6,
    ),
    throughput(
        "embedded, point read, c=64, of bare",
        ("read", 64),
        ("sqlite-gantry", "sqlite-bare"),
        1.0,
    ),
    throughput(
        "embedded, durable create, c=64, of bare",
        ("create", 64),
        ("sqlite-gantry", "sqlite-bare"),
        3.0,
    ),
    at_most(
        "start to first answer, PostgreSQL",
        other("start", "1 model", "gantry", "first_answer_ms"),
        50.0,
        "ms",
    ),
    at_most(
        "start to first answer, SQLite",
        other("start", "1 model", "sqlite-gantry", "first_answer_ms"),
        50.0,
        "ms",
    ),
    at_most(
        "memory at rest, PostgreSQL",
        other("start", "1 model", "gantry", "rss_mb"),
        30.0,
        "MB",
    ),
    at_most(
        "memory at rest, SQLite",
        other("start", "1 model", "sqlite-gantry", "rss_mb"),
        30.0,
        "MB",
    ),
    at_most(
        "stripped program",
        other("start", "1 model", "gantry", "binary_mb"),
        20.0,
        "MB",
    ),
    at_most(
        "memory while a million films go out as JSON Lines, PostgreSQL",
        other("stream", "out as JSON Lines", "gantry", "peak_mb"),
        60.0,
        "MB",
    ),
    at_most(
        "memory while a million films go out as CSV, PostgreSQL",
        other("stream", "out as CSV", "gantry", "peak_mb"),
        60.0,
        "MB",
    ),
    at_most(
        "memory while a million films come in, PostgreSQL",
        other("stream", "in as JSON Lines", "gantry", "peak_mb"),
        60.0,
        "MB",
    ),
    at_most(
        "memory while a million films go out as JSON Lines, SQLite",
        other("stream", "out as JSON Lines", "sqlite-gantry", "peak_mb"),
        60.0,
        "MB",
    ),
    at_most(
        "memory while a million films go out as CSV, SQLite",
        other("stream", "out as CSV", "sqlite-gantry", "peak_mb"),
        60.0,
        "MB",
    ),
    at_most(
        "memory while a million films come in, SQLite",
        other("stream", "in as JSON Lines", "sqlite-gantry", "peak_mb"),
        60.0,
        "MB",
    ),
    deep("page 10,000 of page 1, by id, PostgreSQL", BY_ID, "gantry"),
    deep(
        "page 10,000 of page 1, by an indexed field, PostgreSQL",
        BY_GROSS,
        "gantry",
    ),
    deep(
        "page 10,000 of page 1, by id, SQLite",
        BY_ID,
        "sqlite-gantry",
    ),
    deep(
        "page 10,000 of page 1, by an indexed field, SQLite",
        BY_GROSS,
        "sqlite-gantry",
    ),
    contained(
        "container on the host's network, point read, c=64, of the same program natively",
        "read, c=64",
        containers::HOST,
        0.97,
    ),
    contained(
        "container on the host's network, list of 20, c=64, of the same program natively",
        "list, c=64",
        containers::HOST,
        0.97,
    ),
    contained(
        "container on the host's network, a page of 4 KB from memory, c=64, of the same program natively",
        "page, c=64",
        containers::HOST,
        0.97,
    ),
    contained(
        "container at its bridge address, point read, c=64, of the same program natively",
        "read, c=64",
        containers::BRIDGE,
        0.9,
    ),
    contained(
        "container at its bridge address, list of 20, c=64, of the same program natively",
        "list, c=64",
        containers::BRIDGE,
        0.9,
    ),
    contained(
        "container at its bridge address, a page of 4 KB from memory, c=64, of the same program natively",
        "page, c=64",
        containers::BRIDGE,
        0.9,
    ),
    contained(
        "container to container, point read, c=64, of the same program natively",
        "read, c=64",
        containers::BETWEEN,
        0.8,
    ),
    contained(
        "container to container, list of 20, c=64, of the same program natively",
        "list, c=64",
        containers::BETWEEN,
        0.8,
    ),
    contained(
        "container to container, a page of 4 KB from memory, c=64, of the same program natively",
        "page, c=64",
        containers::BETWEEN,
        0.8,
    ),
    called(
        "MCP echo, c=16, of a bare server on rmcp",
        (mcp::ECHO, 16),
        (mcp::GANTRY, mcp::BARE),
        0.9,
    ),
    called(
        "MCP echo, c=64, of a bare server on rmcp",
        (mcp::ECHO, 64),
        (mcp::GANTRY, mcp::BARE),
        0.9,
    ),
    called(
        "MCP get film, c=16, of bare rmcp and tokio-postgres",
        (mcp::FILM, 16),
        (mcp::GANTRY, mcp::BARE),
        1.0,
    ),
    called(
        "MCP get film, c=64, of bare rmcp and tokio-postgres",
        (mcp::FILM, 64),
        (mcp::GANTRY, mcp::BARE),
        1.0,
    ),
    called(
        "MCP get film, c=16, of FastMCP and asyncpg",
        (mcp::FILM, 16),
        (mcp::GANTRY, mcp::FASTMCP),
        25.0,
    ),
    called(
        "MCP get film, c=64, of FastMCP and asyncpg",
        (mcp::FILM, 64),
        (mcp::GANTRY, mcp::FASTMCP),
        25.0,
    ),
];
