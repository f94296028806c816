//! Label and field selectors.

use serde_json::Value;

use crate::status::Failure;
use crate::value::{at, items, members};

/// Which objects a list, watch or workload means.
#[derive(Clone, Debug, Default)]
pub struct Selector {
    labels: Vec<Rule>,
    fields: Vec<(Vec<String>, String, bool)>,
}

#[derive(Clone, Debug)]
struct Rule {
    key: String,
    test: Test,
}

#[derive(Clone, Debug)]
enum Test {
    In(Vec<String>),
    NotIn(Vec<String>),
    Exists,
    Absent,
    Greater(i64),
    Less(i64),
}

impl Rule {
    fn matches(&self, value: Option<&str>) -> bool {
        match &self.test {
            Test::In(allowed) => value.is_some_and(|value| allowed.iter().any(|allowed| allowed == value)),
            Test::NotIn(banned) => !value.is_some_and(|value| banned.iter().any(|banned| banned == value)),
            Test::Exists => value.is_some(),
            Test::Absent => value.is_none(),
            Test::Greater(bound) => value
                .and_then(|value| value.parse::<i64>().ok())
                .is_some_and(|v| v > *bound),
            Test::Less(bound) => value
                .and_then(|value| value.parse::<i64>().ok())
                .is_some_and(|v| v < *bound),
        }
    }
}

/// Fields other than name and namespace that each resource can be selected by.
const SELECTABLE: &[(&str, &[&str])] = &[
    (
        "pods",
        &[
            "spec.nodeName",
            "spec.restartPolicy",
            "spec.schedulerName",
            "spec.serviceAccountName",
            "spec.hostNetwork",
            "status.phase",
            "status.podIP",
            "status.nominatedNodeName",
        ],
    ),
    (
        "events",
        &[
            "involvedObject.kind",
            "involvedObject.namespace",
            "involvedObject.name",
            "involvedObject.uid",
            "involvedObject.apiVersion",
            "involvedObject.resourceVersion",
            "involvedObject.fieldPath",
            "reason",
            "reportingComponent",
            "source",
            "type",
        ],
    ),
    ("secrets", &["type"]),
    ("services", &["spec.clusterIP", "spec.type"]),
    ("nodes", &["spec.unschedulable"]),
    ("namespaces", &["status.phase"]),
    ("replicasets.apps", &["status.replicas"]),
    ("replicationcontrollers", &["status.replicas"]),
    ("jobs.batch", &["status.successful"]),
    ("certificatesigningrequests.certificates.k8s.io", &["spec.signerName"]),
];

impl Selector {
    /// Reads the `labelSelector` and `fieldSelector` of a request on a collection.
    pub fn parse(labels: &str, fields: &str, collection: &str) -> Result<Self, Failure> {
        let labels =
            parse_labels(labels).map_err(|why| Failure::bad_request(format!("unable to parse requirement: {why}")))?;
        let mut parsed = Vec::new();
        for term in fields.split(',').filter(|term| !term.is_empty()) {
            let (key, value, equal) = if let Some((key, value)) = term.split_once("!=") {
                (key, value, false)
            } else if let Some((key, value)) = term.split_once("==").or_else(|| term.split_once('=')) {
                (key, value, true)
            } else {
                let why = format!("invalid selector: '{term}'; can't understand '{term}'");
                return Err(Failure::bad_request(why));
            };
            let known = ["metadata.name", "metadata.namespace"].contains(&key)
                || SELECTABLE
                    .iter()
                    .any(|(resource, keys)| *resource == collection && keys.contains(&key));
            if !known {
                let why = format!("field label not supported: {key}");
                return Err(Failure::bad_request(why));
            }
            let value = value.replace("\\,", ",").replace("\\=", "=").replace("\\\\", "\\");
            parsed.push((key.split('.').map(str::to_owned).collect(), value, equal));
        }
        Ok(Self { labels, fields: parsed })
    }

