//! `select=`: which fields, and which refs as objects.

use std::sync::Arc;

use crate::{BadArgument, FieldId, Model, Models};

#[derive(Debug, Clone, PartialEq)]
pub struct Selection(pub Vec<Selected>);

#[derive(Debug, Clone, PartialEq)]
pub enum Selected {
    Field(FieldId),
    /// The ref's target as an object (null where the ref is null) under the ref's own name.
    Embed {
        field: FieldId,
        target: Arc<Model>,
        fields: Vec<FieldId>,
    },
}

impl Selection {
    /// Reads `title,director(name)`, `*`, `*,director(*)`. Text is the whole parameter; JSON callers join with commas.
    pub fn parse(models: &Models, model: &Model, text: &str) -> Result<Self, BadArgument> {
        let mut selected = Vec::new();
        let mut all = false;
        for item in split_top(text)? {
            match item.split_once('(') {
                _ if item == "*" && !all => all = true,
                Some((name, inner)) => selected.push(embed(models, model, name, inner)?),
                None => selected.push(Selected::Field(find(model, item)?)),
            }
        }
        let mut names: Vec<FieldId> = selected.iter().map(Selected::field).collect();
        names.sort_unstable();
        if let Some(twice) = names.windows(2).find(|pair| pair[0] == pair[1]) {
            let detail = format!("`{}` is selected twice", model.field(twice[0]).name);
            return Err(BadArgument::new("select", detail));
        }
        if all {
            // `*` means every field that is not named otherwise, in the record's own order.
            let mut chosen = std::mem::take(&mut selected);
            for (id, _) in model.ids() {
                let at = chosen.iter().position(|one| one.field() == id);
                selected.push(at.map_or(Selected::Field(id), |at| chosen.swap_remove(at)));
            }
        }
        Ok(Self(selected))
    }

    /// Every field, no object.
    pub fn all(model: &Model) -> Self {
        Self(model.ids().map(|(id, _)| Selected::Field(id)).collect())
    }
}

impl Selected {
    pub fn field(&self) -> FieldId {
        match self {
            Self::Field(field) | Self::Embed { field, .. } => *field,
        }
    }
}

fn find(model: &Model, name: &str) -> Result<FieldId, BadArgument> {
    model
        .find(name)
        .ok_or_else(|| BadArgument::unknown_field("select", name, model))
}

fn embed(models: &Models, model: &Model, name: &str, inner: &str) -> Result<Selected, BadArgument> {
    let field = find(model, name)?;
    let Some(target) = models.target(model.field(field)) else {
        return Err(BadArgument::new(
            "select",
            format!("`{name}` is no ref, so it has no fields of its own"),
        ));
    };
    let inner = inner.strip_suffix(')').unwrap_or(inner);
    let mut fields: Vec<FieldId> = Vec::new();
    for item in inner.split(',').map(str::trim) {
        if item.contains('(') {
            let detail = format!("`{name}({item}` goes two refs deep; one is the limit");
            return Err(BadArgument::new("select", detail));
        }
        let ids = if item == "*" {
            target.ids().map(|(id, _)| id).collect()
        } else {
            vec![find(target, item)?]
        };
        for id in ids {
            if fields.contains(&id) {
                let detail = format!("`{}` is selected twice in `{name}`", target.field(id).name);
                return Err(BadArgument::new("select", detail));
            }
            fields.push(id);
        }
    }
    Ok(Selected::Embed {
        field,
        target: Arc::clone(target),
        fields,
    })
}

/// The parts between commas that stand in no bracket.
fn split_top(text: &str) -> Result<Vec<&str>, BadArgument> {
    let unbalanced =
        || BadArgument::new("select", format!("the brackets of `{text}` do not match"));
    let (mut depth, mut start, mut parts) = (0usize, 0, Vec::new());
    for (at, c) in text.char_indices() {
        match c {
            '(' => depth += 1,
            ')' => depth = depth.checked_sub(1).ok_or_else(unbalanced)?,
            ',' if depth == 0 => {
                parts.push(text[start..at].trim());
                start = at + 1;
            }
            _ => {}
        }
    }
    if depth > 0 {
        return Err(unbalanced());
    }
    parts.push(text[start..].trim());
    if let Some(bad) = parts
        .iter()
        .find(|part| part.is_empty() || (part.contains('(') && !part.ends_with(')')))
    {
        return Err(BadArgument::new(
            "select",
            format!("`{bad}` names no field: write title,director(name)"),
        ));
    }
    Ok(parts)
}
