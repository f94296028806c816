//! From instances to the stack: releases, objects and edges.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use ktl_syntax::{Diagnostic, Span};

use super::deps::Dep;
use super::instance::InstId;
use super::{Eval, Evaluator, Failed};
use crate::hir::{InputId, RelId};
use crate::limits;
use crate::load;
use crate::number::Dimension;
use crate::program::{RelKind, Target};
use crate::stack::{Adaptive, Cluster, Data, Object, Release, ReleaseKind, Runner, Stack, Zone};
use crate::types;
use crate::value::{Deps, Fields, Kind, Value};

/// A release with what its edges come from.
pub(super) struct Leaf {
    pub inst: InstId,
    pub release: Release,
    pub needs: Vec<(InstId, Span, bool)>,
    pub uses: BTreeSet<Dep>,
}

impl<'p> Evaluator<'p> {
    /// Evaluates everything, for its mistakes; the stack is made if there were none.
    pub(super) fn stack(&mut self, profile: Option<String>) -> Option<Stack> {
        let program = self.program;
        for id in &program.order {
            let local = program.lets.get(id.index()).is_some_and(|item| {
                program
                    .modules
                    .get(item.module.index())
                    .is_some_and(|module| !module.std)
            });
            if local {
                let span = program.lets.get(id.index()).map(|item| item.span);
                if let Some(span) = span {
                    let _ = self.let_value(*id, span);
                }
            }
        }
        let mut inputs = BTreeMap::new();
        for (index, input) in program.inputs.iter().enumerate() {
            if let Ok(value) = self.input_value(InputId(index as u32), input.span) {
                inputs.insert(input.name.to_string(), value.to_json());
            }
        }
        let clusters = self.clusters();
        let zones = self.zones();
        let runner = self.runner();
        let infer_deps = match self.header_field("inferDeps") {
            Ok(value) => value.is_none_or(|value| !matches!(value.kind, Kind::Bool(false))),
            Err(Failed) => true,
        };
        let owner = self
            .header_field("owner")
            .ok()
            .flatten()
            .and_then(|value| value.as_str().map(|text| text.to_string()));

        let mut leaves = Vec::new();
        for (index, rel) in program.rels.iter().enumerate() {
            if rel.comp.is_none() {
                self.leaves_of(RelId(index as u32), None, rel.span, &mut leaves);
            }
        }
        let mut made: Vec<Leaf> = Vec::new();
        for inst in leaves {
            if let Ok(leaf) = self.leaf(inst) {
                made.push(leaf);
            }
        }
        if made.len() > limits::RELEASES {
            let span = made.last().map(|leaf| leaf.release.span);
            if let Some(span) = span {
                let message = format!("the stack has {} releases, more than {}", made.len(), limits::RELEASES);
                self.diagnostics
                    .push(Diagnostic::error("K0903", span, message).help("split the stack"));
            }
            return None;
        }
        made.sort_by(|a, b| identity(&a.release).cmp(&identity(&b.release)));
        self.duplicates(&made);
        let edges = self.edges(&made);
        self.graph_cycles(&made, &edges);
        self.zone_borders(&made, &edges, &clusters, &zones);
        let header = program.header.as_ref()?;
        Some(Stack {
            name: header.name.to_string(),
            edition: header.edition,
            span: header.span,
            owner,
            profile,
            inputs,
            infer_deps,
            clusters,
            zones,
            runner: runner.unwrap_or_default(),
            releases: made.into_iter().map(|leaf| leaf.release).collect(),
            edges,
        })
    }

    /// Instances below a declaration that are releases themselves, in order.
    fn leaves_of(&mut self, rel: RelId, parent: Option<InstId>, span: Span, leaves: &mut Vec<InstId>) {
        let Ok(members) = self.members(rel, parent, span) else {
            return;
        };
        let mut handles = Vec::new();
        handles_in(&members, &mut handles);
        for (inst, _) in handles {
            self.leaves_below(inst, leaves);
        }
    }

