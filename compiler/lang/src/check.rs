//! From syntax trees to a checked program: names, types, and lowering, in one pass over demand.
//!
//! A declaration's type is found when something needs it; cycles of demand yield an error type, and are reported from
//! the graph of references afterwards, with every hop.

mod call;
mod choice;
mod declare;
mod expr;
mod literal;
mod member;
mod narrow;
mod op;
mod profile;
mod record;
mod release;
mod rules;
mod scope;
mod ty;
mod whole;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, OnceLock};

use ktl_syntax::ast::{self, DeclKind, Expr, Name, TypeExpr};
use ktl_syntax::{Diagnostic, Diagnostics, Sources, Span};

use crate::hir::{self, CompId, FnId, InputId, LetId, ModuleId, RelId, SiteId, TypeId};
use crate::load::{ENTRY, Module, PRELUDE};
use crate::names::{Declared, Names, TypeName, ValueName};
use crate::program::{
    BuiltinFields, FnDecl, Header, InputDecl, LetDecl, ModuleInfo, NamedDecl, Program, RelKind, Site,
};
use crate::types::{RecordType, Type, Violation};
use scope::{Node, Scope, plain_string};

struct LetSlot<'a> {
    ast: &'a ast::Let,
    module: ModuleId,
    comp: Option<CompId>,
    ty: Option<Type>,
    body: Option<hir::Expr>,
    busy: bool,
    refs: Vec<(Node, Span)>,
}

struct FnSlot<'a> {
    name: &'a Name,
    params: &'a [ast::Param],
    result: Option<&'a TypeExpr>,
    body: &'a Expr,
    module: ModuleId,
    signature: Option<(Arc<[ParamType]>, Type)>,
    lowered: Option<hir::Expr>,
    busy: bool,
    refs: Vec<(Node, Span)>,
}

/// A parameter of a function.
#[derive(Clone, Debug)]
struct ParamType {
    name: Arc<str>,
    ty: Type,
    optional: bool,
}

struct InputSlot<'a> {
    name: &'a Name,
    ast: &'a TypeExpr,
    default: Option<&'a Expr>,
    module: ModuleId,
    ty: Option<Type>,
    refs: Vec<(Node, Span)>,
}

struct RelSlot<'a> {
    ast: &'a ast::Release,
    module: ModuleId,
    comp: Option<CompId>,
    kind: Option<RelKind>,
    kind_text: String,
}

struct CompSlot<'a> {
    name: &'a Name,
    module: ModuleId,
    names: Arc<BTreeMap<Arc<str>, Declared<ValueName>>>,
    params: Vec<&'a ast::Param>,
    param_types: Vec<Option<Type>>,
    rels: Vec<RelId>,
    outputs: Vec<&'a ast::Output>,
}

struct TypeSlot<'a> {
    ast: &'a TypeExpr,
    name: &'a Name,
    module: ModuleId,
    lowered: Option<Type>,
    busy: bool,
}

struct RecordSlot<'a> {
    name: &'a Name,
    body: &'a ast::Record,
}

/// A default of a record type, lowered when all types are known.
struct DeferredDefault<'a> {
    module: ModuleId,
    expr: &'a Expr,
    ty: Type,
    cell: Arc<OnceLock<hir::Expr>>,
}

struct Checker<'a> {
    sources: &'a Sources,
    modules: &'a [Module],
    diagnostics: Vec<Diagnostic>,
    /// Above 0, nothing is reported: the expression is looked at only for its type.
    muted: u32,
    depth: u32,
    names: Vec<Arc<Names>>,
    used: BTreeSet<(ModuleId, Arc<str>)>,
    lets: Vec<LetSlot<'a>>,
    fns: Vec<FnSlot<'a>>,
    inputs: Vec<InputSlot<'a>>,
    rels: Vec<RelSlot<'a>>,
    comps: Vec<CompSlot<'a>>,
    types: Vec<TypeSlot<'a>>,
    clusters: Vec<RecordSlot<'a>>,
    zones: Vec<RecordSlot<'a>>,
    sites: Vec<Site>,
    deferred: Vec<DeferredDefault<'a>>,
    fields: BuiltinFields,
    /// What rules of imported policies use, with the place.
    guarded: Vec<(Node, Span)>,
    output_types: BTreeMap<(RelId, Arc<str>), Type>,
    rel_field_types: BTreeMap<(u8, u32), Arc<RecordType>>,
}

