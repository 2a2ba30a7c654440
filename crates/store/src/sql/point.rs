//! Reads by id whose text is written once.

use model::{FieldId, Value};

use super::select::output;
use super::{Scalar, Statement, Writer};
use crate::Engine;
use crate::point::PointRead;

/// The record's columns, then `id` and `_version`. The first argument is the id, or the list of ids, still to be given.
pub(crate) fn point(engine: Engine, read: &PointRead, several: bool) -> Statement {
    let mut writer = Writer::new(engine);
    let model = &read.model;
    writer.sql("SELECT ");
    output(&mut writer, model, &read.columns, "t");
    writer.sql(" FROM ").name(&model.path).sql(" t WHERE ");
    writer.column("t", model.field(FieldId::ID));
    writer.sql(if several { " = ANY(" } else { " = " });
    writer.arg(Value::Null, Scalar::Uuid, several);
    writer.sql(if several { ") AND " } else { " AND " });
    writer.filter("t", model, &read.filter);
    writer.finish()
}
