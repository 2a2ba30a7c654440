//! YAML text → a tree in which every part knows where it stands.

use saphyr_parser::{Event, Parser, ScalarStyle, Span};

use crate::source::{Place, Source};

#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Node {
    pub at: Place,
    pub yaml: Yaml,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Yaml {
    /// As written; `plain` where no quotes stand around it, so that `true` may be a boolean.
    Scalar {
        text: String,
        plain: bool,
    },
    List(Vec<Node>),
    Map(Vec<(Key, Node)>),
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Key {
    pub at: Place,
    pub text: String,
}

/// Deeper nesting is no project file that a person wrote.
const MOST_DEPTH: usize = 40;
const MOST_BYTES: usize = 4 << 20;

/// Reads one document. `None` where it cannot be read; the source has the mistakes then.
pub(crate) fn parse(source: &mut Source, text: &str) -> Option<Node> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    if text.len() > MOST_BYTES {
        source.mistake(Place::START, "the file is larger than 4 MiB", None);
        return None;
    }
    let before = source.mistakes.len();
    let mut builder = Builder {
        source,
        open: Vec::new(),
        root: None,
        documents: 0,
    };
    for event in Parser::new_from_str(text) {
        let (event, span) = match event {
            Ok(event) => event,
            Err(error) => {
                let at = place(Span::empty(*error.marker()));
                builder
                    .source
                    .mistake(at, format!("this is no YAML: {}", error.info()), None);
                return None;
            }
        };
        if !builder.take(event, place(span)) {
            return None;
        }
    }
    let root = builder.root;
    if root.is_none() && source.mistakes.len() == before {
        source.mistake(Place::START, "the file is empty", None);
    }
    root
}

fn place(span: Span) -> Place {
    let width = if span.end.line() == span.start.line() {
        span.len()
    } else {
        usize::MAX
    };
    Place {
        line: span.start.line().max(1),
        column: span.start.col() + 1,
        width: width.max(1),
    }
}

/// Parts of YAML that would make a file mean something else than it seems to.
fn refused(event: &Event) -> Option<&'static str> {
    match event {
        Event::Alias(_) => Some("aliases (`*name`) are not read here"),
        Event::Scalar(_, _, anchor, _)
        | Event::SequenceStart(anchor, _)
        | Event::MappingStart(anchor, _)
            if *anchor > 0 =>
        {
            Some("anchors (`&name`) are not read here")
        }
        Event::Scalar(_, _, _, Some(_))
        | Event::SequenceStart(_, Some(_))
        | Event::MappingStart(_, Some(_)) => Some("tags (`!name`) are not read here"),
        _ => None,
    }
}

struct Builder<'s, 'a> {
    source: &'s mut Source<'a>,
    open: Vec<Open>,
    root: Option<Node>,
    documents: usize,
}

enum Open {
    List(Place, Vec<Node>),
    Map {
        at: Place,
        members: Vec<(Key, Node)>,
        key: Option<Key>,
    },
}

impl Builder<'_, '_> {
    /// False where reading cannot go on.
    fn take(&mut self, event: Event, at: Place) -> bool {
        if let Some(refused) = refused(&event) {
            self.source
                .mistake(at, refused, Some("write the value out".to_owned()));
            return false;
        }
        match event {
            Event::DocumentStart(_) => {
                self.documents += 1;
                if self.documents > 1 {
                    self.source.mistake(
                        at,
                        "a second document begins here; a file holds one",
                        None,
                    );
                    return false;
                }
            }
            Event::Scalar(text, style, _, _) => {
                let plain = style == ScalarStyle::Plain;
                return self.close(Node {
                    at,
                    yaml: Yaml::Scalar {
                        text: text.into_owned(),
                        plain,
                    },
                });
            }
            Event::SequenceStart(..) => return self.open(Open::List(at, Vec::new()), at),
            Event::MappingStart(..) => {
                return self.open(
                    Open::Map {
                        at,
                        members: Vec::new(),
                        key: None,
                    },
                    at,
                );
            }
            Event::SequenceEnd | Event::MappingEnd => match self.open.pop() {
                Some(Open::List(at, items)) => {
                    return self.close(Node {
                        at,
                        yaml: Yaml::List(items),
                    });
                }
                Some(Open::Map { at, members, .. }) => {
                    return self.close(Node {
                        at,
                        yaml: Yaml::Map(members),
                    });
                }
                None => return false,
            },
            _ => {}
        }
        true
    }

