//! Templates: JSON with expressions in its texts.

use minijinja::Value;

use super::{Part, Template, json};

impl Template {
    /// The value in this scope. The error says which expression has none, and where it stands.
    pub fn render(&self, scope: &Value) -> Result<serde_json::Value, String> {
        match self {
            Self::Constant(value) => Ok(value.clone()),
            Self::Whole(expression) => expression.evaluate(scope),
            Self::Text(parts) => {
                let mut text = String::new();
                for part in parts {
                    match part {
                        Part::Text(constant) => text.push_str(constant),
                        Part::Expression(expression) => {
                            let value = expression.value(scope)?;
                            let pushed = json::push_text(&value, &mut text);
                            pushed.map_err(|why| expression.failed(scope, &why))?;
                        }
                    }
                }
                Ok(text.into())
            }
            Self::List(items) => {
                let items = items.iter().map(|item| item.render(scope));
                Ok(serde_json::Value::Array(items.collect::<Result<_, _>>()?))
            }
            Self::Map(members) => {
                let members = members.iter().map(|(name, member)| {
                    let value = member.render(scope);
                    value
                        .map(|value| (name.clone(), value))
                        .map_err(|why| format!("{name}: {why}"))
                });
                Ok(serde_json::Value::Object(
                    members.collect::<Result<_, _>>()?,
                ))
            }
        }
    }

    pub(super) fn null() -> Self {
        Self::Constant(serde_json::Value::Null)
    }

    pub(super) fn is_null(&self) -> bool {
        matches!(self, Self::Constant(serde_json::Value::Null))
    }

    /// Of a map, in order.
    pub(super) fn members(&self) -> Vec<Self> {
        match self {
            Self::Map(members) => members.iter().map(|(_, member)| member.clone()).collect(),
            Self::Constant(serde_json::Value::Object(members)) => {
                members.values().cloned().map(Self::Constant).collect()
            }
            _ => Vec::new(),
        }
    }

    /// Of a list.
    pub(super) fn items(&self) -> Vec<Self> {
        match self {
            Self::List(items) => items.clone(),
            Self::Constant(serde_json::Value::Array(items)) => {
                items.iter().cloned().map(Self::Constant).collect()
            }
            _ => Vec::new(),
        }
    }
}

/// A piece of a text as written.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Piece<'t> {
    Text(&'t str),
    /// What stands between `{{` and `}}`.
    Expression(&'t str),
}

/// A text's pieces. The error says what is wrong with it.
pub(super) fn pieces(text: &str) -> Result<Vec<Piece<'_>>, String> {
    if text.contains("{%") {
        return Err("statements (`{% … %}`) are not read here, only expressions".to_owned());
    }
    let mut pieces = Vec::new();
    let mut rest = text;
    while let Some(start) = rest.find("{{") {
        let inner = &rest[start + 2..];
        let Some(end) = end(inner) else {
            return Err("`{{` is not closed by `}}`".to_owned());
        };
        if start > 0 {
            pieces.push(Piece::Text(&rest[..start]));
        }
        pieces.push(Piece::Expression(&inner[..end]));
        rest = &inner[end + 2..];
    }
    if !rest.is_empty() {
        pieces.push(Piece::Text(rest));
    }
    Ok(pieces)
}

/// Where the expression's `}}` stands: not within quotes, nor within a map of its own.
fn end(inner: &str) -> Option<usize> {
    let (mut depth, mut quote, mut escaped) = (0_usize, None, false);
    for (place, byte) in inner.bytes().enumerate() {
        match (quote, byte) {
            (Some(_), _) if escaped => escaped = false,
            (Some(_), b'\\') => escaped = true,
            (Some(open), _) if byte == open => quote = None,
            (None, b'"' | b'\'') => quote = Some(byte),
            (None, b'{') => depth += 1,
            (None, b'}') if depth > 0 => depth -= 1,
            (None, b'}') if inner[place..].starts_with("}}") => return Some(place),
            _ => {}
        }
    }
    None
}
