//! Semantic versions, read loosely and compared as the Masterminds library does it.

use std::any::Any as StdAny;
use std::cmp::Ordering;
use std::rc::Rc;
use std::sync::LazyLock;

use regex::Regex;

use super::{Function, fixed};
use crate::go::quote::quote;
use crate::types::Type::{self, Any, Str};
use crate::value::{IntKind, Object, Value};

pub(super) static TABLE: &[Function] = &[
    fixed("semver", &[Str], |_, args| {
        Ok(Value::Object(Rc::new(Version::parse(&args.text(0))?)))
    }),
    fixed("semverCompare", &[Str, Str], |_, args| {
        Ok(Value::Bool(satisfies(&args.text(0), &args.text(1))?))
    }),
];

/// Whether `version` satisfies `constraint`, by Helm's rules. The error is Go's message.
pub fn satisfies(constraint: &str, version: &str) -> Result<bool, String> {
    let constraint = Constraint::parse(constraint)?;
    Ok(constraint.accepts(&Version::parse(version)?))
}

const VERSION: &str =
    r"v?([0-9]+)(\.[0-9]+)?(\.[0-9]+)?(-([0-9A-Za-z\-]+(\.[0-9A-Za-z\-]+)*))?(\+([0-9A-Za-z\-]+(\.[0-9A-Za-z\-]+)*))?";
const PATTERN: &str = r"v?([0-9|x|X|\*]+)(\.[0-9|x|X|\*]+)?(\.[0-9|x|X|\*]+)?(-([0-9A-Za-z\-]+(\.[0-9A-Za-z\-]+)*))?(\+([0-9A-Za-z\-]+(\.[0-9A-Za-z\-]+)*))?";
const OPERATORS: &str = r"=||!=|>|<|>=|=>|<=|=<|~|~>|\^";

static VERSION_RE: LazyLock<Regex> = LazyLock::new(|| compile(&format!("^{VERSION}$")));
static ONE_RE: LazyLock<Regex> = LazyLock::new(|| compile(&format!(r"^\s*({OPERATORS})\s*({PATTERN})\s*$")));
static FIND_RE: LazyLock<Regex> = LazyLock::new(|| compile(&format!(r"({OPERATORS})\s*({PATTERN})")));
static RANGE_RE: LazyLock<Regex> = LazyLock::new(|| compile(&format!(r"\s*({PATTERN})\s+-\s+({PATTERN})\s*")));
static VALID_RE: LazyLock<Regex> = LazyLock::new(|| {
    compile(&format!(
        r"^(\s*({OPERATORS})\s*({PATTERN})\s*)((?:\s+|,\s*)({OPERATORS})\s*({PATTERN})\s*)*$"
    ))
});

