//! `Prefer` (RFC 7240): whether to wait for a run.

use std::time::Duration;

use http::HeaderMap;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Preferences {
    /// Be told that it was begun, and no more.
    pub(crate) respond_async: bool,
    /// Wait so long at most.
    pub(crate) wait: Option<Duration>,
}

impl Preferences {
    /// What is not known is ignored.
    pub(crate) fn read(headers: &HeaderMap) -> Self {
        let mut read = Self::default();
        let values = headers.get_all("prefer").iter();
        let texts = values.filter_map(|value| value.to_str().ok());
        for preference in texts.flat_map(|text| text.split(',')) {
            let said = preference.split(';').next().unwrap_or_default().trim();
            let (name, value) = said.split_once('=').unwrap_or((said, ""));
            match name.trim().to_ascii_lowercase().as_str() {
                "respond-async" => read.respond_async = true,
                "wait" => read.wait = value.trim().parse().ok().map(Duration::from_secs),
                _ => {}
            }
        }
        read
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn preferences_are_heard() {
        let read = |text: &str| {
            let headers = HeaderMap::from_iter([(
                http::HeaderName::from_static("prefer"),
                text.parse().unwrap(),
            )]);
            let read = Preferences::read(&headers);
            (read.respond_async, read.wait.map(|wait| wait.as_secs()))
        };
        assert_eq!(read("respond-async"), (true, None));
        assert_eq!(read("Respond-Async, wait=10"), (true, Some(10)));
        assert_eq!(read("wait=many, return=minimal"), (false, None));
    }
}
