//! Whether what an expression names is there: variables, members of what is known, filters, tests, functions.

use minijinja::machinery::{Span, ast};

use super::answer::{Answer, Wrong};
use super::expression::{arguments, parts};
use super::words::{FILTERS, FUNCTIONS, TESTS};
use crate::did_you_mean;
use crate::read::Known;

/// What is known at a place of a file, innermost last.
#[derive(Debug, Clone, Default)]
pub(super) struct Scope(Vec<(String, Answer)>);

impl Scope {
    pub(super) fn add(&mut self, name: impl Into<String>, answer: Answer) {
        self.0.push((name.into(), answer));
    }

    pub(super) fn get(&self, name: &str) -> Option<&Answer> {
        let mut names = self.0.iter().rev();
        names
            .find(|(known, _)| known == name)
            .map(|(_, answer)| answer)
    }

    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|(name, _)| name.as_str())
    }

    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    /// Forgets what was added since it had this length.
    pub(super) fn truncate(&mut self, length: usize) {
        self.0.truncate(length);
    }
}

/// Looks through one expression.
pub(super) struct Look<'l> {
    pub(super) source: &'l str,
    pub(super) scope: &'l Scope,
    pub(super) known: &'l Known,
    /// Steps of the whole file, for a better word where one is not to be seen from here.
    pub(super) steps: &'l [String],
    /// With the place in the expression: bytes from its begin, and how many.
    pub(super) wrong: Vec<(usize, usize, Wrong)>,
}

