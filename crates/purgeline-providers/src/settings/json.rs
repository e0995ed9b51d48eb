use serde::{
    de::{
        self, Deserializer, Expected, IntoDeserializer, Unexpected, Visitor,
        value::{MapDeserializer, SeqDeserializer},
    },
    forward_to_deserialize_any,
};
use serde_json::Value;
use std::fmt;

/// Reads from a JSON value as `serde_json` does, but with an error type that has no room for the
/// value: `serde_json`'s own says `invalid type: string "the secret", expected …`.
#[derive(Clone, Copy)]
pub(super) struct Json<'a>(pub(super) &'a Value);

/// What is wrong with a value, told without it.
#[derive(Debug)]
pub(super) struct Problem {
    message: String,
    /// The field that is missing, if that is what is wrong.
    missing: Option<&'static str>,
}

impl Problem {
    pub(super) const fn missing(&self) -> Option<&'static str> {
        self.missing
    }

    fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), missing: None }
    }
}

impl de::Error for Problem {
    /// What a type says of itself while it is read: types of settings name no values there.
    fn custom<T: fmt::Display>(message: T) -> Self {
        Self::new(message.to_string())
    }

    fn invalid_type(found: Unexpected<'_>, expected: &dyn Expected) -> Self {
        Self::new(format!("expected {expected}, found {}", kind(found)))
    }

    fn invalid_value(found: Unexpected<'_>, expected: &dyn Expected) -> Self {
        Self::new(format!("expected {expected}, found another {}", kind(found)))
    }

    fn invalid_length(length: usize, expected: &dyn Expected) -> Self {
        Self::new(format!("expected {expected}, found {length} elements"))
    }

    /// The variant that was found is a value, so it is not told.
    fn unknown_variant(_: &str, expected: &'static [&'static str]) -> Self {
        Self::new(format!("expected {}", quoted(expected, " or ")))
    }

    fn unknown_field(field: &str, expected: &'static [&'static str]) -> Self {
        let likeness = |known: &&&str| strsim::jaro_winkler(field, known);
        let nearest = expected
            .iter()
            .max_by(|one, other| likeness(one).total_cmp(&likeness(other)))
            // Less alike than this it is no slip of the finger.
            .filter(|nearest| likeness(nearest) > 0.7);
        Self::new(match (nearest, expected) {
            (_, []) => "unknown setting; there are none here".to_owned(),
            (Some(known), _) => format!("unknown setting; did you mean \"{known}\"?"),
            (None, _) => format!("unknown setting; expected {}", quoted(expected, " or ")),
        })
    }

    fn missing_field(field: &'static str) -> Self {
        Self { message: "missing".to_owned(), missing: Some(field) }
    }

    fn duplicate_field(field: &'static str) -> Self {
        Self::new(format!("\"{field}\" is set twice"))
    }
}

impl std::error::Error for Problem {}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

/// The type of a value in words, without the value.
const fn kind(found: Unexpected<'_>) -> &'static str {
    match found {
        Unexpected::Bool(_) => "boolean",
        Unexpected::Unsigned(_) | Unexpected::Signed(_) => "whole number",
        Unexpected::Float(_) => "number",
        Unexpected::Char(_) | Unexpected::Str(_) | Unexpected::Bytes(_) => "text",
        Unexpected::Unit | Unexpected::Option => "nothing",
        Unexpected::Seq => "list",
        Unexpected::Map => "table",
        _ => "something else",
    }
}

fn quoted(names: &[&str], separator: &str) -> String {
    names.iter().map(|name| format!("\"{name}\"")).collect::<Vec<_>>().join(separator)
}

impl<'de> Deserializer<'de> for Json<'_> {
    type Error = Problem;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Problem> {
        match self.0 {
            Value::Null => visitor.visit_unit(),
            Value::Bool(value) => visitor.visit_bool(*value),
            Value::Number(number) => match (number.as_u64(), number.as_i64(), number.as_f64()) {
                (Some(number), _, _) => visitor.visit_u64(number),
                (_, Some(number), _) => visitor.visit_i64(number),
                (_, _, Some(number)) => visitor.visit_f64(number),
                _ => Err(Problem::new("expected a number of at most 64 bits")),
            },
            Value::String(text) => visitor.visit_str(text),
            Value::Array(values) => {
                let mut values = SeqDeserializer::new(values.iter().map(Json));
                let value = visitor.visit_seq(&mut values)?;
                values.end()?;
                Ok(value)
            }
            Value::Object(members) => {
                let members = members.iter().map(|(name, value)| (name.as_str(), Json(value)));
                let mut members = MapDeserializer::new(members);
                let value = visitor.visit_map(&mut members)?;
                members.end()?;
                Ok(value)
            }
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Problem> {
        if self.0.is_null() { visitor.visit_none() } else { visitor.visit_some(self) }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Problem> {
        visitor.visit_newtype_struct(self)
    }

    /// Enums here are words: none holds data.
    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Problem> {
        match self.0 {
            Value::String(text) => visitor.visit_enum(text.as_str().into_deserializer()),
            _ => Err(de::Error::unknown_variant("", variants)),
        }
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf
        unit unit_struct seq tuple tuple_struct map struct identifier ignored_any
    }
}

impl<'de> IntoDeserializer<'de, Problem> for Json<'_> {
    type Deserializer = Self;

    fn into_deserializer(self) -> Self {
        self
    }
}