/// Checks loaded modules. The program is complete even when there are errors: what was reported evaluates to nothing.
pub(crate) fn check(modules: &[Module], sources: &Sources, diagnostics: &mut Diagnostics) -> Program {
    let mut checker = Checker {
        sources,
        modules,
        diagnostics: Vec::new(),
        muted: 0,
        depth: 0,
        names: Vec::new(),
        used: BTreeSet::new(),
        lets: Vec::new(),
        fns: Vec::new(),
        inputs: Vec::new(),
        rels: Vec::new(),
        comps: Vec::new(),
        types: Vec::new(),
        clusters: Vec::new(),
        zones: Vec::new(),
        sites: Vec::new(),
        deferred: Vec::new(),
        fields: BuiltinFields::default(),
        guarded: Vec::new(),
        output_types: BTreeMap::new(),
        rel_field_types: BTreeMap::new(),
    };
    for (index, module) in modules.iter().enumerate() {
        checker.declare_module(ModuleId(index as u32), module);
    }
    let program = checker.program();
    diagnostics.extend(checker.diagnostics);
    program
}

/// The diagnostic of a value that breaks a rule of its type.
pub(crate) fn violation(violation: Violation, span: Span) -> Diagnostic {
    let mut diagnostic = Diagnostic::error(violation.code, span, violation.message);
    if let Some(limit) = violation.limit {
        diagnostic = diagnostic.related(limit, "limit set here");
    }
    if let Some(help) = violation.help {
        diagnostic = diagnostic.help(help);
    }
    if let Some(replacement) = violation.replacement {
        diagnostic = diagnostic.fix(format!("replace by {replacement}"), span, replacement);
    }
    diagnostic
}

/// A declaration's keyword, in backticks.
fn keyword(kind: &DeclKind) -> &'static str {
    match kind {
        DeclKind::Stack { .. } => "`stack`",
        DeclKind::Import { .. } => "`import`",
        DeclKind::Type { .. } => "`type`",
        DeclKind::Let(_) => "`let`",
        DeclKind::Fn { .. } => "`fn`",
        DeclKind::Input { .. } => "`input`",
        DeclKind::Secret { .. } => "`secret`",
        DeclKind::Zone { .. } => "`zone`",
        DeclKind::Cluster { .. } => "`cluster`",
        DeclKind::Release(_) => "`release`",
        DeclKind::Component { .. } => "`component`",
        DeclKind::Param(_) => "`param`",
        DeclKind::Output(_) => "`output`",
        DeclKind::Policy { .. } => "`policy`",
        DeclKind::Waive { .. } => "`waive`",
        DeclKind::Profile { .. } => "`profile`",
        DeclKind::Runner { .. } => "`runner`",
        DeclKind::Test { .. } => "`test`",
        DeclKind::Error => "this",
    }
}

impl<'a> Checker<'a> {
    fn error(&mut self, diagnostic: Diagnostic) {
        if self.muted == 0 {
            self.diagnostics.push(diagnostic);
        }
    }

    fn unsupported(&mut self, what: &str, span: Span) {
        self.error(Diagnostic::error(
            "K0010",
            span,
            format!("`{what}` is not supported by this version of ktl"),
        ));
    }

    fn declared_twice(&mut self, name: &Name, first: Span) {
        let line = self.sources.get(first.file).position(first.start).line;
        let message = format!("`{}` is declared twice (first at line {line})", name.text);
        self.error(Diagnostic::error("K0102", name.span, message).related(first, "first declared here"));
    }

