//! What a step calls, and with what: the node or workflow is there, and takes these arguments.

mod outside;
mod values;

use std::sync::Arc;

use serde_json::Value;

use super::super::answer::{Answer, Wrong};
use super::super::input::check_constant;
use super::super::outside::outside;
use super::super::{Action, Template};
use super::Reader;
use crate::source::Place;
use crate::yaml::{Node, Yaml};
use crate::{Field, HIDDEN_NODES, Kind, Model, OWN_NODES, Order, Selection, Verb, did_you_mean};

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

const QUESTION: &[(&str, Form)] = &[
    ("where", Form::Where),
    ("order", Form::Order),
    ("select", Form::Select),
    ("limit", Form::Count),
    ("cursor", Form::Text),
    ("offset", Form::Count),
    ("deleted", Form::Deleted),
];

/// The arguments, and of which sets one must be given. `None` where they are the record's fields.
fn arguments(
    verb: Verb,
) -> Option<(
    Vec<(&'static str, Form)>,
    &'static [&'static [&'static str]],
)> {
    let whole = Form::Records { whole: true };
    Some(match verb {
        Verb::Create | Verb::Update | Verb::Replace => return None,
        Verb::Read => (
            vec![
                ("id", Form::Id),
                ("select", Form::Select),
                ("deleted", Form::Deleted),
            ],
            &[&["id"]],
        ),
        Verb::Delete | Verb::Restore => (vec![("id", Form::Id)], &[&["id"]]),
        Verb::List => (QUESTION.to_vec(), &[]),
        Verb::Search => ([&[("q", Form::Text)], QUESTION].concat(), &[&["q"]]),
        Verb::Count => (
            vec![("where", Form::Where), ("deleted", Form::Deleted)],
            &[],
        ),
        Verb::Aggregate => {
            let lists = ["group", "order", "measures"].map(|name| (name, Form::Any));
            let others = [
                ("where", Form::Where),
                ("limit", Form::Count),
                ("deleted", Form::Deleted),
            ];
            ([&others[..], &lists].concat(), &[&["group", "measures"]])
        }
        Verb::Upsert => (
            vec![("on", Form::On), ("values", Form::Values { whole: true })],
            &[&["values"]],
        ),
        Verb::BulkCreate => (
            vec![("records", whole), ("atomic", Form::Bool)],
            &[&["records"]],
        ),
        Verb::BulkUpsert => (
            vec![("records", whole), ("on", Form::On), ("atomic", Form::Bool)],
            &[&["records"]],
        ),
        Verb::BulkUpdate => {
            let values = ("values", Form::Values { whole: false });
            let records = ("records", Form::Records { whole: false });
            let others = [
                ("where", Form::Where),
                ("all", Form::Bool),
                ("select", Form::Select),
                ("atomic", Form::Bool),
            ];
            (
                [&others[..], &[values, records]].concat(),
                &[&["values", "records"]],
            )
        }
        Verb::BulkDelete => (
            vec![
                ("ids", Form::Any),
                ("where", Form::Where),
                ("all", Form::Bool),
            ],
            &[&["ids", "where", "all"]],
        ),
        Verb::Bulk => (
            vec![("ops", Form::Any), ("atomic", Form::Bool)],
            &[&["ops"]],
        ),
    })
}

/// A map's members as they stand in the file, and as they were read.
struct With<'w> {
    /// Where a member is missed.
    at: Place,
    members: Vec<Member<'w>>,
}

struct Member<'w> {
    at: Place,
    name: &'w str,
    node: &'w Node,
    template: Template,
}

impl<'w> With<'w> {
    fn new(node: &'w Node, template: &Template) -> Self {
        let members = node.members().iter().zip(template.members());
        let member = |((key, node), template): (&'w (crate::yaml::Key, Node), Template)| Member {
            at: key.at,
            name: &key.text,
            node,
            template,
        };
        Self {
            at: node.at,
            members: members.map(member).collect(),
        }
    }

    fn get(&self, name: &str) -> Option<&Member<'w>> {
        self.members.iter().find(|member| member.name == name)
    }
}

impl Reader<'_, '_> {
    pub(super) fn call_node(&mut self, step: &Node, named: &Node) -> Option<(Action, Answer)> {
        let with = step.get("with").map(|with| (with, self.template(with)));
        let text = named.text()?;
        if let Some(name) = text.strip_prefix("workflow.") {
            let hint = Some(format!("write workflow: {name}"));
            self.source.mistake(
                named.at,
                "a workflow is called by a step of its own kind",
                hint,
            );
            return None;
        }
        let answer = match self.find(text) {
            Ok(found) => self.check_arguments(found, step, with.as_ref()),
            Err((message, hint)) => {
                self.source.mistake(named.at, message, hint);
                Answer::Any
            }
        };
        let with = with.map_or_else(empty, |(_, with)| with);
        Some((
            Action::Node {
                node: text.parse().ok()?,
                with,
            },
            answer,
        ))
    }

