//! URLs.

use super::{Function, fixed};
use crate::error::Fault;
use crate::types::Type::{Map as Dict, Str};
use crate::value::{Map, Value};

pub(super) static TABLE: &[Function] = &[
    fixed("urlParse", &[Str], |_, args| parse(&args.text(0))),
    fixed("urlJoin", &[Dict], |_, args| join(&args.map(0))),
];

/// Go's `url.QueryEscape`.
pub(super) fn query_escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => out.push(char::from(byte)),
            b' ' => out.push('+'),
            _ => out.push_str(&format!("%{byte:02X}")),
        }
    }
    out
}

fn unescape(text: &str) -> Result<String, String> {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('%') {
        out.extend_from_slice(before.as_bytes());
        let code = after.get(..2).and_then(|digits| u8::from_str_radix(digits, 16).ok());
        let Some(code) = code else {
            let bad: String = format!("%{after}").chars().take(3).collect();
            return Err(format!("invalid URL escape {}", crate::go::quote::quote(&bad)));
        };
        out.push(code);
        rest = after.get(2..).unwrap_or("");
    }
    out.extend_from_slice(rest.as_bytes());
    Ok(String::from_utf8_lossy(&out).into_owned())
}

fn parse(text: &str) -> Result<Value, Fault> {
    let fail = |reason: &str| -> Fault {
        format!("unable to parse url: parse {}: {reason}", crate::go::quote::quote(text)).into()
    };
    if text.contains(|character: char| character.is_ascii_control()) {
        return Err(fail("net/url: invalid control character in URL"));
    }
    let (rest, fragment) = text.split_once('#').unwrap_or((text, ""));
    let (scheme, rest) = match rest.split_once(':') {
        Some(("", _)) => return Err(fail("missing protocol scheme")),
        Some((scheme, after)) if is_scheme(scheme) => (scheme.to_lowercase(), after),
        _ => (String::new(), rest),
    };
    let (rest, query) = rest.split_once('?').unwrap_or((rest, ""));
    let (mut host, mut userinfo, mut path, mut opaque) = ("", "", rest, "");
    if let Some(after) = rest.strip_prefix("//") {
        let slash = after.find('/').unwrap_or(after.len());
        let (authority, tail) = after.split_at_checked(slash).unwrap_or((after, ""));
        (userinfo, host) = authority.rsplit_once('@').unwrap_or(("", authority));
        path = tail;
    } else if !scheme.is_empty() && !rest.starts_with('/') {
        opaque = rest;
        path = "";
    } else if scheme.is_empty() && rest.split('/').next().is_some_and(|first| first.contains(':')) {
        return Err(fail("first path segment in URL cannot contain colon"));
    }
    let hostname = match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        Some((_, port)) if !host.ends_with(']') => {
            return Err(fail(&format!(
                "invalid port {} after host",
                crate::go::quote::quote(&format!(":{port}"))
            )));
        }
        _ => host,
    };
    let hostname = hostname
        .strip_prefix('[')
        .and_then(|name| name.strip_suffix(']'))
        .unwrap_or(hostname);
    let path = unescape(path).map_err(|reason| fail(&reason))?;
    let fragment = unescape(fragment).map_err(|reason| fail(&reason))?;
    let parts = [
        ("scheme", scheme.as_str()),
        ("host", host),
        ("hostname", hostname),
        ("path", &path),
        ("query", query),
        ("opaque", opaque),
        ("fragment", &fragment),
        ("userinfo", userinfo),
    ];
    Ok(Value::Map(
        parts.into_iter().map(|(key, part)| (key, Value::from(part))).collect(),
    ))
}

fn is_scheme(text: &str) -> bool {
    text.starts_with(|first: char| first.is_ascii_alphabetic())
        && text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte))
}

fn join(parts: &Map) -> Result<Value, Fault> {
    let part = |key: &str| -> Result<String, Fault> {
        match parts.get(key) {
            None => Ok(String::new()),
            Some(Value::Str(text)) => Ok(text.to_string()),
            Some(other) => {
                let kind = other.kind_name();
                Err(format!("unable to parse {key} key, must be of type string, but {kind} found").into())
            }
        }
    };
    let (scheme, host, path, query) = (part("scheme")?, part("host")?, part("path")?, part("query")?);
    let (opaque, fragment, userinfo) = (part("opaque")?, part("fragment")?, part("userinfo")?);
    let mut out = String::new();
    if !scheme.is_empty() {
        out.push_str(&scheme);
        out.push(':');
    }
    if !opaque.is_empty() {
        out.push_str(&opaque);
    } else {
        if !scheme.is_empty() || !host.is_empty() || !userinfo.is_empty() {
            if !host.is_empty() || !path.is_empty() || !userinfo.is_empty() {
                out.push_str("//");
            }
            if !userinfo.is_empty() {
                out.push_str(&userinfo);
                out.push('@');
            }
            out.push_str(&escape(&host, b"!$&'()*+,;=:[]<>\""));
        }
        let path = escape(&path, b"$&+,/:;=@!'()*");
        if !path.is_empty() && !path.starts_with('/') && !host.is_empty() {
            out.push('/');
        }
        out.push_str(&path);
    }
    if !query.is_empty() {
        out.push('?');
        out.push_str(&query);
    }
    if !fragment.is_empty() {
        out.push('#');
        out.push_str(&escape(&fragment, b"$&+,/:;=?@!()*'"));
    }
    Ok(out.into())
}

fn escape(text: &str, allowed: &[u8]) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte) || allowed.contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}
