//! Builds trees with positions from the parser's events.

use std::collections::BTreeMap;
use std::sync::Arc;

use saphyr_parser::{Event, Parser, ScalarStyle, Span, Tag};

use super::lenient::{self, Indented};
use super::resolve::resolve;
use super::{Content, Document, Entry, MAX_DEPTH, MAX_NODES, Node, YamlError};
use crate::go::number;

/// Reads every document of a text. Documents that hold nothing are there as null.
///
/// Scalars are YAML 1.1 as go-yaml reads it, `<<` merges, of equal keys the last counts. Nesting deeper than
/// [`MAX_DEPTH`] and more than [`MAX_NODES`] nodes are errors.
pub fn parse_documents(text: &str) -> Result<Vec<Document>, YamlError> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let error = match read(text, None) {
        Err(error) if error.message.contains("invalid indentation") => error,
        result => return result,
    };
    // go-yaml does not mind how lines inside brackets or quotes are indented.
    let indented = lenient::indent_continuations(text);
    read(&indented.text, Some(&indented)).map_err(|_| error)
}

/// Reads a text, giving places as they were before it was indented.
fn read(text: &str, indented: Option<&Indented>) -> Result<Vec<Document>, YamlError> {
    // Without a line break at the very end, the last line of a block scalar has none either.
    let length = text.chars().count();
    let mut builder = Builder {
        unfinished: (!text.ends_with('\n')).then_some(length),
        ..Builder::default()
    };
    let column = |line: u32, column: usize| match indented {
        Some(indented) if indented.lines.contains(&line) => count(column).saturating_sub(indented.by) + 1,
        _ => count(column) + 1,
    };
    for event in Parser::new_from_str(text) {
        let (event, span) = event.map_err(|error| {
            let line = count(error.marker().line());
            YamlError {
                line,
                column: column(line, error.marker().col()),
                message: error.info().to_owned(),
            }
        })?;
        let line = count(span.start.line());
        builder.event(event, span, line, column(line, span.start.col()))?;
    }
    Ok(builder.documents)
}

#[derive(Default)]
struct Builder {
    documents: Vec<Document>,
    open: Vec<Open>,
    anchors: BTreeMap<usize, Anchor>,
    nodes: usize,
    /// The length of the text in characters, if it does not end with a line break.
    unfinished: Option<usize>,
}

/// A collection whose end has not come yet.
struct Open {
    line: u32,
    column: u32,
    anchor: usize,
    /// The deepest nesting within, counted from here.
    depth: usize,
    /// The number of nodes when this began.
    began: usize,
    kind: Kind,
}

enum Kind {
    List(Vec<Node>),
    Map {
        entries: Vec<Entry>,
        index: BTreeMap<Arc<str>, usize>,
        key: Option<Key>,
    },
}

enum Key {
    Named { key: Arc<str>, line: u32, column: u32 },
    Merge,
}

/// A finished node that aliases may repeat.
struct Anchor {
    node: Node,
    depth: usize,
    nodes: usize,
}

/// A finished node on its way into its parent.
struct Done {
    node: Node,
    depth: usize,
    /// A plain `<<`, which merges when it is a key.
    merges: bool,
}

impl Builder {
    fn event(&mut self, event: Event<'_>, span: Span, line: u32, column: u32) -> Result<(), YamlError> {
        let error = |message: String| YamlError { line, column, message };
        match event {
            Event::Scalar(text, style, anchor, tag) => {
                self.count(1).map_err(error)?;
                let is_block = matches!(style, ScalarStyle::Literal | ScalarStyle::Folded);
                let text = match text.strip_suffix('\n') {
                    Some(shorter) if is_block && self.unfinished == Some(span.end.index()) => shorter,
                    _ => &text,
                };
                let content = scalar(text, style, tag.as_deref()).map_err(error)?;
                let node = Node { content, line, column };
                if anchor > 0 {
                    self.anchors.insert(
                        anchor,
                        Anchor {
                            node: node.clone(),
                            depth: 0,
                            nodes: 1,
                        },
                    );
                }
                let merges = style == ScalarStyle::Plain && text == "<<";
                self.put(Done { node, depth: 0, merges })
            }
            Event::Alias(anchor) => {
                let Some(known) = self.anchors.get(&anchor) else {
                    return Err(error("an alias to an anchor that contains it".to_owned()));
                };
                let (depth, nodes) = (known.depth, known.nodes);
                if self.open.len() + depth > MAX_DEPTH {
                    return Err(error(too_deep()));
                }
                self.count(nodes).map_err(error)?;
                let Some(known) = self.anchors.get(&anchor) else {
                    return Ok(());
                };
                let node = known.node.clone();
                self.put(Done {
                    node,
                    depth,
                    merges: false,
                })
            }
            Event::SequenceStart(anchor, _) => self.begin(line, column, anchor, Kind::List(Vec::new())).map_err(error),
            Event::MappingStart(anchor, _) => {
                let kind = Kind::Map {
                    entries: Vec::new(),
                    index: BTreeMap::new(),
                    key: None,
                };
                self.begin(line, column, anchor, kind).map_err(error)
            }
            Event::SequenceEnd | Event::MappingEnd => {
                let Some(open) = self.open.pop() else { return Ok(()) };
                let content = match open.kind {
                    Kind::List(items) => Content::List(items),
                    Kind::Map { entries, .. } => Content::Map(entries),
                };
                let node = Node {
                    content,
                    line: open.line,
                    column: open.column,
                };
                let depth = open.depth + 1;
                if open.anchor > 0 {
                    let nodes = self.nodes - open.began;
                    self.anchors.insert(
                        open.anchor,
                        Anchor {
                            node: node.clone(),
                            depth,
                            nodes,
                        },
                    );
                }
                self.put(Done {
                    node,
                    depth,
                    merges: false,
                })
            }
            Event::DocumentStart(_) => {
                self.anchors.clear();
                Ok(())
            }
            Event::Nothing | Event::StreamStart | Event::StreamEnd | Event::DocumentEnd => Ok(()),
        }
    }

