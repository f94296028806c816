//! Reading objects out of rendered text.

use std::sync::LazyLock;

use ktl_gotmpl::yaml;
use regex::Regex;
use serde_json::Value as Json;

use crate::error::ChartError;
use crate::order;
use crate::render::Manifest;

/// One object that a chart renders.
#[derive(Clone, Debug, PartialEq)]
pub struct Object {
    /// The object; whole numbers are integers.
    pub body: Json,
    /// The template that it came from, such as `shop/templates/web.yaml`.
    pub template: String,
    /// The line of the rendered text where the object begins, from 1.
    pub line: u32,
    /// When the object is a hook: it is not part of the release itself.
    pub hook: Option<Hook>,
}

/// What the annotations of a hook say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hook {
    /// The events at which it runs, such as `pre-install`, in the order of the annotation.
    pub events: Vec<String>,
    /// Hooks of one event run from the lowest weight to the highest.
    pub weight: i64,
    /// When the object is deleted again, such as `hook-succeeded`.
    pub delete_policies: Vec<String>,
}

const EVENTS: [&str; 10] = [
    "pre-install",
    "post-install",
    "pre-delete",
    "post-delete",
    "pre-upgrade",
    "post-upgrade",
    "pre-rollback",
    "post-rollback",
    "test",
    "test-success",
];

/// Helm splits at every line that begins with three dashes, whatever follows them.
static SEPARATOR: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"(?:^|[\t\n\x0c\r ]*\n)---[\t\n\x0c\r ]*").expect("the pattern of this module is fixed")
});

/// The objects of manifests, in install order, hooks last.
pub(crate) fn read(manifests: &[Manifest]) -> Result<Vec<Object>, ChartError> {
    let mut objects = Vec::new();
    for manifest in manifests {
        for (line, text) in split(&manifest.text) {
            read_document(manifest, line, text, &mut objects)?;
        }
    }
    objects.sort_by(|a, b| {
        a.hook
            .is_some()
            .cmp(&b.hook.is_some())
            .then_with(|| order::compare(kind_of(&a.body), kind_of(&b.body)))
    });
    Ok(objects)
}

/// The documents of a text, each with the line before it begins.
fn split(text: &str) -> Vec<(u32, &str)> {
    let trimmed = text.trim_start();
    let lead = text.len() - trimmed.len();
    let mut documents = Vec::new();
    let mut from = 0;
    let mut push = |from: usize, to: usize| {
        let part = trimmed.get(from..to).unwrap_or("");
        let document = part.trim_start();
        if !document.trim().is_empty() {
            let begins = lead + from + (part.len() - document.len());
            let before = text
                .get(..begins)
                .unwrap_or("")
                .bytes()
                .filter(|byte| *byte == b'\n')
                .count();
            documents.push((u32::try_from(before).unwrap_or(u32::MAX), document));
        }
    };
    for separator in SEPARATOR.find_iter(trimmed) {
        push(from, separator.start());
        from = separator.end();
    }
    push(from, trimmed.len());
    documents
}

fn read_document(manifest: &Manifest, before: u32, text: &str, objects: &mut Vec<Object>) -> Result<(), ChartError> {
    let template = &manifest.template;
    let parsed = yaml::parse_documents(text).map_err(|mut error| {
        error.line = error.line.saturating_add(before);
        error.message = format!("the rendered text is no valid YAML: {}", error.message);
        ChartError::yaml(template, error)
    })?;
    let Some(document) = parsed.into_iter().next() else {
        return Ok(());
    };
    let line = document.root.line.saturating_add(before);
    let fail = |message: String| Err(ChartError::at(template, line, 0, message));
    let body = match document.root.to_json() {
        Json::Null => return Ok(()),
        Json::Object(fields) if fields.is_empty() => return Ok(()),
        Json::Object(fields) => Json::Object(fields),
        _ => return fail("the rendered text is no object: expected a mapping with `apiVersion` and `kind`".to_owned()),
    };
    for field in ["apiVersion", "kind"] {
        match body.get(field) {
            Some(Json::String(text)) if !text.is_empty() => {}
            _ => return fail(format!("the rendered object has no `{field}`")),
        }
    }
    // A list stands for the objects in it.
    if kind_of(&body).ends_with("List")
        && let Some(Json::Array(items)) = body.get("items")
    {
        for item in items {
            objects.push(Object {
                body: item.clone(),
                template: template.clone(),
                line,
                hook: hook_of(item),
            });
        }
        return Ok(());
    }
    let hook = hook_of(&body);
    objects.push(Object {
        body,
        template: template.clone(),
        line,
        hook,
    });
    Ok(())
}

fn kind_of(body: &Json) -> &str {
    body.get("kind").and_then(Json::as_str).unwrap_or_default()
}

fn hook_of(body: &Json) -> Option<Hook> {
    let annotations = body.get("metadata")?.get("annotations")?;
    let words = |name: &str| -> Option<Vec<String>> {
        let text = annotations.get(name)?.as_str()?;
        Some(
            text.split(',')
                .map(|word| word.trim().to_lowercase())
                .filter(|word| !word.is_empty())
                .collect(),
        )
    };
    let mut events = words("helm.sh/hook")?;
    events.retain(|event| EVENTS.contains(&event.as_str()));
    for event in &mut events {
        if event == "test-success" {
            "test".clone_into(event);
        }
    }
    let weight = annotations
        .get("helm.sh/hook-weight")
        .and_then(Json::as_str)
        .and_then(|text| text.parse().ok());
    Some(Hook {
        events,
        weight: weight.unwrap_or(0),
        delete_policies: words("helm.sh/hook-delete-policy").unwrap_or_default(),
    })
}