    fn open(&mut self, open: Open, at: Place) -> bool {
        if self.open.len() == MOST_DEPTH {
            self.source.mistake(
                at,
                format!("the file nests more than {MOST_DEPTH} deep"),
                None,
            );
            return false;
        }
        if let Some(Open::Map { key: None, .. }) = self.open.last() {
            let hint = "an expression needs quotes: \"{{ … }}\"";
            self.source.mistake(
                at,
                "a key is text, not a list or a map",
                Some(hint.to_owned()),
            );
            return false;
        }
        self.open.push(open);
        true
    }

    /// A node is complete: it becomes a key, a value, an item or the root.
    fn close(&mut self, node: Node) -> bool {
        match self.open.last_mut() {
            None => self.root = Some(node),
            Some(Open::List(_, items)) => items.push(node),
            Some(Open::Map { members, key, .. }) => match (key.take(), node.yaml) {
                (Some(key), yaml) => {
                    let first = members
                        .iter()
                        .find(|(other, _)| other.text == key.text)
                        .map(|(other, _)| other.at);
                    if let Some(first) = first {
                        let message =
                            format!("`{}` stands twice, first in line {}", key.text, first.line);
                        self.source.mistake(key.at, message, None);
                    } else {
                        members.push((key, Node { at: node.at, yaml }));
                    }
                }
                (None, Yaml::Scalar { text, .. }) => *key = Some(Key { at: node.at, text }),
                (None, _) => return false,
            },
        }
        true
    }
}

impl Node {
    pub(crate) fn get(&self, name: &str) -> Option<&Self> {
        self.members()
            .iter()
            .find(|(key, _)| key.text == name)
            .map(|(_, node)| node)
    }

    pub(crate) fn members(&self) -> &[(Key, Self)] {
        if let Yaml::Map(members) = &self.yaml {
            members
        } else {
            &[]
        }
    }

    pub(crate) fn items(&self) -> &[Self] {
        if let Yaml::List(items) = &self.yaml {
            items
        } else {
            &[]
        }
    }

    /// A scalar that is not null, as written.
    pub(crate) fn text(&self) -> Option<&str> {
        match &self.yaml {
            Yaml::Scalar { text, .. } if !self.is_null() => Some(text),
            _ => None,
        }
    }

    pub(crate) fn is_null(&self) -> bool {
        matches!(&self.yaml, Yaml::Scalar { text, plain: true } if matches!(text.as_str(), "" | "~" | "null" | "Null" | "NULL"))
    }

    /// An unquoted `true` or `false`.
    pub(crate) fn bool(&self) -> Option<bool> {
        match &self.yaml {
            Yaml::Scalar { text, plain: true } => match text.as_str() {
                "true" | "True" | "TRUE" => Some(true),
                "false" | "False" | "FALSE" => Some(false),
                _ => None,
            },
            _ => None,
        }
    }

    /// The members' and items' texts that are text: what else stands there is a mistake that is told elsewhere.
    pub(crate) fn texts(&self) -> impl Iterator<Item = (&str, Place)> {
        self.items()
            .iter()
            .filter_map(|item| item.text().map(|text| (text, item.at)))
    }

    /// As JSON: unquoted null, true, false and numbers as such with all their digits, every other scalar as a string.
    pub(crate) fn to_json(&self) -> String {
        let mut out = String::new();
        self.write_json(&mut out);
        out
    }

    fn write_json(&self, out: &mut String) {
        match &self.yaml {
            Yaml::Scalar { text, plain } => {
                if self.is_null() {
                    out.push_str("null");
                } else if let Some(bool) = self.bool() {
                    out.push_str(if bool { "true" } else { "false" });
                } else if *plain && is_json_number(text) {
                    out.push_str(text);
                } else {
                    push_string(text, out);
                }
            }
            Yaml::List(items) => {
                out.push('[');
                for (index, item) in items.iter().enumerate() {
                    out.push_str(if index > 0 { "," } else { "" });
                    item.write_json(out);
                }
                out.push(']');
            }
            Yaml::Map(members) => {
                out.push('{');
                for (index, (key, node)) in members.iter().enumerate() {
                    out.push_str(if index > 0 { "," } else { "" });
                    push_string(&key.text, out);
                    out.push(':');
                    node.write_json(out);
                }
                out.push('}');
            }
        }
    }

