//! Instances of releases: members of families, uses of components, and what stands in those.

use std::sync::Arc;

use ktl_syntax::{Diagnostic, Span};

use super::{Context, Demand, Eval, Evaluator, Failed, Lazy, Overlay, Owner};
use crate::hir::{HandlePart, LetId, RelId};
use crate::limits;
use crate::program::{CompDecl, RelDecl, RelKind, Target};
use crate::types;
use crate::value::{Deps, Fields, Kind, Value};

/// One release of the expanded stack, or one use of a component.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct InstId(pub u32);

impl InstId {
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

#[derive(Debug)]
pub(super) struct Instance<'p> {
    pub rel: RelId,
    /// The use of the component that it stands in.
    pub parent: Option<InstId>,
    pub key: Option<Value>,
    pub value: Option<Value>,
    /// By position in the declaration.
    pub fields: Vec<Lazy<Value>>,
    pub outputs: Vec<(Arc<str>, Lazy<Value>)>,
    pub params: Vec<Lazy<Value>>,
    pub lets: Vec<(LetId, Lazy<Value>)>,
    pub handle: [Lazy<Value>; 3],
    /// What the profile lays over its fields.
    pub overlay: Option<Box<Overlay<'p>>>,
}

impl<'p> Evaluator<'p> {
    pub(super) fn instance(&self, id: InstId) -> Option<&Instance<'p>> {
        self.instances.get(id.index())
    }

    pub(super) fn rel_of(&self, id: InstId) -> Option<&'p RelDecl> {
        let program = self.program;
        program.rels.get(self.instance(id)?.rel.index())
    }

    pub(super) fn component(&self, id: InstId) -> Option<&'p CompDecl> {
        let program = self.program;
        match self.rel_of(id)?.kind {
            RelKind::Component(comp) => program.comps.get(comp.index()),
            _ => None,
        }
    }

    /// The context in which the fields of an instance are evaluated.
    pub(super) fn context_of(&self, id: InstId) -> Context {
        Context {
            this: Some(id),
            component: self.instance(id).and_then(|instance| instance.parent),
        }
    }

    /// A release declaration as a value: a release, null, or a map of those.
    pub(super) fn members(&mut self, rel: RelId, parent: Option<InstId>, span: Span) -> Eval<Value> {
        let demand = Demand::Members(rel, parent);
        match self.members.get(&(rel, parent)) {
            Some(Lazy::Done(value)) => return Ok(value.clone()),
            Some(Lazy::Busy) => return self.cycle(&demand, span),
            Some(Lazy::Failed) => return Err(Failed),
            Some(Lazy::New) | None => {}
        }
        self.members.insert((rel, parent), Lazy::Busy);
        let context = Context {
            this: parent,
            component: parent,
        };
        let result = self.demand(demand, span, Owner::Release(rel), context, |evaluator| {
            evaluator.expand(rel, parent)
        });
        let state = result.as_ref().map_or(Lazy::Failed, |value| Lazy::Done(value.clone()));
        self.members.insert((rel, parent), state);
        result
    }

    fn expand(&mut self, rel: RelId, parent: Option<InstId>) -> Eval<Value> {
        let program = self.program;
        let declared = program.rels.get(rel.index()).ok_or(Failed)?;
        let Some(source) = &declared.family else {
            return self.member(rel, declared, parent, None, None);
        };
        let source_value = self.eval(source)?;
        self.shape(&source_value, "the source of a family", source.span)?;
        let bindings = self.elements(&source_value, false, source.span)?;
        let mut entries: Vec<(Arc<str>, Value)> = Vec::new();
        let mut failed = false;
        for (key, value) in bindings {
            let Some(text) = key.as_str().cloned() else {
                return Err(Failed);
            };
            if !types::is_name(&text) {
                if let Some(Err(violation)) = types::conform_scalar(&key, &types::Type::NAME) {
                    let diagnostic = crate::check::violation(violation, key.origin)
                        .related(source.span, "keys of a family are parts of names");
                    self.diagnostics.push(diagnostic);
                }
                failed = true;
                continue;
            }
            if entries.iter().any(|(known, _)| *known == text) {
                let message = format!("the family `{}` has two members {}", declared.name, types::shown(&text));
                self.diagnostics.push(Diagnostic::error("K0102", key.origin, message));
                failed = true;
                continue;
            }
            match self.member(rel, declared, parent, Some(key), value) {
                Ok(handle) => entries.push((text, handle)),
                Err(Failed) => failed = true,
            }
        }
        if failed {
            return Err(Failed);
        }
        self.fields(Fields::from_entries(entries), Deps::default(), declared.span)
    }

    fn member(
        &mut self,
        rel: RelId,
        declared: &'p RelDecl,
        parent: Option<InstId>,
        key: Option<Value>,
        value: Option<Value>,
    ) -> Eval<Value> {
        if self.instances.len() >= limits::RELEASES * 3 {
            let message = format!("the stack has more than {} releases", limits::RELEASES);
            return self.fail(Diagnostic::error("K0903", declared.span, message).help("split the stack"));
        }
        let program = self.program;
        let (params, lets) = match declared.kind {
            RelKind::Component(comp) => {
                let params = program.comps.get(comp.index()).map_or(0, |comp| comp.params.len());
                (params, program.comp_lets.get(comp.index()).cloned().unwrap_or_default())
            }
            _ => (0, Vec::new()),
        };
        let overlay = self.overlay_of(rel, parent, key.as_ref());
        let id = InstId(self.instances.len() as u32);
        self.instances.push(Instance {
            rel,
            parent,
            key,
            value,
            fields: vec![Lazy::New; declared.fields.len()],
            outputs: Vec::new(),
            params: vec![Lazy::New; params],
            lets: lets.into_iter().map(|id| (id, Lazy::New)).collect(),
            handle: [Lazy::New, Lazy::New, Lazy::New],
            overlay,
        });
        let exists = match self.own_field(id, "when", declared.span)? {
            Some(value) => {
                self.shape(&value, "`when`", value.origin)?;
                matches!(value.kind, Kind::Bool(true))
            }
            None => true,
        };
        let kind = if exists { Kind::Release(id.0) } else { Kind::Null };
        Ok(Value::new(kind, declared.span))
    }

    /// What the profile lays over an instance: the settings of its family, then those of its own key.
    fn overlay_of(&mut self, rel: RelId, parent: Option<InstId>, key: Option<&Value>) -> Option<Box<Overlay<'p>>> {
        if self.overlays.is_empty() {
            return None;
        }
        let mut chain = vec![(rel, key.and_then(|key| key.as_str().cloned()))];
        let mut at = parent;
        while let Some(inst) = at {
            let instance = self.instance(inst)?;
            chain.push((
                instance.rel,
                instance.key.as_ref().and_then(|key| key.as_str().cloned()),
            ));
            at = instance.parent;
        }
        chain.reverse();
        let mut matching: Vec<(usize, &Overlay<'p>)> = self
            .overlays
            .iter()
            .filter_map(|(target, overlay)| match target {
                Target::Release(path) if path.len() == chain.len() => {
                    let fits = path
                        .iter()
                        .zip(&chain)
                        .all(|(a, b)| a.0 == b.0 && (a.1.is_none() || a.1 == b.1));
                    fits.then(|| (path.iter().filter(|(_, key)| key.is_some()).count(), overlay))
                }
                _ => None,
            })
            .collect();
        matching.sort_by_key(|(members, _)| *members);
        let mut merged: Option<Overlay<'p>> = None;
        for (_, overlay) in matching {
            match &mut merged {
                None => merged = Some(overlay.clone()),
                Some(merged) => merged.merge(overlay.clone()),
            }
        }
        merged.map(Box::new)
    }

    /// Refuses a value that outputs went into, where the graph itself hangs on it.
    pub(super) fn shape(&mut self, value: &Value, what: &str, span: Span) -> Eval<()> {
        let Some((inst, site)) = self.deps.get(value.deps).first().copied() else {
            return Ok(());
        };
        let name = self.rel_of(inst).map_or("", |rel| &*rel.name);
        let message = format!("{what} decides the shape of the graph; it is computed from an output of `{name}`");
        let mut diagnostic = Diagnostic::error("K0401", span, message)
            .help("compute it from what both releases are made of, such as a `let`");
        if let Some(site) = self.site_span(site).filter(|site| *site != span) {
            diagnostic = diagnostic.related(site, "the output is used here");
        }
        self.fail(diagnostic)
    }

    /// A field as the release itself gives it, the profile included; `None` where it is absent or null.
    pub(super) fn own_field(&mut self, id: InstId, name: &str, span: Span) -> Eval<Option<Value>> {
        let declared = self.rel_of(id).ok_or(Failed)?;
        let at = declared.fields.binary_search_by(|(field, _)| (**field).cmp(name)).ok();
        let over = self
            .instance(id)
            .and_then(|instance| instance.overlay.as_ref()?.get(name).cloned());
        let Some(at) = at else {
            // Only the profile has it.
            let Some(over) = over else { return Ok(None) };
            let context = self.context_of(id);
            let previous = std::mem::replace(&mut self.context, context);
            let made = self.laid_over_nothing(&over, span);
            self.context = previous;
            let made = match made? {
                Some(value) => self.field_type_fit(declared, name, value)?,
                None => return Ok(None),
            };
            return Ok((!made.is_null()).then_some(made));
        };
        let demand = Demand::Field(id, name.into());
        match self.instance(id).and_then(|instance| instance.fields.get(at)) {
            Some(Lazy::Done(value)) => return Ok((!value.is_null()).then(|| value.clone())),
            Some(Lazy::Busy) => return self.cycle(&demand, span),
            Some(Lazy::New) => {}
            Some(Lazy::Failed) | None => return Err(Failed),
        }
        self.set_field(id, at, Lazy::Busy);
        let Some((_, expr)) = declared.fields.get(at) else {
            return Err(Failed);
        };
        let context = self.context_of(id);
        let rel = self.instance(id).map_or(RelId(0), |instance| instance.rel);
        let result = self.demand(demand, span, Owner::Release(rel), context, |evaluator| match over {
            None => evaluator.eval(expr),
            Some(over) => match evaluator.laid_over(expr, &over)? {
                Some(value) => evaluator.field_type_fit(declared, name, value),
                None => Ok(Value::null(expr.span)),
            },
        });
        self.set_field(
            id,
            at,
            result.as_ref().map_or(Lazy::Failed, |value| Lazy::Done(value.clone())),
        );
        let value = result?;
        Ok((!value.is_null()).then_some(value))
    }

    /// Fits a field that a profile changed to its type again: what was created has defaults to fill in.
    fn field_type_fit(&mut self, declared: &'p RelDecl, name: &str, value: Value) -> Eval<Value> {
        let ty = declared
            .types
            .iter()
            .find(|(field, _)| **field == *name)
            .map(|(_, ty)| ty);
        match ty {
            Some(ty) if !value.is_null() => {
                let origin = value.origin;
                self.conform(value, ty, origin)
            }
            _ => Ok(value),
        }
    }

    fn set_field(&mut self, id: InstId, at: usize, state: Lazy<Value>) {
        if let Some(slot) = self
            .instances
            .get_mut(id.index())
            .and_then(|instance| instance.fields.get_mut(at))
        {
            *slot = state;
        }
    }

    /// A parameter of a use of a component.
    pub(super) fn param(&mut self, id: InstId, index: u32, span: Span) -> Eval<Value> {
        let demand = Demand::Param(id, index);
        match self
            .instance(id)
            .and_then(|instance| instance.params.get(index as usize))
        {
            Some(Lazy::Done(value)) => return Ok(value.clone()),
            Some(Lazy::Busy) => return self.cycle(&demand, span),
            Some(Lazy::New) => {}
            Some(Lazy::Failed) | None => return Err(Failed),
        }
        self.set_param(id, index, Lazy::Busy);
        let component = self.component(id).ok_or(Failed)?;
        let Some(param) = component.params.get(index as usize) else {
            return Err(Failed);
        };
        let context = Context {
            this: Some(id),
            component: Some(id),
        };
        let rel = self.instance(id).map_or(RelId(0), |instance| instance.rel);
        let result = self.demand(
            demand,
            span,
            Owner::Release(rel),
            context,
            |evaluator| match evaluator.own_field(id, &param.name, span)? {
                Some(value) => Ok(value),
                None => match &param.default {
                    Some(default) => evaluator.eval(default),
                    None => Ok(Value::null(span)),
                },
            },
        );
        self.set_param(
            id,
            index,
            result.as_ref().map_or(Lazy::Failed, |value| Lazy::Done(value.clone())),
        );
        result
    }

    fn set_param(&mut self, id: InstId, index: u32, state: Lazy<Value>) {
        if let Some(slot) = self
            .instances
            .get_mut(id.index())
            .and_then(|instance| instance.params.get_mut(index as usize))
        {
            *slot = state;
        }
    }

    /// A `let` of a component, for one use of it.
    pub(super) fn component_let(&mut self, inst: InstId, id: LetId, span: Span) -> Eval<Value> {
        let demand = Demand::Let(id, Some(inst));
        let at = self
            .instance(inst)
            .and_then(|instance| instance.lets.iter().position(|(known, _)| *known == id));
        let Some(at) = at else { return Err(Failed) };
        match self
            .instance(inst)
            .and_then(|instance| instance.lets.get(at))
            .map(|(_, state)| state)
        {
            Some(Lazy::Done(value)) => return Ok(value.clone()),
            Some(Lazy::Busy) => return self.cycle(&demand, span),
            Some(Lazy::New) => {}
            Some(Lazy::Failed) | None => return Err(Failed),
        }
        self.set_component_let(inst, at, Lazy::Busy);
        let program = self.program;
        let Some(item) = program.lets.get(id.index()) else {
            return Err(Failed);
        };
        let context = Context {
            this: Some(inst),
            component: Some(inst),
        };
        let result = self.demand(demand, span, Owner::Let(id), context, |evaluator| {
            evaluator.eval(&item.body)
        });
        self.set_component_let(
            inst,
            at,
            result.as_ref().map_or(Lazy::Failed, |value| Lazy::Done(value.clone())),
        );
        result
    }

    fn set_component_let(&mut self, inst: InstId, at: usize, state: Lazy<Value>) {
        if let Some((_, slot)) = self
            .instances
            .get_mut(inst.index())
            .and_then(|instance| instance.lets.get_mut(at))
        {
            *slot = state;
        }
    }

    /// An output of a release: its own, or its component's.
    pub(super) fn output(&mut self, id: InstId, name: &Arc<str>, span: Span) -> Eval<Value> {
        let demand = Demand::Output(id, name.clone());
        let known = self
            .instance(id)
            .and_then(|instance| instance.outputs.iter().find(|(known, _)| known == name));
        match known.map(|(_, state)| state) {
            Some(Lazy::Done(value)) => return Ok(value.clone()),
            Some(Lazy::Busy) => return self.cycle(&demand, span),
            Some(Lazy::Failed) => return Err(Failed),
            Some(Lazy::New) | None => {}
        }
        self.set_output(id, name, Lazy::Busy);
        let declared = self.rel_of(id).ok_or(Failed)?;
        let own = declared.outputs.iter().find(|(known, _)| known == name);
        let (expr, context) = match own {
            Some((_, expr)) => (expr, self.context_of(id)),
            None => {
                let component = self.component(id).ok_or(Failed)?;
                let found = component.outputs.iter().find(|(known, _)| known == name);
                let Some((_, expr)) = found else { return Err(Failed) };
                (
                    expr,
                    Context {
                        this: Some(id),
                        component: Some(id),
                    },
                )
            }
        };
        let rel = self.instance(id).map_or(RelId(0), |instance| instance.rel);
        let result = self.demand(demand, span, Owner::Release(rel), context, |evaluator| {
            evaluator.eval(expr)
        });
        self.set_output(
            id,
            name,
            result.as_ref().map_or(Lazy::Failed, |value| Lazy::Done(value.clone())),
        );
        result
    }

    fn set_output(&mut self, id: InstId, name: &Arc<str>, state: Lazy<Value>) {
        let Some(instance) = self.instances.get_mut(id.index()) else {
            return;
        };
        match instance.outputs.iter_mut().find(|(known, _)| known == name) {
            Some((_, slot)) => *slot = state,
            None => instance.outputs.push((name.clone(), state)),
        }
    }

    /// Whether an inner release is the use of its component itself.
    pub(super) fn is_self(&self, id: InstId) -> bool {
        self.instance(id).is_some_and(|instance| instance.parent.is_some())
            && self
                .rel_of(id)
                .is_some_and(|rel| &*rel.name == "self" && rel.family.is_none())
    }

    fn part(
        &mut self,
        id: InstId,
        part: HandlePart,
        span: Span,
        compute: impl FnOnce(&mut Self) -> Eval<Value>,
    ) -> Eval<Value> {
        let demand = Demand::Handle(id, part);
        let at = part as usize;
        match self.instance(id).and_then(|instance| instance.handle.get(at)) {
            Some(Lazy::Done(value)) => return Ok(value.clone()),
            Some(Lazy::Busy) => return self.cycle(&demand, span),
            Some(Lazy::New) => {}
            Some(Lazy::Failed) | None => return Err(Failed),
        }
        let set = |evaluator: &mut Self, state: Lazy<Value>| {
            if let Some(slot) = evaluator
                .instances
                .get_mut(id.index())
                .and_then(|instance| instance.handle.get_mut(at))
            {
                *slot = state;
            }
        };
        set(self, Lazy::Busy);
        let rel = self.instance(id).map_or(RelId(0), |instance| instance.rel);
        let context = self.context_of(id);
        let result = self.demand(demand, span, Owner::Release(rel), context, compute);
        set(
            self,
            result.as_ref().map_or(Lazy::Failed, |value| Lazy::Done(value.clone())),
        );
        result
    }

    /// The name of a release.
    pub(super) fn name_of(&mut self, id: InstId, span: Span) -> Eval<Value> {
        self.part(id, HandlePart::Name, span, |evaluator| {
            let declared = evaluator.rel_of(id).ok_or(Failed)?;
            if let Some(value) = evaluator.own_field(id, "name", span)? {
                evaluator.shape(&value, "`name`", value.origin)?;
                return Ok(value);
            }
            let parent = evaluator.instance(id).and_then(|instance| instance.parent);
            let mut name = match parent {
                Some(parent) => {
                    let outer = evaluator.name_of(parent, span)?;
                    if evaluator.is_self(id) {
                        return Ok(outer);
                    }
                    format!("{}-{}", outer.as_str().ok_or(Failed)?, declared.name)
                }
                None => declared.name.to_string(),
            };
            let key = evaluator.instance(id).and_then(|instance| instance.key.clone());
            if let Some(key) = key {
                name = format!("{name}-{}", key.as_str().ok_or(Failed)?);
            }
            if !types::is_name(&name) && types::is_name(&declared.name) {
                let message = format!(
                    "the release's name \"{name}\" is {} characters long, at most 63 are allowed",
                    name.len()
                );
                return evaluator.fail(
                    Diagnostic::error("K0303", declared.span, message).help("give it a shorter one with `name: …`"),
                );
            }
            if !types::is_name(&name) {
                return Err(Failed);
            }
            Ok(Value::string(name, declared.span))
        })
    }

    /// The namespace of a release: its own, its component's use's, the header's, or `default`.
    pub(super) fn namespace_of(&mut self, id: InstId, span: Span) -> Eval<Value> {
        self.part(id, HandlePart::Namespace, span, |evaluator| {
            if let Some(value) = evaluator.own_field(id, "namespace", span)? {
                evaluator.shape(&value, "`namespace`", value.origin)?;
                return Ok(value);
            }
            if let Some(parent) = evaluator.instance(id).and_then(|instance| instance.parent) {
                return evaluator.namespace_of(parent, span);
            }
            match evaluator.header_field("namespace")? {
                Some(value) => Ok(value),
                None => Ok(Value::string("default", span)),
            }
        })
    }

    /// The cluster of a release: its own, its component's use's, or the only one.
    pub(super) fn cluster_of(&mut self, id: InstId, span: Span) -> Eval<Value> {
        self.part(id, HandlePart::Cluster, span, |evaluator| {
            if let Some(value) = evaluator.own_field(id, "on", span)? {
                evaluator.shape(&value, "`on`", value.origin)?;
                return Ok(value);
            }
            if let Some(parent) = evaluator.instance(id).and_then(|instance| instance.parent) {
                return evaluator.cluster_of(parent, span);
            }
            let clusters = &evaluator.program.clusters;
            if clusters.len() <= 1 {
                return Ok(Value::new(Kind::Cluster(0), span));
            }
            let names: Vec<&str> = clusters.iter().map(|cluster| &*cluster.name).collect();
            let declared = evaluator.rel_of(id).ok_or(Failed)?;
            let message = format!(
                "`on` is required in release `{}`: the stack has {} clusters",
                declared.name,
                names.len()
            );
            evaluator.fail(
                Diagnostic::error("K0202", declared.span, message)
                    .help(format!("add `on: …`, one of {}", names.join(", "))),
            )
        })
    }
}
