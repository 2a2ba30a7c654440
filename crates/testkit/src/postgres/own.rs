//! A PostgreSQL server of one test's own, which it may stop and start.

use std::fs::{self, File};
use std::io;
use std::path::Path;
use std::process::{Child, Stdio};

use super::{
    QUICK_SETTINGS, START_LIMIT, Server, answers, command, free_port, run, url, wait_until,
};

/// How it is told to stop.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stop {
    /// Ends sessions, rolls back, writes everything down.
    Fast,
    /// As after a crash: recovers when it starts.
    Immediate,
}

/// Killed, and its data removed, when it is dropped.
pub struct OwnPostgres {
    server: Server,
    more: Vec<String>,
    port: u16,
    process: Option<Child>,
}

impl OwnPostgres {
    /// `more` are settings such as `max_connections=20`.
    pub fn start(folder: &Path, more: &[&str]) -> io::Result<Self> {
        let server = Server::in_folder(folder, QUICK_SETTINGS)?;
        server.create()?;
        let mut own = Self {
            server,
            more: more.iter().map(|&setting| setting.to_owned()).collect(),
            port: free_port()?,
            process: None,
        };
        own.start_again()?;
        Ok(own)
    }

    /// A superuser's.
    pub fn url(&self) -> String {
        url(self.port)
    }

    /// On the same port; returns when it takes connections.
    pub fn start_again(&mut self) -> io::Result<()> {
        let log = File::options()
            .create(true)
            .append(true)
            .open(self.server.state.join("postgres.log"))?;
        let mut program = self.server.program(self.port);
        for setting in &self.more {
            program.arg("-c").arg(setting);
        }
        let process = program
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            .spawn()?;
        self.process = Some(process);
        wait_until(START_LIMIT, || {
            self.server.ready_port().filter(|port| answers(*port))
        })?;
        Ok(())
    }

    /// Returns when it has ended.
    pub fn stop(&mut self, how: Stop) -> io::Result<()> {
        let Some(mut process) = self.process.take() else {
            return Ok(());
        };
        let signal = match how {
            Stop::Fast => "-INT",
            Stop::Immediate => "-QUIT",
        };
        run(command("kill").args([signal, &process.id().to_string()]))?;
        process.wait()?;
        Ok(())
    }
}

impl Drop for OwnPostgres {
    fn drop(&mut self) {
        // A test that ends has no use for an error of this.
        self.stop(Stop::Immediate).ok();
        fs::remove_dir_all(&self.server.data).ok();
    }
}