    fn leaves_below(&mut self, inst: InstId, leaves: &mut Vec<InstId>) {
        let Some(component) = self.component(inst) else {
            leaves.push(inst);
            return;
        };
        for inner in &component.rels {
            let span = self.program.rels.get(inner.index()).map(|rel| rel.span);
            if let Some(span) = span {
                self.leaves_of(*inner, Some(inst), span, leaves);
            }
        }
        // Outputs that nobody uses have mistakes too.
        let names: Vec<Arc<str>> = component.outputs.iter().map(|(name, _)| name.clone()).collect();
        for name in names {
            if let Some(span) = self.rel_of(inst).map(|rel| rel.span) {
                let _ = self.output(inst, &name, span);
            }
        }
    }

    fn leaf(&mut self, inst: InstId) -> Eval<Leaf> {
        let declared = self.rel_of(inst).ok_or(Failed)?;
        let span = declared.span;
        // Everything is evaluated before anything fails, so that one run shows all mistakes.
        let name = self.name_of(inst, span);
        let namespace = self.namespace_of(inst, span);
        let cluster = self.cluster_of(inst, span);
        let mut uses: BTreeSet<Dep> = BTreeSet::new();
        let mut failed = false;
        let kind = match &declared.kind {
            RelKind::Error => Err(Failed),
            RelKind::Chart(directory) => self.chart(inst, directory, &mut uses),
            RelKind::Manifests => self.manifests(inst, &mut uses),
            RelKind::Objects => match (&name, &namespace) {
                (Ok(_), Ok(namespace)) => {
                    let namespace = namespace.clone();
                    self.objects(inst, &namespace, &mut uses)
                }
                _ => Err(Failed),
            },
            RelKind::Component(_) => Err(Failed),
        };
        let tags = self.tags(inst);
        let labels = self.labels(inst);
        let timeout = self.inherited(inst, "timeout");
        let group = self.inherited(inst, "parallelismGroup");
        let priority = self.inherited(inst, "priority");
        let needs = self.needs(inst);
        for (output, _) in &declared.outputs {
            failed |= self.output(inst, output, span).is_err();
        }
        for value in [&timeout, &group, &priority].into_iter().flatten().flatten() {
            self.collect(value, &mut uses);
        }
        if failed {
            return Err(Failed);
        }
        let text = |value: Value| value.as_str().map(|text| text.to_string()).ok_or(Failed);
        let Kind::Cluster(cluster) = cluster?.kind else {
            return Err(Failed);
        };
        // The use of a component is what people know it by.
        let mut shown = inst;
        while self.is_self(shown) {
            match self.instance(shown).and_then(|instance| instance.parent) {
                Some(parent) => shown = parent,
                None => break,
            }
        }
        let shown = self.rel_of(shown).ok_or(Failed)?;
        let release = Release {
            name: text(name?)?,
            cluster: self
                .program
                .clusters
                .get(cluster as usize)
                .map_or_else(|| "default".into(), |item| item.name.to_string()),
            namespace: text(namespace?)?,
            kind: kind?,
            kind_text: shown.kind_text.clone(),
            tags: tags?,
            labels: labels?,
            timeout: timeout?.and_then(|value| match &value.kind {
                Kind::Quantity(quantity) if quantity.dimension == Dimension::Duration => {
                    u64::try_from(quantity.amount.round()).ok()
                }
                _ => None,
            }),
            parallelism_group: group?.and_then(|value| value.as_str().map(|text| text.to_string())),
            priority: priority?.and_then(|value| match value.kind {
                Kind::Int(number) => Some(number),
                _ => None,
            }),
            span: shown.span,
        };
        Ok(Leaf {
            inst,
            release,
            needs: needs?,
            uses,
        })
    }

