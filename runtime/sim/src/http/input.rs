//! Reading bodies: JSON, YAML and protobuf, with an eye on keys that occur twice.

use std::cell::RefCell;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};

use crate::status::Failure;

/// Reads a body. Gives the paths of duplicate fields too.
pub fn read(content_type: &str, body: &[u8]) -> Result<(Value, Vec<String>), Failure> {
    match content_type {
        "application/vnd.kubernetes.protobuf" => Ok((super::wire::read(body)?, Vec::new())),
        "application/yaml" | "application/apply-patch+yaml" => yaml(body),
        ""
        | "application/json"
        | "application/merge-patch+json"
        | "application/json-patch+json"
        | "application/strategic-merge-patch+json" => json(body),
        other => {
            let why = format!(
                "the body of the request was in an unknown format - accepted media types include: application/json, application/yaml, application/vnd.kubernetes.protobuf (not {other})"
            );
            Err(Failure::new(415, "UnsupportedMediaType", why))
        }
    }
}

fn json(body: &[u8]) -> Result<(Value, Vec<String>), Failure> {
    let found = RefCell::new(Vec::new());
    let mut reader = serde_json::Deserializer::from_slice(body);
    let seed = Seed {
        path: String::new(),
        found: &found,
    };
    let value = seed
        .deserialize(&mut reader)
        .and_then(|value| reader.end().map(|()| value))
        .map_err(|error| {
            let why = format!("couldn't get version/kind; json parse error: {error}");
            Failure::bad_request(why)
        })?;
    Ok((value, found.into_inner()))
}

fn yaml(body: &[u8]) -> Result<(Value, Vec<String>), Failure> {
    if let Ok(read) = json(body) {
        return Ok(read);
    }
    let text =
        std::str::from_utf8(body).map_err(|error| Failure::bad_request(format!("error decoding YAML: {error}")))?;
    let value =
        serde_saphyr::from_str(text).map_err(|error| Failure::bad_request(format!("error decoding YAML: {error}")))?;
    Ok((value, Vec::new()))
}

struct Seed<'a> {
    path: String,
    found: &'a RefCell<Vec<String>>,
}

impl<'de> DeserializeSeed<'de> for Seed<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Seed<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(Value::from(value))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(Value::from(value))
    }

    fn visit_f64<E: serde::de::Error>(self, value: f64) -> Result<Value, E> {
        Number::from_f64(value)
            .map(Value::Number)
            .ok_or_else(|| E::custom("not a finite number"))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(Value::from(value))
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut access: A) -> Result<Value, A::Error> {
        let mut list = Vec::new();
        loop {
            let path = format!("{}[{}]", self.path, list.len());
            match access.next_element_seed(Seed {
                path,
                found: self.found,
            })? {
                Some(item) => list.push(item),
                None => return Ok(Value::Array(list)),
            }
        }
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Value, A::Error> {
        let mut map = Map::new();
        while let Some(key) = access.next_key::<String>()? {
            let path = if self.path.is_empty() {
                key.clone()
            } else {
                format!("{}.{key}", self.path)
            };
            if map.contains_key(&key) {
                let mut found = self.found.borrow_mut();
                if found.len() > 100 {
                    return Err(A::Error::custom("too many duplicate fields"));
                }
                found.push(format!("duplicate field \"{path}\""));
            }
            let value = access.next_value_seed(Seed {
                path,
                found: self.found,
            })?;
            map.insert(key, value);
        }
        Ok(Value::Object(map))
    }
}
