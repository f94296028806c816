//! What is visible at a place.

use std::sync::Arc;

use ktl_syntax::Span;
use ktl_syntax::ast::{Expr, ExprKind, StringPart};

use crate::hir::{self, CompId, FnId, InputId, LetId, ModuleId, RelId};
use crate::types::Type;

/// A declaration that others may depend on while types and values are computed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Node {
    Let(LetId),
    Fn(FnId),
    Input(InputId),
}

/// A parameter or a loop variable.
#[derive(Clone, Debug)]
pub(super) struct Local {
    pub name: Arc<str>,
    pub ty: Type,
    pub kind: hir::Kind,
}

#[derive(Debug)]
pub(super) struct Scope {
    pub module: ModuleId,
    pub comp: Option<CompId>,
    /// The release being defined.
    pub release: Option<RelId>,
    /// Whether `self` may stand for the use of the component.
    pub in_component: bool,
    /// Whether `plan` and `profile` are known, and untyped data is read by path: in policies and tests.
    pub rules: bool,
    pub locals: Vec<Local>,
    /// How many locals the frame holds.
    pub frame: u32,
    /// What conditions say about paths, the latest last.
    pub narrowed: Vec<(String, Type)>,
    /// Keys around the expression, for the reasons of edges.
    pub keys: Vec<Arc<str>>,
    /// What the reasons start with outside releases, such as `let urls`.
    pub owner: Option<Arc<str>>,
    pub refs: Vec<(Node, Span)>,
}

impl Scope {
    pub fn new(module: ModuleId, comp: Option<CompId>) -> Self {
        Scope {
            module,
            comp,
            release: None,
            in_component: comp.is_some(),
            rules: false,
            locals: Vec::new(),
            frame: 0,
            narrowed: Vec::new(),
            keys: Vec::new(),
            owner: None,
            refs: Vec::new(),
        }
    }

    pub fn owned(mut self, owner: String) -> Self {
        self.owner = Some(owner.into());
        self
    }

    /// The scope of a policy or a test.
    pub fn of_rules(module: ModuleId, owner: String) -> Self {
        Scope {
            rules: true,
            ..Scope::new(module, None).owned(owner)
        }
    }

    /// Binds a name to the next place of the frame.
    pub fn push_local(&mut self, name: Arc<str>, ty: Type) {
        self.locals.push(Local {
            name,
            ty,
            kind: hir::Kind::Local(self.frame),
        });
        self.frame += 1;
    }

    /// Forgets locals above a count, as taken before they were pushed.
    pub fn truncate(&mut self, locals: usize, frame: u32) {
        self.locals.truncate(locals);
        self.frame = frame;
    }

    /// What the value belongs to, such as `env.DB_HOST`.
    pub fn context(&self) -> String {
        let skip = self.keys.len().saturating_sub(2);
        let keys = self
            .keys
            .iter()
            .skip(skip)
            .map(|key| &**key)
            .collect::<Vec<_>>()
            .join(".");
        match (&self.owner, keys.is_empty()) {
            (None, _) => keys,
            (Some(owner), true) => owner.to_string(),
            (Some(owner), false) => format!("{owner}: {keys}"),
        }
    }
}

/// A chain of names and constant keys as one text, if the expression is one.
pub(super) fn path_of(expr: &Expr) -> Option<String> {
    match &expr.kind {
        ExprKind::Name(name) => Some(name.to_string()),
        ExprKind::Paren(inner) => path_of(inner),
        ExprKind::Field { base, field, .. } => Some(format!("{}.{}", path_of(base)?, field.text)),
        ExprKind::Index { base, index, .. } => {
            let key = plain_string(index)?;
            Some(format!("{}.{key}", path_of(base)?))
        }
        _ => None,
    }
}

/// The text of a string without holes.
pub(super) fn plain_string(expr: &Expr) -> Option<Arc<str>> {
    match &expr.kind {
        ExprKind::Paren(inner) => plain_string(inner),
        ExprKind::String(parts) => match parts.as_slice() {
            [] => Some("".into()),
            [StringPart::Text(text)] => Some(text.clone()),
            parts => {
                let mut whole = String::new();
                for part in parts {
                    match part {
                        StringPart::Text(text) => whole.push_str(text),
                        StringPart::Hole(_) => return None,
                    }
                }
                Some(whole.into())
            }
        },
        _ => None,
    }
}
