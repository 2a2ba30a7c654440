//! A mistake in a query string, or in a list's order, selection or filter.

/// Which argument, what is wrong, and the nearest valid word.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{detail}")]
pub struct BadArgument {
    /// The parameter's name: `order`, `rating`, `or`.
    pub parameter: String,
    pub detail: String,
    pub hint: Option<String>,
}

impl BadArgument {
    pub fn new(parameter: &str, detail: impl Into<String>) -> Self {
        Self {
            parameter: parameter.to_owned(),
            detail: detail.into(),
            hint: None,
        }
    }

    #[must_use]
    pub fn hint(mut self, hint: Option<String>) -> Self {
        self.hint = hint;
        self
    }

    pub(crate) fn unknown_field(parameter: &str, name: &str, model: &crate::Model) -> Self {
        let names = model.fields.iter().map(|field| field.name.as_str());
        Self::new(parameter, format!("{} has no field `{name}`", model.name))
            .hint(crate::did_you_mean(name, names))
    }
}
