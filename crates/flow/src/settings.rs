//! How much an engine takes on, and what its steps may reach outside.

use std::time::Duration;

#[derive(Debug, Clone)]
pub struct Settings {
    /// Runs under way at once; more wait in their rows.
    pub runs: u32,
    /// How long steps under way may take to end once the engine is to stop; then their runs are given back.
    pub grace: Duration,
    pub reach: Reach,
}

/// What steps may reach that are no nodes of ours.
#[derive(Debug, Clone)]
pub struct Reach {
    /// Hosts that `http.request` may ask, `*.example.com` for all below one. Empty: whatever is public.
    pub hosts: Vec<String>,
    /// Addresses that are not public: private networks, this machine, the link.
    pub private: bool,
    /// Bytes of an answer.
    pub answer_bytes: usize,
    pub time: Duration,
    pub chat: Option<Chat>,
    pub mail: Option<Mail>,
}

/// An endpoint that speaks `OpenAI`'s chat completions.
#[derive(Clone)]
pub struct Chat {
    /// `https://api.openai.com/v1`
    pub url: String,
    pub key: Option<String>,
    /// Unless the step names one.
    pub model: Option<String>,
}

#[derive(Clone)]
pub struct Mail {
    /// `smtps://user@mail.example.com:465`
    pub url: String,
    pub password: Option<String>,
    /// Who mails are from, unless the step says.
    pub from: Option<String>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            runs: 256,
            grace: Duration::from_secs(20),
            reach: Reach::default(),
        }
    }
}

impl Default for Reach {
    fn default() -> Self {
        Self {
            hosts: Vec::new(),
            private: false,
            answer_bytes: 1 << 20,
            time: Duration::from_secs(30),
            chat: None,
            mail: None,
        }
    }
}

impl std::fmt::Debug for Chat {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.url)
    }
}

impl std::fmt::Debug for Mail {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.url)
    }
}
