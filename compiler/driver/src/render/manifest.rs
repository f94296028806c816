//! `k8s.Manifests`: YAML files deployed as they are.

use std::collections::BTreeSet;

use ktl_gotmpl::yaml::{Content, Node};
use ktl_plan::Source;
use ktl_syntax::{Diagnostic, Span};

use super::files::unreadable;
use super::{Context, Raw};

/// Adds the objects of the files that the patterns name, each file once; `*` in the last part of a pattern stands for
/// any characters but `/`.
pub(super) fn read(context: &mut Context, release: usize, patterns: &[(String, Span)], raw: &mut Vec<Raw>) {
    let mut seen = BTreeSet::new();
    for (pattern, span) in patterns {
        let paths = matching(context, pattern, *span).unwrap_or_else(|diagnostic| {
            context.diagnostics.push(*diagnostic);
            Vec::new()
        });
        for path in paths {
            if !seen.contains(&path) {
                if let Err(diagnostic) = file(context, release, &path, *span, raw) {
                    context.diagnostics.push(*diagnostic);
                }
                seen.insert(path);
            }
        }
    }
}

fn matching(context: &Context, pattern: &str, span: Span) -> Result<Vec<String>, Box<Diagnostic>> {
    let fail = |message: String, help: &str| Err(Box::new(Diagnostic::error("K0610", span, message).help(help)));
    let (directory, last) = pattern.rsplit_once('/').unwrap_or(("", pattern));
    if directory.contains('*') {
        let help = "name the directory, such as `./crds/*.yaml`";
        return fail(format!("`{pattern}`: `*` stands in the last part of a path only"), help);
    }
    if !last.contains('*') {
        return Ok(vec![pattern.to_owned()]);
    }
    if directory.is_empty() {
        let help = "put the files into a directory of their own, or name each";
        return fail(format!("`{pattern}`: `*` does not look into the project root"), help);
    }
    let listed = context
        .world
        .list(directory)
        .map_err(|error| unreadable(&error, span))?;
    let fits = |path: &String| {
        let name = path.strip_prefix(directory).and_then(|rest| rest.strip_prefix('/'));
        name.is_some_and(|name| fits(last, name))
    };
    let found: Vec<String> = listed.into_iter().filter(fits).collect();
    if found.is_empty() {
        return fail(
            format!("no file matches `{pattern}`"),
            "leave the pattern out, or add a file",
        );
    }
    Ok(found)
}

/// Whether a name in a directory fits a pattern with `*`. Hidden files do not fit `*`, as in a shell: editors leave them.
fn fits(pattern: &str, name: &str) -> bool {
    if name.contains('/') || (name.starts_with('.') && !pattern.starts_with('.')) {
        return false;
    }
    let mut parts = pattern.split('*');
    let Some(mut rest) = parts.next().and_then(|first| name.strip_prefix(first)) else {
        return false;
    };
    let Some(last) = parts.next_back() else {
        return rest.is_empty();
    };
    // What stands between two stars is best found as early as possible.
    for part in parts {
        match rest.split_once(part) {
            Some((_, after)) => rest = after,
            None => return false,
        }
    }
    rest.ends_with(last)
}

fn file(
    context: &mut Context,
    release: usize,
    path: &str,
    named: Span,
    raw: &mut Vec<Raw>,
) -> Result<(), Box<Diagnostic>> {
    let (id, documents) = context.documents(path, named)?;
    for document in &documents {
        for node in items(&document.root) {
            raw.push(Raw {
                release,
                body: node.to_json(),
                typed: false,
                span: context.place(id, node.line, node.column),
                source: Source {
                    file: path.to_owned(),
                    line: node.line,
                    column: node.column,
                },
            });
        }
    }
    Ok(())
}

/// A document's objects: none for an empty one, the items of a `List` (or a `ConfigMapList` and its like), else itself.
fn items(root: &Node) -> Vec<&Node> {
    let kind = root.get("kind").and_then(Node::as_str).unwrap_or_default();
    match (&root.content, root.get("items").map(|items| &items.content)) {
        (Content::Null, _) => Vec::new(),
        (_, Some(Content::List(items))) if kind.ends_with("List") => items.iter().collect(),
        _ => vec![root],
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn stars_stand_for_anything_in_one_name() {
        for (pattern, name, expected) in [
            ("*.yaml", "a.yaml", true),
            ("*.yaml", "a.yml", false),
            ("*.yaml", ".a.yaml", false),
            (".*", ".a.yaml", true),
            ("*.yaml", "sub/a.yaml", false),
            ("a*b*c", "abbc", true),
            ("a*b*c", "acb", false),
            ("aa*aa", "aaa", false),
            ("*", "anything", true),
            ("a", "ab", false),
        ] {
            assert_eq!(super::fits(pattern, name), expected, "{pattern} {name}");
        }
    }
}