    /// A field of a release, of the use around it, or of the header's defaults.
    fn inherited(&mut self, inst: InstId, name: &str) -> Eval<Option<Value>> {
        let mut at = Some(inst);
        while let Some(one) = at {
            let span = self.rel_of(one).ok_or(Failed)?.span;
            if let Some(value) = self.own_field(one, name, span)? {
                return Ok(Some(value));
            }
            at = self.instance(one).and_then(|instance| instance.parent);
        }
        self.default_field(name)
    }

    fn default_field(&mut self, name: &str) -> Eval<Option<Value>> {
        let defaults = self.header_field("defaults")?;
        let found = defaults
            .as_ref()
            .and_then(|value| value.as_fields())
            .and_then(|fields| fields.get(name));
        Ok(found.filter(|value| !value.is_null()).cloned())
    }

    /// What each level from the release outwards gives; the header's defaults only where no level gives any.
    fn levels(&mut self, inst: InstId, name: &str) -> Eval<Vec<Value>> {
        let mut found = Vec::new();
        let mut at = Some(inst);
        while let Some(one) = at {
            let span = self.rel_of(one).ok_or(Failed)?.span;
            found.extend(self.own_field(one, name, span)?);
            at = self.instance(one).and_then(|instance| instance.parent);
        }
        if found.is_empty() {
            found.extend(self.default_field(name)?);
        }
        Ok(found)
    }

    fn tags(&mut self, inst: InstId) -> Eval<Vec<String>> {
        let levels = self.levels(inst, "tags")?;
        let tags: BTreeSet<String> = levels
            .iter()
            .flat_map(|value| value.items())
            .filter_map(|tag| tag.as_str().map(|text| text.to_string()))
            .collect();
        Ok(tags.into_iter().collect())
    }

    fn labels(&mut self, inst: InstId) -> Eval<BTreeMap<String, String>> {
        let mut labels = BTreeMap::new();
        let mut levels = self.levels_without_defaults(inst, "labels")?;
        levels.reverse();
        let header = self.header_field("labels")?;
        for value in header.iter().chain(&levels) {
            for (key, label) in value.as_fields().into_iter().flat_map(|fields| fields.iter()) {
                labels.insert(key.to_string(), label.as_str().ok_or(Failed)?.to_string());
            }
        }
        Ok(labels)
    }

    fn levels_without_defaults(&mut self, inst: InstId, name: &str) -> Eval<Vec<Value>> {
        let mut found = Vec::new();
        let mut at = Some(inst);
        while let Some(one) = at {
            let span = self.rel_of(one).ok_or(Failed)?.span;
            found.extend(self.own_field(one, name, span)?);
            at = self.instance(one).and_then(|instance| instance.parent);
        }
        Ok(found)
    }

    /// What `needs` names: instances, the place of each, and whether the release itself says so.
    fn needs(&mut self, inst: InstId) -> Eval<Vec<(InstId, Span, bool)>> {
        let span = self.rel_of(inst).ok_or(Failed)?.span;
        let own = self.own_field(inst, "needs", span)?.is_some();
        let levels = self.levels(inst, "needs")?;
        let mut needs = Vec::new();
        for (level, value) in levels.iter().enumerate() {
            for entry in value.items() {
                let mut handles = Vec::new();
                handles_in(entry, &mut handles);
                needs.extend(
                    handles
                        .into_iter()
                        .map(|(needed, _)| (needed, entry.origin, own && level == 0)),
                );
            }
        }
        Ok(needs)
    }

