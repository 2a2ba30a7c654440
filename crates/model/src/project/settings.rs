//! gantry.yaml: every key has a default.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use super::auth::{self, Auth};
use wire::Tools;

use crate::measure;
use crate::source::Source;
use crate::yaml::Node;
use crate::{FilterLimits, did_you_mean, group};

/// `None` leaves the choice to whoever uses it; its key in the schema says what that is.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ProjectSettings {
    /// `sqlite:<path>` or `postgres://…`
    pub database_url: Option<String>,
    /// A file that holds the url; relative to the project's folder.
    pub database_url_file: Option<PathBuf>,
    /// Connections; sized from the server unless said.
    pub pool: Option<usize>,
    pub statement_timeout: Option<Duration>,
    pub lock_timeout: Option<Duration>,
    pub listen: Option<SocketAddr>,
    pub ops_listen: Option<SocketAddr>,
    pub limits: Limits,
    pub auth: Auth,
    /// How agents get the nodes where they name no group.
    pub tools: Tools,
    pub workflows: Outside,
}

/// What steps of workflows may reach outside, where this process carries them out. Files are relative to the project's
/// folder.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Outside {
    /// Runs under way at once.
    pub runs: Option<u32>,
    pub hosts: Vec<String>,
    pub private: bool,
    pub chat: Option<Server>,
    pub mail: Option<Server>,
    /// The folder of the secrets of webhooks; `.gantry/secrets` unless said.
    pub secrets: Option<PathBuf>,
}

/// Somebody else's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Server {
    pub url: String,
    /// A file that holds the key or password.
    pub secret_file: Option<PathBuf>,
    /// The model to chat with, or who mails are from.
    pub usual: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// The largest body of a request.
    pub body_bytes: usize,
    /// Records of a list where no limit is named, and the greatest limit.
    pub page: u64,
    pub page_max: u64,
    pub offset_max: u64,
    /// Operations of one bulk call or transaction.
    pub bulk: usize,
    /// How deep JSON in a body may nest.
    pub depth: usize,
    /// Tests and list items of one filter.
    pub filter_terms: usize,
    /// How long a call may take.
    pub deadline: Duration,
    /// A request's path and query.
    pub url_bytes: usize,
    /// A request's line and headers.
    pub head_bytes: usize,
    /// How long a client may take for them, and how long a connection may be idle.
    pub head_time: Duration,
    /// How long a client may pause within a body.
    pub body_pause: Duration,
    /// Connections at once; more wait to be accepted.
    pub connections: usize,
    /// Requests at once; more are refused.
    pub requests: usize,
    /// Streams of changes at once.
    pub listeners: usize,
    /// How often a stream of changes that has nothing to tell says so.
    pub heartbeat: Duration,
    /// How long changes can be asked for.
    pub changes_kept: Duration,
    /// Exports and imports under way at once; sized from the database's connections unless said.
    pub streams: Option<usize>,
    /// How long one of them may take.
    pub stream_time: Duration,
    /// How long its client may take or send nothing.
    pub stall: Duration,
    /// The largest import.
    pub import_bytes: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            body_bytes: 8 << 20,
            page: 50,
            page_max: 1_000,
            offset_max: 10_000,
            bulk: 10_000,
            depth: 64,
            filter_terms: 200,
            deadline: Duration::from_secs(30),
            url_bytes: 16 << 10,
            head_bytes: 64 << 10,
            head_time: Duration::from_secs(30),
            body_pause: Duration::from_secs(10),
            connections: 10_000,
            requests: 1_000,
            listeners: 1_000,
            heartbeat: Duration::from_secs(15),
            changes_kept: Duration::from_hours(24),
            streams: None,
            stream_time: Duration::from_mins(10),
            stall: Duration::from_secs(30),
            import_bytes: 4 << 30,
        }
    }
}

impl Limits {
    pub fn filter(&self) -> FilterLimits {
        FilterLimits {
            terms: self.filter_terms,
            ..FilterLimits::default()
        }
    }
}

/// The name, if one is said, and the settings. The form was checked before.
pub(super) fn read(source: &mut Source, node: &Node) -> (Option<String>, ProjectSettings) {
    let name = node.get("name").and_then(|name| {
        let text = name.text()?;
        if text.trim().is_empty() || text.len() > 63 || text.chars().any(char::is_control) {
            source.mistake(
                name.at,
                "a project's name has 1 to 63 visible characters",
                None,
            );
        }
        Some(text.to_owned())
    });
    let mut settings = ProjectSettings {
        listen: address(source, node, "listen"),
        ops_listen: address(source, node, "ops_listen"),
        limits: node
            .get("limits")
            .map(|node| limits(source, node))
            .unwrap_or_default(),
        tools: group::tools(node.get("mcp").and_then(|mcp| mcp.get("tools"))),
        auth: node
            .get("auth")
            .map(|node| auth::read(source, node))
            .unwrap_or_default(),
        workflows: node.get("workflows").map(outside).unwrap_or_default(),
        ..ProjectSettings::default()
    };
    if let Some(database) = node.get("database") {
        read_database(source, database, &mut settings);
    }
    (name, settings)
}

