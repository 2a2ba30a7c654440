//! Values → PostgreSQL's binary parameters.

use bytes::{BufMut as _, BytesMut};
use model::{Decimal, Value};
use tokio_postgres::types::{IsNull, ToSql, Type, to_sql_checked};

use crate::sql::{Arg, Scalar};

/// 2000-01-01, from which PostgreSQL counts, in Unix microseconds.
pub(super) const EPOCH_MICROS: i64 = 946_684_800_000_000;
/// The same in days.
pub(super) const EPOCH_DAYS: i64 = 10_957;

impl Arg {
    pub(super) fn postgres_type(&self) -> Type {
        let (one, list) = match self.scalar {
            Scalar::Text => (Type::TEXT, Type::TEXT_ARRAY),
            Scalar::Int => (Type::INT8, Type::INT8_ARRAY),
            Scalar::Float => (Type::FLOAT8, Type::FLOAT8_ARRAY),
            Scalar::Decimal => (Type::NUMERIC, Type::NUMERIC_ARRAY),
            Scalar::Bool => (Type::BOOL, Type::BOOL_ARRAY),
            Scalar::Uuid => (Type::UUID, Type::UUID_ARRAY),
            Scalar::Date => (Type::DATE, Type::DATE_ARRAY),
            Scalar::Time => (Type::TIME, Type::TIME_ARRAY),
            Scalar::Timestamp => (Type::TIMESTAMPTZ, Type::TIMESTAMPTZ_ARRAY),
            Scalar::Json => (Type::JSONB, Type::JSONB_ARRAY),
            Scalar::Bytes => (Type::BYTEA, Type::BYTEA_ARRAY),
            Scalar::Vector => (Type::FLOAT4_ARRAY, Type::FLOAT4_ARRAY),
        };
        if self.array { list } else { one }
    }

    /// The item's type, where the parameter is a list.
    fn item_oid(&self) -> u32 {
        let item = Self {
            array: false,
            ..self.clone()
        }
        .postgres_type();
        if self.scalar == Scalar::Vector {
            Type::FLOAT4.oid()
        } else {
            item.oid()
        }
    }
}

impl ToSql for Arg {
    fn to_sql(
        &self,
        _: &Type,
        out: &mut BytesMut,
    ) -> Result<IsNull, Box<dyn std::error::Error + Sync + Send>> {
        match &self.value {
            Value::Null => Ok(IsNull::Yes),
            Value::Array(items) => {
                let oid = Self {
                    value: Value::Null,
                    ..self.clone()
                }
                .item_oid();
                array(oid, items.len(), out, |index, out| match &items[index] {
                    Value::Null => false,
                    item => {
                        scalar(item, out);
                        true
                    }
                })?;
                Ok(IsNull::No)
            }
            Value::Vector(floats) => {
                array(Type::FLOAT4.oid(), floats.len(), out, |index, out| {
                    out.put_f32(floats[index]);
                    true
                })?;
                Ok(IsNull::No)
            }
            value => {
                scalar(value, out);
                Ok(IsNull::No)
            }
        }
    }

    fn accepts(_: &Type) -> bool {
        true
    }

    to_sql_checked!();
}

/// `write` puts one item, or answers false where it is null.
fn array(
    oid: u32,
    count: usize,
    out: &mut BytesMut,
    write: impl Fn(usize, &mut BytesMut) -> bool,
) -> Result<(), std::num::TryFromIntError> {
    out.put_i32(i32::from(count > 0));
    // Whether there are nulls is a hint that the server works out by itself.
    out.put_i32(1);
    out.put_u32(oid);
    if count == 0 {
        return Ok(());
    }
    out.put_i32(i32::try_from(count)?);
    out.put_i32(1);
    for index in 0..count {
        let at = out.len();
        out.put_i32(-1);
        if write(index, out) {
            let length = i32::try_from(out.len() - at - 4)?;
            out[at..at + 4].copy_from_slice(&length.to_be_bytes());
        }
    }
    Ok(())
}

