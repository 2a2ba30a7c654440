//! What the service is told from outside: `GANTRY_NEXUS_…`.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use chassis::{Env, HttpLimits, Secret};
use flow::{Chat, Mail, Reach};
use mcp_face::{Names, Public};

#[derive(Debug, Clone)]
pub struct Settings {
    /// `LISTEN`, 127.0.0.1:8002
    pub listen: SocketAddr,
    /// `OPS_LISTEN`, 127.0.0.1:9100
    pub ops_listen: SocketAddr,
    /// `DATAFLOW`, <http://127.0.0.1:8001>
    pub dataflow: String,
    pub limits: Limits,
    /// `HOSTS`, `localhost,127.0.0.1,::1,nexus`; `ORIGINS`, none; `PUBLIC_URL`, whose host is one of `HOSTS`;
    /// `ANONYMOUS`, off; `WRITES`, `scope`
    pub agents: mcp_face::Settings,
    /// `RUNS`, 256; `GRACE_MS`, 20,000; `HTTP_HOSTS`, all; `HTTP_PRIVATE`, off; `HTTP_ANSWER_BYTES`, 1 MiB;
    /// `HTTP_TIME_MS`, 30,000; `CHAT_URL`, none, `CHAT_KEY_FILE`, `CHAT_MODEL`; `MAIL_URL`, none, `MAIL_PASSWORD_FILE`,
    /// `MAIL_FROM`
    pub flow: flow::Settings,
    /// `HOOK_SECRETS`, `/run/secrets`: the folder of the secrets that webhooks are signed with.
    pub hook_secrets: PathBuf,
}

/// Where containers find their secrets.
pub(crate) const HOOK_SECRETS: &str = "/run/secrets";

/// What one request may cost.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// `BODY_BYTES`, 1 MiB.
    pub body_bytes: usize,
    /// `DEADLINE_MS`, 30,000: so long an answer waits for its run to end.
    pub deadline: Duration,
    /// `BODY_PAUSE_MS`, 10,000: how long a client may pause within a body.
    pub body_pause: Duration,
    /// `REQUESTS`, 10,000 at once; more are refused.
    pub requests: usize,
    /// `HEAD_BYTES`, 64 KiB, `HEAD_TIME_MS`, 30,000, and `CONNECTIONS`, 10,000 at once.
    pub http: HttpLimits,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            body_bytes: 1 << 20,
            deadline: Duration::from_secs(30),
            body_pause: Duration::from_secs(10),
            requests: 10_000,
            http: HttpLimits::default(),
        }
    }
}

impl Settings {
    pub fn load(env: &Env) -> Result<Self, chassis::Error> {
        let limits = Limits::default();
        let settings = Self {
            listen: listen(env),
            ops_listen: env.or("OPS_LISTEN", SocketAddr::from((Ipv4Addr::LOCALHOST, 9100))),
            dataflow: env.or("DATAFLOW", "http://127.0.0.1:8001".to_owned()),
            limits: Limits {
                body_bytes: env.or("BODY_BYTES", limits.body_bytes),
                deadline: env.time("DEADLINE_MS", limits.deadline),
                body_pause: env.time("BODY_PAUSE_MS", limits.body_pause),
                requests: env.or("REQUESTS", limits.requests),
                http: HttpLimits::load(env),
            },
            agents: agents(env),
            flow: flow(env),
            hook_secrets: env.or("HOOK_SECRETS", PathBuf::from(HOOK_SECRETS)),
        };
        env.finish()?;
        Ok(settings)
    }
}

/// Where the public port is.
pub(crate) fn listen(env: &Env) -> SocketAddr {
    env.or("LISTEN", SocketAddr::from((Ipv4Addr::LOCALHOST, 8002)))
}

fn agents(env: &Env) -> mcp_face::Settings {
    let usual = mcp_face::Settings::default();
    let mut hosts = usual.hosts.clone();
    hosts.push("nexus".to_owned());
    let mut hosts = env.or("HOSTS", Names(hosts)).0;
    let public = env.or("PUBLIC_URL", Public::default());
    hosts.extend(public.host);
    mcp_face::Settings {
        hosts,
        origins: env.or("ORIGINS", Names(Vec::new())).0,
        public_url: public.url,
        anonymous: env.or("ANONYMOUS", false),
        writes: env.or("WRITES", usual.writes),
        ..usual
    }
}

fn flow(env: &Env) -> flow::Settings {
    let usual = flow::Settings::default();
    let hosts: String = env.or("HTTP_HOSTS", String::new());
    let hosts = hosts
        .split(',')
        .map(str::trim)
        .filter(|host| !host.is_empty());
    let revealed = |secret: Option<Secret>| secret.map(|secret| secret.reveal().to_owned());
    let (chat_key, chat_model) = (revealed(env.secret("CHAT_KEY")), env.optional("CHAT_MODEL"));
    let (password, from) = (
        revealed(env.secret("MAIL_PASSWORD")),
        env.optional("MAIL_FROM"),
    );
    let said = |name: &str| env.optional::<String>(name).filter(|url| !url.is_empty());
    flow::Settings {
        runs: env.or("RUNS", usual.runs),
        grace: env.time("GRACE_MS", usual.grace),
        reach: Reach {
            hosts: hosts.map(str::to_owned).collect(),
            private: env.or("HTTP_PRIVATE", usual.reach.private),
            answer_bytes: env.or("HTTP_ANSWER_BYTES", usual.reach.answer_bytes),
            time: env.time("HTTP_TIME_MS", usual.reach.time),
            chat: said("CHAT_URL").map(|url| Chat {
                url,
                key: chat_key,
                model: chat_model,
            }),
            mail: said("MAIL_URL").map(|url| Mail {
                url,
                password,
                from,
            }),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_setting_is_described() {
        let nonsense = [("GANTRY_NEXUS_X".to_owned(), String::new())];
        let told = Settings::load(&Env::new("nexus", nonsense)).unwrap_err();
        testkit::settings_are_described("NEXUS", &told.to_string());
    }
}