    fn names(&self, module: ModuleId) -> Arc<Names> {
        self.names.get(module.index()).cloned().unwrap_or_default()
    }

    fn module(&self, module: ModuleId) -> Option<&'a Module> {
        self.modules.get(module.index())
    }

    fn comp(&self, comp: CompId) -> &CompSlot<'a> {
        self.comps
            .get(comp.index())
            .expect("component ids are made with their slots")
    }

    fn is_k8s(&self, module: ModuleId) -> bool {
        self.module(module).is_some_and(|module| &*module.path == "std/k8s")
    }

    /// Names of the kinds and records that `std/k8s` has without declaring them.
    fn k8s_names(&self, module: ModuleId) -> impl Iterator<Item = &'static str> + use<> {
        let kinds = ktl_schema::kinds()
            .map(|kind| kind.kind)
            .chain(["Object", "Objects", "Manifests"]);
        let wanted = self.is_k8s(module);
        kinds.filter(move |_| wanted)
    }

    /// A type of `std/k8s` that its file does not declare: a kind, a record of one, or any object.
    fn k8s_member(&self, module: ModuleId, name: &str) -> Option<Type> {
        if !self.is_k8s(module) {
            return None;
        }
        if name == "Object" {
            return Some(Type::Object);
        }
        if let Some(kind) = ktl_schema::preferred(name) {
            return Some(crate::types::kind_type(kind));
        }
        let record = [
            "core.v1",
            "apps.v1",
            "batch.v1",
            "networking.v1",
            "autoscaling.v2",
            "policy.v1",
            "rbac.v1",
        ]
        .iter()
        .find_map(|group| ktl_schema::record(&format!("io.k8s.api.{group}.{name}")))
        .or_else(|| ktl_schema::record(&format!("io.k8s.apimachinery.pkg.apis.meta.v1.{name}")))?;
        Some(Type::Record(Arc::new(crate::types::schema_record(record, None))))
    }

    /// A name of the type space; naming an import is using it.
    fn type_name(&mut self, module: ModuleId, name: &Arc<str>) -> Option<TypeName> {
        let found = self.names.get(module.index())?.types.get(name)?.what.clone();
        self.used.insert((module, name.clone()));
        Some(found)
    }

    /// Whether a member of another module may be used; reports it if not.
    fn exported(&mut self, module: ModuleId, name: &str, span: Span) -> bool {
        if !name.starts_with('_') {
            return true;
        }
        let path = self.module(module).map_or("", |module| &*module.path);
        self.error(
            Diagnostic::error("K0103", span, format!("`{name}` is private to {path}"))
                .help("names that start with `_` stay in their module"),
        );
        false
    }

    fn site(&mut self, text: Arc<str>, span: Span) -> SiteId {
        self.sites.push(Site { text, span });
        SiteId(self.sites.len() as u32 - 1)
    }

    fn add_let(&mut self, ast: &'a ast::Let, module: ModuleId, comp: Option<CompId>) -> LetId {
        self.lets.push(LetSlot {
            ast,
            module,
            comp,
            ty: None,
            body: None,
            busy: false,
            refs: Vec::new(),
        });
        LetId(self.lets.len() as u32 - 1)
    }

    fn add_release(&mut self, ast: &'a ast::Release, module: ModuleId, comp: Option<CompId>) -> RelId {
        self.rels.push(RelSlot {
            ast,
            module,
            comp,
            kind: None,
            kind_text: String::new(),
        });
        RelId(self.rels.len() as u32 - 1)
    }

    /// The type of a `let`: as written, or of its value with literals widened.
    fn let_type(&mut self, id: LetId) -> Type {
        let Some(slot) = self.lets.get(id.index()) else {
            return Type::Error;
        };
        if let Some(ty) = &slot.ty {
            return ty.clone();
        }
        if slot.busy {
            return Type::Error;
        }
        let (ast, module) = (slot.ast, slot.module);
        if let Some(written) = &ast.ty {
            let ty = self.written_type(written, module);
            if let Some(slot) = self.lets.get_mut(id.index()) {
                slot.ty = Some(ty.clone());
            }
            return ty;
        }
        self.lower_let(id);
        self.lets
            .get(id.index())
            .and_then(|slot| slot.ty.clone())
            .unwrap_or(Type::Error)
    }

    fn lower_let(&mut self, id: LetId) {
        let Some(slot) = self.lets.get_mut(id.index()) else {
            return;
        };
        if slot.body.is_some() || slot.busy {
            return;
        }
        slot.busy = true;
        let (ast, module, comp) = (slot.ast, slot.module, slot.comp);
        // Demand comes from anywhere, also from where reports are muted: this is where mistakes in the let are found.
        let muted = std::mem::take(&mut self.muted);
        let depth = std::mem::take(&mut self.depth);
        let mut s = Scope::new(module, comp).owned(format!("let {}", ast.name.text));
        let (body, ty) = stacker::maybe_grow(256 << 10, 4 << 20, || match &ast.ty {
            Some(_) => {
                let ty = self.let_type(id);
                (self.check(&ast.value, &ty, &mut s), ty)
            }
            None => {
                let (body, ty) = self.infer(&ast.value, &mut s);
                let widened = match ty.widen() {
                    // Nothing is known of the elements of `[]`.
                    Type::List(list) if list.item.members().is_empty() => Type::list(list.item.clone()),
                    other => other,
                };
                (body, widened)
            }
        });
        self.muted = muted;
        self.depth = depth;
        if let Some(slot) = self.lets.get_mut(id.index()) {
            slot.busy = false;
            slot.ty = Some(ty);
            slot.body = Some(body);
            slot.refs = s.refs;
        }
    }

    /// Parameters and result of a function.
    fn signature(&mut self, id: FnId) -> (Arc<[ParamType]>, Type) {
        let Some(slot) = self.fns.get(id.index()) else {
            return (Arc::from([]), Type::Error);
        };
        if let Some(signature) = &slot.signature {
            return signature.clone();
        }
        let (params, module, result) = (slot.params, slot.module, slot.result);
        let params: Arc<[ParamType]> = params
            .iter()
            .map(|param| {
                let ty = self.written_type(&param.ty, module);
                let optional = param.default.is_some() || ty.nullable() && !matches!(ty, Type::Json | Type::Error);
                ParamType {
                    name: param.name.text.clone(),
                    ty,
                    optional,
                }
            })
            .collect();
        let known = result.map(|result| self.written_type(result, module));
        if let Some(slot) = self.fns.get_mut(id.index()) {
            // Without a written result, a call inside the function's own body finds nothing; recursion is reported apart.
            slot.signature = Some((params.clone(), known.clone().unwrap_or(Type::Error)));
        }
        if known.is_none() {
            let ty = self.lower_fn(id);
            if let Some(slot) = self.fns.get_mut(id.index()) {
                slot.signature = Some((params.clone(), ty.clone()));
            }
            return (params, ty);
        }
        (params, known.unwrap_or(Type::Error))
    }

    /// Lowers a function's body; returns its type.
    fn lower_fn(&mut self, id: FnId) -> Type {
        let (params, result) = self.signature_known(id);
        let Some(slot) = self.fns.get_mut(id.index()) else {
            return Type::Error;
        };
        if slot.busy || slot.lowered.is_some() {
            return result.unwrap_or(Type::Error);
        }
        slot.busy = true;
        let (name, body, module) = (slot.name, slot.body, slot.module);
        let muted = std::mem::take(&mut self.muted);
        let depth = std::mem::take(&mut self.depth);
        let mut s = Scope::new(module, None).owned(format!("fn {}", name.text));
        for param in params.iter() {
            s.push_local(param.name.clone(), param.ty.clone());
        }
        let (lowered, ty) = stacker::maybe_grow(256 << 10, 4 << 20, || match result {
            Some(result) => (self.check(body, &result, &mut s), result),
            None => {
                let (lowered, ty) = self.infer(body, &mut s);
                (lowered, ty.widen())
            }
        });
        self.muted = muted;
        self.depth = depth;
        if let Some(slot) = self.fns.get_mut(id.index()) {
            slot.busy = false;
            slot.lowered = Some(lowered);
            slot.refs = s.refs;
        }
        ty
    }

    fn signature_known(&mut self, id: FnId) -> (Arc<[ParamType]>, Option<Type>) {
        let written = self.fns.get(id.index()).and_then(|slot| slot.result);
        let known = self.fns.get(id.index()).and_then(|slot| slot.signature.clone());
        let (params, result) = match known {
            Some(known) => known,
            None => self.signature(id),
        };
        (params, written.map(|_| result))
    }

    fn input_type(&mut self, id: InputId) -> Type {
        let Some(slot) = self.inputs.get(id.index()) else {
            return Type::Error;
        };
        if let Some(ty) = &slot.ty {
            return ty.clone();
        }
        let (ast, module) = (slot.ast, slot.module);
        let ty = self.written_type(ast, module);
        if let Some(slot) = self.inputs.get_mut(id.index()) {
            slot.ty = Some(ty.clone());
        }
        ty
    }

    fn flush_defaults(&mut self, program: &mut Program) {
        while let Some(deferred) = self.deferred.pop() {
            let mut s = Scope::new(deferred.module, None);
            let lowered = self.check(deferred.expr, &deferred.ty, &mut s);
            // Set once: the cell was made with this entry.
            let _ = deferred.cell.set(lowered);
            program.defaults.push(deferred.cell);
        }
    }

    fn program(&mut self) -> Program {
        self.builtin_fields();
        let modules = self.modules;
        let mut program = Program {
            modules: modules
                .iter()
                .map(|module| ModuleInfo { std: module.is_std() })
                .collect(),
            ..Program::default()
        };
        for index in 0..self.types.len() {
            if self.types.get(index).is_some_and(|slot| slot.module != PRELUDE) {
                self.alias(TypeId(index as u32));
            }
        }
        for index in 0..self.fns.len() {
            let id = FnId(index as u32);
            self.signature(id);
            self.lower_fn(id);
        }
        for index in 0..self.lets.len() {
            self.let_type(LetId(index as u32));
            self.lower_let(LetId(index as u32));
        }
        self.component_cycles();
        let params: Vec<Vec<Option<hir::Expr>>> = (0..self.fns.len())
            .map(|index| self.lower_fn_defaults(FnId(index as u32)))
            .collect();
        program.inputs = (0..self.inputs.len())
            .map(|index| self.lower_input(InputId(index as u32)))
            .collect();
        program.rels = (0..self.rels.len())
            .map(|index| self.lower_release(RelId(index as u32)))
            .collect();
        program.comps = (0..self.comps.len())
            .map(|index| self.lower_component(CompId(index as u32)))
            .collect();
        let (cluster, zone) = (self.fields.cluster.clone(), self.fields.zone.clone());
        program.clusters = (0..self.clusters.len())
            .filter_map(|index| self.lower_named(index, true, &cluster))
            .collect();
        program.zones = (0..self.zones.len())
            .filter_map(|index| self.lower_named(index, false, &zone))
            .collect();
        if let Some(entry) = modules.get(ENTRY.index()) {
            self.entry_declarations(entry, &mut program);
        }
        self.policies(&mut program);
        self.flush_defaults(&mut program);
        let poisoned = self.value_cycles(&mut program);
        self.unused_imports();
        program.comp_lets = vec![Vec::new(); self.comps.len()];
        for (index, slot) in self.lets.iter().enumerate() {
            if let Some(lets) = slot.comp.and_then(|comp| program.comp_lets.get_mut(comp.index())) {
                lets.push(LetId(index as u32));
            }
        }
        program.sites = std::mem::take(&mut self.sites);
        program.fields = self.fields.clone();
        program.fns = std::mem::take(&mut self.fns)
            .into_iter()
            .zip(params)
            .enumerate()
            .map(|(index, (slot, params))| {
                let span = slot.name.span;
                let body = match poisoned.contains(&Node::Fn(FnId(index as u32))) {
                    true => hir::Expr::error(span),
                    false => slot.lowered.unwrap_or_else(|| hir::Expr::error(span)),
                };
                FnDecl {
                    name: slot.name.text.clone(),
                    params,
                    body,
                    span,
                }
            })
            .collect();
        program.lets = std::mem::take(&mut self.lets)
            .into_iter()
            .enumerate()
            .map(|(index, slot)| {
                let span = slot.ast.name.span;
                let body = match poisoned.contains(&Node::Let(LetId(index as u32))) {
                    true => hir::Expr::error(span),
                    false => slot.body.unwrap_or_else(|| hir::Expr::error(span)),
                };
                LetDecl {
                    name: slot.ast.name.text.clone(),
                    module: slot.module,
                    ty: slot.ty.unwrap_or(Type::Error),
                    annotated: slot.ast.ty.is_some(),
                    body,
                    span,
                }
            })
            .collect();
        program
    }

    fn lower_fn_defaults(&mut self, id: FnId) -> Vec<Option<hir::Expr>> {
        let (params, _) = self.signature(id);
        let Some(slot) = self.fns.get(id.index()) else {
            return Vec::new();
        };
        let (asts, module) = (slot.params, slot.module);
        let mut seen: Vec<&Name> = Vec::new();
        let mut lowered = Vec::new();
        for (ast, param) in asts.iter().zip(params.iter()) {
            if let Some(first) = seen
                .iter()
                .find(|name| name.text == ast.name.text)
                .map(|name| name.span)
            {
                self.declared_twice(&ast.name, first);
            }
            seen.push(&ast.name);
            let mut s = Scope::new(module, None);
            lowered.push(match &ast.default {
                Some(default) => Some(self.check(default, &param.ty, &mut s)),
                None if param.optional => Some(hir::Expr::constant(crate::value::Value::null(ast.name.span))),
                None => None,
            });
            if let Some(slot) = self.fns.get_mut(id.index()) {
                slot.refs.extend(s.refs);
            }
        }
        lowered
    }

    fn lower_input(&mut self, id: InputId) -> InputDecl {
        let ty = self.input_type(id);
        let slot = self
            .inputs
            .get(id.index())
            .expect("input ids are made with their slots");
        let (name, default, module) = (slot.name, slot.default, slot.module);
        let mut s = Scope::new(module, None);
        let default = match default {
            Some(default) => Some(self.check(default, &ty, &mut s)),
            None if ty.nullable() && !matches!(ty, Type::Json | Type::Error) => {
                Some(hir::Expr::constant(crate::value::Value::null(name.span)))
            }
            None => None,
        };
        if let Some(slot) = self.inputs.get_mut(id.index()) {
            slot.refs = s.refs;
        }
        InputDecl {
            name: name.text.clone(),
            ty,
            default,
            span: name.span,
        }
    }

    fn lower_named(&mut self, index: usize, cluster: bool, ty: &Type) -> Option<NamedDecl> {
        let slot = if cluster {
            self.clusters.get(index)?
        } else {
            self.zones.get(index)?
        };
        let (name, body) = (slot.name, slot.body);
        if !name.text.is_empty() {
            let value = crate::value::Value::string(name.text.clone(), name.span);
            if let Some(Err(mut problem)) = crate::types::conform_scalar(&value, &Type::NAME) {
                problem.replacement = problem.replacement.map(|text| text.trim_matches('"').to_owned());
                self.error(violation(problem, name.span));
            }
        }
        let body = self.declaration_record(body, ty, ENTRY);
        Some(NamedDecl {
            name: name.text.clone(),
            body,
            span: name.span,
        })
    }

    /// The fields of a built-in declaration.
    fn declaration_record(&mut self, body: &'a ast::Record, ty: &Type, module: ModuleId) -> hir::Expr {
        let mut s = Scope::new(module, None);
        self.check_record_literal(body, ty, &mut s)
    }

    fn entry_declarations(&mut self, entry: &'a Module, program: &mut Program) {
        let mut header: Option<Span> = None;
        let mut runner: Option<Span> = None;
        let mut profiles: BTreeMap<Arc<str>, Span> = BTreeMap::new();
        for decl in &entry.ast.decls {
            match &decl.kind {
                DeclKind::Stack { name, edition, body } => {
                    if let Some(first) = header {
                        self.error(
                            Diagnostic::error("K0106", name.span, "a stack has one header")
                                .related(first, "the first one"),
                        );
                        continue;
                    }
                    header = Some(name.span);
                    program.header = Some(self.lower_header(name, edition.as_ref(), body));
                }
                DeclKind::Runner { body } => {
                    let place = Span {
                        end: decl.span.end.min(decl.span.start + 6),
                        ..decl.span
                    };
                    if let Some(first) = runner {
                        self.error(
                            Diagnostic::error("K0102", place, "`runner` is declared twice")
                                .related(first, "the first one"),
                        );
                        continue;
                    }
                    runner = Some(place);
                    let ty = self.fields.runner.clone();
                    program.runner = Some(self.declaration_record(body, &ty, ENTRY));
                }
                DeclKind::Profile {
                    name,
                    extends,
                    settings,
                } => {
                    if let Some(first) = profiles.get(&name.text) {
                        let first = *first;
                        self.declared_twice(name, first);
                        continue;
                    }
                    profiles.insert(name.text.clone(), name.span);
                    let lowered = self.lower_profile(name, extends.as_ref(), settings);
                    program.profiles.push(lowered);
                }
                _ => {}
            }
        }
        if header.is_none() {
            let start = Span {
                file: entry.ast.file,
                start: 0,
                end: 0,
            };
            self.error(
                Diagnostic::error("K0106", start, "this file has no stack header")
                    .help("start it with `stack name edition 1`")
                    .fix("add a header", start, "stack main edition 1\n\n"),
            );
        }
        self.profile_parents(program);
    }

    fn lower_header(&mut self, name: &'a Name, edition: Option<&ast::Text>, body: &'a ast::Record) -> Header {
        let number = edition.and_then(|edition| edition.text.parse::<u32>().ok());
        if let Some(edition) = edition
            && number != Some(1)
        {
            self.error(
                Diagnostic::error("K0106", edition.span, format!("there is no edition {}", edition.text))
                    .help("this version of ktl knows edition 1")
                    .fix("replace by 1", edition.span, "1"),
            );
        }
        if !name.text.is_empty() {
            let value = crate::value::Value::string(name.text.clone(), name.span);
            if let Some(Err(mut problem)) = crate::types::conform_scalar(&value, &Type::NAME) {
                problem.replacement = problem.replacement.map(|text| text.trim_matches('"').to_owned());
                self.error(violation(problem, name.span));
            }
        }
        let mut default_profile = None;
        for entry in &body.entries {
            if let ast::EntryKind::Field { key, value } = &entry.kind
                && let [key] = key.as_slice()
                && &*key.text == "defaultProfile"
            {
                match plain_string(value) {
                    Some(text) => default_profile = Some((text, value.span)),
                    None if matches!(value.kind, ast::ExprKind::Hole | ast::ExprKind::Error) => {}
                    None => self.error(
                        Diagnostic::error("K0106", value.span, "`defaultProfile` is a plain string")
                            .help("it is read before anything is evaluated"),
                    ),
                }
            }
        }
        let ty = self.fields.stack.clone();
        let body = self.declaration_record(body, &ty, ENTRY);
        Header {
            name: name.text.clone(),
            edition: number.unwrap_or(1),
            span: name.span,
            body,
            default_profile,
        }
    }
}
