//! workflows/*.yaml → checked workflows, all mistakes at once.

mod arguments;
mod calls;
mod filters;
mod json_schema;
mod offer;
mod steps;
mod templates;
mod triggers;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use sha2::{Digest as _, Sha256};
use wire::TaskSupport;

use self::calls::{Call, circles};
use self::offer::Offered;
use super::answer::Answer;
use super::names::Scope;
use super::{Concurrency, Effects, Form, Retention, Template, Workflow};
use crate::read::{Known, check_role, read_field, read_file};
use crate::source::{self, Place, Source};
use crate::yaml::Node;
use crate::{Mistake, Models, keys, measure};

/// With `workflow.` before it, a node's name.
const LONGEST_NAME: usize = 63;

impl Workflow {
    /// Reads one file by itself: its form, its expressions and the names in them. Models and other workflows are not
    /// known, so what is said of those is not checked.
    pub fn parse(path: &Path, text: &str) -> Result<Self, Vec<Mistake>> {
        let (mut source, node) = read_file(path, text, &keys::WORKFLOW, "workflow");
        let read = node.and_then(|node| {
            let inputs = inputs(&mut source, &node, &Known::ANY);
            let mut reader = Reader::new(&mut source, None, &Known::ANY, inputs);
            reader.workflow(&node, text)
        });
        source::sort(&mut source.mistakes);
        match read {
            Some(workflow) if source.mistakes.is_empty() => Ok(workflow),
            _ => Err(source.mistakes),
        }
    }
}

/// Every workflow, by name.
pub(crate) fn read_all(
    files: &[(PathBuf, String)],
    models: &Models,
    known: &Known,
    mistakes: &mut Vec<Mistake>,
) -> Vec<Workflow> {
    let (mut read, others) = read_inputs(files, known, mistakes);
    let surroundings = Surroundings {
        models,
        workflows: others,
    };
    let (mut workflows, mut calls) = (Vec::with_capacity(read.len()), Vec::new());
    let mut hooks: BTreeMap<String, String> = BTreeMap::new();
    let mut offered = Vec::new();
    for (file, (source, node, text, inputs)) in read.iter_mut().enumerate() {
        let mut reader = Reader::new(source, Some(&surroundings), known, std::mem::take(inputs));
        let workflow = reader.workflow(node, text);
        let from = node
            .get("workflow")
            .and_then(Node::text)
            .unwrap_or_default();
        calls.extend(reader.calls.drain(..).map(|(to, at)| Call {
            from: from.to_owned(),
            to,
            file,
            at,
        }));
        for (path, at) in std::mem::take(&mut reader.hooks) {
            if let Some(other) = hooks.get(&path) {
                let message = format!("the webhook `{path}` starts the workflow {other} already");
                reader.source.mistake(at, message, None);
            } else {
                hooks.insert(path, from.to_owned());
            }
        }
        let writes = std::mem::take(&mut reader.writes);
        if let Some(workflow) = workflow {
            offered.extend(Offered::of(&workflow, file, node, writes));
            workflows.push(workflow);
        }
    }
    offer::spread(&mut workflows, &calls);
    for (file, at, message) in offer::check(&offered, &calls, &workflows) {
        read[file].0.mistake(at, message, None);
    }
    for (call, circle) in circles(&calls) {
        let hint = Some("a workflow calls neither itself nor one that calls it".to_owned());
        read[call.file].0.mistake(
            call.at,
            format!("the calls run in a circle: {circle}"),
            hint,
        );
    }
    mistakes.extend(read.into_iter().flat_map(|(source, ..)| source.mistakes));
    workflows.sort_by(|one, other| one.name.cmp(&other.name));
    workflows
}

/// The files that can be read at all, and what others may know of them.
fn read_inputs<'f>(
    files: &'f [(PathBuf, String)],
    known: &Known,
    mistakes: &mut Vec<Mistake>,
) -> (Vec<File<'f>>, BTreeMap<String, Signature>) {
    let mut read: Vec<File> = Vec::with_capacity(files.len());
    let mut others: BTreeMap<String, Signature> = BTreeMap::new();
    for (path, text) in files {
        let (mut source, node) = read_file(path, text, &keys::WORKFLOW, "workflow");
        let Some(node) = node else {
            mistakes.append(&mut source.mistakes);
            continue;
        };
        let before = source.mistakes.len();
        let inputs = inputs(&mut source, &node, known);
        let sound = source.mistakes.len() == before;
        declare(
            &mut source,
            &node,
            sound.then(|| inputs.clone()),
            &mut others,
        );
        read.push((source, node, text, inputs));
    }
    (read, others)
}