fn compile(pattern: &str) -> Regex {
    Regex::new(pattern).expect("the patterns of this module are fixed")
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Version {
    major: u64,
    minor: u64,
    patch: u64,
    pre: String,
    metadata: String,
    original: String,
}

impl Version {
    fn parse(text: &str) -> Result<Version, String> {
        if text.len() > 256 {
            return Err("version string is too long (max 256 bytes)".to_owned());
        }
        let invalid = || "invalid semantic version".to_owned();
        let found = VERSION_RE.captures(text).ok_or_else(invalid)?;
        let part = |group: usize| found.get(group).map_or("", |part| part.as_str());
        let number = |group: usize| -> Result<u64, String> {
            let digits = part(group).trim_start_matches('.');
            if digits.is_empty() {
                return Ok(0);
            }
            digits.parse().map_err(|_| {
                format!(
                    "error parsing version segment: strconv.ParseUint: parsing {}: value out of range",
                    quote(digits)
                )
            })
        };
        let version = Version {
            major: number(1)?,
            minor: number(2)?,
            patch: number(3)?,
            pre: part(5).to_owned(),
            metadata: part(8).to_owned(),
            original: text.to_owned(),
        };
        let leading_zero =
            |part: &str| part.len() > 1 && part.starts_with('0') && part.bytes().all(|b| b.is_ascii_digit());
        if version.pre.split('.').any(leading_zero) {
            return Err("version segment starts with 0".to_owned());
        }
        Ok(version)
    }

    fn compare(&self, other: &Version) -> Ordering {
        (self.major, self.minor, self.patch)
            .cmp(&(other.major, other.minor, other.patch))
            .then_with(|| compare_prereleases(&self.pre, &other.pre))
    }

    fn show(&self) -> String {
        let mut out = format!("{}.{}.{}", self.major, self.minor, self.patch);
        if !self.pre.is_empty() {
            out.push('-');
            out.push_str(&self.pre);
        }
        if !self.metadata.is_empty() {
            out.push('+');
            out.push_str(&self.metadata);
        }
        out
    }
}

fn compare_prereleases(a: &str, b: &str) -> Ordering {
    match (a.is_empty(), b.is_empty()) {
        (true, true) => return Ordering::Equal,
        (true, false) => return Ordering::Greater,
        (false, true) => return Ordering::Less,
        (false, false) => {}
    }
    let (mut left, mut right) = (a.split('.'), b.split('.'));
    loop {
        let order = match (left.next(), right.next()) {
            (None, None) => return Ordering::Equal,
            (Some(_), None) => Ordering::Greater,
            (None, Some(_)) => Ordering::Less,
            (Some(a), Some(b)) => match (a.parse::<u64>(), b.parse::<u64>()) {
                (Ok(a), Ok(b)) => a.cmp(&b),
                (Ok(_), Err(_)) => Ordering::Less,
                (Err(_), Ok(_)) => Ordering::Greater,
                (Err(_), Err(_)) => a.cmp(b),
            },
        };
        if order != Ordering::Equal {
            return order;
        }
    }
}

impl Object for Version {
    fn type_name(&self) -> &str {
        "*semver.Version"
    }

    fn kind(&self) -> &'static str {
        "ptr"
    }

    fn field(&self, _: &str) -> Option<Value> {
        None
    }

    fn method(&self, name: &str) -> Option<&'static [Type]> {
        match name {
            "Major" | "Minor" | "Patch" | "Prerelease" | "Metadata" | "Original" | "String" => Some(&[]),
            "Compare" | "Equal" | "LessThan" | "GreaterThan" | "LessThanEqual" | "GreaterThanEqual" => Some(&[Any]),
            _ => None,
        }
    }

    fn call(&self, name: &str, args: &[Value]) -> Result<Value, String> {
        let number = |number: u64| Value::Int(i64::try_from(number).unwrap_or(i64::MAX), IntKind::Uint64);
        let other = || match args.first() {
            Some(Value::Object(object)) => object
                .as_any()
                .downcast_ref::<Version>()
                .map(|other| self.compare(other))
                .ok_or_else(|| "the argument is no version".to_owned()),
            _ => Err("the argument is no version".to_owned()),
        };
        Ok(match name {
            "Major" => number(self.major),
            "Minor" => number(self.minor),
            "Patch" => number(self.patch),
            "Prerelease" => self.pre.as_str().into(),
            "Metadata" => self.metadata.as_str().into(),
            "Original" => self.original.as_str().into(),
            "Compare" => Value::int(other()? as i64),
            "Equal" => Value::Bool(other()? == Ordering::Equal),
            "LessThan" => Value::Bool(other()? == Ordering::Less),
            "LessThanEqual" => Value::Bool(other()? != Ordering::Greater),
            "GreaterThan" => Value::Bool(other()? == Ordering::Greater),
            "GreaterThanEqual" => Value::Bool(other()? != Ordering::Less),
            _ => self.show().into(),
        })
    }

    fn show(&self) -> Option<String> {
        Some(Version::show(self))
    }

    fn plain(&self) -> Value {
        Version::show(self).into()
    }

    fn as_any(&self) -> &dyn StdAny {
        self
    }
}

/// Alternatives, of each of which every part must hold.
struct Constraint {
    alternatives: Vec<Vec<Part>>,
}

struct Part {
    operator: String,
    version: Version,
    dirty: bool,
    minor_dirty: bool,
    patch_dirty: bool,
}

impl Constraint {
    fn parse(text: &str) -> Result<Constraint, String> {
        if text.len() > 512 {
            return Err("constraint string is too long (max 512 bytes)".to_owned());
        }
        let text = rewrite_ranges(text);
        let groups: Vec<&str> = text.split("||").collect();
        if groups.len() > 32 {
            return Err("too many constraint groups (max 32)".to_owned());
        }
        let mut alternatives = Vec::new();
        for group in groups {
            if !VALID_RE.is_match(group) {
                return Err(format!("improper constraint: {}", quote(group)));
            }
            let parts: Result<Vec<Part>, String> = FIND_RE
                .find_iter(group)
                .map(|found| Part::parse(found.as_str()))
                .collect();
            alternatives.push(parts?);
        }
        Ok(Constraint { alternatives })
    }