    fn chart(&mut self, inst: InstId, directory: &Arc<str>, uses: &mut BTreeSet<Dep>) -> Eval<ReleaseKind> {
        let span = self.rel_of(inst).ok_or(Failed)?.span;
        let values = self.own_field(inst, "values", span);
        let files = self.own_field(inst, "valueFiles", span);
        let set = self.own_field(inst, "set", span);
        let (values, files, set) = (values?, files?, set?);
        for value in [&values, &files, &set].into_iter().flatten() {
            self.collect(value, uses);
        }
        let mut settings = Vec::new();
        match set.as_ref().map(|value| &value.kind) {
            Some(Kind::List(list)) => {
                for item in &list.items {
                    settings.push((item.as_str().ok_or(Failed)?.to_string(), item.origin));
                }
            }
            Some(Kind::Fields(fields)) => {
                for (key, value) in fields.iter() {
                    // A comma would start the next setting.
                    let text = value.text().ok_or(Failed)?.replace('\\', "\\\\").replace(',', "\\,");
                    settings.push((format!("{key}={text}"), value.origin));
                }
            }
            _ => {}
        }
        Ok(ReleaseKind::Chart {
            directory: directory.to_string(),
            values: Data(values.unwrap_or_else(|| Value::null(span))),
            value_files: self.paths(files.as_ref())?,
            set: settings,
        })
    }

    fn manifests(&mut self, inst: InstId, uses: &mut BTreeSet<Dep>) -> Eval<ReleaseKind> {
        let span = self.rel_of(inst).ok_or(Failed)?.span;
        let files = self.own_field(inst, "files", span)?;
        if let Some(files) = &files {
            self.collect(files, uses);
        }
        Ok(ReleaseKind::Manifests(self.paths(files.as_ref())?))
    }

    /// Paths, relative to the module that each is written in, made relative to the project root.
    fn paths(&mut self, value: Option<&Value>) -> Eval<Vec<(String, Span)>> {
        let mut paths = Vec::new();
        let mut failed = false;
        for item in value.into_iter().flat_map(|value| value.items()) {
            let written = item.as_str().ok_or(Failed)?;
            let module = self.sources.get(item.origin.file).path();
            match load::resolve(module, written) {
                Ok(path) => paths.push((path, item.origin)),
                Err(problem) => {
                    self.diagnostics
                        .push(Diagnostic::error("K0105", item.origin, problem.message(written)));
                    failed = true;
                }
            }
        }
        if failed { Err(Failed) } else { Ok(paths) }
    }

    fn objects(&mut self, inst: InstId, namespace: &Value, uses: &mut BTreeSet<Dep>) -> Eval<ReleaseKind> {
        let span = self.rel_of(inst).ok_or(Failed)?.span;
        let Some(objects) = self.own_field(inst, "objects", span)? else {
            return Err(Failed);
        };
        let labels = self.labels(inst)?;
        let labels: Vec<(Arc<str>, Value)> = labels
            .iter()
            .map(|(key, value)| (key.as_str().into(), Value::string(value.as_str(), span)))
            .collect();
        self.collect(&objects, uses);
        let mut made = Vec::new();
        let mut failed = false;
        for (key, body) in objects.as_fields().ok_or(Failed)?.iter() {
            match self.complete(key, body, namespace, &labels, span) {
                Ok(body) => made.push(Object {
                    key: key.to_string(),
                    span: body.origin,
                    body: Data(body),
                }),
                Err(Failed) => failed = true,
            }
        }
        if failed {
            Err(Failed)
        } else {
            Ok(ReleaseKind::Objects(made))
        }
    }

