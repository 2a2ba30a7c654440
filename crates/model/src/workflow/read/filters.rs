//! `where` in a step, as far as its parts are no expressions.

use std::sync::Arc;

use serde_json::value::RawValue;
use serde_json::{Value, json};

use super::Reader;
use crate::filter::known_operator;
use crate::source::Place;
use crate::workflow::Template;
use crate::yaml::{Node, Yaml};
use crate::{Filter, FilterLimits, Model, did_you_mean};

impl Reader<'_, '_> {
    pub(super) fn filter(&mut self, model: &Arc<Model>, node: &Node, template: &Template) {
        match (&node.yaml, template) {
            (_, Template::Whole(_)) => {}
            (Yaml::Map(members), template) => {
                for ((key, node), template) in members.iter().zip(template.members()) {
                    match key.text.as_str() {
                        "not" => self.filter(model, node, &template),
                        "and" | "or" => {
                            if !matches!(
                                (&node.yaml, &template),
                                (Yaml::List(_), _) | (_, Template::Whole(_))
                            ) {
                                self.source.mistake(
                                    node.at,
                                    format!("`{}` takes a list of filters", key.text),
                                    None,
                                );
                            }
                            for (node, template) in node.items().iter().zip(template.items()) {
                                self.filter(model, node, &template);
                            }
                        }
                        name => self.test(model, name, key.at, node, &template),
                    }
                }
            }
            _ => self.source.mistake(
                node.at,
                "a filter is a map",
                Some("write where: { rating: { gte: 7 } }".to_owned()),
            ),
        }
    }

    fn test(
        &mut self,
        model: &Arc<Model>,
        name: &str,
        at: Place,
        node: &Node,
        template: &Template,
    ) {
        let Some(id) = model.find(name) else {
            let names = model.fields.iter().map(|field| field.name.as_str());
            let hint = did_you_mean(name, names.chain(["and", "or", "not"]));
            self.source.mistake(
                at,
                format!("{} has no field `{name}`", self.known.told(&model.name)),
                hint,
            );
            return;
        };
        if let Template::Constant(value) = template {
            self.read_filter(model, node, &json!({name: value}), 1);
            return;
        }
        for ((key, node), template) in node.members().iter().zip(template.members()) {
            match template {
                Template::Constant(value) => {
                    self.read_filter(model, node, &json!({name: {key.text.as_str(): value}}), 2);
                }
                _ if key.text == "not" => self.test(model, name, key.at, node, &template),
                _ => {
                    if let Err((message, hint)) = known_operator(model.field(id), &key.text) {
                        self.source.mistake(key.at, message, hint);
                    }
                }
            }
        }
    }

    /// `depth`: how many members of the value are not below the node.
    fn read_filter(&mut self, model: &Model, node: &Node, value: &Value, depth: usize) {
        let Ok(raw) = RawValue::from_string(value.to_string()) else {
            return;
        };
        for fault in Filter::from_json(model, &raw, "", FilterLimits::default())
            .err()
            .into_iter()
            .flatten()
        {
            let below = fault
                .pointer
                .split('/')
                .skip(1 + depth)
                .fold(String::new(), |way, part| format!("{way}/{part}"));
            self.source
                .mistake(node.at_pointer(&below), fault.detail, None);
        }
    }
}
