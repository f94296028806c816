//! A checked program: what the evaluator runs.

use std::sync::{Arc, OnceLock};

use ktl_syntax::Span;

use crate::hir::{Clause, CompId, Expr, InputId, LetId, ModuleId, RelId, Setting};
use crate::types::Type;

#[derive(Debug, Default)]
pub(crate) struct Program {
    pub modules: Vec<ModuleInfo>,
    pub lets: Vec<LetDecl>,
    pub fns: Vec<FnDecl>,
    pub inputs: Vec<InputDecl>,
    pub clusters: Vec<NamedDecl>,
    pub zones: Vec<NamedDecl>,
    pub rels: Vec<RelDecl>,
    pub comps: Vec<CompDecl>,
    pub header: Option<Header>,
    pub runner: Option<Expr>,
    pub profiles: Vec<ProfileDecl>,
    pub policies: Vec<PolicyDecl>,
    pub waivers: Vec<WaiverDecl>,
    pub tests: Vec<TestDecl>,
    pub sites: Vec<Site>,
    /// Lets of modules, each after those that it uses.
    pub order: Vec<LetId>,
    pub fields: BuiltinFields,
    /// The lets of each component.
    pub comp_lets: Vec<Vec<LetId>>,
    /// Defaults of fields of types.
    pub defaults: Vec<Arc<OnceLock<Expr>>>,
}

/// The types of built-in declarations, from the prelude.
#[derive(Clone, Debug)]
pub(crate) struct BuiltinFields {
    pub stack: Type,
    pub cluster: Type,
    pub zone: Type,
    pub runner: Type,
    pub release: Type,
    pub chart: Type,
    pub manifests: Type,
    pub plan: Type,
}

impl Default for BuiltinFields {
    fn default() -> Self {
        let error = || Type::Error;
        BuiltinFields {
            stack: error(),
            cluster: error(),
            zone: error(),
            runner: error(),
            release: error(),
            chart: error(),
            manifests: error(),
            plan: error(),
        }
    }
}

#[derive(Clone, Debug)]
pub(crate) struct ModuleInfo {
    pub std: bool,
}

#[derive(Debug)]
pub(crate) struct LetDecl {
    pub name: Arc<str>,
    pub module: ModuleId,
    pub ty: Type,
    /// Whether the type was written: then overlaid values are fitted to it again.
    pub annotated: bool,
    pub body: Expr,
    pub span: Span,
}

#[derive(Debug)]
pub(crate) struct FnDecl {
    pub name: Arc<str>,
    /// The default of each parameter.
    pub params: Vec<Option<Expr>>,
    pub body: Expr,
    pub span: Span,
}

#[derive(Debug)]
pub(crate) struct InputDecl {
    pub name: Arc<str>,
    pub ty: Type,
    pub default: Option<Expr>,
    pub span: Span,
}

#[derive(Debug)]
pub(crate) struct NamedDecl {
    pub name: Arc<str>,
    pub body: Expr,
    pub span: Span,
}

#[derive(Debug)]
pub(crate) struct Header {
    pub name: Arc<str>,
    pub edition: u32,
    pub span: Span,
    pub body: Expr,
    /// `defaultProfile`, which is read before anything is evaluated.
    pub default_profile: Option<(Arc<str>, Span)>,
}

#[derive(Debug)]
pub(crate) struct RelDecl {
    pub name: Arc<str>,
    pub span: Span,
    pub comp: Option<CompId>,
    pub family: Option<Expr>,
    pub kind: RelKind,
    pub kind_text: String,
    /// By name, sorted.
    pub fields: Vec<(Arc<str>, Expr)>,
    pub outputs: Vec<(Arc<str>, Expr)>,
    /// Types of the fields, for overlays.
    pub types: Vec<(Arc<str>, Type)>,
}

#[derive(Clone, Debug)]
pub(crate) enum RelKind {
    Chart(Arc<str>),
    Objects,
    Manifests,
    Component(CompId),
    Error,
}

#[derive(Debug)]
pub(crate) struct CompDecl {
    pub params: Vec<ParamDecl>,
    pub rels: Vec<RelId>,
    pub outputs: Vec<(Arc<str>, Expr)>,
}

#[derive(Debug)]
pub(crate) struct ParamDecl {
    pub name: Arc<str>,
    /// Null for an optional parameter without one.
    pub default: Option<Expr>,
}

#[derive(Debug)]
pub(crate) struct ProfileDecl {
    pub name: Arc<str>,
    pub extends: Option<(Arc<str>, Span)>,
    pub settings: Vec<ProfileSetting>,
}

/// A policy of the stack, or of a module that it imports.
#[derive(Debug)]
pub(crate) struct PolicyDecl {
    pub name: Arc<str>,
    pub module: ModuleId,
    pub span: Span,
    pub rules: Vec<RuleDecl>,
}

#[derive(Debug)]
pub(crate) struct RuleDecl {
    /// Whether a match is an error; else it is a warning.
    pub deny: bool,
    pub clause: Clause,
    pub message: Expr,
}

/// A waiver whose policy was found and whose date is one.
#[derive(Debug)]
pub(crate) struct WaiverDecl {
    /// Index into [`Program::policies`].
    pub policy: usize,
    pub objects: ktl_syntax::ast::Text,
    pub until: ktl_syntax::ast::Text,
}

#[derive(Debug)]
pub(crate) struct TestDecl {
    pub name: Arc<str>,
    pub span: Span,
    pub profile: Option<Arc<str>>,
    pub inputs: Vec<(InputId, Expr)>,
    pub expects: Vec<Expr>,
}

/// A setting with what its path starts at.
#[derive(Clone, Debug)]
pub(crate) struct ProfileSetting {
    pub target: Target,
    pub setting: Setting,
}

/// What a profile's path starts at.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Target {
    Let(LetId),
    Cluster(u32),
    Zone(u32),
    Runner,
    Stack,
    /// A release, by way of the uses around it, with the member of a family.
    Release(Vec<(RelId, Option<Arc<str>>)>),
}

/// A place where an output is used, for the reason of the edge.
#[derive(Clone, Debug)]
pub(crate) struct Site {
    /// Such as `env.DB_HOST uses db.url`.
    pub text: Arc<str>,
    pub span: Span,
}
