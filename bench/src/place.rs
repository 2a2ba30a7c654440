//! Where a run has its files, and the PostgreSQL server that it starts and ends.

use std::path::{Path, PathBuf};

use anyhow::Context;

pub(crate) struct Place {
    /// The checkout.
    pub(crate) top: PathBuf,
    /// Logs, projects, databases.
    pub(crate) folder: PathBuf,
    /// A superuser's URL.
    pub(crate) server: String,
    /// The folder of the server's Unix socket.
    pub(crate) socket: PathBuf,
}

impl Place {
    pub(crate) fn prepare() -> anyhow::Result<Self> {
        let top = checkout()?;
        let folder = top.join("target/bench");
        let server = testkit::postgres::durable_server(&folder)?;
        Ok(Self {
            top,
            folder,
            server: server.url,
            socket: server.socket,
        })
    }
}

pub(crate) fn checkout() -> anyhow::Result<PathBuf> {
    let top = Path::new(env!("CARGO_MANIFEST_DIR")).parent();
    Ok(top.context("bench lies in the checkout")?.to_owned())
}