    fn accepts(&self, version: &Version) -> bool {
        self.alternatives.iter().any(|parts| {
            let with_pre = parts.iter().any(|part| !part.version.pre.is_empty());
            (version.pre.is_empty() || with_pre) && parts.iter().all(|part| part.accepts(version))
        })
    }
}

/// `1.2 - 2` means `>= 1.2, <= 2`.
fn rewrite_ranges(text: &str) -> String {
    RANGE_RE
        .replace_all(text, |found: &regex::Captures<'_>| {
            let part = |group: usize| found.get(group).map_or("", |part| part.as_str());
            format!(">= {}, <= {} ", part(1), part(11))
        })
        .into_owned()
}

impl Part {
    fn parse(text: &str) -> Result<Part, String> {
        let improper = || format!("improper constraint: {}", quote(text));
        let found = ONE_RE.captures(text).ok_or_else(improper)?;
        let group = |group: usize| found.get(group).map_or("", |part| part.as_str());
        let (major, minor, patch, pre) = (group(3), group(4), group(5), group(6));
        let is_open = |part: &str| matches!(part.trim_start_matches('.'), "" | "x" | "X" | "*");
        let (mut dirty, mut minor_dirty, mut patch_dirty) = (true, false, false);
        let text = if is_open(major) {
            format!("0.0.0{pre}")
        } else if is_open(minor) {
            minor_dirty = true;
            format!("{major}.0.0{pre}")
        } else if is_open(patch) {
            patch_dirty = true;
            format!("{major}{minor}.0{pre}")
        } else {
            dirty = false;
            group(2).to_owned()
        };
        let version = Version::parse(&text).map_err(|_| "constraint parser error".to_owned())?;
        Ok(Part {
            operator: group(1).to_owned(),
            version,
            dirty,
            minor_dirty,
            patch_dirty,
        })
    }

    fn accepts(&self, version: &Version) -> bool {
        let order = version.compare(&self.version);
        match self.operator.as_str() {
            "!=" => self.differs(version),
            ">" => self.is_exceeded_by(version),
            "<" => order == Ordering::Less,
            ">=" | "=>" => order != Ordering::Less,
            "<=" | "=<" => self.is_at_least(version),
            "~" | "~>" => self.is_near(version),
            "^" => self.is_compatible(version),
            _ if self.dirty => self.is_near(version),
            _ => order == Ordering::Equal,
        }
    }

    fn differs(&self, version: &Version) -> bool {
        let own = &self.version;
        if self.dirty {
            if own.major != version.major || (own.minor != version.minor && !self.minor_dirty) {
                return true;
            }
            if self.minor_dirty {
                return false;
            }
            if own.patch != version.patch && !self.patch_dirty {
                return true;
            }
            if self.patch_dirty {
                return (!version.pre.is_empty() || !own.pre.is_empty())
                    && compare_prereleases(&version.pre, &own.pre) != Ordering::Equal;
            }
        }
        version.compare(own) != Ordering::Equal
    }

    fn is_exceeded_by(&self, version: &Version) -> bool {
        let own = &self.version;
        if !self.dirty || version.major != own.major {
            return if self.dirty {
                version.major > own.major
            } else {
                version.compare(own) == Ordering::Greater
            };
        }
        if self.minor_dirty {
            return false;
        }
        if self.patch_dirty {
            return version.minor > own.minor;
        }
        version.compare(own) == Ordering::Greater
    }

    fn is_at_least(&self, version: &Version) -> bool {
        let own = &self.version;
        if !self.dirty {
            return version.compare(own) != Ordering::Greater;
        }
        !(version.major > own.major || (version.major == own.major && version.minor > own.minor && !self.minor_dirty))
    }

    fn is_near(&self, version: &Version) -> bool {
        let own = &self.version;
        if version.compare(own) == Ordering::Less {
            return false;
        }
        if (own.major, own.minor, own.patch) == (0, 0, 0) && !self.minor_dirty && !self.patch_dirty {
            return true;
        }
        version.major == own.major && (version.minor == own.minor || self.minor_dirty)
    }

    fn is_compatible(&self, version: &Version) -> bool {
        let own = &self.version;
        if version.compare(own) == Ordering::Less {
            return false;
        }
        if own.major > 0 || self.minor_dirty {
            return version.major == own.major;
        }
        if version.major > 0 {
            return false;
        }
        if own.minor > 0 || self.patch_dirty {
            return version.minor == own.minor;
        }
        version.minor == 0 && own.patch == version.patch
    }
}
