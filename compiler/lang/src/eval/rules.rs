//! Policies and tests: rules over the plan, evaluated after its objects are rendered.

use std::collections::BTreeSet;
use std::sync::Arc;

use ktl_syntax::{Diagnostic, Diagnostics, Sources, Span};

use super::{Choice, Eval, Evaluator, Failed, Owner};
use crate::hir::{Expr, Kind as H, Table};
use crate::load::ENTRY;
use crate::program::{PolicyDecl, Program, RuleDecl, TestDecl, WaiverDecl};
use crate::value::{Deps, Fields, Kind, List, Value};
use crate::view::PlanView;

/// Values in diagnostics are cut after so many characters.
const SHOWN: usize = 200;

/// Something that a rule matched.
struct Finding {
    policy: usize,
    deny: bool,
    message: Arc<str>,
    /// What a waiver may name it by.
    ids: Vec<Arc<str>>,
    span: Span,
    rule: Span,
}

/// Runs all policies over a plan, and holds waivers against what they find. `today` is a date as `YYYY-MM-DD`.
pub(crate) fn judge<'p>(
    program: &'p Program,
    choice: Choice<'p>,
    plan: &'p PlanView<'p>,
    today: Option<&str>,
    sources: &'p Sources,
    diagnostics: &mut Diagnostics,
) {
    let mut evaluator = Evaluator::new(program, choice, sources);
    evaluator.plan = Some(plan);
    let mut findings = Vec::new();
    let mut failed = false;
    for (index, policy) in program.policies.iter().enumerate() {
        evaluator.owner = Owner::Policy(index);
        for rule in &policy.rules {
            failed |= evaluator.rule(index, policy, rule, &mut findings).is_err();
        }
    }
    let mut used = BTreeSet::new();
    findings.retain(|finding| {
        let waivers = program.waivers.iter().enumerate();
        let waivers = waivers.filter(|(_, waiver)| waiver.policy == finding.policy);
        let found: Vec<usize> = waivers
            .filter(|(_, waiver)| finding.ids.iter().any(|id| matches(&waiver.objects.text, id)))
            .map(|(index, _)| index)
            .collect();
        used.extend(found.iter().copied());
        found.is_empty()
    });
    for finding in findings {
        let Some(policy) = program.policies.get(finding.policy) else {
            continue;
        };
        evaluator.diagnostics.push(finding.diagnostic(policy));
    }
    for (index, waiver) in program.waivers.iter().enumerate() {
        let Some(policy) = program.policies.get(waiver.policy) else {
            continue;
        };
        // A rule that failed found less than there is; a test looks at a variant that nobody deploys.
        let unused = !used.contains(&index) && !failed && choice.test.is_none();
        let diagnostic = judge_waiver(waiver, policy, unused, !program.profiles.is_empty(), today);
        evaluator.diagnostics.extend(diagnostic);
    }
    diagnostics.extend(evaluator.diagnostics);
}

fn judge_waiver(
    waiver: &WaiverDecl,
    policy: &PolicyDecl,
    unused: bool,
    profiles: bool,
    today: Option<&str>,
) -> Option<Diagnostic> {
    let until = &waiver.until;
    match today {
        // Dates of this form are in the order of their texts.
        Some(today) if today > &*until.text => {
            let message = format!("this waiver of policy {} ended on {}", policy.name, until.text);
            return Some(
                Diagnostic::error("K0702", until.span, message)
                    .help("mend what it was for, and remove it; or agree on a later date"),
            );
        }
        None if !unused => {
            let message = format!("whether this waiver of policy {} has ended is not known", policy.name);
            return Some(
                Diagnostic::warning("K0702", until.span, message)
                    .help("the command line compares it with the date; here none was given"),
            );
        }
        _ => {}
    }
    if !unused {
        return None;
    }
    let place = waiver.objects.span;
    let help =
        "`*` stands for any part of one segment of `cluster/namespace/Kind/name`, `**` for any number of segments";
    Some(if profiles {
        // What it is for may be there in another profile.
        let message = format!(
            "policy {} finds nothing that this waiver is for, with this profile",
            policy.name
        );
        Diagnostic::warning("K0704", place, message).help(help)
    } else {
        let message = format!("policy {} finds nothing that this waiver is for", policy.name);
        Diagnostic::error("K0704", place, message).help(format!("remove the waiver, or mend its objects: {help}"))
    })
}

