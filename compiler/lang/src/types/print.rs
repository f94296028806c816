//! Types as people write them.

use std::fmt;

use super::{Checked, Number, Presence, Type};

/// How much of a record is printed before `…`.
const FIELDS: usize = 6;
/// How deep.
const DEPTH: usize = 3;

impl fmt::Display for Type {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        print(self, f, DEPTH)
    }
}

fn print(ty: &Type, f: &mut fmt::Formatter<'_>, depth: usize) -> fmt::Result {
    match ty {
        Type::Error => f.write_str("unknown"),
        Type::Null => f.write_str("null"),
        Type::Bool => f.write_str("bool"),
        Type::Number(number, bounds) => {
            f.write_str(number.name())?;
            match bounds {
                Some(bounds) => write!(f, "({})", bounds.text),
                None => Ok(()),
            }
        }
        Type::String(None) => f.write_str("string"),
        Type::String(Some(text)) => {
            f.write_str("string")?;
            match (&text.pattern, text.min, text.max) {
                (Some(pattern), ..) => write!(f, "(/{}/)", pattern.source),
                (None, Some(min), Some(max)) => write!(f, "({min}..{max})"),
                (None, Some(min), None) => write!(f, "(>= {min})"),
                (None, None, Some(max)) => write!(f, "(<= {max})"),
                (None, None, None) => Ok(()),
            }
        }
        Type::Literal(text) => write!(f, "\"{text}\""),
        Type::Checked(checked) => f.write_str(checked.name()),
        Type::Image(rules) => {
            f.write_str("image")?;
            match rules {
                Some(rules) => {
                    let registry = rules
                        .registry
                        .as_ref()
                        .map(|registry| format!("registry: \"{registry}\""));
                    let parts: Vec<String> = rules
                        .digest
                        .then(|| "digest".to_owned())
                        .into_iter()
                        .chain(registry)
                        .collect();
                    write!(f, "({})", parts.join(", "))
                }
                None => Ok(()),
            }
        }
        Type::Amount => f.write_str("quantity"),
        Type::List(list) => {
            f.write_str("[")?;
            print(&list.item, f, depth)?;
            f.write_str("]")?;
            match (list.min, list.max) {
                (Some(min), Some(max)) => write!(f, "({min}..{max})")?,
                (Some(min), None) => write!(f, "(>= {min})")?,
                (None, Some(max)) => write!(f, "(<= {max})")?,
                (None, None) => {}
            }
            if list.unique { f.write_str("(unique)") } else { Ok(()) }
        }
        Type::Map(map) => {
            f.write_str("map<")?;
            print(&map.key, f, depth)?;
            f.write_str(", ")?;
            print(&map.value, f, depth)?;
            f.write_str(">")
        }
        Type::Record(record) => {
            if let Some(name) = &record.name {
                return f.write_str(name);
            }
            if depth == 0 {
                return f.write_str("{ … }");
            }
            if record.fields().is_empty() {
                return f.write_str("{}");
            }
            for (index, field) in record.fields().iter().enumerate() {
                f.write_str(if index == 0 { "{ " } else { ", " })?;
                if index == FIELDS {
                    f.write_str("…")?;
                    break;
                }
                let mark = if matches!(field.presence, Presence::Optional) {
                    "?"
                } else {
                    ""
                };
                write!(f, "{}{mark}: ", field.name)?;
                print(&field.ty, f, depth - 1)?;
            }
            f.write_str(" }")
        }
        Type::Union(members) => {
            let optional = members.iter().any(|member| matches!(member, Type::Null));
            let rest: Vec<&Type> = members.iter().filter(|member| !matches!(member, Type::Null)).collect();
            let group = optional && rest.len() > 1;
            if group {
                f.write_str("(")?;
            }
            for (index, member) in rest.into_iter().enumerate() {
                if index > 0 {
                    f.write_str(" | ")?;
                }
                print(member, f, depth)?;
            }
            if group {
                f.write_str(")")?;
            }
            if optional { f.write_str("?") } else { Ok(()) }
        }
        Type::Range(item) => {
            f.write_str("range<")?;
            print(item, f, depth)?;
            f.write_str(">")
        }
        Type::Json => f.write_str("json"),
        Type::Object => f.write_str("k8s.Object"),
        Type::Cluster => f.write_str("cluster"),
        Type::Zone => f.write_str("zone"),
        Type::Release(_) => f.write_str("release"),
    }
}

impl Number {
    pub fn name(self) -> &'static str {
        match self {
            Number::Int => "int",
            Number::Decimal => "decimal",
            Number::Quantity(dimension) => dimension.name(),
        }
    }
}

impl Checked {
    pub const ALL: [Checked; 8] = [
        Checked::Name,
        Checked::Host,
        Checked::Url,
        Checked::Cidr,
        Checked::Cron,
        Checked::Digest,
        Checked::Path,
        Checked::Semver,
    ];

    pub fn name(self) -> &'static str {
        match self {
            Checked::Name => "name",
            Checked::Host => "host",
            Checked::Url => "url",
            Checked::Cidr => "cidr",
            Checked::Cron => "cron",
            Checked::Digest => "digest",
            Checked::Path => "path",
            Checked::Semver => "semver",
        }
    }

    /// What a text must be, as a noun with its article.
    pub fn noun(self) -> &'static str {
        match self {
            Checked::Name => "a DNS-1123 name",
            Checked::Host => "a host name or an IP address",
            Checked::Url => "a URL",
            Checked::Cidr => "a CIDR block",
            Checked::Cron => "a cron schedule",
            Checked::Digest => "a digest",
            Checked::Path => "an absolute path",
            Checked::Semver => "a semantic version",
        }
    }
}
