//! Filters in both spellings, and what they hold for.

use model::{CallerFact, Filter, FilterLimits, Model, Order, Selection, Value};
use proptest::prelude::*;
use serde_json::json;
use serde_json::value::{RawValue, to_raw_value};

use super::mistakes::load;

fn model() -> model::Models {
    let film = "\
model: Film
fields:
  title: { type: text }
  name: { type: text, collate: nocase }
  rating: { type: decimal }
  gross: { type: int }
  seen: { type: bool }
  tags: { type: text, array: true }
  extra: { type: json }
  director: { ref: Person }
";
    let person = "model: Person\nfields: { name: { type: text } }\n";
    load(&[("film.yaml", film), ("person.yaml", person)]).unwrap()
}

fn of_json(model: &Model, json: &serde_json::Value) -> Result<Filter, Vec<wire::Fault>> {
    let raw: Box<RawValue> = to_raw_value(json).unwrap();
    Filter::from_json(model, &raw, "/where", FilterLimits::default())
}

#[test]
fn both_spellings_mean_the_same() {
    let models = model();
    let film = models.get("Film").unwrap();
    for (name, text, json) in [
        ("title", "eq.x", json!({"title": "x"})),
        ("title", "not.eq.x", json!({"title": {"not": {"eq": "x"}}})),
        ("title", "neq.a.b", json!({"title": {"ne": "a.b"}})),
        ("rating", "gte.7.50", json!({"rating": {"gte": "7.50"}})),
        ("gross", "in.(1,2)", json!({"gross": {"in": [1, "2"]}})),
        ("gross", "in.()", json!({"gross": {"in": []}})),
        (
            "title",
            "in.(a,\"b,c\",\"d\\\"e\")",
            json!({"title": {"in": ["a", "b,c", "d\"e"]}}),
        ),
        ("title", "like.A*", json!({"title": {"like": "A%"}})),
        ("title", "is.null", json!({"title": {"is": null}})),
        ("title", "is.not_null", json!({"title": {"is": "not_null"}})),
        ("seen", "is.true", json!({"seen": {"is": true}})),
        ("extra", "is.null", json!({"extra": {"is": null}})),
        (
            "tags",
            "cs.{a,b}",
            json!({"tags": {"contains": ["a", "b"]}}),
        ),
        ("tags", "ov.(a)", json!({"tags": {"overlaps": ["a"]}})),
        (
            "or",
            "(gross.eq.1,and(title.eq.x,seen.is.null))",
            json!({"or": [{"gross": 1}, {"and": [{"title": "x"}, {"seen": {"is": null}}]}]}),
        ),
        (
            "not.and",
            "(gross.gt.1,title.in.(a,b))",
            json!({"not": {"and": [{"gross": {"gt": 1}}, {"title": {"in": ["a", "b"]}}]}}),
        ),
        (
            "or",
            "(title.eq.\"a,b)\",gross.not.lt.3)",
            json!({"or": [{"title": "a,b)"}, {"gross": {"not": {"lt": 3}}}]}),
        ),
    ] {
        let query = Filter::from_query(film, &[(name, text)], FilterLimits::default());
        assert_eq!(
            query.unwrap(),
            of_json(film, &json).unwrap(),
            "{name}={text}"
        );
    }
}

#[test]
fn mistakes_name_the_nearest_word() {
    let models = model();
    let film = models.get("Film").unwrap();
    for (name, text, detail, hint) in [
        (
            "titel",
            "eq.x",
            "Film has no field or parameter `titel`",
            Some("did you mean `title`?"),
        ),
        (
            "limt",
            "5",
            "Film has no field or parameter `limt`",
            Some("did you mean `limit`?"),
        ),
        (
            "gross",
            "gtee.1",
            "`gtee` is no operator",
            Some("did you mean `gte`?"),
        ),
        (
            "gross",
            "5",
            "`5` has no operator",
            Some("write gross=eq.5"),
        ),
        (
            "gross",
            "eq.x",
            "gross must be a whole number, not `x`",
            None,
        ),
        (
            "or",
            "(gross.eq.1",
            "`or` takes conditions in brackets: or=(a.eq.1,b.gt.2)",
            None,
        ),
    ] {
        let bad = Filter::from_query(film, &[(name, text)], FilterLimits::default()).unwrap_err();
        assert_eq!(
            (bad[0].detail.as_str(), bad[0].hint.as_deref()),
            (detail, hint),
            "{name}={text}"
        );
    }
    let faults = of_json(
        film,
        &json!({"gross": {"eq": null}, "titel": 1, "tags": {"eq": "x"}}),
    )
    .unwrap_err();
    let told: Vec<_> = faults
        .iter()
        .map(|fault| format!("{} {}", fault.pointer, fault.code))
        .collect();
    assert_eq!(
        told,
        [
            "/where/gross/eq invalid_value",
            "/where/titel unknown_field",
            "/where/tags/eq unknown_operator"
        ]
    );
    let many: Vec<_> = (0..300).collect();
    assert_eq!(
        of_json(film, &json!({"gross": {"in": many}})).unwrap_err()[0].code,
        "limit_exceeded"
    );
    let many: Vec<_> = (0..300).map(|_| json!({"title": {"is": null}})).collect();
    assert_eq!(
        of_json(film, &json!({"or": many})).unwrap_err()[0].code,
        "limit_exceeded"
    );
    assert!(of_json(film, &json!({"title": {"like": "\u{0}"}})).is_err());
    let deep = (0..20).fold(json!({}), |inner, _| json!({"not": inner}));
    assert_eq!(of_json(film, &deep).unwrap_err()[0].code, "limit_exceeded");
}

