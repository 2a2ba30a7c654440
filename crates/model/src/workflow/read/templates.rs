//! Values of a file that may hold expressions.

use minijinja::machinery::parse_expr;
use serde_json::{Map, Value};

use super::Reader;
use crate::workflow::answer::Answer;
use crate::workflow::names::Look;
use crate::workflow::template::{Piece, pieces};
use crate::workflow::{Expression, Part, Template};
use crate::yaml::{Node, Yaml};

impl Reader<'_, '_> {
    pub(super) fn template(&mut self, node: &Node) -> Template {
        self.template_and_answer(node).0
    }

    pub(super) fn template_and_answer(&mut self, node: &Node) -> (Template, Answer) {
        let template = match &node.yaml {
            Yaml::Scalar { .. } => return self.scalar(node),
            Yaml::List(items) => {
                let items: Vec<_> = items.iter().map(|item| self.template(item)).collect();
                let constant = |item: &Template| matches!(item, Template::Constant(_));
                if items.iter().all(constant) {
                    Template::Constant(items.into_iter().filter_map(into_constant).collect())
                } else {
                    Template::List(items)
                }
            }
            Yaml::Map(members) => {
                let members = members
                    .iter()
                    .map(|(key, member)| (key.text.clone(), self.template(member)));
                let members: Vec<_> = members.collect();
                if members
                    .iter()
                    .all(|(_, member)| matches!(member, Template::Constant(_)))
                {
                    let members = members.into_iter();
                    let constants =
                        members.filter_map(|(name, member)| Some((name, into_constant(member)?)));
                    Template::Constant(Value::Object(constants.collect::<Map<_, _>>()))
                } else {
                    Template::Map(members)
                }
            }
        };
        (template, Answer::Any)
    }

    fn scalar(&mut self, node: &Node) -> (Template, Answer) {
        let Some(text) = node.text() else {
            return (Template::null(), Answer::Any);
        };
        let pieces = match pieces(text) {
            Ok(pieces) => pieces,
            Err(why) => {
                self.source.mistake(node.at, why, None);
                return (broken(), Answer::Any);
            }
        };
        if pieces.iter().all(|piece| matches!(piece, Piece::Text(_))) {
            return (Template::Constant(self.constant(node)), Answer::Any);
        }
        if let Some((expression, answer)) =
            alone(&pieces).map(|source| self.expression(source, node))
        {
            return (expression.map_or_else(broken, Template::Whole), answer);
        }
        let parts = pieces.into_iter().filter_map(|piece| match piece {
            Piece::Text(text) => Some(Part::Text(text.to_owned())),
            Piece::Expression(source) => self.expression(source, node).0.map(Part::Expression),
        });
        (Template::Text(parts.collect()), Answer::Scalar("text"))
    }

    /// Numbers that JSON would not write as they stand are told: nothing is rounded in silence.
    fn constant(&mut self, node: &Node) -> Value {
        let value = serde_json::from_str::<Value>(&node.to_json()).unwrap_or(Value::Null);
        if let (Value::Number(number), Some(text)) = (&value, node.text())
            && number.to_string() != text
        {
            let hint = Some(format!("put it in quotes, or write {number}"));
            self.source
                .mistake(node.at, format!("`{text}` would become {number}"), hint);
        }
        value
    }

    /// One that stands alone, as `if` and `each` take it.
    pub(super) fn whole(&mut self, node: &Node, name: &str) -> Option<(Expression, Answer)> {
        let text = node.text()?;
        match pieces(text) {
            Ok(pieces) => {
                if let Some(source) = alone(&pieces) {
                    let (expression, answer) = self.expression(source, node);
                    expression.map(|expression| (expression, answer))
                } else {
                    let hint = if pieces
                        .iter()
                        .any(|piece| matches!(piece, Piece::Expression(_)))
                    {
                        "write all of it between one {{ and }}".to_owned()
                    } else {
                        format!("write {name}: \"{{{{ {} }}}}\"", text.trim())
                    };
                    self.source
                        .mistake(node.at, format!("`{name}` is one expression"), Some(hint));
                    None
                }
            }
            Err(why) => {
                self.source.mistake(node.at, why, None);
                None
            }
        }
    }

    fn expression(&mut self, source: &str, node: &Node) -> (Option<Expression>, Answer) {
        let source = source.trim();
        let at = self.source.find(node.at, source);
        let expression = match Expression::new(source) {
            Ok(expression) => expression,
            Err(why) => {
                self.source.mistake(at.unwrap_or(node.at), why, None);
                return (None, Answer::Any);
            }
        };
        let Ok(expr) = parse_expr(&expression.source) else {
            return (None, Answer::Any);
        };
        let mut look = Look {
            source: &expression.source,
            scope: &self.scope,
            known: self.known,
            steps: &self.ids,
            wrong: Vec::new(),
        };
        let answer = look.answer(&expr);
        for (start, width, (message, hint)) in look.wrong {
            let before = expression.source.get(..start).unwrap_or_default();
            let place = match at {
                // Within an expression over several lines its begin is near enough.
                Some(mut at) if !before.contains('\n') => {
                    at.column += before.chars().count();
                    at.width = width;
                    at
                }
                at => at.unwrap_or(node.at),
            };
            self.source.mistake(place, message, hint);
        }
        (Some(expression), answer)
    }
}

/// Stands for what could not be read, and was told: nothing else is to be said of it.
fn broken() -> Template {
    Expression::new("none").map_or_else(|_| Template::null(), Template::Whole)
}

/// The expression that is the whole text.
fn alone<'t>(pieces: &[Piece<'t>]) -> Option<&'t str> {
    let blank = |piece: &&Piece<'_>| !matches!(piece, Piece::Text(text) if text.trim().is_empty());
    let mut pieces = pieces.iter().filter(blank);
    match (pieces.next(), pieces.next()) {
        (Some(Piece::Expression(source)), None) => Some(source),
        _ => None,
    }
}

fn into_constant(template: Template) -> Option<Value> {
    match template {
        Template::Constant(value) => Some(value),
        _ => None,
    }
}