    /// Fills in an object's name, namespace and labels where they are not given.
    fn complete(
        &mut self,
        key: &Arc<str>,
        body: &Value,
        namespace: &Value,
        labels: &[(Arc<str>, Value)],
        span: Span,
    ) -> Eval<Value> {
        let fields = body.as_fields().ok_or(Failed)?;
        let text = |name: &str| fields.get(name).and_then(|value| value.as_str().cloned()).ok_or(Failed);
        let (api_version, kind) = (text("apiVersion")?, text("kind")?);
        let object = self
            .kinds
            .get(&(api_version.clone(), kind))
            .and_then(|ty| ty.object.clone());
        let namespaced = object.is_none_or(|object| object.namespaced);
        let given = fields.get("metadata").and_then(|metadata| metadata.as_fields());
        let mut metadata = given.map(|fields| fields.to_entries()).unwrap_or_default();
        let has = |name: &str| given.is_some_and(|fields| fields.get(name).is_some());
        if !has("name") && !has("generateName") {
            metadata.push(("name".into(), Value::string(key.clone(), body.origin)));
        }
        if namespaced && !has("namespace") {
            metadata.push((
                "namespace".into(),
                Value {
                    origin: span,
                    ..namespace.clone()
                },
            ));
        }
        if !labels.is_empty() {
            let own = given
                .and_then(|fields| fields.get("labels"))
                .and_then(|labels| labels.as_fields());
            let mut merged = labels.to_vec();
            merged.extend(own.map(|fields| fields.to_entries()).unwrap_or_default());
            metadata.push(("labels".into(), Value::fields(merged, span)));
        }
        let metadata = Fields::from_entries(metadata);
        let name = metadata.get("name").cloned();
        if let Some(name) = name
            && let Some(text) = name.as_str()
        {
            let free = api_version.starts_with("rbac.authorization.k8s.io/");
            let subdomain = text.len() <= 253
                && text.split('.').all(|label| {
                    !label.is_empty()
                        && label
                            .bytes()
                            .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
                        && !label.starts_with('-')
                        && !label.ends_with('-')
                });
            let fits = if free {
                !text.is_empty() && !text.contains(['/', '%'])
            } else {
                subdomain
            };
            if !fits {
                let mut diagnostic = Diagnostic::error(
                    "K0303",
                    name.origin,
                    format!("{} is not a name for an object", types::shown(text)),
                );
                let better = types::kebab(text);
                diagnostic = match better.is_empty() {
                    true => diagnostic.help("use lower-case letters, digits, `-` and `.`"),
                    false => diagnostic.help(format!("try \"{better}\"")),
                };
                return self.fail(diagnostic);
            }
        }
        let mut entries = fields.to_entries();
        let origin = fields.get("metadata").map_or(body.origin, |metadata| metadata.origin);
        let metadata = Value {
            kind: Kind::Fields(Arc::new(metadata)),
            deps: Deps::default(),
            origin,
        };
        entries.push(("metadata".into(), metadata));
        Ok(Value {
            kind: Kind::Fields(Arc::new(Fields::from_entries(entries))),
            deps: body.deps,
            origin: body.origin,
        })
    }

    /// The references that a value and all below it were computed from.
    fn collect(&self, value: &Value, uses: &mut BTreeSet<Dep>) {
        if value.deps != Deps::default() {
            uses.extend(self.deps.get(value.deps).iter().copied());
        }
        match &value.kind {
            Kind::List(list) => list.items.iter().for_each(|item| self.collect(item, uses)),
            Kind::Fields(fields) => fields.values.iter().for_each(|value| self.collect(value, uses)),
            _ => {}
        }
    }

    fn clusters(&mut self) -> Vec<Cluster> {
        let program = self.program;
        let mut clusters = Vec::new();
        for (index, item) in program.clusters.iter().enumerate() {
            let Ok(value) = self.declaration(&item.body, Target::Cluster(index as u32), item.span) else {
                continue;
            };
            let text = |name: &str| field(&value, name).and_then(|value| value.as_str().map(|text| text.to_string()));
            let zone = match field(&value, "zone").map(|value| &value.kind) {
                Some(Kind::Zone(zone)) => program.zones.get(*zone as usize).map(|zone| zone.name.to_string()),
                _ => None,
            };
            clusters.push(Cluster {
                name: item.name.to_string(),
                zone,
                context: text("context"),
                kubeconfig: text("kubeconfig"),
                span: item.span,
            });
        }
        if program.clusters.is_empty()
            && let Some(header) = &program.header
        {
            clusters.push(Cluster {
                name: "default".into(),
                zone: None,
                context: None,
                kubeconfig: None,
                span: header.span,
            });
        }
        clusters.sort_by(|a, b| a.name.cmp(&b.name));
        clusters
    }