/// Evaluates what a test expects of its plan.
pub(crate) fn expect<'p>(
    program: &'p Program,
    choice: Choice<'p>,
    test: &'p TestDecl,
    plan: &'p PlanView<'p>,
    sources: &'p Sources,
    diagnostics: &mut Diagnostics,
) {
    let mut evaluator = Evaluator::new(program, choice, sources);
    evaluator.plan = Some(plan);
    for expect in &test.expects {
        let before = evaluator.diagnostics.len();
        match evaluator.eval(expect) {
            Ok(value) if matches!(value.kind, Kind::Bool(true)) => {}
            Ok(_) => evaluator.unmet(test, expect),
            Err(Failed) if evaluator.diagnostics.len() == before => {
                evaluator.unevaluated(&format!("test \"{}\"", test.name), "K0703", expect.span);
            }
            Err(Failed) => {}
        }
    }
    diagnostics.extend(evaluator.diagnostics);
}

impl Finding {
    fn diagnostic(self, policy: &PolicyDecl) -> Diagnostic {
        let message = format!("policy {}: {}", policy.name, self.message);
        let (mut diagnostic, verb) = if self.deny {
            (Diagnostic::error("K0701", self.span, message), "denied")
        } else {
            (Diagnostic::warning("K0701", self.span, message), "warned about")
        };
        diagnostic = diagnostic.related(self.rule, format!("{verb} here"));
        match self.ids.first() {
            Some(id) if self.deny && policy.module == ENTRY => diagnostic.help(format!(
                "mend it, or allow it until a day: `waive {} for \"{id}\" until YYYY-MM-DD because \"…\"`",
                policy.name
            )),
            _ => diagnostic,
        }
    }
}

impl<'p> Evaluator<'p> {
    fn rule(&mut self, index: usize, policy: &PolicyDecl, rule: &'p RuleDecl, findings: &mut Vec<Finding>) -> Eval<()> {
        let before = self.diagnostics.len();
        let top = self.frame.len();
        let subject = if rule.clause.pair { top + 1 } else { top };
        let result = self.each(
            std::slice::from_ref(&rule.clause),
            &mut Deps::default(),
            &mut |evaluator| {
                let message = evaluator.eval(&rule.message)?;
                let message = message.as_str().cloned().ok_or(Failed)?;
                let Some(subject) = evaluator.frame.get(subject) else {
                    return Err(Failed);
                };
                findings.push(Finding {
                    policy: index,
                    deny: rule.deny,
                    message,
                    ids: ids(subject),
                    span: subject.origin,
                    rule: rule.message.span,
                });
                Ok(())
            },
        );
        self.frame.truncate(top);
        // What depends on an input that is not known yet is typed only.
        if result.is_err() && self.diagnostics.len() == before && !self.exhausted && self.complete {
            self.unevaluated(&format!("policy {}", policy.name), "K0701", rule.message.span);
        }
        result
    }

    /// What fails without a word must not pass for what is allowed.
    fn unevaluated(&mut self, what: &str, code: &'static str, span: Span) {
        let message = format!("{what} could not be evaluated");
        self.diagnostics
            .push(Diagnostic::error(code, span, message).help("what it uses has errors"));
    }

    /// Reports an expectation that is not met, with the values of its parts.
    fn unmet(&mut self, test: &TestDecl, expect: &'p Expr) {
        let mut message = format!("test \"{}\" failed", test.name);
        let mut parts = Vec::new();
        if let H::Binary { left, right, .. } = &expect.kind {
            let mut value = |side| self.eval(side).map_or_else(|_| "?".to_owned(), |value| shown(&value));
            let (left_value, right_value) = (value(left), value(right));
            message = format!("{message}: left {left_value}, right {right_value}");
            self.inner_parts(left, &mut parts);
            self.inner_parts(right, &mut parts);
        } else {
            self.inner_parts(expect, &mut parts);
        }
        let mut diagnostic = Diagnostic::error("K0703", expect.span, message);
        for (span, text) in parts {
            diagnostic = diagnostic.related(span, text);
        }
        self.diagnostics.push(diagnostic);
    }

    /// The values of the expressions below one.
    fn inner_parts(&mut self, expr: &'p Expr, parts: &mut Vec<(Span, String)>) {
        match &expr.kind {
            H::And(left, right) => {
                self.sub_value(left, parts);
                // The right one was not looked at otherwise.
                if self
                    .eval(left)
                    .is_ok_and(|value| matches!(value.kind, Kind::Bool(true)))
                {
                    self.sub_value(right, parts);
                }
            }
            H::Or(left, right) | H::Coalesce(left, right) | H::Binary { left, right, .. } => {
                self.sub_value(left, parts);
                self.sub_value(right, parts);
            }
            H::Unary { operand, .. } => self.sub_value(operand, parts),
            H::Conform { value, .. } | H::Show(value) => self.inner_parts(value, parts),
            H::If {
                condition,
                then,
                otherwise,
            } => {
                self.sub_value(condition, parts);
                let taken = self
                    .eval(condition)
                    .is_ok_and(|value| matches!(value.kind, Kind::Bool(true)));
                self.sub_value(if taken { then } else { otherwise }, parts);
            }
            H::Match { subject, .. } => self.sub_value(subject, parts),
            H::Builtin { args, .. } => {
                for arg in args {
                    self.sub_value(arg, parts);
                }
            }
            H::Call { args, .. } => {
                for arg in args.iter().flatten() {
                    self.sub_value(arg, parts);
                }
            }
            H::Index { base, index, .. } => {
                self.sub_value(base, parts);
                self.sub_value(index, parts);
            }
            _ => {}
        }
    }

