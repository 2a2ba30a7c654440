//! What starts a workflow.

use std::sync::Arc;

use super::Reader;
use crate::workflow::answer::Answer;
use crate::workflow::schedule::zone_of;
use crate::workflow::{Cron, Missed, Overlap, Template, Trigger};
use crate::yaml::{Key, Node};
use crate::{Action, did_you_mean};

/// The keys of each kind, the kind itself first.
const KINDS: [&[&str]; 3] = [
    &["cron", "tz", "overlap", "missed"],
    &["change", "on", "if"],
    &["webhook", "secret"],
];

impl Reader<'_, '_> {
    pub(super) fn triggers(&mut self, node: Option<&Node>) -> Vec<Trigger> {
        let items = node.map_or(&[][..], Node::items);
        let mut triggers = Vec::with_capacity(items.len());
        let scope = std::mem::take(&mut self.scope);
        for item in items {
            triggers.extend(self.trigger(item));
        }
        self.scope = scope;
        triggers
    }

    fn trigger(&mut self, node: &Node) -> Option<Trigger> {
        let mut kinds = KINDS.into_iter().filter(|keys| node.get(keys[0]).is_some());
        let (Some(keys), None) = (kinds.next(), kinds.next()) else {
            let hint = Some(
                "write { cron: … }, { change: Film } or { webhook: path, secret: name }".to_owned(),
            );
            self.source.mistake(
                node.at,
                "a trigger has one of cron, change and webhook",
                hint,
            );
            return None;
        };
        for (key, _) in node.members() {
            if key.text != "with" && !keys.contains(&key.text.as_str()) {
                self.unfit(
                    key,
                    KINDS
                        .iter()
                        .find(|keys| keys.contains(&key.text.as_str()))
                        .map(|keys| keys[0]),
                );
            }
        }
        match keys[0] {
            "cron" => self.cron(node),
            "change" => self.change(node),
            _ => self.webhook(node),
        }
    }

    fn unfit(&mut self, key: &Key, owner: Option<&str>) {
        if let Some(owner) = owner {
            self.source.mistake(
                key.at,
                format!("`{}` goes with `{owner}` only", key.text),
                None,
            );
        }
    }

    fn cron(&mut self, node: &Node) -> Option<Trigger> {
        let (cron, at) = node
            .get("cron")
            .and_then(|node| Some((node.text()?.to_owned(), node.at)))?;
        if let Err(why) = Cron::parse(&cron) {
            self.source.mistake(at, why, None);
        }
        let zone = node
            .get("tz")
            .and_then(|node| Some((node.text()?.to_owned(), node.at)));
        if let Some((zone, at)) = &zone
            && zone_of(zone).is_none()
        {
            let names: Vec<_> = jiff::tz::db()
                .available()
                .map(|name| name.to_string())
                .collect();
            let hint = did_you_mean(zone, names.iter().map(String::as_str));
            let hint = hint.or_else(|| Some("zones are named as Europe/Berlin".to_owned()));
            self.source
                .mistake(*at, format!("there is no time zone `{zone}`"), hint);
        }
        let word = |name| node.get(name).and_then(Node::text);
        Some(Trigger::Cron {
            cron,
            zone: zone.map_or_else(|| "UTC".to_owned(), |(zone, _)| zone),
            overlap: match word("overlap") {
                Some("queue") => Overlap::Queue,
                Some("cancel_running") => Overlap::CancelRunning,
                _ => Overlap::Skip,
            },
            missed: match word("missed") {
                Some("none") => Missed::None,
                Some("all") => Missed::All,
                _ => Missed::Latest,
            },
            with: self.given(node, &[("time", Answer::Scalar("timestamp"))]),
        })
    }

    fn change(&mut self, node: &Node) -> Option<Trigger> {
        let named = node.get("change")?;
        let model = named.text()?.to_owned();
        if !self.known.has(&model) {
            let hint = did_you_mean(&model, self.known.names());
            self.source
                .mistake(named.at, format!("there is no model `{model}`"), hint);
        }
        let record = self.project.and_then(|project| project.models.get(&model));
        let record = record.map_or(Answer::Any, |model| Answer::Record(Arc::clone(model)));
        let given = [("record", record), ("op", Answer::Scalar("text"))];
        let texts = node.get("on").into_iter().flat_map(Node::texts);
        let on = texts.filter_map(|(word, _)| match word {
            "create" => Some(Action::Create),
            "update" => Some(Action::Update),
            "delete" => Some(Action::Delete),
            _ => None,
        });
        let on: Vec<_> = on.collect();
        let on = if on.is_empty() {
            vec![Action::Create, Action::Update, Action::Delete]
        } else {
            on
        };
        let with = self.given(node, &given);
        for (name, answer) in given {
            self.scope.add(name, answer);
        }
        let filter = node.get("if").and_then(|filter| self.whole(filter, "if"));
        self.scope.truncate(0);
        Some(Trigger::Change {
            model,
            on,
            filter: filter.map(|(filter, _)| filter),
            with,
        })
    }

    fn webhook(&mut self, node: &Node) -> Option<Trigger> {
        let path = node.get("webhook")?;
        let text = path.text()?.to_owned();
        let fits = |part: &str| {
            !part.is_empty()
                && part
                    .bytes()
                    .all(|b| b.is_ascii_alphanumeric() || b"_-".contains(&b))
        };
        if text.len() > 200 || !text.split('/').all(fits) {
            let message = format!(
                "a webhook's path is letters, digits, - and _, as in shop/paid, not `{text}`"
            );
            self.source.mistake(path.at, message, None);
        }
        self.hooks.push((text.clone(), path.at));
        let Some(secret) = node.get("secret") else {
            let hint = Some("write secret: shop, the name of a file of secrets".to_owned());
            self.source.mistake(
                node.at,
                "a webhook without a secret would take bodies from anybody",
                hint,
            );
            return None;
        };
        let name = secret.text()?.to_owned();
        if !name
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b"_-".contains(&b))
        {
            let message = format!("a secret's name is letters, digits, - and _, not `{name}`");
            self.source.mistake(secret.at, message, None);
        }
        Some(Trigger::Webhook {
            path: text,
            secret: name,
            with: self.given(node, &[("body", Answer::Any)]),
        })
    }

    /// The run's inputs, checked against what the workflow takes.
    fn given(&mut self, node: &Node, given: &[(&str, Answer)]) -> Template {
        for (name, answer) in given {
            self.scope.add(*name, answer.clone());
        }
        let with = node.get("with").map(|with| (with, self.template(with)));
        self.scope.truncate(0);
        let inputs = self.inputs.clone();
        if let Some((at, with)) = with {
            self.inputs_of("this workflow", &inputs, at, &with);
            with
        } else {
            let lacking = |field: &&crate::Field| field.required && field.default.is_none();
            let comes = |field: &&crate::Field| {
                given
                    .iter()
                    .any(|(name, _)| *name == field.name || *name == "body")
            };
            for field in inputs
                .fields
                .iter()
                .filter(lacking)
                .filter(|field| !comes(field))
            {
                let message = format!(
                    "the trigger gives no input `{}`, which is required",
                    field.name
                );
                let hint = Some(format!("write with: {{ {}: … }}", field.name));
                self.source.mistake(node.at, message, hint);
            }
            Template::null()
        }
    }
}