    fn begin(&mut self, line: u32, column: u32, anchor: usize, kind: Kind) -> Result<(), String> {
        self.count(1)?;
        if self.open.len() >= MAX_DEPTH {
            return Err(too_deep());
        }
        self.open.push(Open {
            line,
            column,
            anchor,
            depth: 0,
            began: self.nodes - 1,
            kind,
        });
        Ok(())
    }

    fn count(&mut self, nodes: usize) -> Result<(), String> {
        self.nodes += nodes;
        if self.nodes > MAX_NODES {
            return Err(format!("the text holds more than {MAX_NODES} values"));
        }
        Ok(())
    }

    fn put(&mut self, done: Done) -> Result<(), YamlError> {
        let Done { node, depth, merges } = done;
        let Some(parent) = self.open.last_mut() else {
            self.documents.push(Document { root: node });
            return Ok(());
        };
        parent.depth = parent.depth.max(depth);
        match &mut parent.kind {
            Kind::List(items) => items.push(node),
            Kind::Map { entries, index, key } => match key.take() {
                None if merges => *key = Some(Key::Merge),
                None => {
                    let (line, column) = (node.line, node.column);
                    let name = key_text(&node.content).map_err(|message| YamlError { line, column, message })?;
                    *key = Some(Key::Named {
                        key: name,
                        line,
                        column,
                    });
                }
                Some(Key::Named { key, line, column }) => {
                    insert(
                        entries,
                        index,
                        Entry {
                            key,
                            line,
                            column,
                            value: node,
                        },
                    );
                }
                Some(Key::Merge) => {
                    let (line, column) = (node.line, node.column);
                    let wanted = || YamlError {
                        line,
                        column,
                        message: "map merge requires map or sequence of maps as the value".to_owned(),
                    };
                    let sources = match node.content {
                        Content::Map(source) => vec![source],
                        // Of several sources the first has precedence, so it comes last.
                        Content::List(items) => items
                            .into_iter()
                            .rev()
                            .map(|item| match item.content {
                                Content::Map(source) => Ok(source),
                                _ => Err(wanted()),
                            })
                            .collect::<Result<_, _>>()?,
                        _ => return Err(wanted()),
                    };
                    for entry in sources.into_iter().flatten() {
                        insert(entries, index, entry);
                    }
                }
            },
        }
        Ok(())
    }
}

fn insert(entries: &mut Vec<Entry>, index: &mut BTreeMap<Arc<str>, usize>, entry: Entry) {
    match index.get(&entry.key).and_then(|place| entries.get_mut(*place)) {
        Some(known) => *known = entry,
        None => {
            index.insert(Arc::clone(&entry.key), entries.len());
            entries.push(entry);
        }
    }
}

fn scalar(text: &str, style: ScalarStyle, tag: Option<&Tag>) -> Result<Content, String> {
    let string = || Content::Str(text.into());
    let Some(tag) = tag else {
        return Ok(if style == ScalarStyle::Plain {
            resolve(text)
        } else {
            string()
        });
    };
    if !tag.is_yaml_core_schema() {
        return Ok(string());
    }
    let resolved = resolve(text);
    let wrong = || format!("cannot decode `{text}` as a !!{}", tag.suffix);
    match (tag.suffix.as_str(), resolved) {
        ("str", _) => Ok(string()),
        ("binary", _) => {
            use base64::Engine as _;
            let compact: String = text.chars().filter(|character| !character.is_whitespace()).collect();
            let bytes = base64::engine::general_purpose::STANDARD
                .decode(compact)
                .map_err(|_| "!!binary value contains invalid base64 data".to_owned())?;
            Ok(Content::Str(String::from_utf8_lossy(&bytes).into()))
        }
        ("int", value @ (Content::Int(_) | Content::Uint(_)))
        | ("float", value @ Content::Float(_))
        | ("bool", value @ Content::Bool(_))
        | ("null", value @ Content::Null) => Ok(value),
        #[expect(clippy::cast_precision_loss, reason = "go-yaml converts the same way")]
        ("float", Content::Int(value)) => Ok(Content::Float(value as f64)),
        ("int" | "float" | "bool" | "null", _) => Err(wrong()),
        _ => Ok(string()),
    }
}

/// A key as the text that it has in JSON.
fn key_text(content: &Content) -> Result<Arc<str>, String> {
    Ok(match content {
        Content::Str(text) => Arc::clone(text),
        Content::Bool(value) => if *value { "true" } else { "false" }.into(),
        Content::Int(value) => value.to_string().into(),
        Content::Uint(value) => value.to_string().into(),
        Content::Float(value) if value.is_nan() => ".nan".into(),
        Content::Float(value) if value.is_infinite() => if *value > 0.0 { ".inf" } else { "-.inf" }.into(),
        Content::Float(value) => number::general(*value).into(),
        Content::Null => return Err("a key must be text, not null".to_owned()),
        Content::List(_) | Content::Map(_) => return Err("a key must be text, not a collection".to_owned()),
    })
}

fn too_deep() -> String {
    format!("collections are nested more than {MAX_DEPTH} deep")
}

fn count(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}
