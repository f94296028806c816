//! Whether one scalar value is what a type asks for, and its form there.

use std::sync::Arc;

use ktl_syntax::Span;
use rust_decimal::Decimal;

use super::{Bounds, Checked, ImageRules, Number, Text, Type};
use crate::number::{Dimension, Quantity, parse_quantity};
use crate::value::{Kind, Value};

/// Why a value is not what a type asks for.
#[derive(Clone, Debug)]
pub(crate) struct Violation {
    pub code: &'static str,
    pub message: String,
    pub help: Option<String>,
    /// The limit's place.
    pub limit: Option<Span>,
    /// What would be right, as source text.
    pub replacement: Option<String>,
}

impl Violation {
    pub fn new(code: &'static str, message: impl Into<String>) -> Self {
        Violation {
            code,
            message: message.into(),
            help: None,
            limit: None,
            replacement: None,
        }
    }

    fn limit(mut self, span: Option<Span>) -> Self {
        self.limit = span;
        self
    }
}

/// Checks and converts a scalar. `None`: the type and the value are not of one kind, which only untyped data can show.
pub(crate) fn conform_scalar(value: &Value, ty: &Type) -> Option<Result<Value, Violation>> {
    let same = || Some(Ok(value.clone()));
    let with = |kind: Kind| Some(Ok(Value { kind, ..value.clone() }));
    match (&value.kind, ty) {
        (_, Type::Error | Type::Json) | (Kind::Null, Type::Null) | (Kind::Bool(_), Type::Bool) => same(),
        (Kind::Cluster(_), Type::Cluster) | (Kind::Zone(_), Type::Zone) | (Kind::Release(_), Type::Release(_)) => {
            same()
        }
        (Kind::Int(number), Type::Number(Number::Int, bounds)) => {
            Some(in_bounds(Decimal::from(*number), &number.to_string(), ty, bounds).map(|()| value.clone()))
        }
        (Kind::Int(number), Type::Number(Number::Decimal, bounds)) => {
            let number = Decimal::from(*number);
            let checked = in_bounds(number, &number.to_string(), ty, bounds);
            Some(checked.map(|()| Value {
                kind: Kind::Decimal(number),
                ..value.clone()
            }))
        }
        (Kind::Decimal(number), Type::Number(Number::Decimal, bounds)) => {
            Some(in_bounds(*number, &number.to_string(), ty, bounds).map(|()| value.clone()))
        }
        (Kind::Quantity(quantity), Type::Number(Number::Quantity(dimension), bounds))
            if quantity.dimension == *dimension =>
        {
            Some(in_bounds(quantity.amount, &quantity.spelt, ty, bounds).map(|()| value.clone()))
        }
        (Kind::Quantity(quantity), Type::String(Some(rules))) if rules.units => {
            Some(text_fits(&quantity.spelt, rules).map(|()| Value {
                kind: Kind::String(quantity.spelt.clone()),
                ..value.clone()
            }))
        }
        (Kind::Quantity(quantity), Type::Amount) if matches!(quantity.dimension, Dimension::Bytes | Dimension::Cpu) => {
            with(Kind::String(quantity.spelt.clone()))
        }
        (Kind::Int(number), Type::Amount) => with(Kind::String(number.to_string().into())),
        (Kind::Decimal(number), Type::Amount) => with(Kind::String(number.normalize().to_string().into())),
        (Kind::String(text), Type::Amount) => Some(match amount(text) {
            true => Ok(value.clone()),
            false => Err(Violation::new(
                "K0302",
                format!("{text:?} is not a quantity such as 250m or 100Gi"),
            )),
        }),
        (Kind::String(_), Type::String(None)) => same(),
        (Kind::String(text), Type::String(Some(rules))) => Some(text_fits(text, rules).map(|()| value.clone())),
        (Kind::String(text), Type::Literal(literal)) => Some(match text == literal {
            true => Ok(value.clone()),
            false => Err(Violation::new("K0302", format!("{text:?} is not \"{literal}\""))),
        }),
        (Kind::String(text), Type::Checked(checked)) => Some(checked_fits(text, *checked).map(|()| value.clone())),
        (Kind::String(text), Type::Image(rules)) => Some(image_fits(text, rules.as_deref()).map(|()| value.clone())),
        _ => None,
    }
}

/// As [`conform_scalar`], where a union may be expected: the first member that takes the value, else what the likeliest
/// one has against it.
pub(crate) fn conform_union(value: &Value, ty: &Type) -> Option<Result<Value, Violation>> {
    let Type::Union(members) = ty else {
        return conform_scalar(value, ty);
    };
    let mut first = None;
    let mut literals = Vec::new();
    for member in members.iter() {
        match conform_scalar(value, member) {
            Some(Ok(value)) => return Some(Ok(value)),
            Some(Err(violation)) => {
                if let Type::Literal(text) = member {
                    literals.push(format!("\"{text}\""));
                }
                first = first.or(Some(violation));
            }
            None => {}
        }
    }
    let violation = first?;
    match value.as_str().filter(|_| literals.len() > 1) {
        Some(text) => Some(Err(Violation::new(
            "K0302",
            format!("{} is not one of {}", shown(text), literals.join(", ")),
        ))),
        None => Some(Err(violation)),
    }
}

