//! When a step is tried again.

use std::time::Duration;

use wire::Code;

use super::{Reader, duration};
use crate::did_you_mean;
use crate::workflow::Retry;
use crate::yaml::Node;

impl Reader<'_, '_> {
    pub(super) fn retry(&mut self, node: Option<&Node>) -> Retry {
        let mut retry = Retry::default();
        let Some(node) = node else {
            return retry;
        };
        let text = |name| node.get(name).and_then(Node::text);
        retry.attempts = text("attempts")
            .and_then(|text| text.parse().ok())
            .unwrap_or(retry.attempts);
        retry.initial = duration(node, "initial").unwrap_or(retry.initial);
        retry.max = duration(node, "max").unwrap_or_else(|| retry.max.max(retry.initial));
        retry.jitter = node
            .get("jitter")
            .and_then(Node::bool)
            .unwrap_or(retry.jitter);
        if let Some(factor) = node.get("factor") {
            match factor
                .text()
                .and_then(|text| text.parse::<f64>().ok())
                .filter(|f| (1.0..=100.0).contains(f))
            {
                Some(number) => retry.factor = number,
                None => self
                    .source
                    .mistake(factor.at, "`factor` is a number from 1 to 100", None),
            }
        }
        if let Some(max) = node
            .get("max")
            .filter(|_| retry.max < retry.initial && retry.max > Duration::ZERO)
        {
            self.source
                .mistake(max.at, "`max` is less than `initial`", None);
        }
        for (word, at) in node.get("on").into_iter().flat_map(Node::texts) {
            if let Some(code) = Code::ALL.iter().find(|code| code.as_str() == word) {
                retry.on.push(*code);
            } else {
                let hint = did_you_mean(word, Code::ALL.iter().map(|code| code.as_str()));
                let hint = hint.or_else(|| Some("codes stand in docs/problems".to_owned()));
                self.source
                    .mistake(at, format!("there is no problem `{word}`"), hint);
            }
        }
        retry
    }
}
