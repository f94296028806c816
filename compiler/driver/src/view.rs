//! The plan as policies and tests see it.

use std::collections::BTreeMap;

use ktl_lang::stack::{Data, EdgeReason, Release, ReleaseKind, Stack};
use ktl_lang::view::{ContainerRow, EdgeRow, ObjectRow, PlanView, ReleaseRow, Role, WorkloadRow};
use ktl_plan::{Reason, RenderedObject};
use ktl_syntax::{Sources, Span};
use serde_json::Value;

use crate::assemble::Assembled;
use crate::infer::pod_spec;

/// The rows of a stack's plan: releases and objects by identity, edges by what they join.
pub(crate) fn view<'a>(stack: &Stack, assembled: &'a Assembled, sources: &Sources) -> PlanView<'a> {
    let typed = typed(stack);
    let edges = edges(stack, assembled);
    let mut view = PlanView {
        releases: releases(stack, &edges),
        edges,
        ..PlanView::default()
    };
    for body in &assembled.bodies {
        let Some(release) = stack.releases.get(body.release) else {
            continue;
        };
        let id = body.id.clone();
        let (at, body) = (body, &body.object);
        let key = (at.release, body.key.kind.as_str(), body.key.name.as_str());
        let origin = Origin {
            data: typed.get(&key).copied(),
            span: at.span,
            sources,
        };
        workload(&mut view, body, &id, release, &origin);
        view.objects.push(ObjectRow {
            id,
            api_version: body.api_version.clone(),
            kind: body.key.kind.clone(),
            name: body.key.name.clone(),
            namespace: body.key.namespace.clone(),
            cluster: body.key.cluster.clone(),
            release: release.name.clone(),
            body: &body.body,
            span: at.span,
        });
    }
    view
}

/// The typed objects by release, kind and name. Two of one kind's name in different groups are told apart nowhere that
/// matters: they only say where a finding points.
fn typed(stack: &Stack) -> BTreeMap<(usize, &str, &str), &Data> {
    let releases = stack.releases.iter().enumerate();
    let objects = releases.flat_map(|(index, release)| match &release.kind {
        ReleaseKind::Objects(objects) => objects.iter().map(|object| (index, &object.body)).collect(),
        _ => Vec::new(),
    });
    let mut found = BTreeMap::new();
    for (index, data) in objects {
        if let (Some(kind), Some(name)) = (data.text_at(&["kind"]), data.text_at(&["metadata", "name"])) {
            found.insert((index, kind, name), data);
        }
    }
    found
}

/// Where the parts of an object were written.
struct Origin<'a> {
    /// Of a typed object.
    data: Option<&'a Data>,
    /// Of the whole object.
    span: Span,
    sources: &'a Sources,
}

impl Origin<'_> {
    /// The place of a part in the project's own files; what the standard library fills in has that of the object.
    fn of(&self, path: &[&str]) -> Span {
        let part = self.data.map(|data| data.origin(path));
        let own = |span: &Span| !self.sources.get(span.file).path().starts_with("std/");
        part.filter(own).unwrap_or(self.span)
    }
}

fn release_id(release: &Release) -> String {
    let Release {
        cluster,
        namespace,
        name,
        ..
    } = release;
    format!("{cluster}/{namespace}/{name}")
}

fn releases(stack: &Stack, edges: &[EdgeRow]) -> Vec<ReleaseRow> {
    let mut needs: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for edge in edges {
        needs.entry(&edge.from).or_default().push(edge.to.clone());
    }
    let row = |release: &Release| {
        let id = release_id(release);
        let mut needs = needs.remove(id.as_str()).unwrap_or_default();
        needs.sort();
        needs.dedup();
        ReleaseRow {
            id,
            name: release.name.clone(),
            namespace: release.namespace.clone(),
            cluster: release.cluster.clone(),
            tags: release.tags.clone(),
            needs,
            span: release.span,
        }
    };
    stack.releases.iter().map(row).collect()
}

/// Between releases. What one object needs of another counts for their releases, if they are two.
fn edges(stack: &Stack, assembled: &Assembled) -> Vec<EdgeRow> {
    let mut found: BTreeMap<(usize, usize, String), Span> = BTreeMap::new();
    for edge in &stack.edges {
        let reason = match &edge.reason {
            EdgeReason::Needs => "needs".to_owned(),
            EdgeReason::Reference { text } => text.clone(),
        };
        found.entry((edge.from, edge.to, reason)).or_insert(edge.span);
    }
    for edge in &assembled.inferred {
        let place = |index: usize| assembled.bodies.get(index);
        let (Some(from), Some(to)) = (place(edge.from), place(edge.to)) else {
            continue;
        };
        if let Reason::Inferred { evidence, .. } = &edge.reason
            && from.release != to.release
        {
            found
                .entry((from.release, to.release, evidence.clone()))
                .or_insert(from.span);
        }
    }
    let id = |index: usize| stack.releases.get(index).map(release_id).unwrap_or_default();
    let row = |((from, to, reason), span): ((usize, usize, String), Span)| EdgeRow {
        from: id(from),
        to: id(to),
        reason,
        span,
    };
    found.into_iter().map(row).collect()
}

fn workload(view: &mut PlanView<'_>, object: &RenderedObject, id: &str, release: &Release, origin: &Origin<'_>) {
    let Some((path, spec)) = pod_spec(object) else {
        return;
    };
    let text = |value: Option<&Value>| value.and_then(Value::as_str).unwrap_or_default().to_owned();
    let labels = object.body.pointer("/metadata/labels").and_then(Value::as_object);
    let labels = labels
        .into_iter()
        .flatten()
        .map(|(key, value)| (key.clone(), text(Some(value))));
    let replicas = match object.key.kind.as_str() {
        "Deployment" | "StatefulSet" | "ReplicaSet" | "ReplicationController" => Some(
            object
                .body
                .pointer("/spec/replicas")
                .and_then(Value::as_i64)
                .unwrap_or(1),
        ),
        _ => None,
    };
    view.workloads.push(WorkloadRow {
        id: id.to_owned(),
        kind: object.key.kind.clone(),
        name: object.key.name.clone(),
        namespace: object.key.namespace.clone().unwrap_or_default(),
        cluster: object.key.cluster.clone(),
        release: release.name.clone(),
        replicas,
        labels: labels.collect(),
        span: origin.of(&["spec", "replicas"]),
    });
    for (role, list) in [(Role::Main, "containers"), (Role::Init, "initContainers")] {
        let containers = spec.get(list).and_then(Value::as_array).into_iter().flatten();
        for (index, container) in containers.enumerate() {
            let index = index.to_string();
            let image: Vec<&str> = path.split('.').chain([list, index.as_str(), "image"]).collect();
            let name = text(container.get("name"));
            view.containers.push(ContainerRow {
                id: format!("{id}/{name}"),
                name,
                role,
                image: text(container.get("image")),
                workload: id.to_owned(),
                release: release.name.clone(),
                span: origin.of(&image),
            });
        }
    }
}