    /// What a JSON Pointer into [`Self::to_json`] names, as far as it leads.
    pub(crate) fn at_pointer(&self, pointer: &str) -> Place {
        let mut node = self;
        let mut place = self.at;
        for part in pointer.split('/').skip(1) {
            let name = part.replace("~1", "/").replace("~0", "~");
            if let Some((key, member)) = node.members().iter().find(|(key, _)| key.text == name) {
                place = key.at;
                node = member;
            } else if let Some(item) = name
                .parse::<usize>()
                .ok()
                .and_then(|index| node.items().get(index))
            {
                place = item.at;
                node = item;
            }
        }
        place
    }
}

fn push_string(text: &str, out: &mut String) {
    let mut bytes = Vec::with_capacity(text.len() + 2);
    crate::write_json_string(text, &mut bytes);
    out.push_str(&String::from_utf8(bytes).expect("a quoted string is UTF-8"));
}

fn is_json_number(text: &str) -> bool {
    text.starts_with(|c: char| c == '-' || c.is_ascii_digit())
        && serde_json::from_str::<&serde_json::value::RawValue>(text).is_ok()
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use proptest::prelude::*;

    use super::*;

    fn json(text: &str) -> Result<String, Vec<String>> {
        let mut source = Source::new(Path::new("x.yaml"), text);
        let node = parse(&mut source, text);
        match (node, source.mistakes.as_slice()) {
            (Some(node), []) => Ok(node.to_json()),
            (_, mistakes) => Err(mistakes
                .iter()
                .map(|m| format!("{}:{} {}", m.line, m.column, m.message))
                .collect()),
        }
    }

    #[test]
    fn yaml_becomes_json_with_every_digit() {
        for (text, expected) in [
            (
                "a: 1\nb: [x, 'y', \"true\", true, ~, no]",
                r#"{"a":1,"b":["x","y","true",true,null,"no"]}"#,
            ),
            (
                "a: 12345678901234567890.10",
                r#"{"a":12345678901234567890.10}"#,
            ),
            (
                "a: 0x1F\nb: 01\nc: +1\nd: .5\ne: 1e5",
                r#"{"a":"0x1F","b":"01","c":"+1","d":".5","e":1e5}"#,
            ),
            ("a:\n", r#"{"a":null}"#),
            ("a: |\n  two\n  lines\n", r#"{"a":"two\nlines\n"}"#),
            ("- 2020-01-01", r#"["2020-01-01"]"#),
            ("\u{feff}a: ü", r#"{"a":"ü"}"#),
        ] {
            assert_eq!(json(text).as_deref(), Ok(expected), "{text}");
        }
    }

    #[test]
    fn what_is_not_read_is_told_where_it_stands() {
        for (text, expected) in [
            ("a: 1\na: 2", "2:1 `a` stands twice, first in line 1"),
            ("a: &x 1", "1:4 anchors (`&name`) are not read here"),
            ("a: !!str 1", "1:4 tags (`!name`) are not read here"),
            ("? [a]\n: 1", "1:3 a key is text, not a list or a map"),
            (
                "a: 1\n---\nb: 2",
                "2:1 a second document begins here; a file holds one",
            ),
            ("", "1:1 the file is empty"),
        ] {
            assert_eq!(json(text), Err(vec![expected.to_owned()]), "{text}");
        }
        assert!(json("a: [1,").unwrap_err()[0].contains("this is no YAML"));
        assert!(json(&"[".repeat(100_000)).is_err());
        assert!(json(&"a: ".repeat(1_000)).is_err());
    }

    proptest! {
        #[test]
        fn no_text_makes_the_reader_fail(text in "\\PC{0,80}") {
            let _ = json(&text);
        }

        #[test]
        fn no_yaml_like_text_makes_the_reader_fail(text in "[a-b0 :,\\-\\[\\]{}&*!|>?'\"%@`#\n\t~\\\\]{0,60}") {
            let _ = json(&text);
        }

        #[test]
        fn no_bytes_make_the_reader_fail(bytes in prop::collection::vec(any::<u8>(), 0..120)) {
            let _ = json(&String::from_utf8_lossy(&bytes));
        }
    }
}
