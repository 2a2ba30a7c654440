//! Records' values and workflows' inputs in a file: the fields are there, constants are of their types.

use serde_json::Value;

use super::super::Reader;
use super::{Member, With, empty};
use crate::workflow::answer::Answer;
use crate::workflow::input::check_constant;
use crate::workflow::{Action, Form, Template};
use crate::yaml::Node;
use crate::{Field, Kind, Model, System, did_you_mean};

impl Reader<'_, '_> {
    /// `whole`: what is required must be given.
    pub(super) fn values(&mut self, model: &Model, with: &With<'_>, whole: bool) {
        let writable = |field: &&Field| field.system.is_none() || field.system == Some(System::Id);
        for Member {
            at,
            name,
            node,
            template,
        } in &with.members
        {
            match model.fields.iter().find(|field| field.name == *name) {
                Some(field) if writable(&field) => self.value(field, node, template),
                Some(_) => {
                    let hint = Some("leave it out".to_owned());
                    self.source.mistake(
                        *at,
                        format!("`{name}` is a column that the platform writes"),
                        hint,
                    );
                }
                None => {
                    let names = model
                        .fields
                        .iter()
                        .filter(writable)
                        .map(|field| field.name.as_str());
                    let hint = did_you_mean(name, names);
                    self.source.mistake(
                        *at,
                        format!("{} has no field `{name}`", self.known.told(&model.name)),
                        hint,
                    );
                }
            }
        }
        if whole {
            let named: Vec<_> = model
                .fields
                .iter()
                .filter(|field| field.system.is_none())
                .collect();
            self.lacking(&model.name, &named, with);
        }
    }

    fn lacking(&mut self, whose: &str, fields: &[&Field], with: &With<'_>) {
        for field in fields
            .iter()
            .filter(|field| field.required && field.default.is_none())
        {
            if with.get(&field.name).is_none() {
                let hint = Some(format!("write {}: …", field.name));
                self.source
                    .mistake(with.at, format!("{whose} needs `{}`", field.name), hint);
            }
        }
    }

    fn value(&mut self, field: &Field, node: &Node, template: &Template) {
        let Template::Constant(constant) = template else {
            return;
        };
        if let Err(why) = check_constant(field, constant) {
            let text = matches!(field.kind, Kind::Text | Kind::Enum(_));
            let quotes = text && matches!(constant, Value::Number(_) | Value::Bool(_));
            let hint = match &field.kind {
                _ if quotes => Some(format!("put it in quotes: \"{constant}\"")),
                Kind::Enum(values) => constant
                    .as_str()
                    .and_then(|word| did_you_mean(word, values.iter().map(String::as_str))),
                _ => None,
            };
            self.source.mistake(node.at, why, hint);
        }
    }

    pub(in super::super) fn call_workflow(
        &mut self,
        step: &Node,
        named: &Node,
    ) -> Option<(Action, Answer)> {
        let with = step.get("with").map(|with| (with, self.template(with)));
        let name = named.text()?.to_owned();
        self.calls.push((name.clone(), named.at));
        let mut answer = Answer::Any;
        if let Some(project) = self.project {
            if let Some(called) = project.workflows.get(&name) {
                answer = called.answer.clone();
                if let Some(inputs) = &called.inputs {
                    let whose = format!("{name} ({})", called.file.display());
                    let absent = empty();
                    let (node, template) = with
                        .as_ref()
                        .map_or((step, &absent), |(node, with)| (*node, with));
                    if with.is_some() {
                        self.inputs_of(&whose, inputs, node, template);
                    } else {
                        let nothing = With {
                            at: step.at,
                            members: Vec::new(),
                        };
                        self.lacking(&whose, &inputs.fields.iter().collect::<Vec<_>>(), &nothing);
                    }
                }
            } else {
                let hint = did_you_mean(&name, project.workflows.keys().map(String::as_str));
                self.source
                    .mistake(named.at, format!("there is no workflow `{name}`"), hint);
            }
        }
        Some((
            Action::Call {
                workflow: name,
                with: with.map_or_else(empty, |(_, with)| with),
            },
            answer,
        ))
    }

    /// What a workflow is started with.
    pub(in super::super) fn inputs_of(
        &mut self,
        whose: &str,
        inputs: &Form,
        node: &Node,
        template: &Template,
    ) {
        let Some(with) = self.members(node, template, "inputs") else {
            return;
        };
        for Member {
            at,
            name,
            node,
            template,
        } in &with.members
        {
            if let Some(field) = inputs.field(name) {
                self.value(field, node, template);
                if let Template::Constant(constant) = template
                    && let Some(why) = inputs.unfit(name, constant)
                {
                    self.source.mistake(node.at, why, None);
                }
            } else {
                let names = inputs.fields.iter().map(|field| field.name.as_str());
                let hint = did_you_mean(name, names);
                self.source
                    .mistake(*at, format!("{whose} has no input `{name}`"), hint);
            }
        }
        self.lacking(whose, &inputs.fields.iter().collect::<Vec<_>>(), &with);
    }
}
