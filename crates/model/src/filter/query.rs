//! The query string's spelling, that of `PostgREST`: `rating=gte.7`, `title=not.in.(a,"b,c")`, `or=(a.eq.1,and(b.gt.2,c.is.null))`.

use super::operator::{self, Operator, Wrong};
use super::{Filter, FilterLimits, Operand};
use crate::{BadArgument, FieldId, Model, Value, did_you_mean};

impl Filter {
    /// Reads `column=operator.operand` pairs, percent-decoded; all must hold. All mistakes at once.
    pub fn from_query(
        model: &Model,
        pairs: &[(&str, &str)],
        limits: FilterLimits,
    ) -> Result<Self, Vec<BadArgument>> {
        let mut reader = Reader {
            model,
            terms_left: limits.terms,
            faults: Vec::new(),
        };
        let mut filter = Self::True;
        for (name, text) in pairs {
            let part = reader.pair(name, text, limits.depth);
            filter = filter.and(part);
        }
        if reader.faults.is_empty() {
            Ok(filter)
        } else {
            Err(reader.faults)
        }
    }
}

struct Reader<'a> {
    model: &'a Model,
    terms_left: usize,
    faults: Vec<BadArgument>,
}

impl Reader<'_> {
    fn fault(&mut self, parameter: &str, (detail, hint): Wrong) -> Filter {
        self.faults
            .push(BadArgument::new(parameter, detail).hint(hint));
        Filter::False
    }

    fn pair(&mut self, name: &str, text: &str, depth: usize) -> Filter {
        let (negated, word) = name
            .strip_prefix("not.")
            .map_or((false, name), |word| (true, word));
        let filter = match word {
            "or" | "and" => {
                if let Some(inner) = text
                    .strip_prefix('(')
                    .and_then(|text| text.strip_suffix(')'))
                {
                    self.group(name, word, inner, depth)
                } else {
                    let wrong = (
                        format!("`{name}` takes conditions in brackets: {name}=(a.eq.1,b.gt.2)"),
                        None,
                    );
                    self.fault(name, wrong)
                }
            }
            // `not=and(…)` is PostgREST's other spelling of `not.and=(…)`.
            "not" if !negated => {
                let inner = self.condition(name, text, depth);
                return Filter::Not(Box::new(inner));
            }
            _ => {
                if let Some(field) = self.model.find(name) {
                    return self.test(name, field, text, Quotes::Kept);
                }
                let names = self.model.fields.iter().map(|field| field.name.as_str());
                let hint = did_you_mean(name, names.chain(crate::read::PARAMETERS));
                let detail = format!("{} has no field or parameter `{name}`", self.model.name);
                return self.fault(name, (detail, hint));
            }
        };
        if negated {
            Filter::Not(Box::new(filter))
        } else {
            filter
        }
    }

    /// What stands between the brackets of `or=(…)`.
    fn group(&mut self, parameter: &str, word: &str, inner: &str, depth: usize) -> Filter {
        if depth == 0 {
            return self.fault(parameter, ("the filter nests too deep".to_owned(), None));
        }
        let parts = match split(inner) {
            Ok(parts) => parts,
            Err(why) => return self.fault(parameter, (why, None)),
        };
        let filters = parts
            .iter()
            .map(|part| self.condition(parameter, part, depth - 1))
            .collect();
        if word == "or" {
            Filter::Any(filters)
        } else {
            Filter::All(filters)
        }
    }

    /// `a.eq.1`, `a.not.eq.1`, `and(…)`, `not.or(…)`
    fn condition(&mut self, parameter: &str, text: &str, depth: usize) -> Filter {
        let (negated, rest) = text
            .strip_prefix("not.")
            .map_or((false, text), |rest| (true, rest));
        for word in ["and", "or"] {
            let inner = rest
                .strip_prefix(word)
                .and_then(|rest| rest.strip_prefix('('));
            if let Some(inner) = inner.and_then(|inner| inner.strip_suffix(')')) {
                let filter = self.group(parameter, word, inner, depth);
                return if negated {
                    Filter::Not(Box::new(filter))
                } else {
                    filter
                };
            }
        }
        let Some((name, rest)) = text.split_once('.') else {
            return self.fault(
                parameter,
                (
                    format!("`{text}` is no condition: write column.operator.value"),
                    None,
                ),
            );
        };
        if let Some(field) = self.model.find(name) {
            self.test(parameter, field, rest, Quotes::Read)
        } else {
            let names = self.model.fields.iter().map(|field| field.name.as_str());
            let hint = did_you_mean(name, names);
            self.fault(
                parameter,
                (format!("{} has no field `{name}`", self.model.name), hint),
            )
        }
    }

    /// `gte.7`, `not.in.(a,b)`
    fn test(&mut self, parameter: &str, id: FieldId, text: &str, quotes: Quotes) -> Filter {
        let (negated, text) = text
            .strip_prefix("not.")
            .map_or((false, text), |text| (true, text));
        let filter = match self.plain_test(id, text, quotes) {
            Ok(filter) => filter,
            Err(wrong) => return self.fault(parameter, wrong),
        };
        if negated {
            Filter::Not(Box::new(filter))
        } else {
            filter
        }
    }

    /// Counts towards the limit of the filter's size.
    fn charge(&mut self, terms: usize) -> Result<(), Wrong> {
        let left = self.terms_left.checked_sub(terms);
        self.terms_left = left.ok_or_else(|| ("the filter has too many terms".to_owned(), None))?;
        Ok(())
    }

    fn plain_test(&mut self, id: FieldId, text: &str, quotes: Quotes) -> Result<Filter, Wrong> {
        let field = self.model.field(id);
        let Some((name, operand)) = text.split_once('.') else {
            let hint = format!("write {}=eq.{text}", field.name);
            return Err((format!("`{text}` has no operator"), Some(hint)));
        };
        let operator = Operator::from_query(name)?;
        operator.check(field)?;
        if operator == Operator::Is {
            self.charge(1)?;
            let (is, negated) = operator::is(field, operand)?;
            let filter = Filter::Test {
                field: id,
                test: is,
            };
            return Ok(if negated {
                Filter::Not(Box::new(filter))
            } else {
                filter
            });
        }
        let texts = match quotes {
            _ if operator.takes_list() => list(operand)?,
            Quotes::Read if operand.starts_with('"') => vec![unquoted(operand)?],
            _ => vec![operand.to_owned()],
        };
        self.charge(texts.len().max(1))?;
        let read = |text: &String| match operator {
            Operator::Like { .. } => operator::pattern(text).map(Operand::Value),
            _ => Value::from_text(field, text)
                .map(Operand::Value)
                .map_err(|bad| (bad.detail, None)),
        };
        let operands = texts.iter().map(read).collect::<Result<Vec<_>, _>>()?;
        let tested = match (operator, operands.as_slice()) {
            (Operator::Like { fold_case }, [Operand::Value(Value::Text(text))]) => {
                operator::like(text, fold_case)
            }
            _ => operator
                .test(operands)
                .ok_or_else(|| ("the operand is missing".to_owned(), None))?,
        };
        Ok(Filter::Test {
            field: id,
            test: tested,
        })
    }
}

