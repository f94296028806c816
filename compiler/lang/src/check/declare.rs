//! Declarations of a module: what each name means, before anything is looked into.

use std::sync::Arc;

use ktl_syntax::Diagnostic;
use ktl_syntax::ast::{DeclKind, Name};

use super::{Checker, CompSlot, FnSlot, InputSlot, RecordSlot, TypeSlot, keyword};
use crate::hir::{CompId, FnId, InputId, ModuleId, TypeId};
use crate::load::{ENTRY, Import, Module, PRELUDE};
use crate::names::{Names, TypeName, ValueName, declare};
use crate::program::BuiltinFields;
use crate::types::{RecordType, Type};

impl<'a> Checker<'a> {
    pub(super) fn declare_module(&mut self, id: ModuleId, module: &'a Module) {
        let mut names = Names::default();
        for (index, decl) in module.ast.decls.iter().enumerate() {
            let entry_only = matches!(
                decl.kind,
                DeclKind::Stack { .. }
                    | DeclKind::Input { .. }
                    | DeclKind::Secret { .. }
                    | DeclKind::Zone { .. }
                    | DeclKind::Cluster { .. }
                    | DeclKind::Release(_)
                    | DeclKind::Profile { .. }
                    | DeclKind::Runner { .. }
                    | DeclKind::Test { .. }
            );
            if entry_only && id != ENTRY {
                let message = format!("{} belongs in the stack's entry file", keyword(&decl.kind));
                self.error(
                    Diagnostic::error("K0106", decl.span, message).help(
                        "an imported module holds `import`, `type`, `let`, `fn`, `component`, `policy` and `waive`",
                    ),
                );
                continue;
            }
            let value = |what: ValueName| Some(what);
            let (name, what): (&'a Name, Option<ValueName>) = match &decl.kind {
                DeclKind::Let(item) => (&item.name, value(ValueName::Let(self.add_let(item, id, None)))),
                DeclKind::Fn {
                    name,
                    params,
                    result,
                    body,
                } => {
                    self.fns.push(FnSlot {
                        name,
                        params,
                        result: result.as_ref(),
                        body,
                        module: id,
                        signature: None,
                        lowered: None,
                        busy: false,
                        refs: Vec::new(),
                    });
                    (name, value(ValueName::Fn(FnId(self.fns.len() as u32 - 1))))
                }
                DeclKind::Input { name, ty, default } => {
                    let slot = InputSlot {
                        name,
                        ast: ty,
                        default: default.as_ref(),
                        module: id,
                        ty: None,
                        refs: Vec::new(),
                    };
                    self.inputs.push(slot);
                    (name, value(ValueName::Input(InputId(self.inputs.len() as u32 - 1))))
                }
                DeclKind::Cluster { name, body } => {
                    self.clusters.push(RecordSlot { name, body });
                    (name, value(ValueName::Cluster(self.clusters.len() as u32 - 1)))
                }
                DeclKind::Zone { name, body } => {
                    self.zones.push(RecordSlot { name, body });
                    (name, value(ValueName::Zone(self.zones.len() as u32 - 1)))
                }
                DeclKind::Release(release) => (
                    &release.name,
                    value(ValueName::Release(self.add_release(release, id, None))),
                ),
                DeclKind::Secret { name, .. } => {
                    self.unsupported("secret", decl.span);
                    (name, value(ValueName::Unsupported))
                }
                DeclKind::Type { name, ty } => {
                    self.types.push(TypeSlot {
                        ast: ty,
                        name,
                        module: id,
                        lowered: None,
                        busy: false,
                    });
                    if crate::types::builtin_type(&name.text).is_some() {
                        let message = format!("`{}` is a built-in type", name.text);
                        self.error(Diagnostic::error("K0102", name.span, message).help("choose another name"));
                    }
                    let what = TypeName::Type(TypeId(self.types.len() as u32 - 1));
                    if let Some(first) = declare(&mut names.types, name, what) {
                        self.declared_twice(name, first);
                    }
                    continue;
                }
                DeclKind::Component { name, body } => {
                    self.comps.push(CompSlot {
                        name,
                        module: id,
                        names: Arc::default(),
                        params: Vec::new(),
                        param_types: Vec::new(),
                        rels: Vec::new(),
                        outputs: Vec::new(),
                    });
                    let comp = CompId(self.comps.len() as u32 - 1);
                    if let Some(first) = declare(&mut names.types, name, TypeName::Component(comp)) {
                        self.declared_twice(name, first);
                    }
                    self.declare_component(comp, body, id);
                    continue;
                }
                DeclKind::Import { alias, .. } => {
                    let what = match module.imports.get(index) {
                        Some(Some(Import::Module(module))) => TypeName::Module(*module),
                        Some(Some(Import::Chart { directory, written })) => TypeName::Chart {
                            directory: directory.clone(),
                            written: written.clone(),
                        },
                        Some(Some(Import::Crd(kinds))) => TypeName::Crd(kinds.clone()),
                        _ => TypeName::Error,
                    };
                    if let Some(first) = declare(&mut names.types, alias, what) {
                        self.declared_twice(alias, first);
                    }
                    continue;
                }
                DeclKind::Param(_) | DeclKind::Output(_) => {
                    let message = format!("{} belongs in a component", keyword(&decl.kind));
                    self.error(Diagnostic::error("K0106", decl.span, message));
                    continue;
                }
                DeclKind::Stack { .. }
                | DeclKind::Profile { .. }
                | DeclKind::Runner { .. }
                | DeclKind::Policy { .. }
                | DeclKind::Waive { .. }
                | DeclKind::Test { .. }
                | DeclKind::Error => continue,
            };
            if &*name.text == "self" {
                self.error(Diagnostic::error(
                    "K0102",
                    name.span,
                    "`self` is the release being defined",
                ));
            }
            if let Some(what) = what
                && let Some(first) = declare(&mut names.values, name, what)
            {
                self.declared_twice(name, first);
            }
        }
        self.names.push(Arc::new(names));
    }

    pub(super) fn builtin_fields(&mut self) {
        let mut of = |name: &str| -> Type {
            match self.type_name(PRELUDE, &name.into()) {
                Some(TypeName::Type(id)) => self.prelude_type(id),
                _ => Type::Error,
            }
        };
        self.fields = BuiltinFields {
            stack: of("Stack"),
            cluster: of("Cluster"),
            zone: of("Zone"),
            runner: of("Runner"),
            release: of("Release"),
            chart: of("Chart"),
            manifests: of("Manifests"),
            plan: of("Plan"),
        };
    }

    pub(super) fn prelude_type(&mut self, id: TypeId) -> Type {
        let Some(slot) = self.types.get(id.index()) else {
            return Type::Error;
        };
        let (ast, name) = (slot.ast, slot.name);
        let shown = match &*name.text {
            "Stack" => "the stack's header",
            "Cluster" => "cluster",
            "Zone" => "zone",
            "Runner" => "runner",
            other => other,
        };
        match self.written_type(ast, PRELUDE) {
            // Prelude types have names that people know them by.
            Type::Record(record) => {
                Type::Record(Arc::new(RecordType::new(Some(shown.into()), record.fields().to_vec())))
            }
            other => other,
        }
    }
}