    fn find(&self, text: &str) -> Result<Found, Wrong> {
        if let Some(node) = super::super::outside::find(text) {
            return Ok(Found::Outside(node));
        }
        if let Some(why) = unfit(text) {
            return Err(why);
        }
        if OWN_NODES.contains(&text) {
            return Ok(Found::Own);
        }
        let (family, word) = text.split_once('.').unwrap_or((text, ""));
        let Some(project) = self.project else {
            return if text.parse::<wire::NodeName>().is_ok() {
                Ok(Found::Unknown)
            } else {
                Err((
                    format!("`{text}` is no node's name"),
                    Some("write Film.create or http.request".to_owned()),
                ))
            };
        };
        if !self.known.has(family) {
            let near = crate::nearest(family, self.known.names());
            let of_model = near.map(|model| format!("did you mean `{model}.{word}`?"));
            let names = outside().iter().map(|node| node.name).chain(OWN_NODES);
            let hint = did_you_mean(text, names).or(of_model);
            let all = || {
                let names: Vec<_> = outside().iter().map(|node| node.name).collect();
                format!(
                    "write Film.create of a model, or one of {}",
                    names.join(", ")
                )
            };
            return Err((
                format!("there is no node `{text}`"),
                Some(hint.unwrap_or_else(all)),
            ));
        }
        let model = project.models.get(family);
        match (Verb::parse(word), model) {
            // Of a model with mistakes the rest is not known; those are told.
            (Some(_), None) => Ok(Found::Unknown),
            (Some(verb), Some(model)) if verb.fits(model) => Ok(Found::Of(Arc::clone(model), verb)),
            (verb, model) => {
                let words = Verb::ALL
                    .into_iter()
                    .filter(|verb| model.is_none_or(|model| verb.fits(model)));
                let words: Vec<_> = words.map(Verb::name).collect();
                let hint = match verb {
                    Some(Verb::Restore) => {
                        Some("its model would say options: { soft_delete: true }".to_owned())
                    }
                    Some(_) => Some("its model would say search: true of a text".to_owned()),
                    None => did_you_mean(word, words.iter().copied()),
                };
                let file = self
                    .known
                    .file(family)
                    .map_or(String::new(), |file| format!(" ({})", file.display()));
                let hint = hint.unwrap_or_else(|| format!("it has {}", words.join(", ")));
                Err((format!("{family}{file} has no node `{word}`"), Some(hint)))
            }
        }
    }

    fn check_arguments(
        &mut self,
        found: Found,
        step: &Node,
        with: Option<&(&Node, Template)>,
    ) -> Answer {
        let read = match with {
            Some((node, template)) => self.members(node, template, "the node's arguments"),
            None => Some(With {
                at: step.at,
                members: Vec::new(),
            }),
        };
        match found {
            Found::Of(model, verb) => {
                if let Some(with) = &read {
                    self.check_verb(&model, verb, with);
                }
                self.answer_of(&model, verb, read.as_ref())
            }
            Found::Outside(node) => {
                if let Some(with) = &read {
                    self.check_outside(node, with);
                }
                outside::answer(&node.output)
            }
            Found::Own | Found::Unknown => Answer::Any,
        }
    }

    /// `None` where they are one expression, or wrong as a whole.
    fn members<'w>(&mut self, node: &'w Node, template: &Template, what: &str) -> Option<With<'w>> {
        match (&node.yaml, template) {
            (Yaml::Map(_), _) => Some(With::new(node, template)),
            (_, Template::Whole(_)) => None,
            _ => {
                let hint = Some("write { name: value }".to_owned());
                self.source
                    .mistake(node.at, format!("this is a map of {what}"), hint);
                None
            }
        }
    }

    fn check_verb(&mut self, model: &Arc<Model>, verb: Verb, with: &With<'_>) {
        let Some((arguments, required)) = arguments(verb) else {
            if verb != Verb::Create {
                self.require(&[&["id"]], with, &format!("{}.{}", model.name, verb.name()));
            }
            self.values(model, with, verb != Verb::Update);
            return;
        };
        let node = format!("{}.{}", model.name, verb.name());
        for Member {
            at,
            name,
            node: value,
            template,
        } in &with.members
        {
            match arguments.iter().find(|(known, _)| known == name) {
                Some((_, form)) => self.argument(model, *form, value, template),
                None => self.no_argument(&node, name, *at, arguments.iter().map(|(name, _)| *name)),
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

    fn no_argument<'n>(
        &mut self,
        node: &str,
        name: &str,
        at: Place,
        names: impl Iterator<Item = &'n str> + Clone,
    ) {
        let hint = did_you_mean(name, names.clone());
        let hint =
            hint.unwrap_or_else(|| format!("it takes {}", names.collect::<Vec<_>>().join(", ")));
        self.source
            .mistake(at, format!("{node} takes no `{name}`"), Some(hint));
    }

    fn require(&mut self, required: &[&[&str]], with: &With<'_>, node: &str) {
        for names in required {
            if names.iter().all(|name| with.get(name).is_none()) {
                let hint = Some(format!("write with: {{ {}: … }}", names[0]));
                self.source.mistake(
                    with.at,
                    format!("{node} needs `{}`", names.join("` or `")),
                    hint,
                );
            }
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
        if let Err((message, hint)) = self.check(model, form, value) {
            self.source.mistake(node.at, message, hint);
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

    fn answer_of(&self, model: &Arc<Model>, verb: Verb, with: Option<&With<'_>>) -> Answer {
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

enum Found {
    Of(Arc<Model>, Verb),
    Outside(&'static super::super::OutsideNode),
    Own,
    /// Its model has mistakes, or models are not known here.
    Unknown,
}

/// Nodes that make no sense in a step.
fn unfit(text: &str) -> Option<Wrong> {
    let hint = match text {
        "changes" => "write triggers: [{ change: Film }]",
        "key.create" => "its answer is a secret, which runs would keep",
        text if text.starts_with("run.") => "steps do not look at runs",
        text if HIDDEN_NODES.contains(&text) => "it is for the platform's own services",
        _ => return None,
    };
    Some((
        format!("`{text}` is no node for a step"),
        Some(hint.to_owned()),
    ))
}

fn empty() -> Template {
    Template::Constant(Value::Object(serde_json::Map::new()))
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
