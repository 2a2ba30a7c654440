//! Expressions: minijinja without files, clocks and chance, so that the same scope gives the same value each time.

use std::sync::{Arc, LazyLock};

use minijinja::machinery::{ast, parse_expr, tokenize};
use minijinja::syntax::SyntaxConfig;
use minijinja::{Environment, ErrorKind, UndefinedBehavior, Value};

use super::{Expression, filters, json};

/// Instructions and items that one evaluation may take: a few passes over the largest answers that steps have.
const FUEL: u64 = 300_000;
const DEEPEST: usize = 64;
/// Longer ones belong into several steps.
const LONGEST: usize = 16 << 10;
/// Words and signs. A chain such as `1+1+…` becomes a tree as deep as it is long, and trees are walked on the stack.
const MOST_TOKENS: usize = 200;

pub(super) static ENVIRONMENT: LazyLock<Environment<'static>> = LazyLock::new(|| {
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment.set_fuel(Some(FUEL));
    environment.set_recursion_limit(DEEPEST);
    // These are for pages of HTML and for those who write templates.
    for filter in ["safe", "escape", "e", "pprint"] {
        environment.remove_filter(filter);
    }
    for global in ["debug", "namespace"] {
        environment.remove_global(global);
    }
    filters::add(&mut environment);
    environment
});

impl Expression {
    /// What stands between `{{` and `}}`. The error says what is wrong with it.
    pub fn new(source: &str) -> Result<Self, String> {
        let source = source.trim();
        if source.is_empty() {
            return Err("the expression is empty".to_owned());
        }
        if source.len() > LONGEST {
            return Err(format!(
                "the expression is longer than {} KiB",
                LONGEST >> 10
            ));
        }
        if tokenize(source, true, SyntaxConfig::default())
            .take(MOST_TOKENS + 1)
            .count()
            > MOST_TOKENS
        {
            return Err(format!(
                "the expression has more than {MOST_TOKENS} words and signs; do it in several steps"
            ));
        }
        let compiled = ENVIRONMENT.compile_expression_owned(source.to_owned());
        let compiled = compiled.map_err(|error| {
            let why = error
                .detail()
                .map_or_else(|| error.kind().to_string(), str::to_owned);
            format!("this is no expression: {why}")
        })?;
        Ok(Self {
            source: source.to_owned(),
            compiled: Arc::new(compiled),
        })
    }

    /// Its value as JSON. What is not there is an error, unless the expression says a `default`.
    pub fn evaluate(&self, scope: &Value) -> Result<serde_json::Value, String> {
        let value = self.value(scope)?;
        json::of(&value).map_err(|why| self.failed(scope, &why))
    }

    /// Whether it is true: not false, null, 0, or empty.
    pub fn holds(&self, scope: &Value) -> Result<bool, String> {
        Ok(self.value(scope)?.is_true())
    }

    pub(super) fn value(&self, scope: &Value) -> Result<Value, String> {
        match self.compiled.eval(scope) {
            Ok(value) if value.is_undefined() => Err(self.failed(scope, "it has no value")),
            Ok(value) => Ok(value),
            Err(error) if error.kind() == ErrorKind::OutOfFuel => Err(format!(
                "`{}` takes too much work; do it in several steps",
                self.source
            )),
            Err(error) => Err(self.failed(scope, &reason(&error))),
        }
    }

    /// Most often one of its names leads nowhere; then which, else why.
    pub(super) fn failed(&self, scope: &Value, why: &str) -> String {
        let expr = parse_expr(&self.source).ok();
        let missing = expr.and_then(|expr| missing(&expr, scope));
        missing.unwrap_or_else(|| format!("`{}` failed: {why}", self.source))
    }
}

fn reason(error: &minijinja::Error) -> String {
    error
        .detail()
        .map_or_else(|| error.kind().to_string(), str::to_owned)
}