fn in_bounds(amount: Decimal, shown: &str, ty: &Type, bounds: &Option<Arc<Bounds>>) -> Result<(), Violation> {
    let Some(bounds) = bounds else { return Ok(()) };
    let low = bounds
        .min
        .is_some_and(|min| amount < min || (bounds.above_min && amount == min));
    let high = bounds
        .max
        .is_some_and(|max| amount > max || (bounds.below_max && amount == max));
    if low || high {
        return Err(Violation::new("K0301", format!("{shown} is outside {ty}")).limit(bounds.span));
    }
    Ok(())
}

fn text_fits(text: &str, rules: &Text) -> Result<(), Violation> {
    let length = text.chars().count() as u64;
    if rules.min.is_some_and(|min| length < min) || rules.max.is_some_and(|max| length > max) {
        let range = match (rules.min, rules.max) {
            (Some(min), Some(max)) => format!("{min} to {max}"),
            (Some(min), None) => format!("at least {min}"),
            (_, max) => format!("at most {}", max.unwrap_or_default()),
        };
        let message = format!("{} has {length} characters, expected {range}", shown(text));
        return Err(Violation::new("K0301", message).limit(rules.span));
    }
    match &rules.pattern {
        Some(pattern) if !pattern.regex.is_match(text) => Err(Violation::new(
            "K0302",
            format!("{} does not match /{}/", shown(text), pattern.source),
        )
        .limit(rules.span)),
        _ => Ok(()),
    }
}

/// A text in quotes, cut where it is long.
pub(crate) fn shown(text: &str) -> String {
    match text.char_indices().nth(60) {
        Some((cut, _)) => format!("\"{}…\"", text.split_at(cut).0.escape_debug()),
        None => format!("\"{}\"", text.escape_debug()),
    }
}

/// Whether a text is a DNS-1123 label.
pub(crate) fn is_name(text: &str) -> bool {
    let bytes = text.as_bytes();
    let inner = |byte: &u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    (1..=63).contains(&bytes.len())
        && bytes.iter().all(|byte| inner(byte) || *byte == b'-')
        && bytes.first().is_some_and(inner)
        && bytes.last().is_some_and(inner)
}

/// Lower case with hyphens: the nearest DNS-1123 label, possibly empty.
pub(crate) fn kebab(text: &str) -> String {
    let mut out = String::new();
    let mut lower = false;
    for c in text.chars() {
        if c.is_ascii_uppercase() {
            if lower {
                out.push('-');
            }
            out.push(c.to_ascii_lowercase());
            lower = false;
        } else if c.is_ascii_lowercase() || c.is_ascii_digit() {
            out.push(c);
            lower = true;
        } else {
            if !out.is_empty() && !out.ends_with('-') {
                out.push('-');
            }
            lower = false;
        }
    }
    out.truncate(63);
    out.trim_matches('-').to_owned()
}

fn is_host(text: &str) -> bool {
    let labels = |text: &str| {
        text.len() <= 253
            && !text.is_empty()
            && text.split('.').all(|label| {
                !label.is_empty()
                    && label.len() <= 63
                    && !label.starts_with('-')
                    && !label.ends_with('-')
                    && label
                        .bytes()
                        .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_')
            })
    };
    text.parse::<std::net::IpAddr>().is_ok() || labels(text.strip_prefix("*.").unwrap_or(text))
}

fn is_url(text: &str) -> bool {
    let Some((scheme, rest)) = text.split_once("://") else {
        return false;
    };
    let host = rest.split(['/', '?', '#']).next().unwrap_or("");
    scheme.starts_with(|c: char| c.is_ascii_alphabetic())
        && scheme.chars().all(|c| c.is_ascii_alphanumeric() || "+-.".contains(c))
        && !host.is_empty()
        && !text.contains(|c: char| c.is_whitespace() || c.is_control())
}

fn is_cidr(text: &str) -> bool {
    let Some((address, length)) = text.split_once('/') else {
        return false;
    };
    let most = match address.parse::<std::net::IpAddr>() {
        Ok(std::net::IpAddr::V4(_)) => 32,
        Ok(std::net::IpAddr::V6(_)) => 128,
        Err(_) => return false,
    };
    length.parse::<u8>().is_ok_and(|length| length <= most) && (length == "0" || !length.starts_with(['0', '+']))
}

