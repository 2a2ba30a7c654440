//! Who may speak to whom: each allowed way works by name, each other one does not.

use e2e::engine::docker;

use crate::prod;

const DOORS: [(&str, u16); 10] = [
    ("api", 8000),
    ("api", 9100),
    ("mcp", 3001),
    ("mcp", 9100),
    ("nexus", 8002),
    ("nexus", 9100),
    ("dataflow", 8001),
    ("postgres", 5432),
    ("redis", 6379),
    ("neo4j", 7687),
];

/// Faces see each other and dataflow, and no store.
const FACES: [&str; 7] = [
    "api:8000",
    "api:9100",
    "mcp:3001",
    "mcp:9100",
    "nexus:8002",
    "nexus:9100",
    "dataflow:8001",
];

/// From each service, the doors that are open to it.
const OPEN: [(&str, &[&str]); 9] = [
    (
        "edge",
        &[
            "api:8000",
            "api:9100",
            "mcp:3001",
            "mcp:9100",
            "nexus:8002",
            "nexus:9100",
        ],
    ),
    ("api", &FACES),
    ("mcp", &FACES),
    ("nexus", &FACES),
    (
        "dataflow",
        &[
            "api:8000",
            "api:9100",
            "mcp:3001",
            "mcp:9100",
            "nexus:8002",
            "nexus:9100",
            "dataflow:8001",
            "postgres:5432",
            "redis:6379",
            "neo4j:7687",
        ],
    ),
    (
        "postgres",
        &["dataflow:8001", "postgres:5432", "redis:6379", "neo4j:7687"],
    ),
    (
        "redis",
        &["dataflow:8001", "postgres:5432", "redis:6379", "neo4j:7687"],
    ),
    (
        "neo4j",
        &["dataflow:8001", "postgres:5432", "redis:6379", "neo4j:7687"],
    ),
    (
        "backup",
        &["dataflow:8001", "postgres:5432", "redis:6379", "neo4j:7687"],
    ),
];

/// Which doors a process beside the service's own can open. Service images have no shell, so it brings one.
fn opened_from(service: &str) -> Vec<String> {
    let container = prod().containers(service).remove(0);
    let tries = DOORS.map(|(host, port)| {
        format!("timeout 3 bash -c '</dev/tcp/{host}/{port}' 2>/dev/null && echo {host}:{port}")
    });
    let tries = tries.join("; ");
    let network = format!("--network=container:{container}");
    let arguments = ["run", "--rm", "--label=gantry.test=paths", &network];
    let shell = [
        "debian:trixie-slim",
        "bash",
        "-c",
        &format!("{tries}; true"),
    ];
    let opened = docker(arguments.iter().chain(&shell)).unwrap();
    opened.lines().map(str::to_owned).collect()
}

#[test]
fn every_door_is_open_to_whom_it_should_be_and_to_nobody_else() {
    for (service, open) in OPEN {
        assert_eq!(opened_from(service), open, "from {service}");
    }
}

#[test]
fn only_the_edge_and_nexus_have_a_way_out_and_only_the_edge_is_published() {
    for service in crate::SERVICES {
        for container in prod().containers(service) {
            let told = e2e::engine::inspect(&container);
            let pid = told["State"]["Pid"].to_string();
            let routes = std::fs::read_to_string(format!("/proc/{pid}/net/route")).unwrap();
            // The default route's destination is all zeros.
            let way_out = routes
                .lines()
                .any(|line| line.split_whitespace().nth(1) == Some("00000000"));
            let may_go_out = ["edge", "nexus"].contains(&service);
            assert_eq!(way_out, may_go_out, "{service}: {routes}");
            let published = told["HostConfig"]["PortBindings"]
                .as_object()
                .is_some_and(|ports| !ports.is_empty());
            assert_eq!(published, service == "edge", "{service}");
        }
    }
}

#[test]
fn packets_from_service_to_service_are_as_large_as_packets_can_be() {
    let inside = crate::SERVICES.into_iter();
    for service in inside.filter(|service| !["edge", "nexus"].contains(service)) {
        let container = prod().containers(service).remove(0);
        let pid = e2e::engine::inspect(&container)["State"]["Pid"].to_string();
        let interfaces = std::fs::read_dir(format!("/proc/{pid}/root/sys/class/net")).unwrap();
        let names = interfaces.map(|interface| interface.unwrap().path());
        let names: Vec<_> = names.filter(|path| !path.ends_with("lo")).collect();
        assert!(!names.is_empty(), "{service} is on no network");
        for name in names {
            let most = std::fs::read_to_string(name.join("mtu")).unwrap();
            assert_eq!(most.trim(), "65535", "{service}: {}", name.display());
        }
    }
}