fn scalar(value: &Value, out: &mut BytesMut) {
    match value {
        Value::Text(text) => out.put_slice(text.as_bytes()),
        Value::Int(int) => out.put_i64(*int),
        Value::Float(float) => out.put_f64(*float),
        Value::Decimal(decimal) => numeric(decimal, out),
        Value::Bool(bool) => out.put_u8(u8::from(*bool)),
        Value::Uuid(uuid) => out.put_slice(uuid.as_bytes()),
        Value::Date(date) => {
            let days = date
                .since(jiff::civil::date(2000, 1, 1))
                .map_or(0, |span| span.get_days());
            out.put_i32(days);
        }
        Value::Time(time) => {
            let since = time.duration_since(jiff::civil::Time::midnight());
            out.put_i64(i64::try_from(since.as_micros()).unwrap_or(0));
        }
        Value::Timestamp(timestamp) => out.put_i64(timestamp.as_microsecond() - EPOCH_MICROS),
        Value::Json(text) => {
            out.put_u8(1);
            out.put_slice(text.as_bytes());
        }
        Value::Bytes(bytes) => out.put_slice(bytes),
        Value::Null | Value::Vector(_) | Value::Array(_) => {}
    }
}

/// Base-10,000 digits, aligned at the point.
fn numeric(decimal: &Decimal, out: &mut BytesMut) {
    if let Some((digits, scale)) = decimal.few() {
        return few_digits(digits, scale, out);
    }
    let text = decimal.to_string();
    let (sign, unsigned) = text
        .strip_prefix('-')
        .map_or((0u16, text.as_str()), |rest| (0x4000, rest));
    let (whole, fraction) = unsigned.split_once('.').unwrap_or((unsigned, ""));
    let whole = whole.trim_start_matches('0');
    let mut digits = "0".repeat((4 - whole.len() % 4) % 4);
    digits.push_str(whole);
    let whole_groups = digits.len() / 4;
    digits.push_str(fraction);
    digits.push_str(&"0".repeat((4 - fraction.len() % 4) % 4));
    let groups: Vec<i16> = digits
        .as_bytes()
        .chunks(4)
        .map(|chunk| {
            chunk
                .iter()
                .fold(0i16, |sum, digit| sum * 10 + i16::from(digit - b'0'))
        })
        .collect();
    // Digits are at most 1,000 on a side, so these counts are small.
    let small = |count: usize| i16::try_from(count).unwrap_or(i16::MAX);
    out.put_i16(small(groups.len()));
    out.put_i16(small(whole_groups) - 1);
    out.put_u16(sign);
    out.put_i16(small(fraction.len()));
    for group in groups {
        out.put_i16(group);
    }
}

fn few_digits(digits: i64, scale: u32, out: &mut BytesMut) {
    let unit = 10u64.pow(scale);
    let (mut whole, fraction) = (digits.unsigned_abs() / unit, digits.unsigned_abs() % unit);
    // As many digits after the point as make whole groups.
    let groups_after = scale.div_ceil(4);
    let mut fraction = u128::from(fraction) * 10u128.pow(groups_after * 4 - scale);
    let mut groups = [0i16; 10];
    let mut at = groups.len();
    let mut push = |group: u64| {
        at -= 1;
        // Below 10,000.
        groups[at] = i16::try_from(group).unwrap_or_default();
    };
    for _ in 0..groups_after {
        push(u64::try_from(fraction % 10_000).unwrap_or_default());
        fraction /= 10_000;
    }
    let mut before: i16 = 0;
    while whole > 0 {
        push(whole % 10_000);
        whole /= 10_000;
        before += 1;
    }
    let groups = &groups[at..];
    let small = |count: u32| i16::try_from(count).unwrap_or_default();
    out.put_i16(small(groups_after) + before);
    out.put_i16(before - 1);
    out.put_u16(if digits < 0 { 0x4000 } else { 0 });
    out.put_i16(small(scale));
    for group in groups {
        out.put_i16(*group);
    }
}