/// One that can be read, with its inputs.
type File<'f> = (Source<'f>, Node, &'f str, Form);

/// What a workflow may know of the others.
struct Signature {
    file: PathBuf,
    /// `None` where they have mistakes of their own.
    inputs: Option<Form>,
    answer: Answer,
}

struct Surroundings<'s> {
    models: &'s Models,
    workflows: BTreeMap<String, Signature>,
}

/// Checks the name and notes what others need of it.
fn declare(
    source: &mut Source,
    node: &Node,
    inputs: Option<Form>,
    others: &mut BTreeMap<String, Signature>,
) {
    let Some((name, at)) = node
        .get("workflow")
        .and_then(|node| Some((node.text()?, node.at)))
    else {
        return;
    };
    if let Some(other) = others.get(name) {
        let message = format!(
            "there is another workflow `{name}`, in {}",
            other.file.display()
        );
        source.mistake(at, message, None);
        return;
    }
    let answer = match node.get("outputs").map(Node::members) {
        Some(members) if !members.is_empty() => Answer::Object(
            members
                .iter()
                .map(|(key, _)| (key.text.clone(), Answer::Any))
                .collect(),
        ),
        _ => Answer::Any,
    };
    others.insert(
        name.to_owned(),
        Signature {
            file: source.file.to_path_buf(),
            inputs,
            answer,
        },
    );
}

fn inputs(source: &mut Source, node: &Node, known: &Known) -> Form {
    form(source, node.get("inputs"), "an input's name", known)
}

/// Names and what is to be given under them.
fn form(source: &mut Source, node: Option<&Node>, whose: &str, known: &Known) -> Form {
    if let Some((node, dialect)) = node.and_then(|node| Some((node, node.get("$schema")?))) {
        return json_schema::read(source, node, dialect, whose);
    }
    let members = node.map_or(&[][..], Node::members);
    let mut fields = Vec::with_capacity(members.len());
    for (key, member) in members {
        if !is_input(&key.text) {
            let message = format!(
                "{whose} is letters, digits and _, the first in lower case, not `{}`",
                key.text
            );
            source.mistake(key.at, message, None);
        }
        fields.extend(read_field(source, key, member, known));
    }
    Form {
        fields,
        schema: None,
    }
}

/// `[a-z][a-z0-9_]{0,62}`: a name that expressions can say.
fn is_word(text: &str) -> bool {
    text.len() <= LONGEST_NAME
        && text.starts_with(|c: char| c.is_ascii_lowercase())
        && text
            .bytes()
            .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
}

/// The same with letters of both cases: others call what they give as they like.
fn is_input(text: &str) -> bool {
    let first = text.starts_with(|c: char| c.is_ascii_lowercase());
    first && is_word(&text.to_ascii_lowercase())
}

fn wrong_word(what: &str, text: &str) -> String {
    format!("{what} is lower-case letters, digits and _, as in nightly_import, not `{text}`")
}

/// Reads one file, and says what is wrong where it stands.
struct Reader<'r, 'a> {
    source: &'r mut Source<'a>,
    /// `None` where the file is read by itself.
    project: Option<&'r Surroundings<'r>>,
    known: &'r Known,
    inputs: Form,
    scope: Scope,
    /// The ids of all steps, wherever they stand.
    ids: Vec<String>,
    /// How many steps have no id.
    unnamed: usize,
    /// Which workflows are called, and where.
    calls: Vec<(String, Place)>,
    /// The paths of webhooks, and where.
    hooks: Vec<(String, Place)>,
    effects: Effects,
    /// The nodes that may change something, and where they are called.
    writes: Vec<(Place, String)>,
}