    fn zones(&mut self) -> Vec<Zone> {
        let program = self.program;
        let mut zones = Vec::new();
        for (index, item) in program.zones.iter().enumerate() {
            let Ok(value) = self.declaration(&item.body, Target::Zone(index as u32), item.span) else {
                continue;
            };
            let mirror = field(&value, "mirror").and_then(|mirror| mirror.as_fields());
            let mirror = mirror.into_iter().flat_map(|fields| fields.iter());
            zones.push(Zone {
                name: item.name.to_string(),
                airgapped: matches!(
                    field(&value, "airgapped").map(|value| &value.kind),
                    Some(Kind::Bool(true))
                ),
                mirror: mirror
                    .filter_map(|(key, to)| Some((key.to_string(), to.as_str()?.to_string())))
                    .collect(),
                span: item.span,
            });
        }
        zones.sort_by(|a, b| a.name.cmp(&b.name));
        zones
    }

    fn runner(&mut self) -> Eval<Runner> {
        let program = self.program;
        let value = match &program.runner {
            Some(body) => self.declaration(body, Target::Runner, body.span)?,
            None => match (self.overlays.get(&Target::Runner).cloned(), &program.header) {
                (Some(overlay), Some(header)) => self
                    .laid_over_nothing(&overlay, header.span)?
                    .unwrap_or_else(|| Value::null(header.span)),
                _ => return Ok(Runner::default()),
            },
        };
        let at = |path: &[&str]| {
            let mut at = &value;
            for key in path {
                at = field(at, key)?;
            }
            Some(at)
        };
        let number = |path: &[&str]| match at(path)?.kind {
            Kind::Int(number) => u32::try_from(number).ok(),
            _ => None,
        };
        let kinds = at(&["limits", "maxParallelKind"]).and_then(|value| value.as_fields());
        Ok(Runner {
            concurrency: number(&["concurrency"]),
            progressive_concurrency: match at(&["progressiveConcurrency"]).map(|value| &value.kind) {
                Some(Kind::Bool(flag)) => Some(*flag),
                _ => None,
            },
            max_parallel_per_namespace: number(&["limits", "maxParallelPerNamespace"]),
            max_parallel_kind: kinds
                .into_iter()
                .flat_map(|fields| fields.iter())
                .filter_map(|(kind, value)| match value.kind {
                    Kind::Int(number) => Some((kind.to_string(), u32::try_from(number).ok()?)),
                    _ => None,
                })
                .collect(),
            parallelism_group_limit: number(&["limits", "parallelismGroupLimit"]),
            adaptive: at(&["adaptive"]).map(|_| Adaptive {
                mode: at(&["adaptive", "mode"]).and_then(|value| value.as_str().map(|text| text.to_string())),
                min: number(&["adaptive", "min"]),
                window: number(&["adaptive", "window"]),
                ramp_after_successes: number(&["adaptive", "rampAfterSuccesses"]),
                ramp_max_failure_rate: at(&["adaptive", "rampMaxFailureRate"]).and_then(|value| match value.kind {
                    Kind::Decimal(rate) => Some(rate.normalize().to_string()),
                    _ => None,
                }),
                cooldown_severe: number(&["adaptive", "cooldownSevere"]),
            }),
            kube_qps: number(&["kubeQPS"]),
            kube_burst: number(&["kubeBurst"]),
            api_max_in_flight: number(&["api", "maxInFlight"]),
        })
    }
}

pub(super) fn identity(release: &Release) -> (&str, &str, &str) {
    (&release.cluster, &release.namespace, &release.name)
}

fn field<'v>(value: &'v Value, name: &str) -> Option<&'v Value> {
    value.as_fields()?.get(name).filter(|value| !value.is_null())
}

/// Releases in a value: one, or the members of a family.
fn handles_in(value: &Value, handles: &mut Vec<(InstId, Span)>) {
    match &value.kind {
        Kind::Release(inst) => handles.push((InstId(*inst), value.origin)),
        Kind::Fields(fields) => fields.values.iter().for_each(|value| handles_in(value, handles)),
        _ => {}
    }
}