/// Whether quotes around an operand belong to it. Between brackets a comma or bracket in an operand needs quotes; in
/// `title=eq."x"` they are the text's own.
#[derive(Clone, Copy)]
enum Quotes {
    Kept,
    Read,
}

/// The text in quotes, `\\` and `\"` being `\` and `"`.
fn unquoted(text: &str) -> Result<String, Wrong> {
    let mut items = list(&format!("({text})"))?;
    match (items.pop(), items.is_empty()) {
        (Some(item), true) => Ok(item),
        _ => Err((format!("`{text}` goes on after its closing quote"), None)),
    }
}

/// `(a,"b,c",d)` or, for array operators, `{a,b}`.
fn list(text: &str) -> Result<Vec<String>, Wrong> {
    let inner = text
        .strip_prefix('(')
        .and_then(|text| text.strip_suffix(')'))
        .or_else(|| {
            text.strip_prefix('{')
                .and_then(|text| text.strip_suffix('}'))
        })
        .ok_or_else(|| (format!("`{text}` is no list: write (a,b,\"c,d\")"), None))?;
    let mut items = Vec::new();
    let mut chars = inner.chars().peekable();
    while chars.peek().is_some() {
        let mut item = String::new();
        if chars.peek() == Some(&'"') {
            chars.next();
            loop {
                match chars.next() {
                    Some('"') => break,
                    Some('\\') => item.extend(chars.next()),
                    Some(c) => item.push(c),
                    None => return Err((format!("a quote of `{text}` is not closed"), None)),
                }
            }
            if chars.peek().is_some_and(|c| *c != ',') {
                return Err((
                    format!("after a closing quote in `{text}` comes a comma"),
                    None,
                ));
            }
        } else {
            while let Some(c) = chars.next_if(|c| *c != ',') {
                item.push(c);
            }
        }
        items.push(item);
        if chars.next().is_some() && chars.peek().is_none() {
            items.push(String::new());
        }
    }
    Ok(items)
}

/// The conditions between commas that stand in no bracket and no quote.
fn split(text: &str) -> Result<Vec<&str>, String> {
    let (mut depth, mut quoted, mut escaped, mut start, mut parts) =
        (0usize, false, false, 0, Vec::new());
    for (at, c) in text.char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' if quoted => escaped = true,
            // A quote opens only where an operand begins, so an apostrophe-like one inside a word stays itself.
            '"' if quoted || text[..at].ends_with(['(', ',', '.', '{']) => quoted = !quoted,
            _ if quoted => {}
            '(' | '{' => depth += 1,
            ')' | '}' => {
                depth = depth
                    .checked_sub(1)
                    .ok_or(format!("the brackets of `{text}` do not match"))?;
            }
            ',' if depth == 0 => {
                parts.push(&text[start..at]);
                start = at + 1;
            }
            _ => {}
        }
    }
    if depth > 0 || quoted {
        return Err(format!("the brackets or quotes of `{text}` do not match"));
    }
    parts.push(&text[start..]);
    Ok(parts)
}
