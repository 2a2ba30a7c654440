//! gantry.yaml

use super::TOOLS;
use super::auth::AUTH;
use crate::shape::{Shape, Table, key, required};

pub(crate) static PROJECT: Table = Table {
    hint: "",
    keys: &[
        key(
            "name",
            Shape::Text,
            "The project's name; its folder's unless said.",
        ),
        key(
            "database",
            Shape::Map(&DATABASE),
            "Where records live; .gantry/data.db in the project unless said.",
        ),
        key(
            "listen",
            Shape::Text,
            "Where REST is served; 127.0.0.1:8000 unless said.",
        ),
        key(
            "ops_listen",
            Shape::Text,
            "Where health and metrics are served; 127.0.0.1:9100 unless said.",
        ),
        key(
            "auth",
            Shape::Map(&AUTH),
            "Who may call beside those with API keys: holders of an OAuth issuer's tokens.",
        ),
        key(
            "limits",
            Shape::Map(&LIMITS),
            "How large requests and answers may be.",
        ),
        key("mcp", Shape::Map(&MCP), "What agents are offered."),
        key(
            "workflows",
            Shape::Map(&WORKFLOWS),
            "What steps of workflows may reach outside, where `gantry up` carries them out; in containers nexus is told by its own settings.",
        ),
    ],
};

static DATABASE: Table = Table {
    hint: "it as { url: \"postgres://…\" }",
    keys: &[
        key(
            "url",
            Shape::Text,
            "sqlite:<path> or postgres://user@host/database.",
        ),
        key(
            "url_file",
            Shape::Text,
            "A file that holds the url, so that its password stands in no project file.",
        ),
        key(
            "pool",
            Shape::Count(1, 1_000),
            "Connections; sized from the server unless said.",
        ),
        key(
            "statement_timeout",
            Shape::Duration,
            "How long a statement may run; 30s unless said.",
        ),
        key(
            "lock_timeout",
            Shape::Duration,
            "How long a statement waits for a lock; 5s unless said.",
        ),
    ],
};

static MCP: Table = Table {
    hint: "it as { tools: typed }",
    keys: &[key(
        "tools",
        Shape::Word(TOOLS),
        "How agents get the nodes where they name no group: typed, a tool for each; generic, a few for all models; auto, the few, and a tool for each node of models that ask for it. auto unless said.",
    )],
};

static WORKFLOWS: Table = Table {
    hint: "it as { hosts: [api.example.org] }",
    keys: &[
        key(
            "runs",
            Shape::Count(1, 10_000),
            "Runs under way at once; more wait. 256 unless said.",
        ),
        key(
            "hosts",
            Shape::List(&Shape::Text),
            "Hosts that http.request may ask, *.example.org for all below one; every public one unless said.",
        ),
        key(
            "private",
            Shape::Bool,
            "Whether it may ask addresses that are not public: private networks, this machine.",
        ),
        key(
            "chat",
            Shape::Map(&CHAT),
            "A server of models for llm.chat, as OpenAI's API is spoken.",
        ),
        key(
            "mail",
            Shape::Map(&MAIL),
            "The server that email is sent by.",
        ),
        key(
            "secrets",
            Shape::Text,
            "The folder of the secrets that webhooks are signed with, a file each, named as the secret; .gantry/secrets unless said.",
        ),
    ],
};

static CHAT: Table = Table {
    hint: "it as { url: \"http://127.0.0.1:11434/v1\", model: \"…\" }",
    keys: &[
        required(
            "url",
            Shape::Text,
            "Where it is: https://api.example.org/v1.",
        ),
        key("key_file", Shape::Text, "A file that holds its key."),
        key("model", Shape::Text, "The model, unless a step names one."),
    ],
};

static MAIL: Table = Table {
    hint: "it as { url: \"smtps://user@mail.example.org\", from: \"…\" }",
    keys: &[
        required(
            "url",
            Shape::Text,
            "smtps://user@host, or smtp:// without encryption.",
        ),
        key(
            "password_file",
            Shape::Text,
            "A file that holds the password.",
        ),
        key(
            "from",
            Shape::Text,
            "Who mails are from, unless a step says.",
        ),
    ],
};

static LIMITS: Table = Table {
    hint: "",
    keys: &[
        key(
            "body_bytes",
            Shape::Size,
            "The largest body of a request; 8MiB unless said.",
        ),
        key(
            "page",
            Shape::Count(1, 100_000),
            "Records of a list where no limit is named; 50 unless said.",
        ),
        key(
            "page_max",
            Shape::Count(1, 100_000),
            "The greatest limit; 1000 unless said.",
        ),
        key(
            "offset_max",
            Shape::Count(0, 10_000_000),
            "The greatest offset; 10000 unless said.",
        ),
        key(
            "bulk",
            Shape::Count(1, 1_000_000),
            "Operations of one bulk call or transaction; 10000 unless said.",
        ),
        key(
            "depth",
            Shape::Count(1, 120),
            "How deep JSON in a body may nest; 64 unless said.",
        ),
        key(
            "filter_terms",
            Shape::Count(1, 10_000),
            "Tests and list items of one filter; 200 unless said.",
        ),
        key(
            "deadline",
            Shape::Duration,
            "How long a call may take; 30s unless said.",
        ),
        key(
            "url_bytes",
            Shape::Size,
            "A request's path and query; 16KiB unless said.",
        ),
        key(
            "head_bytes",
            Shape::Size,
            "A request's line and headers; 64KiB unless said, 8KiB at least.",
        ),
        key(
            "head_time",
            Shape::Duration,
            "How long a client may take for them, and how long a connection may be idle; 30s unless said.",
        ),
        key(
            "body_pause",
            Shape::Duration,
            "How long a client may pause within a body; 10s unless said.",
        ),
        key(
            "connections",
            Shape::Count(1, 1_000_000),
            "Connections at once; 10000 unless said.",
        ),
        key(
            "requests",
            Shape::Count(1, 1_000_000),
            "Requests at once; 1000 unless said.",
        ),
        key(
            "listeners",
            Shape::Count(0, 100_000),
            "Streams of changes at once; 1000 unless said.",
        ),
        key(
            "heartbeat",
            Shape::Duration,
            "How often a stream of changes with nothing to tell says so; 15s unless said.",
        ),
        key(
            "changes_kept",
            Shape::Duration,
            "How long a stream of changes can go on from where it broke; 24h unless said.",
        ),
        key(
            "streams",
            Shape::Count(1, 1_000),
            "Exports and imports under way at once; half of the database's connections unless said, on SQLite 8.",
        ),
        key(
            "stream_time",
            Shape::Duration,
            "How long an export or import may take; 10m unless said.",
        ),
        key(
            "stall",
            Shape::Duration,
            "How long the client of an export takes nothing, or of an import sends nothing, until it is cut off; 30s unless said.",
        ),
        key(
            "import_bytes",
            Shape::Size,
            "The largest import, unpacked; a record of it is bounded by body_bytes; 4GiB unless said.",
        ),
    ],
};
