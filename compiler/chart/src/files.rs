//! `.Files`: the files of a chart that are no templates.

use std::any::Any;
use std::collections::BTreeMap;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ktl_gotmpl::{Bytes, Map, MapKind, Object, Type, Value, yaml};
use regex::Regex;

/// Files by path, with the methods that templates call.
#[derive(Clone, Debug)]
pub(crate) struct Files(pub(crate) Arc<BTreeMap<String, Arc<[u8]>>>);

impl Files {
    fn get(&self, path: &str) -> Vec<u8> {
        self.0.get(path).map(|data| data.to_vec()).unwrap_or_default()
    }

    fn glob(&self, pattern: &str) -> Files {
        let matcher = glob(pattern);
        Files(Arc::new(
            self.0
                .iter()
                .filter(|(path, _)| matcher.as_ref().is_none_or(|matcher| matcher.is_match(path)))
                .map(|(path, data)| (path.clone(), Arc::clone(data)))
                .collect(),
        ))
    }

    /// A mapping of file names to texts, as YAML.
    fn to_yaml(&self, text: impl Fn(&[u8]) -> Value) -> Value {
        let map = Map::new(MapKind::Str);
        for (path, data) in self.0.iter() {
            map.insert(path.rsplit('/').next().unwrap_or(path), text(data));
        }
        let mut text = yaml::to_yaml(&Value::Map(map)).unwrap_or_default();
        if text.ends_with('\n') {
            text.pop();
        }
        text.into()
    }

    fn lines(&self, path: &str) -> Value {
        let data = self.get(path);
        if data.is_empty() {
            return Value::strings(Vec::<&str>::new());
        }
        let text = String::from_utf8_lossy(&data);
        Value::strings(text.strip_suffix('\n').unwrap_or(&text).split('\n').collect::<Vec<_>>())
    }
}

impl Object for Files {
    fn type_name(&self) -> &str {
        "engine.files"
    }

    fn kind(&self) -> &'static str {
        "map"
    }

    fn field(&self, name: &str) -> Option<Value> {
        Some(bytes(&self.get(name)))
    }

    fn method(&self, name: &str) -> Option<&'static [Type]> {
        match name {
            "Get" | "GetBytes" | "Glob" | "Lines" => Some(&[Type::Str]),
            "AsConfig" | "AsSecrets" => Some(&[]),
            _ => None,
        }
    }

    fn call(&self, name: &str, args: &[Value]) -> Result<Value, String> {
        let argument = args.first().and_then(Value::as_text).unwrap_or_else(|| "".into());
        Ok(match name {
            "Get" => Value::from_bytes(self.get(&argument)),
            "GetBytes" => bytes(&self.get(&argument)),
            "Glob" => Value::Object(std::rc::Rc::new(self.glob(&argument))),
            "Lines" => self.lines(&argument),
            "AsConfig" => self.to_yaml(|data| Value::from_bytes(data.to_vec())),
            _ => self.to_yaml(|data| STANDARD.encode(data).into()),
        })
    }

    fn show(&self) -> Option<String> {
        None
    }

    fn plain(&self) -> Value {
        Value::Map(self.0.iter().map(|(path, data)| (path.as_str(), bytes(data))).collect())
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

fn bytes(data: &[u8]) -> Value {
    Value::Bytes(Bytes {
        data: data.into(),
        slice: true,
    })
}

/// A glob as a regular expression; one that is no glob matches everything, as in Helm.
fn glob(pattern: &str) -> Option<Regex> {
    let mut out = String::from("(?s)^");
    let mut depth = 0_usize;
    let mut characters = pattern.chars().peekable();
    while let Some(character) = characters.next() {
        match character {
            '*' if characters.next_if_eq(&'*').is_some() => out.push_str(".*"),
            '*' => out.push_str("[^/]*"),
            '?' => out.push_str("[^/]"),
            '\\' => out.push_str(&regex::escape(&characters.next()?.to_string())),
            '{' => {
                depth += 1;
                out.push_str("(?:");
            }
            '}' if depth > 0 => {
                depth -= 1;
                out.push(')');
            }
            ',' if depth > 0 => out.push('|'),
            '[' => {
                out.push('[');
                if characters.next_if(|next| matches!(next, '!' | '^')).is_some() {
                    out.push('^');
                }
                loop {
                    match characters.next()? {
                        ']' => break,
                        '-' => out.push('-'),
                        '\\' => out.push_str(&regex::escape(&characters.next()?.to_string())),
                        other => out.push_str(&regex::escape(&other.to_string())),
                    }
                }
                out.push(']');
            }
            other => out.push_str(&regex::escape(&other.to_string())),
        }
    }
    out.push('$');
    Regex::new(&out).ok()
}
