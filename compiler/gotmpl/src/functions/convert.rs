//! YAML and JSON in and out.

use super::{Args, Function, fixed};
use crate::engine::Context;
use crate::error::Fault;
use crate::go::json::{self, Style};
use crate::types::Type::{Any, Str};
use crate::value::{Map, Value};
use crate::yaml::{self, Content, Dialect, Node};

pub(super) static TABLE: &[Function] = &[
    fixed("toYaml", &[Any], |context, args| {
        Ok(to_yaml(context, args, Dialect::Plain).unwrap_or_default().into())
    }),
    fixed("mustToYaml", &[Any], |context, args| {
        Ok(to_yaml(context, args, Dialect::Plain)?.into())
    }),
    fixed("toYamlPretty", &[Any], |context, args| {
        Ok(to_yaml(context, args, Dialect::Pretty).unwrap_or_default().into())
    }),
    fixed("fromYaml", &[Str], |context, args| from_yaml(context, &args.text(0))),
    fixed("fromYamlArray", &[Str], |context, args| {
        from_yaml_array(context, &args.text(0))
    }),
    fixed("toJson", &[Any], |context, args| {
        Ok(to_json(context, args, PLAIN).unwrap_or_default().into())
    }),
    fixed("mustToJson", &[Any], |context, args| {
        Ok(to_json(context, args, PLAIN)?.into())
    }),
    fixed("toPrettyJson", &[Any], |context, args| {
        Ok(to_json(context, args, PRETTY).unwrap_or_default().into())
    }),
    fixed("mustToPrettyJson", &[Any], |context, args| {
        Ok(to_json(context, args, PRETTY)?.into())
    }),
    fixed("toRawJson", &[Any], |context, args| {
        Ok(to_json(context, args, RAW)?.into())
    }),
    fixed("mustToRawJson", &[Any], |context, args| {
        Ok(to_json(context, args, RAW)?.into())
    }),
    fixed("fromJson", &[Str], |context, args| {
        match read_json(context, &args.text(0))? {
            Ok(Value::Map(map)) => Ok(Value::Map(map)),
            Ok(Value::Nil) => Ok(Value::Map(Map::default())),
            Ok(other) => Ok(error_map(wrong_json(&other, "map[string]interface {}"))),
            Err(message) => Ok(error_map(message)),
        }
    }),
    fixed("fromJsonArray", &[Str], |context, args| {
        match read_json(context, &args.text(0))? {
            Ok(Value::List(list)) => Ok(Value::List(list)),
            Ok(Value::Nil) => Ok(Value::list(Vec::new())),
            Ok(other) => Ok(Value::list(vec![wrong_json(&other, "[]interface {}").into()])),
            Err(message) => Ok(Value::list(vec![message.into()])),
        }
    }),
    fixed("mustFromJson", &[Str], |context, args| {
        Ok(read_json(context, &args.text(0))??)
    }),
];

const PLAIN: Style = Style {
    pretty: false,
    raw: false,
};
const PRETTY: Style = Style {
    pretty: true,
    raw: false,
};
const RAW: Style = Style {
    pretty: false,
    raw: true,
};

fn to_yaml(context: &mut Context<'_>, args: Args<'_>, dialect: Dialect) -> Result<String, Fault> {
    let room = context.machine.room();
    let mut text = yaml::encode(args.get(0), dialect, room)?;
    context.machine.step(text.len() as u64 / 64)?;
    if text.len() > room {
        context.machine.bytes(text.len())?;
    }
    if text.ends_with('\n') {
        text.pop();
    }
    Ok(text)
}

fn to_json(context: &mut Context<'_>, args: Args<'_>, style: Style) -> Result<String, Fault> {
    Ok(json::encode(args.get(0), style, context.machine.room())?)
}

/// The first document, the outer error being a limit and the inner one Go's message.
fn read_yaml(context: &mut Context<'_>, text: &str) -> Result<Result<Value, String>, Fault> {
    context.machine.step(text.len() as u64 / 16)?;
    Ok(match yaml::parse_documents(text) {
        Ok(documents) => match documents.first() {
            None => Ok(Value::Nil),
            Some(document) => match endless(&document.root) {
                Some(number) => Err(format!(
                    "error converting YAML to JSON: json: unsupported value: {}",
                    crate::go::number::general(number)
                )),
                None => Ok(document.root.to_value()),
            },
        },
        Err(error) => Err(format!(
            "error converting YAML to JSON: yaml: line {}: {}",
            error.line, error.message
        )),
    })
}

/// The first number in a tree that JSON has no notation for.
fn endless(node: &Node) -> Option<f64> {
    match &node.content {
        Content::Float(number) => (!number.is_finite()).then_some(*number),
        Content::List(items) => items.iter().find_map(endless),
        Content::Map(entries) => entries.iter().find_map(|entry| endless(&entry.value)),
        _ => None,
    }
}

fn from_yaml(context: &mut Context<'_>, text: &str) -> Result<Value, Fault> {
    Ok(match read_yaml(context, text)? {
        Ok(Value::Map(map)) => Value::Map(map),
        Ok(Value::Nil) => Value::Map(Map::default()),
        Ok(other) => error_map(format!(
            "error unmarshaling JSON: while decoding JSON: {}",
            wrong_json(&other, "map[string]interface {}")
        )),
        Err(message) => error_map(message),
    })
}

fn from_yaml_array(context: &mut Context<'_>, text: &str) -> Result<Value, Fault> {
    Ok(match read_yaml(context, text)? {
        Ok(Value::List(list)) => Value::List(list),
        Ok(Value::Nil) => Value::list(Vec::new()),
        Ok(other) => Value::list(vec![
            format!(
                "error unmarshaling JSON: while decoding JSON: {}",
                wrong_json(&other, "[]interface {}")
            )
            .into(),
        ]),
        Err(message) => Value::list(vec![message.into()]),
    })
}

fn read_json(context: &mut Context<'_>, text: &str) -> Result<Result<Value, String>, Fault> {
    context.machine.step(text.len() as u64 / 16)?;
    if text.trim().is_empty() {
        return Ok(Err("unexpected end of JSON input".to_owned()));
    }
    Ok(serde_json::from_str(text)
        .map(|json| Value::from_json(&json))
        .map_err(|error| error.to_string()))
}

fn wrong_json(value: &Value, wanted: &str) -> String {
    let found = match value {
        Value::Bool(_) => "bool",
        Value::Float(_) | Value::Int(..) => "number",
        Value::Str(_) | Value::Bytes(_) => "string",
        Value::List(_) => "array",
        Value::Nil | Value::Map(_) | Value::Object(_) => "object",
    };
    format!("json: cannot unmarshal {found} into Go value of type {wanted}")
}

fn error_map(message: String) -> Value {
    Value::Map([("Error", Value::from(message))].into_iter().collect())
}