    /// Reads a `LabelSelector` object; `null` selects nothing.
    pub fn of_workload(selector: &Value) -> Option<Self> {
        selector.as_object()?;
        let mut labels: Vec<Rule> = members(selector, &["matchLabels"])
            .map(|(key, value)| Rule {
                key: key.clone(),
                test: Test::In(vec![value.as_str().unwrap_or_default().to_owned()]),
            })
            .collect();
        for expression in items(selector, &["matchExpressions"]) {
            let values = || {
                let values = items(expression, &["values"]).iter().filter_map(Value::as_str);
                values.map(str::to_owned).collect()
            };
            let test = match crate::value::text(expression, &["operator"]) {
                "In" => Test::In(values()),
                "NotIn" => Test::NotIn(values()),
                "Exists" => Test::Exists,
                "DoesNotExist" => Test::Absent,
                _ => return None,
            };
            labels.push(Rule {
                key: crate::value::text(expression, &["key"]).to_owned(),
                test,
            });
        }
        Some(Self {
            labels,
            fields: Vec::new(),
        })
    }

    /// Whether the labels of `object` fit.
    pub fn matches_labels(&self, object: &Value) -> bool {
        let labels = at(object, &["metadata", "labels"]);
        let value = |key: &str| labels.and_then(|labels| labels.get(key)).and_then(Value::as_str);
        self.labels.iter().all(|rule| rule.matches(value(&rule.key)))
    }

    /// Whether labels and fields of `object` fit.
    pub fn matches(&self, object: &Value) -> bool {
        self.matches_labels(object)
            && self.fields.iter().all(|(path, wanted, equal)| {
                let path: Vec<&str> = path.iter().map(String::as_str).collect();
                let path = if path == ["source"] {
                    vec!["source", "component"]
                } else {
                    path
                };
                let value = match at(object, &path) {
                    Some(Value::String(text)) => text.clone(),
                    Some(Value::Null) | None if path.last() == Some(&"unschedulable") => "false".to_owned(),
                    Some(Value::Null) | None => String::new(),
                    Some(other) => other.to_string(),
                };
                (value == *wanted) == *equal
            })
    }
}

fn parse_labels(text: &str) -> Result<Vec<Rule>, String> {
    split_terms(text)
        .into_iter()
        .filter(|term| !term.is_empty())
        .map(parse_rule)
        .collect()
}

/// Splits at commas outside parentheses.
fn split_terms(text: &str) -> Vec<&str> {
    let mut depth = 0_usize;
    text.split(|c: char| {
        match c {
            '(' => depth += 1,
            ')' => depth = depth.saturating_sub(1),
            _ => {}
        }
        c == ',' && depth == 0
    })
    .map(str::trim)
    .collect()
}

fn parse_rule(term: &str) -> Result<Rule, String> {
    let rule = |key: &str, test: Test| {
        let key = key.trim();
        let valid = !key.is_empty() && key.chars().all(|c| c.is_ascii_alphanumeric() || "-_./".contains(c));
        if valid {
            Ok(Rule {
                key: key.to_owned(),
                test,
            })
        } else {
            Err(format!(
                "<nil>: Invalid value: \"{key}\": name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')"
            ))
        }
    };
    let one = |value: &str| vec![value.trim().to_owned()];
    if let Some((key, value)) = term.split_once("!=") {
        return rule(key, Test::NotIn(one(value)));
    }
    if let Some((key, value)) = term.split_once("==").or_else(|| term.split_once('=')) {
        return rule(key, Test::In(one(value)));
    }
    if let Some(key) = term.strip_prefix('!') {
        return rule(key, Test::Absent);
    }
    let words = |rest: &str| -> Option<Vec<String>> {
        let inner = rest.trim().strip_prefix('(')?.strip_suffix(')')?;
        Some(inner.split(',').map(|word| word.trim().to_owned()).collect())
    };
    let mut parts = term.splitn(2, char::is_whitespace);
    let (key, rest) = (
        parts.next().unwrap_or_default(),
        parts.next().unwrap_or_default().trim(),
    );
    if let Some(values) = rest.strip_prefix("notin").and_then(words) {
        return rule(key, Test::NotIn(values));
    }
    if let Some(values) = rest.strip_prefix("in").and_then(words) {
        return rule(key, Test::In(values));
    }
    for (sign, test) in [
        ('>', Test::Greater as fn(i64) -> Test),
        ('<', Test::Less as fn(i64) -> Test),
    ] {
        if let Some((key, bound)) = term.split_once(sign) {
            let bound = bound.trim().parse().map_err(|_| format!("values[0][{key}]: Invalid value: \"{bound}\": for 'Gt', 'Lt' operators, the value must be an integer"))?;
            return rule(key, test(bound));
        }
    }
    if rest.is_empty() {
        return rule(key, Test::Exists);
    }
    Err(format!("found '{rest}', expected: in, notin, =, ==, !=, gt, lt"))
}