impl Look<'_> {
    /// What is known of the expression's value.
    pub(super) fn answer(&mut self, expr: &ast::Expr<'_>) -> Answer {
        match expr {
            ast::Expr::Var(var) => self.variable(var.id, var.span()),
            ast::Expr::GetAttr(get) => {
                let base = self.answer(&get.expr);
                self.member(&base, &get.expr, get.name, get.span())
            }
            ast::Expr::GetItem(get) => {
                let base = self.answer(&get.expr);
                self.answer(&get.subscript_expr);
                match get.subscript_expr.as_const() {
                    Some(item) if item.as_str().is_some() => {
                        let name = item.as_str().unwrap_or_default();
                        self.member(&base, &get.expr, name, get.span())
                    }
                    _ => base.item(),
                }
            }
            ast::Expr::Slice(slice) => {
                let base = self.answer(&slice.expr);
                self.parts(&parts(expr)[1..]);
                base
            }
            ast::Expr::Filter(filter) => self.filter(filter, filter.span()),
            ast::Expr::Test(test) => {
                self.known_word(TESTS, "test", test.name, test.span());
                self.parts(&parts(expr));
                Answer::Scalar("bool")
            }
            ast::Expr::Call(call) => self.call(call, call.span()),
            ast::Expr::BinOp(op) => {
                let (left, right) = (self.answer(&op.left), self.answer(&op.right));
                if let Some(ordered) = ordered(op.op) {
                    self.compared((&op.left, &left), (&op.right, &right), ordered, op.span());
                }
                Answer::Any
            }
            ast::Expr::Compare(compare) => {
                use ast::CompareOpKind::{Eq, In, Ne, NotIn};
                let mut left = (&compare.expr, self.answer(&compare.expr));
                for op in &compare.ops {
                    let right = self.answer(&op.expr);
                    if !matches!(op.op, In | NotIn) {
                        let ordered = !matches!(op.op, Eq | Ne);
                        self.compared(
                            (left.0, &left.1),
                            (&op.expr, &right),
                            ordered,
                            compare.span(),
                        );
                    }
                    left = (&op.expr, right);
                }
                Answer::Scalar("bool")
            }
            _ => {
                self.parts(&parts(expr));
                Answer::Any
            }
        }
    }

    fn parts(&mut self, parts: &[&ast::Expr<'_>]) {
        for part in parts {
            self.answer(part);
        }
    }

    fn wrong(&mut self, span: Span, word: &str, message: impl Into<String>, hint: Option<String>) {
        let (start, end) = (span.start_offset as usize, span.end_offset as usize);
        // A span may reach over what stands before a name; the name itself is at fault.
        let found = self
            .source
            .get(start..end)
            .and_then(|text| text.rfind(word));
        self.wrong.push((
            start + found.unwrap_or(0),
            word.chars().count(),
            (message.into(), hint),
        ));
    }

    fn variable(&mut self, name: &str, span: Span) -> Answer {
        if let Some(answer) = self.scope.get(name) {
            return answer.clone();
        }
        let (message, hint) = if FUNCTIONS.contains(&name) {
            (
                format!("`{name}` is a function"),
                Some(format!("write {name}(…)")),
            )
        } else if self.steps.iter().any(|step| step == name) {
            let message = format!("the answer of the step `{name}` is not known here");
            (
                message,
                Some("it comes later, or stands within another step".to_owned()),
            )
        } else if let Some(Answer::Object(inputs)) = self.scope.get("inputs")
            && inputs.iter().any(|(input, _)| input == name)
        {
            (
                format!("`{name}` is not known here"),
                Some(format!("write inputs.{name}")),
            )
        } else {
            let all = || {
                format!(
                    "known here: {}",
                    self.scope.names().collect::<Vec<_>>().join(", ")
                )
            };
            let hint = did_you_mean(name, self.scope.names()).unwrap_or_else(all);
            (format!("`{name}` is not known here"), Some(hint))
        };
        self.wrong(span, name, message, hint);
        Answer::Any
    }

    fn member(&mut self, base: &Answer, of: &ast::Expr<'_>, name: &str, span: Span) -> Answer {
        let path = written(of);
        match base.member(&path, name, self.known) {
            Ok(answer) => answer,
            Err((message, hint)) => {
                self.wrong(span, name, message, hint);
                Answer::Any
            }
        }
    }

    fn filter(&mut self, filter: &ast::Filter<'_>, span: Span) -> Answer {
        self.known_word(FILTERS, "filter", filter.name, span);
        let base = filter
            .expr
            .as_ref()
            .map_or(Answer::Any, |expr| self.answer(expr));
        self.parts(&arguments(&filter.args));
        match filter.name {
            "first" | "last" | "min" | "max" => base.item(),
            "list" | "reverse" | "sort" | "unique" | "select" | "reject" | "selectattr"
            | "rejectattr" => base,
            "count" | "length" => Answer::Scalar("number"),
            "date" | "join" | "lower" | "minus" | "plus" | "string" | "tojson" | "trim"
            | "upper" => Answer::Scalar("text"),
            _ => Answer::Any,
        }
    }

    fn call(&mut self, call: &ast::Call<'_>, span: Span) -> Answer {
        match &call.expr {
            ast::Expr::Var(var) if FUNCTIONS.contains(&var.id) => {}
            ast::Expr::Var(var) => {
                let near = did_you_mean(var.id, FUNCTIONS.iter().copied());
                let hint = near.unwrap_or_else(|| match var.id {
                    "now" | "today" | "utcnow" => {
                        "a run is the same each time: use run.started_at".to_owned()
                    }
                    _ => format!(
                        "there are {}, and filters as in title|upper",
                        FUNCTIONS.join(" and ")
                    ),
                });
                self.wrong(
                    var.span(),
                    var.id,
                    format!("there is no function `{}`", var.id),
                    Some(hint),
                );
            }
            ast::Expr::GetAttr(get) => {
                self.answer(&get.expr);
                let hint = did_you_mean(get.name, FILTERS.iter().copied());
                let hint = hint.unwrap_or_else(|| "use a filter, as in title|upper".to_owned());
                self.wrong(
                    get.span(),
                    get.name,
                    "values have no methods here",
                    Some(hint),
                );
            }
            other => {
                self.answer(other);
                self.wrong(span, "", "this is no function", None);
            }
        }
        self.parts(&arguments(&call.args));
        Answer::Any
    }

    fn known_word(&mut self, words: &[&str], what: &str, name: &str, span: Span) {
        if !words.contains(&name) {
            let hint = did_you_mean(name, words.iter().copied());
            let hint = hint.unwrap_or_else(|| format!("there are {}", words.join(", ")));
            self.wrong(
                span,
                name,
                format!("there is no {what} `{name}`"),
                Some(hint),
            );
        }
    }

    /// Decimals are texts, where "10" stands before "9" and none equals a number; with `|decimal` they compare with
    /// their like only.
    fn compared(&mut self, left: Side<'_, '_>, right: Side<'_, '_>, ordered: bool, span: Span) {
        let exact = |(expr, _): Side<'_, '_>| matches!(expr, ast::Expr::Filter(filter) if filter.name == "decimal");
        let constant = |(expr, _): Side<'_, '_>| expr.as_const();
        if [left, right]
            .into_iter()
            .filter_map(constant)
            .any(|value| value.is_none())
        {
            return;
        }
        if exact(left) != exact(right) {
            let hint = Some("write |decimal on both sides".to_owned());
            self.wrong(
                span,
                "decimal",
                "a decimal compares with decimals only",
                hint,
            );
            return;
        }
        let number = |side: Side<'_, '_>| {
            let known = matches!(side.1, Answer::Scalar("int" | "float" | "number"));
            known || constant(side).is_some_and(|value| value.is_number())
        };
        for (side, other) in [(left, right), (right, left)] {
            if matches!(side.1, Answer::Scalar("decimal")) && (ordered || number(other)) {
                let (path, hint) = (
                    written(side.0),
                    "write |decimal on both sides, and numbers as 7|decimal",
                );
                let name = path.rsplit('.').next().unwrap_or_default();
                self.wrong(
                    span,
                    name,
                    format!("`{path}` is a decimal, which is a text here"),
                    Some(hint.to_owned()),
                );
                return;
            }
        }
    }
}

/// Of a comparison, with what is known of it.
type Side<'s, 'a> = (&'s ast::Expr<'a>, &'s Answer);

/// Of a comparison, whether it asks for more than equality.
fn ordered(op: ast::BinOpKind) -> Option<bool> {
    use ast::BinOpKind::{Eq, Gt, Gte, Lt, Lte, Ne};
    match op {
        Eq | Ne => Some(false),
        Lt | Lte | Gt | Gte => Some(true),
        _ => None,
    }
}

/// How a name or a way into it was written, for people.
fn written(expr: &ast::Expr<'_>) -> String {
    match expr {
        ast::Expr::Var(var) => var.id.to_owned(),
        ast::Expr::GetAttr(get) => format!("{}.{}", written(&get.expr), get.name),
        ast::Expr::GetItem(get) => match get.subscript_expr.as_const() {
            Some(item) => format!("{}[{item:?}]", written(&get.expr)),
            None => format!("{}[…]", written(&get.expr)),
        },
        ast::Expr::Filter(filter) => match &filter.expr {
            Some(expr) => format!("{}|{}", written(expr), filter.name),
            None => "it".to_owned(),
        },
        _ => "it".to_owned(),
    }
}
