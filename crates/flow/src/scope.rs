//! What expressions see: names and their values, each read only when it is asked for.

use std::fmt;
use std::sync::{Arc, OnceLock};

use bytes::Bytes;
use minijinja::Value;
use minijinja::value::{DynObject, Object};

/// Names within names: whoever adds one leaves the others as they were. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub(crate) struct Scope(Option<Arc<Entry>>);

pub(crate) struct Entry {
    name: Box<str>,
    known: Known,
    outer: Scope,
}

enum Known {
    Value(Value),
    /// An answer as it came; few of them are read.
    Raw {
        json: Bytes,
        read: OnceLock<Value>,
    },
}

impl Scope {
    pub(crate) fn with_value(&self, name: &str, value: Value) -> Self {
        self.with(name, Known::Value(value))
    }

    pub(crate) fn with_json(&self, name: &str, json: Bytes) -> Self {
        let read = OnceLock::new();
        self.with(name, Known::Raw { json, read })
    }

    fn with(&self, name: &str, known: Known) -> Self {
        Self(Some(Arc::new(Entry {
            name: name.into(),
            known,
            outer: self.clone(),
        })))
    }

    /// As expressions take it.
    pub(crate) fn value(&self) -> Value {
        match &self.0 {
            Some(entry) => Value::from_dyn_object(DynObject::new(Arc::clone(entry))),
            None => Value::from(()),
        }
    }
}

impl Entry {
    fn value(&self) -> Value {
        match &self.known {
            Known::Value(value) => value.clone(),
            Known::Raw { json, read } => {
                let value = || serde_json::from_slice(json).unwrap_or_default();
                read.get_or_init(value).clone()
            }
        }
    }
}

impl Object for Entry {
    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        self.get_value_by_str(key.as_str()?)
    }

    fn get_value_by_str(self: &Arc<Self>, name: &str) -> Option<Value> {
        let mut entry = self;
        while *entry.name != *name {
            entry = entry.outer.0.as_ref()?;
        }
        Some(entry.value())
    }
}

impl fmt::Debug for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)
    }
}

impl Drop for Entry {
    /// One after the other: a long chain would otherwise need as deep a stack.
    fn drop(&mut self) {
        let mut next = self.outer.0.take();
        while let Some(mut entry) = next.and_then(Arc::into_inner) {
            next = entry.outer.0.take();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_innermost_of_a_name_counts_and_others_stay() {
        let outer = Scope::default().with_json("film", Bytes::from_static(b"{\"id\": 7}"));
        let inner = outer.with_value("film", Value::from(1));
        let read = |scope: &Scope, name: &str| scope.value().get_attr(name).unwrap();
        assert_eq!(read(&inner, "film"), Value::from(1));
        assert_eq!(read(&outer, "film").get_attr("id").unwrap(), Value::from(7));
        assert!(read(&outer, "other").is_undefined());
        let mut long = outer;
        for _ in 0..100_000 {
            long = long.with_value("x", Value::from(1));
        }
        drop(long);
    }
}