fn is_cron(text: &str) -> bool {
    if let Some(word) = text.strip_prefix('@') {
        return matches!(
            word,
            "yearly" | "annually" | "monthly" | "weekly" | "daily" | "midnight" | "hourly"
        );
    }
    let fields: Vec<&str> = text.split(' ').filter(|field| !field.is_empty()).collect();
    let limits = [(0, 59), (0, 23), (1, 31), (1, 12), (0, 7)];
    let names = [
        "jan feb mar apr may jun jul aug sep oct nov dec",
        "sun mon tue wed thu fri sat",
    ];
    fields.len() == 5
        && fields
            .iter()
            .zip(limits)
            .enumerate()
            .all(|(index, (field, (low, high)))| {
                let one = |text: &str| {
                    let named = index.checked_sub(3).and_then(|index| names.get(index));
                    text.parse::<u32>().is_ok_and(|number| (low..=high).contains(&number))
                        || named.is_some_and(|names| names.split(' ').any(|name| name.eq_ignore_ascii_case(text)))
                };
                field.split(',').all(|part| {
                    let (range, step) = part
                        .split_once('/')
                        .map_or((part, None), |(range, step)| (range, Some(step)));
                    let range_fits = match range.split_once('-') {
                        Some((from, to)) => one(from) && one(to),
                        None => range == "*" || range == "?" || one(range),
                    };
                    range_fits && step.is_none_or(|step| step.parse::<u32>().is_ok_and(|step| step > 0))
                })
            })
}

fn is_semver(text: &str) -> bool {
    let text = text.strip_prefix('v').unwrap_or(text);
    let (core, build) = text
        .split_once('+')
        .map_or((text, None), |(core, build)| (core, Some(build)));
    let (core, pre) = core
        .split_once('-')
        .map_or((core, None), |(core, pre)| (core, Some(pre)));
    let identifiers = |text: &str| {
        text.split('.')
            .all(|part| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-'))
    };
    let parts: Vec<&str> = core.split('.').collect();
    parts.len() == 3
        && parts
            .iter()
            .all(|part| part.parse::<u64>().is_ok() && (*part == "0" || !part.starts_with(['0', '+'])))
        && pre.is_none_or(identifiers)
        && build.is_none_or(identifiers)
}

fn is_digest(text: &str) -> bool {
    text.strip_prefix("sha256:").is_some_and(|hex| {
        hex.len() == 64
            && hex
                .bytes()
                .all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte))
    })
}

fn checked_fits(text: &str, checked: Checked) -> Result<(), Violation> {
    let fits = match checked {
        Checked::Name => is_name(text),
        Checked::Host => is_host(text),
        Checked::Url => is_url(text),
        Checked::Cidr => is_cidr(text),
        Checked::Cron => is_cron(text),
        Checked::Digest => is_digest(text),
        Checked::Path => text.starts_with('/') && !text.contains('\0'),
        Checked::Semver => is_semver(text),
    };
    if fits {
        return Ok(());
    }
    let mut violation = Violation::new("K0303", format!("{} is not {}", shown(text), checked.noun()));
    match checked {
        Checked::Name => {
            let better = kebab(text);
            if is_name(&better) {
                violation.help = Some(format!("try \"{better}\""));
                violation.replacement = Some(format!("\"{better}\""));
            } else {
                violation.help = Some("use 1 to 63 lower-case letters, digits and `-`".into());
            }
        }
        Checked::Cron => violation.help = Some("write five fields, such as \"0 3 * * *\", or `@daily`".into()),
        Checked::Url => violation.help = Some("write the scheme too, such as \"https://example.com\"".into()),
        _ => {}
    }
    Err(violation)
}

/// An image reference in its parts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct ImageParts<'a> {
    pub registry: Option<&'a str>,
    pub repository: &'a str,
    pub tag: Option<&'a str>,
    pub digest: Option<&'a str>,
}

/// Takes an image reference apart; `None` if it is none.
pub(crate) fn image_parts(text: &str) -> Option<ImageParts<'_>> {
    let (rest, digest) = text
        .split_once('@')
        .map_or((text, None), |(rest, digest)| (rest, Some(digest)));
    if digest.is_some_and(|digest| !is_digest(digest)) {
        return None;
    }
    let (first, path) = rest
        .split_once('/')
        .map_or((None, rest), |(first, path)| (Some(first), path));
    let is_registry = first.is_some_and(|first| first.contains(['.', ':']) || first == "localhost");
    let (registry, path) = if is_registry { (first, path) } else { (None, rest) };
    let (repository, tag) = match path.rsplit_once(':') {
        Some((repository, tag)) if !tag.contains('/') => (repository, Some(tag)),
        _ => (path, None),
    };
    let part = |part: &str| {
        !part.is_empty()
            && part
                .bytes()
                .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"._-".contains(&byte))
            && part.bytes().next().is_some_and(|byte| byte.is_ascii_alphanumeric())
    };
    let tag_fits = |tag: &str| {
        (1..=128).contains(&tag.len())
            && tag
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte))
            && !tag.starts_with(['.', '-'])
    };
    let fits = repository.split('/').all(part) && tag.is_none_or(tag_fits);
    fits.then_some(ImageParts {
        registry,
        repository,
        tag,
        digest,
    })
}