fn missing(expr: &ast::Expr<'_>, scope: &Value) -> Option<String> {
    if let Some((path, value)) = follow(expr, scope) {
        return value
            .is_undefined()
            .then(|| where_it_ends(expr, &path, scope));
    }
    match expr {
        ast::Expr::Filter(filter) if matches!(filter.name, "default" | "d") => return None,
        ast::Expr::Test(test) if matches!(test.name, "defined" | "undefined") => return None,
        // What is called is a function, not a name of the scope.
        ast::Expr::Call(call) => {
            return arguments(&call.args)
                .into_iter()
                .find_map(|part| missing(part, scope));
        }
        _ => {}
    }
    parts(expr)
        .into_iter()
        .find_map(|part| missing(part, scope))
}

fn where_it_ends(expr: &ast::Expr<'_>, path: &str, scope: &Value) -> String {
    let parent = match expr {
        ast::Expr::GetAttr(get) => &get.expr,
        ast::Expr::GetItem(get) => &get.expr,
        _ => return format!("`{path}` is not known here"),
    };
    match follow(parent, scope) {
        Some((parent_path, value)) if value.is_undefined() => {
            where_it_ends(parent, &parent_path, scope)
        }
        Some((parent, value)) if value.is_none() => {
            format!("`{path}` is not there: `{parent}` is null")
        }
        _ => format!("`{path}` is not there"),
    }
}

/// A name or a way into it, as written, and what is there.
fn follow(expr: &ast::Expr<'_>, scope: &Value) -> Option<(String, Value)> {
    let or_nothing = |value: Result<Value, _>| value.unwrap_or(Value::UNDEFINED);
    match expr {
        ast::Expr::Var(var) => Some((var.id.to_owned(), or_nothing(scope.get_attr(var.id)))),
        ast::Expr::GetAttr(get) => {
            let (path, value) = follow(&get.expr, scope)?;
            Some((
                format!("{path}.{}", get.name),
                or_nothing(value.get_attr(get.name)),
            ))
        }
        ast::Expr::GetItem(get) => {
            let (path, value) = follow(&get.expr, scope)?;
            let item = get.subscript_expr.as_const()?;
            Some((
                format!("{path}[{item:?}]"),
                or_nothing(value.get_item(&item)),
            ))
        }
        _ => None,
    }
}

/// The expressions that an expression is made of.
pub(super) fn parts<'e, 'a>(expr: &'e ast::Expr<'a>) -> Vec<&'e ast::Expr<'a>> {
    match expr {
        ast::Expr::Var(_) | ast::Expr::Const(_) => Vec::new(),
        ast::Expr::Slice(slice) => {
            let bounds = [&slice.start, &slice.stop, &slice.step]
                .into_iter()
                .flatten();
            std::iter::once(&slice.expr).chain(bounds).collect()
        }
        ast::Expr::UnaryOp(op) => vec![&op.expr],
        ast::Expr::BinOp(op) => vec![&op.left, &op.right],
        ast::Expr::Compare(compare) => {
            let others = compare.ops.iter().map(|op| &op.expr);
            std::iter::once(&compare.expr).chain(others).collect()
        }
        ast::Expr::IfExpr(choice) => {
            let other = choice.false_expr.iter();
            [&choice.test_expr, &choice.true_expr]
                .into_iter()
                .chain(other)
                .collect()
        }
        ast::Expr::Filter(filter) => filter.expr.iter().chain(arguments(&filter.args)).collect(),
        ast::Expr::Test(test) => std::iter::once(&test.expr)
            .chain(arguments(&test.args))
            .collect(),
        ast::Expr::GetAttr(get) => vec![&get.expr],
        ast::Expr::GetItem(get) => vec![&get.expr, &get.subscript_expr],
        ast::Expr::Call(call) => std::iter::once(&call.expr)
            .chain(arguments(&call.args))
            .collect(),
        ast::Expr::List(list) => list.items.iter().collect(),
        ast::Expr::Tuple(tuple) => tuple.items.iter().collect(),
        ast::Expr::Map(map) => map.keys.iter().chain(&map.values).collect(),
    }
}

pub(super) fn arguments<'e, 'a>(args: &'e [ast::CallArg<'a>]) -> Vec<&'e ast::Expr<'a>> {
    let args = args.iter().map(|arg| match arg {
        ast::CallArg::Pos(expr)
        | ast::CallArg::Kwarg(_, expr)
        | ast::CallArg::PosSplat(expr)
        | ast::CallArg::KwargSplat(expr) => expr,
    });
    args.collect()
}
