//! Filters as conditions.

use model::{Comparison, Field, Filter, Model, Operand, Test, Value};

use super::{Scalar, Writer};
use crate::Engine;

impl Writer {
    /// The filter over the columns of `alias`, in brackets where it needs them.
    pub(crate) fn filter(
        &mut self,
        alias: &'static str,
        model: &Model,
        filter: &Filter,
    ) -> &mut Self {
        match filter {
            Filter::True => self.sql("TRUE"),
            Filter::False => self.sql("FALSE"),
            Filter::All(filters) => self.joined(alias, model, filters, " AND ", "TRUE"),
            Filter::Any(filters) => self.joined(alias, model, filters, " OR ", "FALSE"),
            Filter::Not(filter) => self.sql("NOT (").filter(alias, model, filter).sql(")"),
            Filter::Test { field, test } => self.test(alias, model.field(*field), test),
        }
    }

    fn joined(
        &mut self,
        alias: &'static str,
        model: &Model,
        filters: &[Filter],
        word: &'static str,
        none: &'static str,
    ) -> &mut Self {
        if filters.is_empty() {
            return self.sql(none);
        }
        self.sql("(");
        for (index, filter) in filters.iter().enumerate() {
            if index > 0 {
                self.sql(word);
            }
            self.filter(alias, model, filter);
        }
        self.sql(")")
    }

    fn test(&mut self, alias: &'static str, field: &Field, test: &Test) -> &mut Self {
        match test {
            Test::IsNull => self.column(alias, field).sql(" IS NULL"),
            Test::Is(true) => self.column(alias, field),
            Test::Is(false) => self.sql("NOT ").column(alias, field),
            Test::Compare(comparison, operand) => self
                .key(alias, field)
                .sql(comparison_sql(*comparison))
                .key_value(field, value(operand)),
            Test::In(operands) if operands.is_empty() => self.sql("FALSE"),
            Test::In(operands) => self.one_of(alias, field, operands),
            Test::Like { pattern, fold_case } => self.like(alias, field, pattern, *fold_case),
            Test::Contains(operands) => self.array(alias, field, operands, " @> "),
            Test::ContainedBy(operands) => self.array(alias, field, operands, " <@ "),
            Test::Overlaps(operands) => self.array(alias, field, operands, " && "),
        }
    }

    fn one_of(&mut self, alias: &'static str, field: &Field, operands: &[Operand]) -> &mut Self {
        self.key(alias, field);
        if self.engine == Engine::Postgres {
            let fold = |operand| match value(operand) {
                Value::Text(text) if field.nocase => Value::Text(model::fold(&text)),
                value => value,
            };
            let list = Value::Array(operands.iter().map(fold).collect());
            return self
                .sql(" = ANY(")
                .arg(list, Scalar::from(&field.kind), true)
                .sql(")");
        }
        self.sql(" IN (");
        self.list(operands, |writer, operand| {
            writer.key_value(field, value(operand));
        });
        self.sql(")")
    }

    fn like(
        &mut self,
        alias: &'static str,
        field: &Field,
        pattern: &str,
        fold_case: bool,
    ) -> &mut Self {
        let fold = fold_case || field.nocase;
        let pattern = if fold {
            model::fold(pattern)
        } else {
            pattern.to_owned()
        };
        match (self.engine, fold) {
            (Engine::Postgres, false) => self.column(alias, field).sql(" LIKE "),
            (Engine::Postgres, true) => {
                self.sql("gantry_fold(").column(alias, field).sql(") LIKE ")
            }
            (Engine::Sqlite, false) => self.sql("gantry_like(").column(alias, field).sql(", "),
            (Engine::Sqlite, true) => self.sql("gantry_ilike(").column(alias, field).sql(", "),
        };
        self.arg(Value::Text(pattern), Scalar::Text, false);
        if self.engine == Engine::Sqlite {
            self.sql(")")
        } else {
            self
        }
    }

    fn array(
        &mut self,
        alias: &'static str,
        field: &Field,
        operands: &[Operand],
        operator: &'static str,
    ) -> &mut Self {
        let list = Value::Array(operands.iter().map(value).collect());
        let scalar = Scalar::from(&field.kind);
        if self.engine == Engine::Postgres {
            return self
                .column(alias, field)
                .sql(operator)
                .arg(list, scalar, true);
        }
        // SQLite keeps arrays as JSON text: the function compares items by the contract of their type.
        self.sql(match operator {
            " @> " => "gantry_contains(",
            " <@ " => "gantry_contained(",
            _ => "gantry_overlaps(",
        });
        self.arg(
            Value::Text(field.kind.name().to_owned()),
            Scalar::Text,
            false,
        )
        .sql(", ");
        self.column(alias, field)
            .sql(", ")
            .arg(list, scalar, true)
            .sql(")")
    }
}

fn comparison_sql(comparison: Comparison) -> &'static str {
    match comparison {
        Comparison::Eq => " = ",
        Comparison::Ne => " <> ",
        Comparison::Lt => " < ",
        Comparison::Lte => " <= ",
        Comparison::Gt => " > ",
        Comparison::Gte => " >= ",
    }
}

/// A rule's `$caller` was replaced before; what is left of one compares with nothing.
fn value(operand: &Operand) -> Value {
    match operand {
        Operand::Value(value) => value.clone(),
        Operand::Caller(_) => Value::Null,
    }
}