#[test]
fn null_is_neither_true_nor_false() {
    let models = model();
    let film = models.get("Film").unwrap();
    let record = |name: &str| match name {
        "title" => Value::Text("Ä".to_owned()),
        "name" => Value::Text("Ärger".to_owned()),
        "gross" => Value::Int(3),
        "tags" => Value::Array(vec![Value::Text("a".to_owned())]),
        _ => Value::Null,
    };
    let values: Vec<Value> = film
        .fields
        .iter()
        .map(|field| record(&field.name))
        .collect();
    for (json, expected) in [
        (json!({"rating": "1"}), None),
        (json!({"not": {"rating": "1"}}), None),
        (json!({"or": [{"rating": "1"}, {"gross": 3}]}), Some(true)),
        (json!({"and": [{"rating": "1"}, {"gross": 4}]}), Some(false)),
        (json!({"rating": {"is": null}}), Some(true)),
        (json!({"rating": {"in": []}}), Some(false)),
        (json!({"name": "äRGER"}), Some(true)),
        (json!({"title": "ä"}), Some(false)),
        (json!({"title": {"ilike": "ä"}}), Some(true)),
        (json!({"tags": {"contained_by": ["a", "b"]}}), Some(true)),
        (json!({}), Some(true)),
    ] {
        let filter = of_json(film, &json).unwrap();
        assert_eq!(
            filter.holds(film, &|id| &values[id.index()]),
            expected,
            "{json}"
        );
    }
}

/// An anonymous caller has no id: a rule that excludes one's own records must not admit everything for nobody.
#[test]
fn a_fact_that_is_not_known_admits_nothing() {
    let models = model();
    let film = models.get("Film").unwrap();
    let values: Vec<Value> = film
        .fields
        .iter()
        .map(|_| Value::Text("x".to_owned()))
        .collect();
    for json in [
        json!({"title": "$caller.id"}),
        json!({"not": {"title": "$caller.id"}}),
        json!({"title": {"not": {"in": ["$caller.id"]}}}),
    ] {
        let raw = to_raw_value(&json).unwrap();
        let rule = Filter::rule_from_json(film, &raw).unwrap();
        let unknown = rule.bind(&|_| Value::Null);
        assert_eq!(
            unknown.holds(film, &|id| &values[id.index()]),
            Some(false),
            "{json}"
        );
        let known = rule.bind(&|fact| match fact {
            CallerFact::Id => Value::Text("y".to_owned()),
            CallerFact::Tenant => Value::Null,
        });
        let expected = json != json!({"title": "$caller.id"});
        assert_eq!(
            known.holds(film, &|id| &values[id.index()]),
            Some(expected),
            "{json}"
        );
    }
}

#[test]
fn orders_and_selections_are_read() {
    let models = model();
    let film = models.get("Film").unwrap();
    let order = Order::parse(film, "rating.desc.nullslast").unwrap();
    assert!(order.descending && !order.nulls_first);
    assert!(Order::parse(film, "rating.desc").unwrap().nulls_first);
    for bad in [
        "ratng",
        "rating.down",
        "extra",
        "tags",
        "rating.asc.desc",
        "",
    ] {
        assert!(Order::parse(film, bad).is_err(), "{bad}");
    }
    for good in ["title,director(name)", "*", "*,director(*)", "title, gross"] {
        assert!(Selection::parse(&models, film, good).is_ok(), "{good}");
    }
    for bad in [
        "",
        "titel",
        "title,title",
        "title(name)",
        "director(name",
        "director(nam)",
        "director(name,name)",
        "director(a(b))",
        "director()",
    ] {
        assert!(Selection::parse(&models, film, bad).is_err(), "{bad}");
    }
}

proptest! {
    #[test]
    fn no_text_makes_a_filter_fail(name in "(or|and|not|not\\.or|title|gross|tags)", text in "[a-z.(),{}\"\\\\*%0-9 é]{0,40}") {
        let models = model();
        let film = models.get("Film").unwrap();
        let _ = Filter::from_query(film, &[(&name, &text)], FilterLimits::default());
        let _ = Order::parse(film, &text);
        let _ = Selection::parse(&models, film, &text);
    }

    #[test]
    fn any_text_can_be_asked_for(texts in prop::collection::vec("[^\\x00]{0,12}", 1..4)) {
        let models = model();
        let film = models.get("Film").unwrap();
        let quoted: Vec<_> = texts.iter().map(|text| format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))).collect();
        let query = format!("in.({})", quoted.join(","));
        let query = Filter::from_query(film, &[("title", &query)], FilterLimits::default()).unwrap();
        prop_assert_eq!(&query, &of_json(film, &json!({"title": {"in": texts}})).unwrap());
        let nested = format!("(title.in.({}),gross.eq.1)", quoted.join(","));
        let nested = Filter::from_query(film, &[("or", &nested)], FilterLimits::default()).unwrap();
        prop_assert_eq!(nested, of_json(film, &json!({"or": [{"title": {"in": texts}}, {"gross": 1}]})).unwrap());
    }
}