    /// The value of an expression and of those below it.
    fn sub_value(&mut self, expr: &'p Expr, parts: &mut Vec<(Span, String)>) {
        // A list of the plan is long, and a constant is there to be read.
        if matches!(expr.kind, H::Const(_) | H::Plan(_)) {
            return;
        }
        if let Ok(value) = self.eval(expr) {
            let text = self.sources.text(expr.span);
            let what = if text.len() <= 60 && !text.contains('\n') {
                format!("`{text}` ")
            } else {
                String::new()
            };
            parts.push((expr.span, format!("{what}is {}", shown(&value))));
        }
        self.inner_parts(expr, parts);
    }

    /// A list of the plan.
    pub(super) fn plan_list(&mut self, table: Table) -> Eval<Value> {
        if let Some(list) = self.tables.get(&table) {
            return Ok(list.clone());
        }
        let plan = self.plan.ok_or(Failed)?;
        let items: Vec<Value> = match table {
            Table::Releases => plan
                .releases
                .iter()
                .map(|release| {
                    Row::at(release.span)
                        .text("id", &release.id)
                        .text("name", &release.name)
                        .text("namespace", &release.namespace)
                        .text("cluster", &release.cluster)
                        .texts("tags", &release.tags)
                        .texts("needs", &release.needs)
                        .done()
                })
                .collect(),
            Table::Edges => plan
                .edges
                .iter()
                .map(|edge| {
                    Row::at(edge.span)
                        .text("from", &edge.from)
                        .text("to", &edge.to)
                        .text("reason", &edge.reason)
                        .done()
                })
                .collect(),
            Table::Objects => plan
                .objects
                .iter()
                .map(|object| {
                    let row = Row::at(object.span)
                        .text("id", &object.id)
                        .text("apiVersion", &object.api_version)
                        .text("kind", &object.kind)
                        .text("name", &object.name)
                        .text("cluster", &object.cluster)
                        .text("release", &object.release)
                        .value("body", Value::from_json(object.body, object.span));
                    match &object.namespace {
                        Some(namespace) => row.text("namespace", namespace),
                        None => row,
                    }
                    .done()
                })
                .collect(),
            Table::Workloads => plan
                .workloads
                .iter()
                .map(|workload| {
                    let labels = workload.labels.iter();
                    let labels =
                        labels.map(|(key, label)| (key.as_str().into(), Value::string(label.as_str(), workload.span)));
                    let row = Row::at(workload.span)
                        .text("id", &workload.id)
                        .text("kind", &workload.kind)
                        .text("name", &workload.name)
                        .text("namespace", &workload.namespace)
                        .text("cluster", &workload.cluster)
                        .text("release", &workload.release)
                        .value("labels", Value::fields(labels.collect(), workload.span));
                    match workload.replicas {
                        Some(replicas) => row.value("replicas", Value::new(Kind::Int(replicas), workload.span)),
                        None => row,
                    }
                    .done()
                })
                .collect(),
            Table::Containers => plan
                .containers
                .iter()
                .map(|container| {
                    Row::at(container.span)
                        .text("id", &container.id)
                        .text("name", &container.name)
                        .text("role", container.role.as_str())
                        .text("image", &container.image)
                        .text("workload", &container.workload)
                        .text("release", &container.release)
                        .done()
                })
                .collect(),
        };
        let origin = self.program.header.as_ref().map(|header| header.span).ok_or(Failed)?;
        let list = Value::new(Kind::List(Arc::new(List::new(items))), origin);
        self.tables.insert(table, list.clone());
        Ok(list)
    }

    /// What a loop over untyped data runs over.
    pub(super) fn untyped_elements(&mut self, source: Value, pair: bool, span: Span) -> Eval<Value> {
        let kind = match (&source.kind, pair) {
            (Kind::Null, true) => Kind::Fields(Arc::new(Fields::empty())),
            (Kind::Null, false) => Kind::List(Arc::new(List::new(Vec::new()))),
            (Kind::List(_), false) | (Kind::Fields(_), true) => return Ok(source),
            (Kind::Fields(fields), false) => Kind::List(Arc::new(List::new(fields.values.clone()))),
            (Kind::List(list), true) => {
                let items = list.items.iter().enumerate();
                let entries = items.map(|(index, item)| (index.to_string().into(), item.clone()));
                Kind::Fields(Arc::new(Fields::from_entries(entries.collect())))
            }
            _ => {
                let message = format!("expected a list or a map, found {}", shown(&source));
                return self
                    .fail(Diagnostic::error("K0201", span, message).related(source.origin, "it is in this object"));
            }
        };
        Ok(Value { kind, ..source })
    }
}

