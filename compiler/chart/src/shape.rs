//! The shape of a chart's values, from which the language makes a type.

use ktl_gotmpl::yaml::{self, Content, Node};
use serde_json::Value as Json;

/// One value of `values.yaml`, with what is known about it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ValuesShape {
    /// The line of the key in `values.yaml`, from 1.
    pub line: u32,
    /// The comment above the key, without its marks.
    pub comment: Option<String>,
    /// The default.
    pub default: Json,
    /// The values below, in the order of the file, if the default is a mapping that is not empty.
    pub entries: Vec<(String, ValuesShape)>,
}

impl ValuesShape {
    /// The shape of a values file, of its first document. A text that is no YAML has no shape.
    pub fn of(text: &str) -> ValuesShape {
        let lines: Vec<&str> = text.lines().collect();
        match yaml::parse_documents(text)
            .ok()
            .and_then(|documents| documents.into_iter().next())
        {
            Some(document) => shape(&document.root, 1, &lines),
            None => ValuesShape {
                line: 1,
                ..ValuesShape::default()
            },
        }
    }
}

fn shape(node: &Node, line: u32, lines: &[&str]) -> ValuesShape {
    let entries = match &node.content {
        Content::Map(entries) => entries
            .iter()
            .map(|entry| {
                let mut inner = shape(&entry.value, entry.line, lines);
                inner.comment = comment_above(entry.line, lines);
                (entry.key.to_string(), inner)
            })
            .collect(),
        _ => Vec::new(),
    };
    ValuesShape {
        line,
        comment: None,
        default: node.to_json(),
        entries,
    }
}

/// The comment lines directly above a line.
fn comment_above(line: u32, lines: &[&str]) -> Option<String> {
    let above = usize::try_from(line).ok()?.checked_sub(1)?;
    let mut found: Vec<&str> = lines
        .get(..above)?
        .iter()
        .rev()
        .map_while(|line| line.trim().strip_prefix('#'))
        .map(|text| text.trim_start_matches('#').trim())
        .map(|text| text.strip_prefix("-- ").unwrap_or(text))
        .collect();
    found.reverse();
    let comment = found.join("\n").trim().to_owned();
    (!comment.is_empty()).then_some(comment)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn knows_lines_comments_and_defaults() {
        let shape =
            ValuesShape::of("# -- How many\n# there are\nreplicas: 2\n\n# apart\n\nimage:\n  # the tag\n  tag: x\n");
        let names: Vec<&str> = shape.entries.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["replicas", "image"]);
        let (_, replicas) = &shape.entries[0];
        assert_eq!(
            (replicas.line, replicas.comment.as_deref()),
            (3, Some("How many\nthere are"))
        );
        assert_eq!(replicas.default, 2);
        let (_, image) = &shape.entries[1];
        assert_eq!(image.comment, None);
        let (_, tag) = &image.entries[0];
        assert_eq!((tag.line, tag.comment.as_deref()), (9, Some("the tag")));
    }
}
