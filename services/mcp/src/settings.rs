//! What the service is told from outside: `GANTRY_MCP_…`.

use std::net::{Ipv4Addr, SocketAddr};

use chassis::{Env, HttpLimits};
use mcp_face::{Limits, Names, Public};

#[derive(Debug, Clone)]
pub struct Settings {
    /// `LISTEN`, 127.0.0.1:3001
    pub listen: SocketAddr,
    /// `OPS_LISTEN`, 127.0.0.1:9100
    pub ops_listen: SocketAddr,
    /// `DATAFLOW`, <http://127.0.0.1:8001>
    pub dataflow: String,
    /// `HOSTS`, `localhost,127.0.0.1,::1,mcp`; `ORIGINS`, none; `PUBLIC_URL`, whose host is one of `HOSTS`; `WEB_SOCKET`, on; `ANONYMOUS`, off;
    /// `WRITES`, `scope`; `ROWS`, 100; `ANSWER_BYTES`, 256 KiB; `TIME_MS`, 30,000; `MESSAGE_BYTES`, 4 MiB
    pub face: mcp_face::Settings,
    /// `HEAD_BYTES`, 64 KiB, `HEAD_TIME_MS`, 30,000, and `CONNECTIONS`, 10,000 at once.
    pub http: HttpLimits,
}

impl Settings {
    pub fn load(env: &Env) -> Result<Self, chassis::Error> {
        let usual = mcp_face::Settings::default();
        let limits = Limits::default();
        let http = HttpLimits::load(env);
        let mut hosts = usual.hosts.clone();
        hosts.push("mcp".to_owned());
        let mut hosts = env.or("HOSTS", Names(hosts)).0;
        let public = env.or("PUBLIC_URL", Public::default());
        hosts.extend(public.host);
        let settings = Self {
            listen: env.or("LISTEN", SocketAddr::from((Ipv4Addr::LOCALHOST, 3001))),
            ops_listen: env.or("OPS_LISTEN", SocketAddr::from((Ipv4Addr::LOCALHOST, 9100))),
            dataflow: env.or("DATAFLOW", "http://127.0.0.1:8001".to_owned()),
            face: mcp_face::Settings {
                hosts,
                origins: env.or("ORIGINS", Names(Vec::new())).0,
                public_url: public.url,
                web_socket: env.or("WEB_SOCKET", true),
                anonymous: env.or("ANONYMOUS", false),
                writes: env.or("WRITES", usual.writes),
                limits: Limits {
                    rows: env.or("ROWS", limits.rows),
                    bytes: env.or("ANSWER_BYTES", limits.bytes),
                    time: env.time("TIME_MS", limits.time),
                    message_bytes: env.or("MESSAGE_BYTES", limits.message_bytes),
                    connections: http.connections,
                },
                ..usual
            },
            http,
        };
        env.finish()?;
        Ok(settings)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_public_url_names_a_host_or_is_refused() {
        let check = |url: &str, expected: Option<&str>| {
            let variable = ("GANTRY_MCP_PUBLIC_URL".to_owned(), url.to_owned());
            let settings = Settings::load(&Env::new("mcp", [variable]));
            let told = settings.ok().map(|settings| settings.face.hosts.join(","));
            assert_eq!(told.as_deref(), expected, "{url}");
        };
        check("", Some("localhost,127.0.0.1,::1,mcp"));
        check(
            "https://data.example.com:8443",
            Some("localhost,127.0.0.1,::1,mcp,data.example.com"),
        );
        for url in ["data.example.com", "ftp://data.example.com", "https://"] {
            check(url, None);
        }
    }

    #[test]
    fn every_setting_is_described() {
        let nonsense = [("GANTRY_MCP_X".to_owned(), String::new())];
        let told = Settings::load(&Env::new("mcp", nonsense)).unwrap_err();
        testkit::settings_are_described("MCP", &told.to_string());
    }
}
