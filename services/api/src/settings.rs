//! What the service is told from outside: `GANTRY_API_…`.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use chassis::{Env, HttpLimits};

#[derive(Debug, Clone)]
pub struct Settings {
    /// `LISTEN`, 127.0.0.1:8000
    pub listen: SocketAddr,
    /// `OPS_LISTEN`, 127.0.0.1:9100
    pub ops_listen: SocketAddr,
    /// `DATAFLOW`, <http://127.0.0.1:8001>
    pub dataflow: String,
    pub limits: Limits,
}

/// What one request may cost.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// `BODY_BYTES`, 8 MiB, counted after decompression. Nodes have limits of their own, which are lower or the same.
    pub body_bytes: usize,
    /// `DEADLINE_MS`, 30,000: after that the answer is a timeout.
    pub deadline: Duration,
    /// `URL_BYTES`, 16 KiB: path and query.
    pub url_bytes: usize,
    /// `BODY_PAUSE_MS`, 10,000: how long a client may pause within a body.
    pub body_pause: Duration,
    /// `REQUESTS`, 1,000 at once; more are refused.
    pub requests: usize,
    /// `HEAD_BYTES`, 64 KiB, `HEAD_TIME_MS`, 30,000, and `CONNECTIONS`, 10,000 at once.
    pub http: HttpLimits,
    /// `IMPORT_BYTES`, 4 GiB, counted after decompression: of a body whose records are taken as they come.
    pub import_bytes: u64,
    /// `STREAM_TIME_MS`, 600,000: how long such a body may take.
    pub stream_time: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            body_bytes: 8 << 20,
            deadline: Duration::from_secs(30),
            url_bytes: 16 << 10,
            body_pause: Duration::from_secs(10),
            requests: 1_000,
            http: HttpLimits::default(),
            import_bytes: 4 << 30,
            stream_time: Duration::from_mins(10),
        }
    }
}

impl Settings {
    pub fn load(env: &Env) -> Result<Self, chassis::Error> {
        let limits = Limits::default();
        let settings = Self {
            listen: env.or("LISTEN", SocketAddr::from((Ipv4Addr::LOCALHOST, 8000))),
            ops_listen: env.or("OPS_LISTEN", SocketAddr::from((Ipv4Addr::LOCALHOST, 9100))),
            dataflow: env.or("DATAFLOW", "http://127.0.0.1:8001".to_owned()),
            limits: Limits {
                body_bytes: env.or("BODY_BYTES", limits.body_bytes),
                deadline: env.time("DEADLINE_MS", limits.deadline),
                url_bytes: env.or("URL_BYTES", limits.url_bytes),
                body_pause: env.time("BODY_PAUSE_MS", limits.body_pause),
                requests: env.or("REQUESTS", limits.requests),
                http: HttpLimits::load(env),
                import_bytes: env.or("IMPORT_BYTES", limits.import_bytes),
                stream_time: env.time("STREAM_TIME_MS", limits.stream_time),
            },
        };
        env.finish()?;
        Ok(settings)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_setting_is_described() {
        let nonsense = [("GANTRY_API_X".to_owned(), String::new())];
        let told = Settings::load(&Env::new("api", nonsense)).unwrap_err();
        testkit::settings_are_described("API", &told.to_string());
    }
}