fn outside(node: &Node) -> Outside {
    let text = |name| node.get(name).and_then(Node::text);
    let hosts = node.get("hosts").into_iter().flat_map(Node::texts);
    let server = |name, secret, usual| {
        let node = node.get(name)?;
        let text = |name| node.get(name).and_then(Node::text).map(str::to_owned);
        Some(Server {
            url: text("url")?,
            secret_file: text(secret).map(PathBuf::from),
            usual: text(usual),
        })
    };
    Outside {
        runs: text("runs").and_then(|text| text.parse().ok()),
        hosts: hosts.map(|(host, _)| host.to_owned()).collect(),
        private: text("private") == Some("true"),
        chat: server("chat", "key_file", "model"),
        mail: server("mail", "password_file", "from"),
        secrets: text("secrets").map(PathBuf::from),
    }
}

fn read_database(source: &mut Source, node: &Node, settings: &mut ProjectSettings) {
    let time = |name| {
        node.get(name)
            .and_then(Node::text)
            .and_then(measure::duration)
    };
    settings.statement_timeout = time("statement_timeout");
    settings.lock_timeout = time("lock_timeout");
    settings.pool = node
        .get("pool")
        .and_then(Node::text)
        .and_then(|text| text.parse().ok());
    settings.database_url_file = node.get("url_file").and_then(Node::text).map(PathBuf::from);
    let Some(url) = node.get("url") else { return };
    let Some(text) = url.text() else { return };
    if settings.database_url_file.is_some() {
        source.mistake(
            url.at,
            "the database has a url or a url_file, not both",
            None,
        );
    }
    let scheme = text.split(':').next().unwrap_or("");
    if !["sqlite:", "postgres://", "postgresql://"]
        .iter()
        .any(|prefix| text.starts_with(prefix))
    {
        let hint = did_you_mean(scheme, ["sqlite", "postgres", "postgresql"]);
        let hint = hint
            .or_else(|| Some("write sqlite:data.db or postgres://user@host/database".to_owned()));
        source.mistake(url.at, "this is no database that Gantry knows", hint);
    }
    settings.database_url = Some(text.to_owned());
}

fn address(source: &mut Source, node: &Node, name: &str) -> Option<SocketAddr> {
    let node = node.get(name)?;
    let text = node.text()?;
    let address = text.parse().ok();
    if address.is_none() {
        let hint = Some("write 127.0.0.1:8000 or [::1]:8000".to_owned());
        source.mistake(node.at, format!("`{text}` is no address with a port"), hint);
    }
    address
}

fn limits(source: &mut Source, node: &Node) -> Limits {
    fn count<T: std::str::FromStr>(node: &Node, name: &str, limit: &mut T) {
        if let Some(count) = node
            .get(name)
            .and_then(Node::text)
            .and_then(|text| text.parse().ok())
        {
            *limit = count;
        }
    }
    let mut limits = Limits::default();
    let text = |name| node.get(name).and_then(Node::text);
    for (name, limit) in [
        ("body_bytes", &mut limits.body_bytes),
        ("url_bytes", &mut limits.url_bytes),
        ("head_bytes", &mut limits.head_bytes),
    ] {
        *limit = text(name).and_then(measure::size).unwrap_or(*limit);
    }
    if let Some(size) = text("import_bytes").and_then(measure::size) {
        limits.import_bytes = size as u64;
    }
    times(node, &mut limits);
    limits.streams = text("streams").and_then(|text| text.parse().ok());
    count(node, "connections", &mut limits.connections);
    count(node, "requests", &mut limits.requests);
    count(node, "page_max", &mut limits.page_max);
    limits.page = limits.page.min(limits.page_max);
    count(node, "page", &mut limits.page);
    count(node, "offset_max", &mut limits.offset_max);
    count(node, "bulk", &mut limits.bulk);
    count(node, "depth", &mut limits.depth);
    count(node, "filter_terms", &mut limits.filter_terms);
    count(node, "listeners", &mut limits.listeners);
    if limits.page > limits.page_max {
        let at = node.get("page").map_or(node.at, |page| page.at);
        let message = format!(
            "a page of {} is more than page_max, {}",
            limits.page, limits.page_max
        );
        source.mistake(at, message, None);
    }
    refuse_nothing(source, node, &limits);
    limits
}

fn times(node: &Node, limits: &mut Limits) {
    for (name, limit) in [
        ("deadline", &mut limits.deadline),
        ("stream_time", &mut limits.stream_time),
        ("stall", &mut limits.stall),
        ("head_time", &mut limits.head_time),
        ("body_pause", &mut limits.body_pause),
        ("heartbeat", &mut limits.heartbeat),
        ("changes_kept", &mut limits.changes_kept),
    ] {
        let text = node.get(name).and_then(Node::text);
        if let Some(time) = text.and_then(measure::duration) {
            *limit = time;
        }
    }
}

fn refuse_nothing(source: &mut Source, node: &Node, limits: &Limits) {
    for (name, nothing) in [
        ("body_bytes", limits.body_bytes == 0),
        ("url_bytes", limits.url_bytes == 0),
        ("head_bytes", limits.head_bytes == 0),
        ("deadline", limits.deadline.is_zero()),
        ("head_time", limits.head_time.is_zero()),
        ("body_pause", limits.body_pause.is_zero()),
        ("heartbeat", limits.heartbeat.is_zero()),
        ("changes_kept", limits.changes_kept.is_zero()),
        ("stream_time", limits.stream_time.is_zero()),
        ("stall", limits.stall.is_zero()),
        ("import_bytes", limits.import_bytes == 0),
    ] {
        if let (true, Some(node)) = (nothing, node.get(name)) {
            source.mistake(node.at, format!("`{name}` is more than nothing"), None);
        }
    }
}
