//! The JSON spelling: `{"rating": {"gte": "7"}, "or": [{…}, {…}], "not": {…}}`.

use serde_json::value::RawValue;
use wire::Fault;

use super::operator::{self, Operator, Wrong};
use super::{CallerFact, Filter, FilterLimits, Operand};
use crate::json_object::Object;
use crate::{Field, FieldId, Kind, Model, Value, did_you_mean};

impl Filter {
    /// Reads a `where`. `pointer` is where it stands in the body. All mistakes at once.
    pub fn from_json(
        model: &Model,
        raw: &RawValue,
        pointer: &str,
        limits: FilterLimits,
    ) -> Result<Self, Vec<Fault>> {
        Self::read(model, raw, pointer, limits, false)
    }

    /// Reads an access rule's `where`, in which `$caller.id` and `$caller.tenant` stand for the caller's.
    pub fn rule_from_json(model: &Model, raw: &RawValue) -> Result<Self, Vec<Fault>> {
        Self::read(model, raw, "", FilterLimits::default(), true)
    }

    fn read(
        model: &Model,
        raw: &RawValue,
        pointer: &str,
        limits: FilterLimits,
        rule: bool,
    ) -> Result<Self, Vec<Fault>> {
        let mut reader = Reader {
            model,
            rule,
            terms_left: limits.terms,
            faults: Vec::new(),
        };
        let filter = reader.object(raw, pointer, limits.depth);
        if reader.faults.is_empty() {
            Ok(filter)
        } else {
            Err(reader.faults)
        }
    }
}

/// A body of mistakes would be answered by a larger one.
const MOST_FAULTS: usize = 100;

struct Reader<'a> {
    model: &'a Model,
    rule: bool,
    terms_left: usize,
    faults: Vec<Fault>,
}

