//! Each image's own probe goes red for each reason that there is, and is never green too early.

mod edge;
mod neo4j;
mod postgres;
mod redis;

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use e2e::engine::{PATIENCE, Said, docker};
use tempfile::TempDir;

/// Everything that these tests start carries it, so that nothing of anybody else's is ever cleared away.
const LABEL: &str = "gantry.test=images";

/// One container of an image under the terms that the stack gives it, and its volume; both end with the test.
struct Store {
    name: String,
    image: String,
    options: Vec<String>,
    secrets: TempDir,
}

impl Store {
    /// Not started: `options` are its mounts, its tmpfs and its memory.
    fn new(image: &str, test: &str, options: &[&str]) -> Self {
        let name = format!("gantry-probes-{test}");
        docker(["rm", "--force", "--volumes", &name]);
        docker(["volume", "rm", "--force", &name]);
        let secrets = tempfile::tempdir().unwrap();
        fs::set_permissions(secrets.path(), fs::Permissions::from_mode(0o755)).unwrap();
        let mut all = [
            "--read-only",
            "--cap-drop=ALL",
            "--security-opt=no-new-privileges:true",
            "--pids-limit=256",
            "--no-healthcheck",
        ]
        .map(str::to_owned)
        .to_vec();
        all.push(format!("--label={LABEL}"));
        all.push(format!(
            "--volume={}:/run/secrets:ro",
            secrets.path().display()
        ));
        all.extend(options.iter().map(|option| option.replace("NAME", &name)));
        let store = Self {
            image: format!("gantry/{image}:{}", e2e::tag()),
            name,
            options: all,
            secrets,
        };
        store.volume(&[]);
        store
    }

    /// Its volume anew; with `options`, one of a limited size and so on.
    fn volume(&self, options: &[&str]) {
        docker(["volume", "rm", "--force", &self.name]).unwrap();
        let create = ["volume", "create", "--label", LABEL];
        docker([&create, options, &[&self.name]].concat()).unwrap();
    }

    fn secret(&self, name: &str, text: &str) {
        let path = self.secrets.path().join(name);
        // A new file, as a mounted secret is one; the image's user is not the one who runs the test.
        let _ = fs::remove_file(&path);
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o444)).unwrap();
    }

    fn secrets(&self) -> &Path {
        self.secrets.path()
    }

    /// A new container over the volume as it is.
    fn start(&self, words: &[&str]) {
        docker(["rm", "--force", &self.name]);
        let mut arguments = vec!["run", "--detach", "--name", &self.name];
        arguments.extend(self.options.iter().map(String::as_str));
        arguments.push(&self.image);
        arguments.extend(words);
        docker(arguments).unwrap();
    }

    /// Starts it where it must refuse to, and says how and why it did.
    fn refused(&self, without: &str, words: &[&str]) -> (Option<i32>, String) {
        let mut arguments = vec!["run", "--rm"];
        let options = self.options.iter().map(String::as_str);
        arguments.extend(options.filter(|option| without.is_empty() || !option.contains(without)));
        arguments.push(&self.image);
        arguments.extend(words);
        let said = docker(arguments);
        (said.code, said.err)
    }

    fn exec(&self, words: &[&str]) -> Said {
        docker([&["exec", &self.name], words].concat())
    }

    fn probe(&self) -> Said {
        self.exec(&["/entrypoint", "probe"])
    }

    /// The probe with a setting of its own.
    fn probe_with(&self, setting: &str) -> Said {
        docker(["exec", "--env", setting, &self.name, "/entrypoint", "probe"])
    }

    /// Red, for this reason.
    #[track_caller]
    fn red(&self, said: &Said, why: &str) {
        assert!(!said.ok, "{}: the probe is green: {why}", self.name);
        assert!(said.err.contains(why), "{}: {}", self.name, said.err);
    }

    /// Twenty times a second until it is green; `each` is asked after every red one.
    #[track_caller]
    fn green_after(&self, mut each: impl FnMut(&Said)) -> Duration {
        let begun = Instant::now();
        loop {
            let said = self.probe();
            if said.ok {
                return begun.elapsed();
            }
            each(&said);
            let log = docker(["logs", "--tail=20", &self.name]);
            assert!(
                begun.elapsed() < PATIENCE,
                "{}: {}{}{}",
                self.name,
                said.err,
                log.out,
                log.err
            );
            thread::sleep(Duration::from_millis(50));
        }
    }

    #[track_caller]
    fn green(&self) {
        self.green_after(|_| {});
    }

    fn kill(&self, signal: &str) {
        docker(["kill", "--signal", signal, &self.name]).unwrap();
    }

    /// A process that is stopped hears nothing, like one that hangs; then all is well again.
    fn hangs_and_goes_on(&self) {
        self.kill("STOP");
        let begun = Instant::now();
        let said = self.probe();
        self.red(&said, "no answer within 3 s");
        // Docker gives a probe four seconds, beside what starting it takes.
        assert!(begun.elapsed() < Duration::from_secs(15));
        self.kill("CONT");
        self.green();
        docker(["pause", &self.name]).unwrap();
        assert!(!self.probe().ok);
        docker(["unpause", &self.name]).unwrap();
        self.green();
    }

    /// Fills the volume, which is a small one, to its last byte.
    fn fill(&self) {
        let volume = format!("--volume={}:/full", self.name);
        docker([
            "run",
            "--rm",
            "--label",
            LABEL,
            &volume,
            "debian:trixie-slim",
            "sh",
            "-c",
            "dd if=/dev/zero of=/full/filler bs=1M 2> /dev/null; true",
        ])
        .unwrap();
    }

    fn empty(&self) {
        let volume = format!("--volume={}:/full", self.name);
        let rm = ["debian:trixie-slim", "rm", "/full/filler"];
        docker([&["run", "--rm", "--label", LABEL, &volume][..], &rm].concat()).unwrap();
    }

    /// What Docker shows to everybody must not hold the password.
    fn keeps_its_secret(&self, password: &str) {
        let log = docker(["logs", &self.name]);
        let inspect = docker(["inspect", &self.name]);
        let top = docker(["top", &self.name, "-eo", "args"]);
        for said in [log, inspect, top] {
            assert!(!said.out.contains(password) && !said.err.contains(password));
        }
    }
}

impl Drop for Store {
    fn drop(&mut self) {
        docker(["rm", "--force", "--volumes", &self.name]);
        docker(["volume", "rm", "--force", &self.name]);
    }
}

/// A volume of this many MiB in memory, for this user.
fn small(mib: u32, user: u32) -> [String; 6] {
    [
        "--opt".to_owned(),
        "type=tmpfs".to_owned(),
        "--opt".to_owned(),
        "device=tmpfs".to_owned(),
        "--opt".to_owned(),
        format!("o=size={mib}m,uid={user},gid={user},mode=0755"),
    ]
}
