//! What the service is told from outside: `GANTRY_DATAFLOW_…`.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::str::FromStr;

use chassis::{Env, Secret};
use store::migrate::Told;

#[derive(Debug, Clone)]
pub struct Settings {
    /// `LISTEN`, 127.0.0.1:8001
    pub listen: SocketAddr,
    /// `OPS_LISTEN`, 127.0.0.1:9100
    pub ops_listen: SocketAddr,
    /// `PROJECT`, the folder; the current one
    pub project: PathBuf,
    /// `DATABASE_URL_FILE`, or `DATABASE_URL` where it holds no password
    pub database_url: Option<Secret>,
    /// `WATCH`, off: whether files that change are read again, `true`, or `poll` where the system tells of no changes
    pub watch: Option<Watch>,
    /// Told after each step of a migration; else it is logged now and then.
    pub migrating: Option<Told>,
    /// Lets anyone do everything; only the embedded platform on loopback sets it.
    pub open: bool,
}

impl Settings {
    pub fn load(env: &Env) -> Result<Self, chassis::Error> {
        let settings = Self {
            listen: env.or("LISTEN", SocketAddr::from((Ipv4Addr::LOCALHOST, 8001))),
            ops_listen: env.or("OPS_LISTEN", SocketAddr::from((Ipv4Addr::LOCALHOST, 9100))),
            project: env.or("PROJECT", PathBuf::from(".")),
            database_url: env
                .secret("DATABASE_URL")
                .or_else(|| env.optional::<String>("DATABASE_URL").map(Secret::new)),
            watch: env.or("WATCH", Asked(None)).0,
            migrating: None,
            open: false,
        };
        env.finish()?;
        Ok(settings)
    }

    /// For a platform inside another program: nothing listens by itself.
    pub fn embedded(project: PathBuf, database_url: Option<String>) -> Self {
        Self {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            ops_listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            project,
            database_url: database_url.map(Secret::new),
            watch: None,
            migrating: None,
            open: false,
        }
    }
}

/// How it is noticed that files change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Watch {
    /// The system tells.
    Events,
    /// By looking twice a second: some mounts tell nothing.
    Poll,
}

/// `WATCH` as it is written.
struct Asked(Option<Watch>);

impl FromStr for Asked {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "false" => Ok(Self(None)),
            "true" => Ok(Self(Some(Watch::Events))),
            "poll" => Ok(Self(Some(Watch::Poll))),
            _ => Err("is `true`, `poll` or `false`"),
        }
    }
}