impl Reader<'_> {
    fn fault(&mut self, pointer: &str, code: &str, (detail, hint): Wrong) -> Filter {
        if self.faults.len() < MOST_FAULTS {
            let detail = hint.map_or(detail.clone(), |hint| format!("{detail}; {hint}"));
            self.faults.push(Fault::new(pointer, code, detail));
        }
        Filter::False
    }

    fn object(&mut self, raw: &RawValue, pointer: &str, depth: usize) -> Filter {
        if depth == 0 {
            return self.fault(
                pointer,
                "limit_exceeded",
                ("the filter nests too deep".to_owned(), None),
            );
        }
        let object = match Object::parse(raw.get()) {
            Ok(object) => object,
            Err(why) => {
                return self.fault(
                    pointer,
                    "wrong_type",
                    (format!("a filter is an object: {why}"), None),
                );
            }
        };
        if object.members.is_empty() && !self.charge(1, pointer) {
            return Filter::False;
        }
        let mut filter = Filter::True;
        for (name, value) in object.members {
            let pointer = format!("{pointer}/{}", escape(&name));
            let part = match &*name {
                "and" | "or" => self.list(&name, value, &pointer, depth),
                "not" => Filter::Not(Box::new(self.object(value, &pointer, depth - 1))),
                _ => {
                    if let Some(field) = self.model.find(&name) {
                        self.field(field, value, &pointer, depth)
                    } else {
                        let names = self.model.fields.iter().map(|field| field.name.as_str());
                        let hint = did_you_mean(&name, names.chain(["and", "or", "not"]));
                        self.fault(
                            &pointer,
                            "unknown_field",
                            (format!("{} has no field `{name}`", self.model.name), hint),
                        )
                    }
                }
            };
            filter = filter.and(part);
        }
        filter
    }

    fn list(&mut self, name: &str, raw: &RawValue, pointer: &str, depth: usize) -> Filter {
        let Ok(items) = serde_json::from_str::<Vec<&RawValue>>(raw.get()) else {
            return self.fault(
                pointer,
                "wrong_type",
                (format!("`{name}` takes a list of filters"), None),
            );
        };
        if items.is_empty() && !self.charge(1, pointer) {
            return Filter::False;
        }
        let mut parts = Vec::with_capacity(items.len());
        for (index, item) in items.iter().enumerate() {
            parts.push(self.object(item, &format!("{pointer}/{index}"), depth - 1));
        }
        if name == "or" {
            Filter::Any(parts)
        } else {
            Filter::All(parts)
        }
    }

    fn field(&mut self, id: FieldId, raw: &RawValue, pointer: &str, depth: usize) -> Filter {
        let field = self.model.field(id);
        if !raw.get().starts_with('{') {
            return self.test(
                id,
                field,
                Operator::Compare(super::Comparison::Eq),
                raw,
                pointer,
            );
        }
        let object = match Object::parse(raw.get()) {
            Ok(object) => object,
            Err(why) => return self.fault(pointer, "wrong_type", (why, None)),
        };
        if object.members.is_empty() {
            return self.fault(
                pointer,
                "invalid_value",
                ("name an operator, as in {\"gte\": 7}".to_owned(), None),
            );
        }
        let mut filter = Filter::True;
        for (name, value) in object.members {
            let pointer = format!("{pointer}/{}", escape(&name));
            let part = if name == "not" {
                if depth <= 1 {
                    self.fault(
                        &pointer,
                        "limit_exceeded",
                        ("the filter nests too deep".to_owned(), None),
                    )
                } else {
                    Filter::Not(Box::new(self.field(id, value, &pointer, depth - 1)))
                }
            } else {
                match Operator::from_json(&name) {
                    Ok(operator) => self.test(id, field, operator, value, &pointer),
                    Err(wrong) => self.fault(&pointer, "unknown_operator", wrong),
                }
            };
            filter = filter.and(part);
        }
        filter
    }

    fn test(
        &mut self,
        id: FieldId,
        field: &Field,
        operator: Operator,
        raw: &RawValue,
        pointer: &str,
    ) -> Filter {
        if let Err(wrong) = operator.check(field) {
            return self.fault(pointer, "unknown_operator", wrong);
        }
        if operator == Operator::Is {
            if !self.charge(1, pointer) {
                return Filter::False;
            }
            let word: String = match raw.get() {
                bare @ ("null" | "true" | "false") => bare.to_owned(),
                text => serde_json::from_str(text).unwrap_or_else(|_| text.to_owned()),
            };
            return match operator::is(field, &word) {
                Ok((test, false)) => Filter::Test { field: id, test },
                Ok((test, true)) => Filter::Not(Box::new(Filter::Test { field: id, test })),
                Err(wrong) => self.fault(pointer, "invalid_value", wrong),
            };
        }
        let raws: Vec<&RawValue> = if operator.takes_list() {
            match serde_json::from_str(raw.get()) {
                Ok(raws) => raws,
                Err(_) => {
                    return self.fault(pointer, "wrong_type", ("it takes a list".to_owned(), None));
                }
            }
        } else {
            vec![raw]
        };
        if !self.charge(raws.len().max(1), pointer) {
            return Filter::False;
        }
        let mut operands = Vec::with_capacity(raws.len());
        for raw in raws {
            match self.operand(field, operator, raw) {
                Ok(operand) => operands.push(operand),
                Err((code, wrong)) => return self.fault(pointer, code, wrong),
            }
        }
        let test = operator
            .test(operands)
            .unwrap_or(super::Test::In(Vec::new()));
        Filter::Test { field: id, test }
    }

    /// Counts towards the limit of the filter's size; false, and told, where it is exceeded.
    fn charge(&mut self, terms: usize, pointer: &str) -> bool {
        let left = self.terms_left.checked_sub(terms);
        self.terms_left = left.unwrap_or(0);
        if left.is_none() {
            self.fault(
                pointer,
                "limit_exceeded",
                ("the filter has too many terms".to_owned(), None),
            );
        }
        left.is_some()
    }

    fn operand(
        &self,
        field: &Field,
        operator: Operator,
        raw: &RawValue,
    ) -> Result<Operand, (&'static str, Wrong)> {
        if raw.get() == "null" {
            let hint = Some("ask for null with {\"is\": null}".to_owned());
            return Err((
                "invalid_value",
                ("nothing compares with null".to_owned(), hint),
            ));
        }
        let text: Option<String> = if raw.get().starts_with('"') {
            serde_json::from_str(raw.get()).ok()
        } else {
            None
        };
        if let Some("$caller.id" | "$caller.tenant") = text.as_deref()
            && self.rule
            && field.kind != Kind::Text
        {
            let detail = format!(
                "a fact of the caller is text, and {} is {}",
                field.name,
                field.kind.name()
            );
            return Err(("wrong_type", (detail, None)));
        }
        match text.as_deref() {
            Some("$caller.id") if self.rule => return Ok(Operand::Caller(CallerFact::Id)),
            Some("$caller.tenant") if self.rule => return Ok(Operand::Caller(CallerFact::Tenant)),
            Some(word) if self.rule && word.starts_with("$caller") => {
                let hint = did_you_mean(word, ["$caller.id", "$caller.tenant"]);
                return Err((
                    "invalid_value",
                    (format!("`{word}` is no fact of the caller"), hint),
                ));
            }
            Some(text) if matches!(operator, Operator::Like { .. }) => {
                let pattern = operator::pattern(text).map(Operand::Value);
                return pattern.map_err(|wrong| ("invalid_value", wrong));
            }
            _ => {}
        }
        // A question may name a value that the field could not hold (rating > 100, a text that is too long).
        let unbounded = field.unbounded();
        Value::from_json(&unbounded, raw)
            .map(Operand::Value)
            .map_err(|bad| (bad.code, (bad.detail, None)))
    }
}

/// A name as a part of a JSON Pointer.
fn escape(name: &str) -> String {
    name.replace('~', "~0").replace('/', "~1")
}
