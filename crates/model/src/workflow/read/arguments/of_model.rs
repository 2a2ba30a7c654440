//! Arguments of models' nodes.

use std::sync::Arc;

use serde_json::Value;

use super::{Member, Reader, With};
use crate::workflow::Template;
use crate::workflow::answer::{Answer, Wrong};
use crate::workflow::input::check_constant;
use crate::yaml::Node;
use crate::{Field, Kind, Model, Order, Selection, Verb};

/// What an argument of a model's node is.
#[derive(Clone, Copy)]
enum Form {
    Id,
    Select,
    Deleted,
    Where,
    Order,
    Count,
    Text,
    Bool,
    /// A record's values: whole as a new one is, or some of them.
    Values {
        whole: bool,
    },
    /// A list of such.
    Records {
        whole: bool,
    },
    /// The fields by which a record is known.
    On,
    Any,
}

/// What a verb takes.
struct Takes {
    arguments: &'static [&'static [(&'static str, Form)]],
    /// Of each set one must be given.
    required: &'static [&'static [&'static str]],
}

const ID: &[(&str, Form)] = &[("id", Form::Id)];
const SELECT: &[(&str, Form)] = &[("select", Form::Select)];
const DELETED: &[(&str, Form)] = &[("deleted", Form::Deleted)];
const ATOMIC: &[(&str, Form)] = &[("atomic", Form::Bool)];
const WHERE: &[(&str, Form)] = &[("where", Form::Where)];
const ALL: &[(&str, Form)] = &[("all", Form::Bool)];
const ON: &[(&str, Form)] = &[("on", Form::On)];
const RECORDS: &[(&str, Form)] = &[("records", Form::Records { whole: true })];
const PAGE: &[(&str, Form)] = &[
    ("order", Form::Order),
    ("limit", Form::Count),
    ("cursor", Form::Text),
    ("offset", Form::Count),
];

/// `None` where the arguments are the record's fields.
fn takes(verb: Verb) -> Option<Takes> {
    let takes = |arguments, required| {
        Some(Takes {
            arguments,
            required,
        })
    };
    match verb {
        Verb::Create | Verb::Update | Verb::Replace => None,
        Verb::Read => takes(&[ID, SELECT, DELETED], &[&["id"]]),
        Verb::Delete | Verb::Restore => takes(&[ID], &[&["id"]]),
        Verb::List => takes(&[WHERE, PAGE, SELECT, DELETED], &[]),
        Verb::Search => takes(
            &[&[("q", Form::Text)], WHERE, PAGE, SELECT, DELETED],
            &[&["q"]],
        ),
        Verb::Count => takes(&[WHERE, DELETED], &[]),
        Verb::Aggregate => {
            const LISTS: &[(&str, Form)] = &[
                ("group", Form::Order),
                ("order", Form::Any),
                ("measures", Form::Any),
            ];
            takes(
                &[LISTS, WHERE, &[("limit", Form::Count)], DELETED],
                &[&["group", "measures"]],
            )
        }
        Verb::Upsert => takes(
            &[ON, &[("values", Form::Values { whole: true })]],
            &[&["values"]],
        ),
        Verb::BulkCreate => takes(&[RECORDS, ATOMIC], &[&["records"]]),
        Verb::BulkUpsert => takes(&[RECORDS, ON, ATOMIC], &[&["records"]]),
        Verb::BulkUpdate => {
            const SOME: &[(&str, Form)] = &[
                ("values", Form::Values { whole: false }),
                ("records", Form::Records { whole: false }),
            ];
            takes(
                &[WHERE, SOME, ALL, SELECT, ATOMIC],
                &[&["values", "records"]],
            )
        }
        Verb::BulkDelete => takes(
            &[&[("ids", Form::Any)], WHERE, ALL],
            &[&["ids", "where", "all"]],
        ),
        Verb::Bulk => takes(&[&[("ops", Form::Any)], ATOMIC], &[&["ops"]]),
    }
}

impl Reader<'_, '_> {
    pub(super) fn check_verb(&mut self, model: &Arc<Model>, verb: Verb, with: &With<'_>) {
        let Some(Takes {
            arguments,
            required,
        }) = takes(verb)
        else {
            if verb != Verb::Create {
                self.require(&[&["id"]], with, &format!("{}.{}", model.name, verb.name()));
            }
            self.values(model, with, verb != Verb::Update);
            return;
        };
        let node = format!("{}.{}", model.name, verb.name());
        let known = || arguments.iter().copied().flatten();
        for Member {
            at,
            name,
            node: value,
            template,
        } in &with.members
        {
            match known().find(|(known, _)| known == name) {
                Some((_, form)) => self.argument(model, *form, value, template),
                None => self.no_argument(&node, name, *at, known().map(|(name, _)| *name)),
            }
        }
        self.require(required, with, &node);
        if matches!(verb, Verb::Upsert | Verb::BulkUpsert)
            && with.get("on").is_none()
            && model.uniques.len() != 1
        {
            let message = format!("{node} needs `on`: by which fields a record is known");
            self.source.mistake(
                with.at,
                message,
                Some(format!("write on: [{}]", keys_of(model).join("] or ["))),
            );
        }
    }

    fn argument(&mut self, model: &Arc<Model>, form: Form, node: &Node, template: &Template) {
        match form {
            Form::Where => return self.filter(model, node, template),
            Form::Values { whole } => {
                if let Some(with) = self.members(node, template, "the record's fields") {
                    self.values(model, &with, whole);
                }
                return;
            }
            Form::Records { whole } => {
                for (node, template) in node.items().iter().zip(template.items()) {
                    if let Some(with) = self.members(node, &template, "the record's fields") {
                        self.values(model, &with, whole);
                    }
                }
                return;
            }
            _ => {}
        }
        let Template::Constant(value) = template else {
            return;
        };
        let mut wrong = self
            .check(model, form, value)
            .err()
            .map(|wrong| (node.at, wrong));
        if wrong.is_some()
            && let Value::Array(items) = value
        {
            // Of a list the item at fault, where it is one.
            let alone = node.items().iter().zip(items).find_map(|(node, item)| {
                let one = Value::Array(vec![item.clone()]);
                Some((node.at, self.check(model, form, &one).err()?))
            });
            wrong = if matches!(form, Form::On) {
                wrong
            } else {
                alone.or(wrong)
            };
        }
        if let Some((at, (message, hint))) = wrong {
            let message = match message.strip_prefix(model.name.as_str()) {
                Some(rest) if rest.starts_with(" has no ") => {
                    format!("{}{rest}", self.known.told(&model.name))
                }
                _ => message,
            };
            self.source.mistake(at, message, hint);
        }
    }

    fn check(&self, model: &Model, form: Form, value: &Value) -> Result<(), Wrong> {
        let fits = |fits: bool, what: &str| {
            if fits {
                Ok(())
            } else {
                Err((format!("this must be {what}"), None))
            }
        };
        let texts = || {
            value
                .as_array()
                .map(|items| items.iter().filter_map(Value::as_str).collect::<Vec<_>>())
        };
        match form {
            Form::Id => {
                check_constant(&Field::new("id", Kind::Uuid), value).map_err(|why| (why, None))
            }
            Form::Count => fits(value.is_u64(), "a whole number"),
            Form::Text => fits(value.is_string() || value.is_null(), "text"),
            Form::Bool => fits(value.is_boolean(), "true or false"),
            Form::Deleted => {
                let words = ["exclude", "include", "only"];
                fits(
                    value.is_null() || words.iter().any(|word| value == word),
                    "one of exclude, include, only",
                )
            }
            Form::Order => {
                let orders = texts().ok_or_else(|| list("order", "released.desc"))?;
                let wrong = orders
                    .into_iter()
                    .find_map(|text| Order::parse(model, text).err());
                wrong.map_or(Ok(()), |bad| Err((bad.detail, bad.hint)))
            }
            Form::Select => {
                let fields = texts().ok_or_else(|| list("select", "title"))?;
                let Some(project) = self.project else {
                    return Ok(());
                };
                let read = Selection::parse(project.models, model, &fields.join(","));
                read.map(|_| ()).map_err(|bad| (bad.detail, bad.hint))
            }
            Form::On => {
                let fields = texts().ok_or_else(|| list("on", "title"))?.join(", ");
                let keys = keys_of(model);
                let known = keys.contains(&fields);
                let hint = format!("write on: [{}]", keys.join("] or ["));
                if known {
                    Ok(())
                } else {
                    Err((
                        format!("{} is not known by {fields}", model.name),
                        Some(hint),
                    ))
                }
            }
            _ => Ok(()),
        }
    }

    pub(super) fn answer_of(
        &self,
        model: &Arc<Model>,
        verb: Verb,
        with: Option<&With<'_>>,
    ) -> Answer {
        let Some(project) = self.project else {
            return Answer::Any;
        };
        let one = || match with.map(|with| with.get("select")) {
            Some(None) => Answer::Record(Arc::clone(model)),
            Some(Some(select)) => match &select.template {
                Template::Constant(select) => Answer::selected(project.models, model, Some(select)),
                _ => Answer::Any,
            },
            None => Answer::Any,
        };
        match verb {
            Verb::Create
            | Verb::Update
            | Verb::Replace
            | Verb::Delete
            | Verb::Restore
            | Verb::Upsert => Answer::Record(Arc::clone(model)),
            Verb::Read => one(),
            Verb::List | Verb::Search => one().list(),
            Verb::BulkDelete => Answer::Record(Arc::clone(model)).list(),
            Verb::Count => Answer::object([("count", Answer::Scalar("int"))]),
            Verb::Aggregate => Answer::Any.list(),
            Verb::BulkCreate | Verb::BulkUpsert | Verb::BulkUpdate | Verb::Bulk => Answer::Any,
        }
    }
}

fn list(name: &str, example: &str) -> Wrong {
    (
        format!("`{name}` is a list"),
        Some(format!("write {name}: [{example}]")),
    )
}

/// The sets of fields by which a record is known, as written.
fn keys_of(model: &Model) -> Vec<String> {
    let sets = model.uniques.iter().map(|fields| {
        let names: Vec<_> = fields
            .iter()
            .map(|field| model.field(*field).name.as_str())
            .collect();
        names.join(", ")
    });
    sets.chain(["id".to_owned()]).collect()
}