fn image_fits(text: &str, rules: Option<&ImageRules>) -> Result<(), Violation> {
    let Some(parts) = image_parts(text) else {
        let violation = Violation::new("K0304", format!("{} is not an image reference", shown(text)));
        let help = Some("write it as `registry/repository:tag@sha256:…`, in lower case".into());
        return Err(Violation { help, ..violation });
    };
    let Some(rules) = rules else { return Ok(()) };
    if rules.digest && parts.digest.is_none() {
        let violation = Violation::new("K0304", format!("image {} has no digest", shown(text))).limit(rules.span);
        return Err(Violation {
            help: Some("append `@sha256:…`, so that it cannot change".into()),
            ..violation
        });
    }
    if let Some(registry) = &rules.registry
        && parts.registry != Some(registry)
    {
        let found = parts.registry.unwrap_or("docker.io");
        return Err(Violation::new(
            "K0304",
            format!("image {} is from {found}, not from {registry}", shown(text)),
        )
        .limit(rules.span));
    }
    Ok(())
}

fn amount(text: &str) -> bool {
    let plain = crate::number::parse_decimal(text).is_some();
    plain
        || [Dimension::Bytes, Dimension::Cpu]
            .iter()
            .any(|dimension| parse_quantity(text, *dimension).is_some())
}

/// A text from outside, such as an input on the command line, read as a type says.
pub(crate) fn parse_input(text: &str, ty: &Type, origin: Span) -> Option<Value> {
    let value = |kind| Some(Value::new(kind, origin));
    match ty {
        Type::Bool => text.parse().ok().and_then(|flag| value(Kind::Bool(flag))),
        Type::Number(Number::Int, _) => text.parse().ok().and_then(|number| value(Kind::Int(number))),
        Type::Number(Number::Decimal, _) => {
            crate::number::parse_decimal(text).and_then(|number| value(Kind::Decimal(number)))
        }
        Type::Number(Number::Quantity(dimension), _) => {
            parse_quantity(text, *dimension).and_then(|quantity: Quantity| value(Kind::Quantity(Arc::new(quantity))))
        }
        Type::Null => (text == "null").then(|| Value::null(origin)),
        Type::Union(members) => members.iter().find_map(|member| {
            let value = parse_input(text, member, origin)?;
            matches!(conform_scalar(&value, member), Some(Ok(_))).then_some(value)
        }),
        ty if ty.is_text() || matches!(ty, Type::Amount) => Some(Value::string(text, origin)),
        Type::Json | Type::List(_) | Type::Map(_) | Type::Record(_) => serde_json::from_str(text)
            .ok()
            .map(|json| Value::from_json(&json, origin)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn checked_strings() {
        let fits = |text: &str, checked| checked_fits(text, checked).is_ok();
        assert!(fits("a-1", Checked::Name) && !fits("Pay_TLS", Checked::Name) && !fits("-a", Checked::Name));
        assert_eq!(kebab("Pay_TLS"), "pay-tls");
        assert_eq!(kebab("dbAuth"), "db-auth");
        assert!(
            fits("*.example.com", Checked::Host) && fits("10.0.0.1", Checked::Host) && !fits("a..b", Checked::Host)
        );
        assert!(fits("redis://x:6379", Checked::Url) && !fits("example.com", Checked::Url));
        assert!(fits("10.0.0.0/8", Checked::Cidr) && !fits("10.0.0.0/33", Checked::Cidr));
        assert!(fits("*/5 1-3 * jan mon-fri", Checked::Cron) && !fits("60 * * * *", Checked::Cron));
        assert!(fits("1.16.2-rc.1+b", Checked::Semver) && !fits("1.16", Checked::Semver));
        assert!(fits("/var/lib", Checked::Path) && !fits("var", Checked::Path));
    }

    #[test]
    fn image_references() {
        let parts = image_parts("ghcr.io/acme/api:1.4").unwrap();
        assert_eq!(
            (parts.registry, parts.repository, parts.tag),
            (Some("ghcr.io"), "acme/api", Some("1.4"))
        );
        assert_eq!(image_parts("redis").unwrap().repository, "redis");
        assert_eq!(
            image_parts("localhost:5000/a").unwrap().registry,
            Some("localhost:5000")
        );
        assert!(image_parts("UPPER/case").is_none() && image_parts("a@sha256:12").is_none());
    }
}