impl<'r, 'a> Reader<'r, 'a> {
    fn new(
        source: &'r mut Source<'a>,
        project: Option<&'r Surroundings<'r>>,
        known: &'r Known,
        inputs: Form,
    ) -> Self {
        let mut scope = Scope::default();
        scope.add("inputs", Answer::of_fields(&inputs.fields));
        scope.add("caller", Answer::object([("id", Answer::Scalar("text"))]));
        Self {
            source,
            project,
            known,
            inputs,
            scope,
            ids: Vec::new(),
            unnamed: 0,
            calls: Vec::new(),
            hooks: Vec::new(),
            effects: Effects::default(),
            writes: Vec::new(),
        }
    }

    fn workflow(&mut self, node: &Node, text: &str) -> Option<Workflow> {
        let name = node
            .get("workflow")
            .and_then(|name| Some((name.text()?.to_owned(), name.at)));
        if let Some((name, at)) = &name
            && !is_word(name)
        {
            self.source
                .mistake(*at, wrong_word("a workflow's name", name), None);
        }
        let triggers = self.triggers(node.get("triggers"));
        let concurrency = self.concurrency(node.get("concurrency"));
        self.scope.add("session", Answer::Scalar("text"));
        let run = ["id", "workflow", "started_at"].map(|name| (name, Answer::Scalar("text")));
        self.scope.add("run", Answer::object(run));
        let steps = node.get("steps");
        self.ids = steps.map(steps::ids).unwrap_or_default();
        let steps = steps.map(|steps| self.steps(steps).0).unwrap_or_default();
        let outputs = node.get("outputs").map(|outputs| self.template(outputs));
        let inputs = std::mem::take(&mut self.inputs);
        let primitive = self.offer(node, &inputs.fields);
        Some(Workflow {
            name: name?.0,
            about: node
                .get("about")
                .and_then(Node::text)
                .unwrap_or_default()
                .to_owned(),
            version: version(text),
            text: text.to_owned(),
            inputs,
            steps,
            outputs: outputs.unwrap_or_else(Template::null),
            run_as: node.get("run_as").and_then(|role| self.role(role)),
            start: self.roles(node.get("start")),
            triggers,
            task: node.get("task").and_then(Node::text).and_then(task),
            primitive,
            effects: std::mem::take(&mut self.effects),
            concurrency,
            timeout: duration(node, "timeout"),
            retention: retention(node.get("retention")),
        })
    }

    fn concurrency(&mut self, node: Option<&Node>) -> Option<Concurrency> {
        let node = node?;
        let key = node.get("key").map(|key| self.template(key));
        let limit = node.get("limit").and_then(Node::text)?.parse().ok()?;
        Some(Concurrency { key, limit })
    }

    fn role(&mut self, node: &Node) -> Option<String> {
        let text = node.text()?;
        self.check_role(text, node.at);
        Some(text.to_owned())
    }

    fn roles(&mut self, node: Option<&Node>) -> Vec<String> {
        let texts = node.into_iter().flat_map(Node::texts);
        let texts: Vec<_> = texts.map(|(text, at)| (text.to_owned(), at)).collect();
        for (text, at) in &texts {
            self.check_role(text, *at);
        }
        texts.into_iter().map(|(text, _)| text).collect()
    }

    fn check_role(&mut self, text: &str, at: Place) {
        if let Err((message, hint)) = check_role(text) {
            self.source.mistake(at, message, hint);
        }
    }
}

fn version(text: &str) -> String {
    let digest = Sha256::digest(text.as_bytes());
    digest
        .iter()
        .take(8)
        .fold(String::new(), |hex, byte| format!("{hex}{byte:02x}"))
}

fn duration(node: &Node, name: &str) -> Option<Duration> {
    node.get(name)
        .and_then(Node::text)
        .and_then(measure::duration)
}

fn task(word: &str) -> Option<TaskSupport> {
    match word {
        "required" => Some(TaskSupport::Required),
        "optional" => Some(TaskSupport::Optional),
        "forbidden" => Some(TaskSupport::Forbidden),
        _ => None,
    }
}

fn retention(node: Option<&Node>) -> Retention {
    let unless = Retention::default();
    let Some(node) = node else {
        return unless;
    };
    let runs = node
        .get("runs")
        .and_then(Node::text)
        .and_then(|text| text.parse().ok());
    Retention {
        age: duration(node, "age").unwrap_or(unless.age),
        runs: runs.unwrap_or(unless.runs),
    }
}
