//! How models lie in the database: names, quoting, and what both engines are taught to compare.

mod service;

use std::fmt::Write as _;

use model::{FieldId, Model};

pub(crate) use service::service_tables;

/// An identifier in SQL. The only way by which a name reaches a statement's text.
pub(crate) fn quote(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// The name of the index over these fields.
pub(crate) fn index_name(model: &Model, fields: &[FieldId], unique: bool) -> String {
    let names: Vec<_> = fields
        .iter()
        .map(|field| model.field(*field).name.as_str())
        .collect();
    let whole = format!(
        "{}_{}_{}",
        model.path,
        names.join("_"),
        if unique { "key" } else { "idx" }
    );
    fitting(whole)
}

/// The name of the index over the words of a text that is searched.
pub(crate) fn search_index_name(model: &Model, field: &str) -> String {
    fitting(format!("{}_{field}_words", model.path))
}

/// What an error of PostgreSQL calls the reference of this column.
pub(crate) fn reference_name(table: &str, column: &str) -> String {
    fitting(format!("{table}_{column}_fkey"))
}

pub(crate) fn check_name(table: &str, column: &str) -> String {
    fitting(format!("{table}_{column}_check"))
}

/// PostgreSQL cuts names at 63 bytes, so a longer one ends in a hash of the whole.
fn fitting(whole: String) -> String {
    if whole.len() <= 63 {
        return whole;
    }
    let hash = whole.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    format!("{}_{hash:016x}", &whole[..46])
}

/// The fields of the unique index with this name.
pub(crate) fn fields_of_index(model: &Model, name: &str) -> Option<Vec<String>> {
    let fields = model
        .uniques
        .iter()
        .find(|fields| index_name(model, fields, true) == name)?;
    Some(
        fields
            .iter()
            .map(|field| model.field(*field).name.clone())
            .collect(),
    )
}

/// PostgreSQL's twin of [`model::fold`]: the same characters by the same table, whatever the database's locale.
///
/// Pure ASCII, which most texts are, takes the short way.
pub(crate) fn fold_function() -> String {
    let (mut upper, mut lower) = (String::new(), String::new());
    for c in ('\u{80}'..=char::MAX).filter(|c| model::fold_char(*c) != *c) {
        upper.push(c);
        lower.push(model::fold_char(c));
    }
    let mut sql = String::new();
    let written = write!(
        sql,
        "CREATE OR REPLACE FUNCTION gantry_fold(text) RETURNS text LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
SELECT CASE WHEN octet_length($1) = char_length($1) THEN lower($1 COLLATE \"C\")
  ELSE translate(lower($1 COLLATE \"C\"), '{upper}', '{lower}') END $$"
    );
    written.expect("a String takes every character");
    sql
}

/// PostgreSQL's twin of [`model::words`]. Its own word parsers differ by locale and version, and drop words.
///
/// A body in the standard's form: it keeps meaning the same functions whatever the search path, as a restore needs.
pub(crate) fn words_function() -> String {
    let mut letters = String::new();
    let mut from = None;
    for c in '\u{80}'..=char::MAX {
        let next = char::from_u32(c as u32 + 1).filter(|next| next.is_alphanumeric());
        if c.is_alphanumeric() {
            let first = *from.get_or_insert(c);
            if next.is_none() {
                let (first, last) = (first as u32, c as u32);
                write!(letters, "\\U{first:08x}-\\U{last:08x}")
                    .expect("a String takes every character");
                from = None;
            }
        }
    }
    let word = model::WORD;
    format!(
        "CREATE OR REPLACE FUNCTION gantry_words(text) RETURNS text[] LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN ARRAY(SELECT left(word, {word}) FROM unnest(string_to_array(
  CASE WHEN octet_length($1) = char_length($1)
    THEN regexp_replace(lower($1 COLLATE \"C\"), '[^a-z0-9]+' COLLATE \"C\", ' ', 'g')
    ELSE regexp_replace(gantry_fold($1) COLLATE \"C\", '[^a-z0-9{letters}]+' COLLATE \"C\", ' ', 'g') END, ' ')) word
  WHERE word <> '')"
    )
}
