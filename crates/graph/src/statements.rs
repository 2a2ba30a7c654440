//! What is said to Neo4j of records, as text and rows. Pure.

use std::collections::BTreeMap;

use crate::Value;

/// A record, as far as a graph knows of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Record {
    /// The node's label.
    pub model: String,
    pub id: String,
    /// Null is not kept.
    pub properties: Vec<(String, Value)>,
    /// Each field that may point somewhere, also where it points nowhere now.
    pub refs: Vec<Ref>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Ref {
    pub field: String,
    pub model: String,
    pub to: Vec<String>,
}

#[derive(Debug, PartialEq)]
pub(crate) struct Statement {
    pub(crate) text: String,
    /// `$rows`
    pub(crate) rows: Option<Vec<Value>>,
}

pub(crate) fn constraint(model: &str) -> Statement {
    let (name, label) = (quote(&format!("{model}_id")), quote(model));
    Statement {
        text: format!(
            "CREATE CONSTRAINT {name} IF NOT EXISTS FOR (n:{label}) REQUIRE n.id IS UNIQUE"
        ),
        rows: None,
    }
}

pub(crate) fn count(model: &str) -> Statement {
    Statement {
        text: format!("MATCH (n:{}) RETURN count(n)", quote(model)),
        rows: None,
    }
}

/// First the nodes, then where they point to no longer, then where they point to.
pub(crate) fn merge(records: &[Record]) -> Vec<Statement> {
    let mut nodes: BTreeMap<&str, Vec<Value>> = BTreeMap::new();
    let mut refs: BTreeMap<(&str, &str, &str), Vec<Value>> = BTreeMap::new();
    for record in records {
        let id = || ("id".to_owned(), Value::Text(record.id.clone()));
        let known = record.properties.iter();
        let known = known.filter(|(_, value)| *value != Value::Null).cloned();
        let row = Value::map([
            ("id", id().1),
            ("set", Value::Map(known.chain([id()]).collect())),
        ]);
        nodes.entry(&record.model).or_default().push(row);
        for one in &record.refs {
            let to = one.to.iter().cloned().map(Value::Text).collect();
            let row = Value::map([("id", id().1), ("to", Value::List(to))]);
            let group = refs.entry((&record.model, &one.field, &one.model));
            group.or_default().push(row);
        }
    }
    let mut statements = Vec::new();
    for (model, rows) in nodes {
        let text = format!(
            "UNWIND $rows AS row MERGE (n:{} {{id: row.id}}) SET n = row.set",
            quote(model)
        );
        let rows = Some(rows);
        statements.push(Statement { text, rows });
    }
    for ((model, field, target), rows) in refs {
        let (from, to) = (quote(model), quote(target));
        let kind = quote(&field.to_uppercase());
        let text = format!(
            "UNWIND $rows AS row MATCH (:{from} {{id: row.id}})-[r:{kind}]->(b) WHERE NOT b.id IN row.to DELETE r"
        );
        let gone = Some(rows.clone());
        statements.push(Statement { text, rows: gone });
        let text = format!(
            "UNWIND $rows AS row MATCH (a:{from} {{id: row.id}}) UNWIND row.to AS to \
             MERGE (b:{to} {{id: to}}) MERGE (a)-[:{kind}]->(b)"
        );
        let rows = Some(rows);
        statements.push(Statement { text, rows });
    }
    statements
}

fn quote(name: &str) -> String {
    format!("`{}`", name.replace('`', "``"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_become_one_statement_for_each_model_and_two_for_each_ref() {
        let film = |id: &str, director: &[&str]| Record {
            model: "Film".to_owned(),
            id: id.to_owned(),
            properties: vec![
                ("title".to_owned(), "Alien".into()),
                ("gross".to_owned(), Value::Null),
            ],
            refs: vec![Ref {
                field: "director".to_owned(),
                model: "Person".to_owned(),
                to: director.iter().map(|&id| id.to_owned()).collect(),
            }],
        };
        let person = Record {
            model: "Person".to_owned(),
            id: "p".to_owned(),
            properties: Vec::new(),
            refs: Vec::new(),
        };
        let statements = merge(&[film("f", &["p"]), person, film("g", &[])]);
        let told = statements.iter().map(|Statement { text, rows }| {
            let rows = rows.as_deref().unwrap_or_default().iter().map(short);
            format!("{text}\n  {}", rows.collect::<Vec<_>>().join(" "))
        });
        insta::assert_snapshot!(told.collect::<Vec<_>>().join("\n"), @r#"
        UNWIND $rows AS row MERGE (n:`Film` {id: row.id}) SET n = row.set
          {id=f,set={id=f,title=Alien}} {id=g,set={id=g,title=Alien}}
        UNWIND $rows AS row MERGE (n:`Person` {id: row.id}) SET n = row.set
          {id=p,set={id=p}}
        UNWIND $rows AS row MATCH (:`Film` {id: row.id})-[r:`DIRECTOR`]->(b) WHERE NOT b.id IN row.to DELETE r
          {id=f,to=["p"]} {id=g,to=[]}
        UNWIND $rows AS row MATCH (a:`Film` {id: row.id}) UNWIND row.to AS to MERGE (b:`Person` {id: to}) MERGE (a)-[:`DIRECTOR`]->(b)
          {id=f,to=["p"]} {id=g,to=[]}
        "#);
    }

    #[test]
    fn a_name_cannot_end_its_quotes() {
        assert_eq!(count("a`b").text, "MATCH (n:`a``b`) RETURN count(n)");
        insta::assert_snapshot!(constraint("Film").text, @"CREATE CONSTRAINT `Film_id` IF NOT EXISTS FOR (n:`Film`) REQUIRE n.id IS UNIQUE");
    }

    fn short(value: &Value) -> String {
        match value {
            Value::Text(text) => text.clone(),
            Value::List(items) => format!("{:?}", items.iter().map(short).collect::<Vec<_>>()),
            Value::Map(members) => {
                let member = |(name, value): (&String, &Value)| format!("{name}={}", short(value));
                let members = members.iter().map(member).collect::<Vec<_>>();
                format!("{{{}}}", members.join(","))
            }
            other => format!("{other:?}"),
        }
    }
}
