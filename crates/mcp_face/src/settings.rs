//! What a face is told by the service that carries it.

use std::time::Duration;

use wire::Identity;

#[derive(Debug, Clone)]
pub struct Settings {
    /// Names under which the service may be asked, with or without a port; others are refused, so that a page in a
    /// browser cannot reach it under a name of its own.
    pub hosts: Vec<String>,
    /// Origins whose pages may ask, as `https://app.example.com:443`. None but the service's own may unless named.
    pub origins: Vec<String>,
    /// How clients reach it, as `https://data.example.com`; else it is taken from each request.
    pub public_url: Option<String>,
    /// Whether `/ws` is there.
    pub web_socket: bool,
    /// Whether it is the host's main face, which tells what RFC 9728 wants to be told under no path, too.
    pub main: bool,
    /// Where no group is named, nodes of these families are offered, a tool for each; all nodes unless said.
    pub families: Option<&'static [&'static str]>,
    /// Nodes of these families are offered otherwise, by what stands beside.
    pub aside: &'static [&'static str],
    /// Whether a request without a credential is let in, as what anyone may do.
    pub anonymous: bool,
    pub writes: Writes,
    pub limits: Limits,
}

impl Settings {
    /// Whether tools that change something are for whoever asks.
    pub fn may_write(&self, identity: &Identity) -> bool {
        match self.writes {
            Writes::Scoped => identity.says_write(),
            Writes::Everyone => true,
            Writes::Nobody => false,
        }
    }
}

/// Who is offered tools that change something.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Writes {
    /// Whose credential has the scope `gantry:write`.
    #[default]
    Scoped,
    /// Everyone who may write: for one's own machine.
    Everyone,
    /// Nobody.
    Nobody,
}

/// What one call may cost.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Records in one answer.
    pub rows: u64,
    /// Bytes of records in one answer.
    pub bytes: usize,
    pub time: Duration,
    /// Bytes of a message.
    pub message_bytes: usize,
    /// WebSocket connections at once.
    pub connections: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            rows: 100,
            bytes: 256 << 10,
            time: Duration::from_secs(30),
            message_bytes: 4 << 20,
            connections: 10_000,
        }
    }
}

impl Default for Settings {
    /// For one's own machine, except that agents only read.
    fn default() -> Self {
        let loopback = ["localhost", "127.0.0.1", "::1"];
        Self {
            hosts: loopback.map(str::to_owned).to_vec(),
            origins: Vec::new(),
            public_url: None,
            web_socket: true,
            main: true,
            families: None,
            aside: &[],
            anonymous: true,
            writes: Writes::Scoped,
            limits: Limits::default(),
        }
    }
}