/// A record that is all made at one place.
struct Row {
    entries: Vec<(Arc<str>, Value)>,
    span: Span,
}

impl Row {
    fn at(span: Span) -> Self {
        Row {
            entries: Vec::new(),
            span,
        }
    }

    fn value(mut self, key: &str, value: Value) -> Self {
        self.entries.push((key.into(), value));
        self
    }

    fn text(self, key: &str, text: &str) -> Self {
        let value = Value::string(text, self.span);
        self.value(key, value)
    }

    fn texts(self, key: &str, texts: &[String]) -> Self {
        let items = texts
            .iter()
            .map(|text| Value::string(text.as_str(), self.span))
            .collect();
        let value = Value::new(Kind::List(Arc::new(List::new(items))), self.span);
        self.value(key, value)
    }

    fn done(self) -> Value {
        Value::fields(self.entries, self.span)
    }
}

/// A field or an element of untyped data; null where there is none.
pub(super) fn step_into(base: Value, key: &Value, span: Span) -> Value {
    let found = match (&base.kind, &key.kind) {
        (Kind::Fields(fields), Kind::String(key)) => fields.get(key).cloned(),
        (Kind::List(list), Kind::Int(index)) => usize::try_from(*index)
            .ok()
            .and_then(|index| list.items.get(index))
            .cloned(),
        _ => None,
    };
    found.unwrap_or_else(|| Value::null(span))
}

/// What a waiver may name a matched value by: its id, the workload that it is part of, what an edge starts at.
fn ids(subject: &Value) -> Vec<Arc<str>> {
    if let Some(text) = subject.as_str() {
        return vec![text.clone()];
    }
    let Some(fields) = subject.as_fields() else {
        return Vec::new();
    };
    ["workload", "id", "from"]
        .into_iter()
        .filter_map(|key| fields.get(key)?.as_str().cloned())
        .collect()
}

/// Whether an id fits a pattern: `*` stands for any part of a segment, a segment `**` for any number of segments.
fn matches(pattern: &str, id: &str) -> bool {
    let pattern: Vec<&str> = pattern.split('/').collect();
    let id: Vec<&str> = id.split('/').collect();
    wild(
        &pattern,
        &id,
        |part| *part == "**",
        |part, segment| {
            let (part, segment): (Vec<char>, Vec<char>) = (part.chars().collect(), segment.chars().collect());
            wild(&part, &segment, |part| *part == '*', |part, segment| part == segment)
        },
    )
}

/// Whether items fit a pattern in which some stand for any number of items. Takes time of their product at most.
fn wild<T>(pattern: &[T], items: &[T], any: impl Fn(&T) -> bool, fits: impl Fn(&T, &T) -> bool) -> bool {
    let (mut at, mut item) = (0, 0);
    // After the last of those that stand for many, and the item up to which it stands for.
    let mut retry: Option<(usize, usize)> = None;
    while let Some(current) = items.get(item) {
        match pattern.get(at) {
            Some(part) if any(part) => {
                at += 1;
                retry = Some((at, item));
            }
            Some(part) if fits(part, current) => {
                at += 1;
                item += 1;
            }
            _ => match retry {
                Some((after, until)) => {
                    at = after;
                    item = until + 1;
                    retry = Some((after, until + 1));
                }
                None => return false,
            },
        }
    }
    pattern.iter().skip(at).all(any)
}

fn shown(value: &Value) -> String {
    let text = value.to_json().to_string();
    match text.char_indices().nth(SHOWN) {
        Some((at, _)) => format!("{}…", text.get(..at).unwrap_or(&text)),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use super::matches;

    #[test]
    fn patterns_fit_by_segment() {
        for (pattern, id, fits) in [
            ("*/pay/Deployment/tracing", "fra/pay/Deployment/tracing", true),
            ("*/pay/Deployment/tracing", "fra/pay/Deployment/tracing2", false),
            ("*", "fra/pay/Deployment/tracing", false),
            ("**", "fra/pay/Deployment/tracing", true),
            ("**/tracing", "fra/pay/Deployment/tracing", true),
            ("fra/**", "fra/pay/Deployment/tracing", true),
            ("*/*/*/tr*g", "fra/pay/Deployment/tracing", true),
            ("fra/*/tracing", "fra/pay/Deployment/tracing", false),
            ("", "fra", false),
        ] {
            assert_eq!(matches(pattern, id), fits, "{pattern} {id}");
        }
    }
}
