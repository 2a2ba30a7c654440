//! What the service is told from outside: `GANTRY_DATAFLOW_…`.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;

use chassis::{Env, Secret};

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
            open: false,
        }
    }
}
