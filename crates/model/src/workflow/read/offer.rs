//! As what agents get a workflow. What they read, or begin a conversation with, changes nothing.

use std::collections::BTreeMap;

use wire::Primitive;

use super::{Call, Reader};
use crate::source::Place;
use crate::workflow::{UriTemplate, Workflow};
use crate::yaml::Node;
use crate::{Field, did_you_mean};

/// Where a workflow says that it is no tool, and where it calls what changes something.
pub(super) struct Offered {
    pub(super) name: String,
    pub(super) file: usize,
    pub(super) writes: Vec<(Place, String)>,
    /// Its address, where it has one.
    pub(super) uri: Option<(Place, String)>,
}

impl Offered {
    /// `None` of a tool.
    pub(super) fn of(
        workflow: &Workflow,
        file: usize,
        node: &Node,
        writes: Vec<(Place, String)>,
    ) -> Option<Self> {
        let uri = node.get("offer").and_then(|offer| offer.get("resource"));
        (!workflow.primitive.is_tool()).then(|| Self {
            name: workflow.name.clone(),
            file,
            writes,
            uri: uri.and_then(|uri| Some((uri.at, uri.text()?.to_owned()))),
        })
    }
}

impl Reader<'_, '_> {
    pub(super) fn offer(&mut self, workflow: &Node, inputs: &[Field]) -> Primitive {
        let Some(node) = workflow.get("offer") else {
            return Primitive::Tool;
        };
        let primitive = match (node.text(), node.get("resource")) {
            (Some("prompt"), _) => Primitive::Prompt,
            (_, Some(address)) => {
                let media_type = node.get("type");
                self.address(address, inputs);
                if let Some(media_type) = media_type {
                    self.media_type(media_type);
                }
                Primitive::Resource {
                    uri: address.text().unwrap_or_default().to_owned(),
                    media_type: media_type.and_then(Node::text).map(str::to_owned),
                    reads: Vec::new(),
                }
            }
            _ => return Primitive::Tool,
        };
        if let Some(task) = workflow.get("task") {
            let message = "a prompt or a resource is waited for, and never a task";
            self.source.mistake(task.at, message, None);
        }
        primitive
    }

    /// Its variables are inputs, and what must be given is among them.
    fn address(&mut self, node: &Node, inputs: &[Field]) {
        let Some(text) = node.text() else { return };
        let template = match UriTemplate::parse(text) {
            Ok(template) => template,
            Err(why) => {
                let hint = Some("write cinema://films/{film}".to_owned());
                self.source.mistake(node.at, why, hint);
                return;
            }
        };
        let names = || inputs.iter().map(|input| input.name.as_str());
        for variable in template.variables() {
            if names().all(|name| name != variable) {
                let at = self.source.find(node.at, variable).unwrap_or(node.at);
                let hint = did_you_mean(variable, names());
                self.source
                    .mistake(at, format!("there is no input `{variable}`"), hint);
            }
        }
        let given = |input: &Field| template.variables().any(|name| name == input.name);
        let must = |input: &&Field| input.required && input.default.is_none();
        for input in inputs.iter().filter(must).filter(|input| !given(input)) {
            let message = format!(
                "the input {} must be given, and is not in the address",
                input.name
            );
            self.source.mistake(node.at, message, None);
        }
    }

    /// RFC 6838: `type/subtype`, parameters aside.
    fn media_type(&mut self, node: &Node) {
        let text = node.text().unwrap_or_default();
        let word = |word: &str| {
            let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$&-^_.+".contains(&byte);
            !word.is_empty() && word.bytes().all(fits)
        };
        let essence = text.split(';').next().unwrap_or_default().trim_end();
        let is_one = essence
            .split_once('/')
            .is_some_and(|(one, other)| word(one) && word(other));
        let is_shown = text
            .bytes()
            .all(|byte| byte == b' ' || byte.is_ascii_graphic());
        if !(is_one && is_shown) {
            let hint = Some("write text/markdown".to_owned());
            self.source
                .mistake(node.at, format!("`{text}` is no media type"), hint);
        }
    }
}

/// Gives each what those do that it calls, and says of resources what they are made of.
pub(super) fn spread(workflows: &mut [Workflow], calls: &[Call]) {
    let places: BTreeMap<_, _> = workflows
        .iter()
        .enumerate()
        .map(|(place, workflow)| (workflow.name.clone(), place))
        .collect();
    let calls: Vec<_> = calls
        .iter()
        .filter_map(|call| Some((*places.get(&call.from)?, *places.get(&call.to)?)))
        .collect();
    // A chain of calls is no longer than there are workflows.
    for _ in 0..workflows.len() {
        let mut changed = false;
        for (from, to) in &calls {
            let mut effects = workflows[*from].effects.clone();
            effects.add(&workflows[*to].effects);
            changed |= effects != workflows[*from].effects;
            workflows[*from].effects = effects;
        }
        if !changed {
            break;
        }
    }
    for workflow in workflows {
        if let Primitive::Resource { reads, .. } = &mut workflow.primitive {
            *reads = workflow.effects.reads.iter().cloned().collect();
        }
    }
}

/// What is wrong of these, by file: they change something themselves or by what they call, or have the same address.
pub(super) fn check(
    offered: &[Offered],
    calls: &[Call],
    workflows: &[Workflow],
) -> Vec<(usize, Place, String)> {
    let writes = |name: &str| {
        let mut workflows = workflows.iter();
        workflows.any(|workflow| workflow.name == name && !workflow.effects.hints.read_only)
    };
    let mut mistakes = Vec::new();
    let mut addresses: BTreeMap<&str, &str> = BTreeMap::new();
    for one in offered {
        if let Some((at, uri)) = &one.uri
            && let Some(other) = addresses.insert(uri, &one.name)
        {
            let message = format!("the workflow {other} has that address already");
            mistakes.push((one.file, *at, message));
        }
        let called = calls.iter().filter(|call| call.file == one.file);
        let called = called.filter(|call| writes(&call.to));
        let called = called.map(|call| (call.at, call.to.as_str()));
        let own = one.writes.iter().map(|(at, node)| (*at, node.as_str()));
        for (at, what) in own.chain(called) {
            let message =
                format!("{what} may change something, and a prompt or a resource only reads");
            mistakes.push((one.file, at, message));
        }
    }
    mistakes
}
