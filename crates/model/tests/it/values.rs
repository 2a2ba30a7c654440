//! The contract of types, there and back.

use model::{Decimal, Field, Kind, Metric, Value, canonical_json};
use proptest::prelude::*;
use serde_json::value::RawValue;

fn read(field: &Field, json: &str) -> Result<Value, &'static str> {
    let raw = RawValue::from_string(json.to_owned()).unwrap();
    Value::from_json(field, &raw).map_err(|bad| bad.code)
}

fn write(value: &Value) -> String {
    let mut out = Vec::new();
    value.write_json(&mut out);
    String::from_utf8(out).unwrap()
}

#[test]
fn values_read_and_write_by_the_contract() {
    let decimal = |precision, scale| Kind::Decimal { precision, scale };
    for (kind, json, expected) in [
        (Kind::Text, r#""é\u0041\n""#, Ok(r#""éA\n""#)),
        (Kind::Text, r#""\u0000""#, Err("invalid_value")),
        (Kind::Text, "1", Err("wrong_type")),
        (Kind::Int, "9223372036854775807", Ok("9223372036854775807")),
        (
            Kind::Int,
            "\"-9223372036854775808\"",
            Ok("-9223372036854775808"),
        ),
        (Kind::Int, "9223372036854775808", Err("out_of_range")),
        (Kind::Int, "1.0", Ok("1")),
        (Kind::Int, "1.5", Err("invalid_value")),
        (Kind::Float, "1", Ok("1.0")),
        (Kind::Float, "1e400", Err("out_of_range")),
        (Kind::Float, "\"NaN\"", Err("wrong_type")),
        (decimal(None, None), "7.50", Ok("\"7.50\"")),
        (decimal(None, None), "\"-0.10\"", Ok("\"-0.10\"")),
        (decimal(Some(5), Some(2)), "\"1234.5\"", Err("out_of_range")),
        (decimal(Some(5), Some(2)), "\"1.234\"", Err("out_of_range")),
        (decimal(None, None), "\"NaN\"", Err("invalid_value")),
        (Kind::Bool, "true", Ok("true")),
        (Kind::Bool, "\"true\"", Err("wrong_type")),
        (
            Kind::Uuid,
            "\"018F3C2E-7B1A-7C3D-9E4F-5A6B7C8D9E0F\"",
            Ok("\"018f3c2e-7b1a-7c3d-9e4f-5a6b7c8d9e0f\""),
        ),
        (
            Kind::Uuid,
            "\"018f3c2e7b1a7c3d9e4f5a6b7c8d9e0f\"",
            Err("invalid_value"),
        ),
        (Kind::Date, "\"0001-01-01\"", Ok("\"0001-01-01\"")),
        (Kind::Date, "\"2023-02-29\"", Err("invalid_value")),
        (Kind::Date, "\"0000-01-01\"", Err("invalid_value")),
        (Kind::Time, "\"23:59:59.123456\"", Ok("\"23:59:59.123456\"")),
        (Kind::Time, "\"23:59:60\"", Err("invalid_value")),
        (Kind::Time, "\"23:59:59.1234567\"", Err("invalid_value")),
        (
            Kind::Timestamp,
            "\"2020-01-01T00:30:00.120+01:00\"",
            Ok("\"2019-12-31T23:30:00.12Z\""),
        ),
        (
            Kind::Timestamp,
            "\"2020-01-01T00:30:00\"",
            Err("invalid_value"),
        ),
        (
            Kind::Timestamp,
            "\"2020-01-01T00:30:00.1234567Z\"",
            Err("invalid_value"),
        ),
        (
            Kind::Timestamp,
            "\"0001-01-01T00:30:00+01:00\"",
            Err("invalid_value"),
        ),
        (
            Kind::Timestamp,
            "\"9999-12-30T22:00:00.999999Z\"",
            Ok("\"9999-12-30T22:00:00.999999Z\""),
        ),
        // The last 26 hours are beyond the library, which keeps room for every offset: refused, not moved.
        (
            Kind::Timestamp,
            "\"9999-12-31T23:59:59Z\"",
            Err("invalid_value"),
        ),
        (Kind::Bytes, "\"AAEC/w==\"", Ok("\"AAEC/w==\"")),
        (Kind::Bytes, "\"AAEC_w\"", Err("invalid_value")),
        (
            Kind::Json,
            r#"{"bb":1.0,"a":[1e2]}"#,
            Ok(r#"{"a":[100],"bb":1.0}"#),
        ),
        (Kind::Enum(vec!["x".to_owned()]), "\"x\"", Ok("\"x\"")),
        (
            Kind::Enum(vec!["x".to_owned()]),
            "\"y\"",
            Err("not_in_enum"),
        ),
        (
            Kind::Vector {
                dim: 2,
                metric: Metric::L2,
            },
            "[1, 0.5]",
            Ok("[1.0,0.5]"),
        ),
        (
            Kind::Vector {
                dim: 2,
                metric: Metric::L2,
            },
            "[1]",
            Err("out_of_range"),
        ),
        (Kind::Text, "null", Ok("null")),
    ] {
        let field = Field::new("a", kind);
        let read = read(&field, json).map(|value| write(&value));
        assert_eq!(
            read.as_deref().map_err(|code| *code),
            expected,
            "{} {json}",
            field.kind_name()
        );
    }
}

#[test]
fn lengths_count_characters_and_items() {
    let text = Field {
        min_len: Some(2),
        max_len: Some(3),
        ..Field::new("a", Kind::Text)
    };
    assert_eq!(read(&text, "\"éé\""), Ok(Value::Text("éé".to_owned())));
    assert_eq!(read(&text, "\"é\""), Err("too_short"));
    assert_eq!(read(&text, "\"éééé\""), Err("too_long"));
    let list = Field {
        array: true,
        max_len: Some(2),
        ..Field::new("a", Kind::Int)
    };
    assert_eq!(write(&read(&list, "[1, \"2\"]").unwrap()), "[1,2]");
    assert_eq!(read(&list, "[1,2,3]"), Err("too_long"));
    assert_eq!(read(&list, "[null]"), Err("wrong_type"));
}

fn json() -> impl Strategy<Value = serde_json::Value> {
    let leaf = prop_oneof![
        Just(serde_json::Value::Null),
        any::<bool>().prop_map(Into::into),
        any::<i64>().prop_map(Into::into),
        "[^\\x00]{0,8}".prop_map(Into::into),
    ];
    leaf.prop_recursive(4, 24, 5, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Into::into),
            prop::collection::vec(("[^\\x00]{0,4}", inner), 0..5)
                .prop_map(|members| { serde_json::Value::Object(members.into_iter().collect()) }),
        ]
    })
}

