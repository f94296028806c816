//! What names mean: the two name spaces of each module and component.

use std::collections::BTreeMap;
use std::sync::Arc;

use ktl_syntax::Span;
use ktl_syntax::ast::Name;

use crate::hir::{CompId, FnId, InputId, LetId, ModuleId, RelId, TypeId};
use crate::types::Type;

/// What a name of the value space means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ValueName {
    Let(LetId),
    Fn(FnId),
    Input(InputId),
    Cluster(u32),
    Zone(u32),
    Release(RelId),
    /// A parameter of a component, by position.
    Param(u32),
    /// A declaration that this version does not carry; reported already.
    Unsupported,
}

/// What a name of the type space means.
#[derive(Clone, Debug)]
pub(crate) enum TypeName {
    Type(TypeId),
    Component(CompId),
    Module(ModuleId),
    Chart {
        directory: Arc<str>,
        written: Arc<str>,
    },
    Crd(Arc<BTreeMap<Arc<str>, Type>>),
    /// Reported already.
    Error,
}

/// A declared name.
#[derive(Clone, Debug)]
pub(crate) struct Declared<T> {
    pub what: T,
    pub span: Span,
}

/// Names of one module.
#[derive(Clone, Debug, Default)]
pub(crate) struct Names {
    pub values: BTreeMap<Arc<str>, Declared<ValueName>>,
    pub types: BTreeMap<Arc<str>, Declared<TypeName>>,
}

/// Declares a name; the first declaration stays, and its place is returned if there was one.
pub(crate) fn declare<T>(table: &mut BTreeMap<Arc<str>, Declared<T>>, name: &Name, what: T) -> Option<Span> {
    if name.text.is_empty() {
        return None;
    }
    if let Some(first) = table.get(&name.text) {
        return Some(first.span);
    }
    table.insert(name.text.clone(), Declared { what, span: name.span });
    None
}

/// The candidate that someone who wrote `text` most likely meant, if any is near.
pub(crate) fn nearest<'a>(text: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let limit = (text.chars().count() / 3).clamp(1, 4);
    candidates
        .into_iter()
        .filter(|candidate| *candidate != text && candidate.len() < 128 && text.len() < 128)
        .map(|candidate| {
            let distance = match candidate.eq_ignore_ascii_case(text) {
                true => 0,
                false => strsim::damerau_levenshtein(text, candidate),
            };
            (distance, candidate)
        })
        .filter(|(distance, _)| *distance <= limit)
        .min()
        .map(|(_, candidate)| candidate)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn suggests_what_is_near() {
        assert_eq!(nearest("replcas", ["name", "replicas"]), Some("replicas"));
        assert_eq!(nearest("regon", ["region", "reason"]), Some("region"));
        assert_eq!(nearest("x", ["name"]), None);
    }
}
