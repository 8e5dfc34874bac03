//! JSON in and out: parsing of request bodies, and the small forms that models share (wire reference 2.5, 4).

use std::fmt::Display;

use jiff::Timestamp;
use parbuckle_engine::ErrorKind;
use parbuckle_model::format_rfc3339_millis;
use serde::de::DeserializeOwned;
use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};
use serde_json::Value;

/// A body that is not the JSON expected, with the place of the fault.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("The request body could not be parsed: {0}")]
pub(crate) struct JsonError(String);

/// Parses a body that must be one JSON object. Unknown fields are ignored.
pub(crate) fn parse<T: DeserializeOwned>(body: &[u8]) -> Result<T, JsonError> {
    let refuse = JsonError;
    // serde would take an array for a struct.
    match body.iter().find(|byte| !byte.is_ascii_whitespace()) {
        Some(b'{') => {}
        Some(_) => return Err(refuse("it is not a JSON object".to_owned())),
        None => return Err(refuse("it is empty".to_owned())),
    }
    serde_json::from_slice(body).map_err(|error| refuse(error.to_string()))
}

/// A field that must be there and not be null.
pub(crate) fn required<T>(field: Option<T>, name: &'static str) -> Result<T, ErrorKind> {
    field.ok_or(ErrorKind::MissingParameter(name))
}

/// For `serialize_with`: a date with three fractional digits.
pub(crate) fn date<S: Serializer>(time: &Timestamp, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&format_rfc3339_millis(*time))
}

/// The same for a date that can be absent.
pub(crate) fn optional_date<S: Serializer>(
    time: &Option<Timestamp>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    match time {
        Some(time) => date(time, serializer),
        None => serializer.serialize_none(),
    }
}

/// For `serialize_with`: the text of a name or id.
pub(crate) fn text<S: Serializer>(value: &impl Display, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(value)
}

/// Pairs as a map of strings.
pub(crate) struct StringMap<'a>(pub(crate) &'a [(String, String)]);

impl Serialize for StringMap<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        for (name, value) in self.0 {
            map.serialize_entry(name, value)?;
        }
        map.end()
    }
}

/// Defined tags: namespace, key, and the value as JSON text.
pub(crate) type DefinedTags = Vec<(String, String, String)>;

/// Defined tags as a map of maps.
pub(crate) struct TagMap<'a>(pub(crate) &'a [(String, String, String)]);

impl Serialize for TagMap<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut namespaces = serde_json::Map::new();
        for (namespace, key, value) in self.0 {
            let value = serde_json::from_str(value).unwrap_or_else(|_| value.clone().into());
            let keys = namespaces
                .entry(namespace)
                .or_insert_with(|| serde_json::Map::new().into());
            if let Value::Object(keys) = keys {
                keys.insert(key.clone(), value);
            }
        }
        namespaces.serialize(serializer)
    }
}

/// Reads a map of maps.
pub(crate) fn defined_tags(
    tags: std::collections::BTreeMap<String, serde_json::Map<String, Value>>,
) -> DefinedTags {
    let flat = tags.into_iter().flat_map(|(namespace, keys)| {
        keys.into_iter()
            .map(move |(key, value)| (namespace.clone(), key, value.to_string()))
    });
    flat.collect()
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;

    #[derive(Debug, Deserialize)]
    struct Sample {
        name: Option<String>,
    }

    fn refusal(body: &str) -> String {
        parse::<Sample>(body.as_bytes()).unwrap_err().to_string()
    }

    #[test]
    fn unknown_fields_are_ignored_and_null_is_absent() {
        let sample: Sample = parse(br#" {"x": [1], "name": null}"#).unwrap();
        assert_eq!(sample.name, None);
    }

    #[test]
    fn a_wrong_type_is_refused_with_its_place() {
        insta::assert_snapshot!(refusal(r#"{"name": 5}"#), @"The request body could not be parsed: invalid type: integer `5`, expected a string at line 1 column 10");
    }

    #[test]
    fn only_a_json_object_is_taken() {
        for body in ["", " ", "[]", "\"x\"", "null", "{", "{}x", "\u{feff}{}"] {
            assert!(!refusal(body).is_empty(), "{body}");
        }
    }

    #[test]
    fn deep_nesting_is_refused_and_not_followed() {
        let deep = format!("{{\"x\":{}{}}}", "[".repeat(500), "]".repeat(500));
        let error = parse::<serde_json::Map<String, Value>>(deep.as_bytes()).unwrap_err();
        assert!(error.to_string().contains("recursion limit"));
    }

    #[test]
    fn defined_tags_come_back_as_they_came() {
        let json = r#"{"Ops":{"Cost":"42","n":7}}"#;
        let tags = defined_tags(serde_json::from_str(json).unwrap());
        assert_eq!(serde_json::to_string(&TagMap(&tags)).unwrap(), json);
    }
}
