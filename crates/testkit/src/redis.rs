//! A Redis server of one test's own, with a user and a password, which it may stop, hold still and start.

use std::fs;
use std::io;
use std::process::{Child, Stdio};
use std::time::Duration;

use tempfile::TempDir;

use crate::postgres::{answers, command, free_port, run, wait_until};

const START_LIMIT: Duration = Duration::from_mins(1);

/// Killed, and its data removed, when it is dropped.
pub struct Redis {
    folder: TempDir,
    port: u16,
    process: Option<Child>,
}

impl Redis {
    pub const PASSWORD: &str = "correct-horse";

    /// # Errors
    ///
    /// Where there is no `redis-server`: Debian's package of that name has it.
    pub fn start() -> io::Result<Self> {
        let folder = tempfile::tempdir()?;
        let password = Self::PASSWORD;
        // As little as a service gets, and whoever looks after the server.
        let rights = format!(
            "user default off\n\
             user gantry on >{password} ~gantry:* +mget +set +info\n\
             user keeper on >{password} ~* +@all\n"
        );
        fs::write(folder.path().join("users.acl"), rights)?;
        let mut redis = Self {
            folder,
            port: free_port()?,
            process: None,
        };
        redis.start_again()?;
        Ok(redis)
    }

    /// Without the password.
    pub fn url(&self) -> String {
        format!("redis://gantry@127.0.0.1:{}", self.port)
    }

    /// On the same port, empty; returns when it takes connections.
    pub fn start_again(&mut self) -> io::Result<()> {
        let folder = self.folder.path();
        let process = command("redis-server")
            .args(["--port", &self.port.to_string()])
            .args(["--bind", "127.0.0.1", "--save", "", "--dir"])
            .arg(folder)
            .arg("--aclfile")
            .arg(folder.join("users.acl"))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()?;
        self.process = Some(process);
        wait_until(START_LIMIT, || answers(self.port).then_some(()))
    }

    /// As after a crash.
    pub fn stop(&mut self) -> io::Result<()> {
        let Some(mut process) = self.process.take() else {
            return Ok(());
        };
        process.kill()?;
        process.wait()?;
        Ok(())
    }

    /// It keeps its connections and answers nobody.
    pub fn hold_still(&self) -> io::Result<()> {
        self.signal("-STOP")
    }

    pub fn go_on(&self) -> io::Result<()> {
        self.signal("-CONT")
    }

    fn signal(&self, signal: &str) -> io::Result<()> {
        let id = self
            .process
            .as_ref()
            .map(|process| process.id().to_string());
        run(command("kill").arg(signal).args(id))
    }

    /// Deletes the keys like `pattern`, as where memory is short.
    pub fn forget(&self, pattern: &str) -> io::Result<()> {
        let script = "for _, k in ipairs(redis.call('KEYS', ARGV[1])) do redis.call('DEL', k) end";
        run(command("redis-cli")
            .args(["-p", &self.port.to_string(), "--user", "keeper", "--pass"])
            .arg(Self::PASSWORD)
            .args(["--no-auth-warning", "EVAL", script, "0", pattern]))
    }
}

impl Drop for Redis {
    fn drop(&mut self) {
        // A test that ends has no use for an error of this.
        self.stop().ok();
    }
}