proptest! {
    #[test]
    fn ints_texts_and_floats_read_back(int in any::<i64>(), text in "[^\\x00]{0,20}", float in any::<f64>()) {
        for (kind, value) in [(Kind::Int, Value::Int(int)), (Kind::Text, Value::Text(text.clone()))] {
            prop_assert_eq!(read(&Field::new("a", kind), &write(&value)), Ok(value));
        }
        prop_assume!(float.is_finite());
        prop_assert_eq!(read(&Field::new("a", Kind::Float), &write(&Value::Float(float))), Ok(Value::Float(float)));
    }

    #[test]
    fn bytes_and_times_read_back(bytes in prop::collection::vec(any::<u8>(), 0..40), micros in -62_135_596_800_000_000i64..253_402_207_200_000_000) {
        let timestamp = jiff::Timestamp::from_microsecond(micros).unwrap();
        for (kind, value) in [(Kind::Bytes, Value::Bytes(bytes)), (Kind::Timestamp, Value::Timestamp(timestamp))] {
            prop_assert_eq!(read(&Field::new("a", kind), &write(&value)), Ok(value));
        }
    }

    #[test]
    fn decimals_keep_their_text(text in "-?(0|[1-9][0-9]{0,40})(\\.[0-9]{1,40})?") {
        let decimal: Decimal = text.parse().unwrap();
        let shown = decimal.to_string();
        let zero = text.bytes().all(|b| matches!(b, b'-' | b'0' | b'.'));
        prop_assert_eq!(&shown, if zero { text.trim_start_matches('-') } else { &text });
        prop_assert_eq!(shown.parse::<Decimal>().unwrap(), decimal);
    }

    #[test]
    fn decimals_never_fail(text in "[-+0-9.eE]{0,30}") {
        let _ = text.parse::<Decimal>();
    }

    #[test]
    fn canonical_json_is_the_same_value_and_stays(json in json()) {
        let once = canonical_json(&json.to_string()).unwrap();
        prop_assert_eq!(serde_json::from_str::<serde_json::Value>(&once).unwrap(), json);
        prop_assert_eq!(canonical_json(&once).unwrap(), once);
    }

    #[test]
    fn no_text_makes_a_value_fail(text in "\\PC{0,40}") {
        for kind in [Kind::Int, Kind::Float, Kind::Date, Kind::Time, Kind::Timestamp, Kind::Bytes, Kind::Json, Kind::Uuid, Kind::Decimal { precision: Some(3), scale: Some(1) }, Kind::Vector { dim: 1, metric: Metric::L2 }] {
            let _ = Value::from_text(&Field::new("a", kind), &text);
        }
    }
}
