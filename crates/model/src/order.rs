//! `order=`: by which fields, which way, where nulls go.

use crate::{BadArgument, FieldId, Model, did_you_mean};

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Order {
    pub field: FieldId,
    pub descending: bool,
    pub nulls_first: bool,
}

impl Order {
    /// Reads `released.desc.nullslast`. Nulls come last when rising and first when falling, unless said.
    pub fn parse(model: &Model, text: &str) -> Result<Self, BadArgument> {
        let mut words = text.split('.');
        let name = words.next().unwrap_or("");
        let field = model
            .find(name)
            .ok_or_else(|| BadArgument::unknown_field("order", name, model))?;
        let definition = model.field(field);
        if definition.array || !definition.kind.is_ordered() {
            let detail = format!("{name} is {} and has no order", definition.kind_name());
            return Err(BadArgument::new("order", detail));
        }
        let (mut descending, mut nulls_first) = (None, None);
        for word in words {
            let repeated = match word {
                "asc" | "desc" => {
                    descending.replace(word == "desc").is_some() || nulls_first.is_some()
                }
                "nullsfirst" | "nullslast" => nulls_first.replace(word == "nullsfirst").is_some(),
                _ => {
                    let hint = did_you_mean(word, ["asc", "desc", "nullsfirst", "nullslast"]);
                    let detail = format!(
                        "`{word}` in `{text}` is neither asc, desc, nullsfirst nor nullslast"
                    );
                    return Err(BadArgument::new("order", detail).hint(hint));
                }
            };
            if repeated {
                let detail =
                    format!("`{text}` says its direction twice; write it as {name}.desc.nullslast");
                return Err(BadArgument::new("order", detail));
            }
        }
        let descending = descending.unwrap_or(false);
        Ok(Self {
            field,
            descending,
            nulls_first: nulls_first.unwrap_or(descending),
        })
    }
}
