//! Runs policies and tests over a plan of typed objects: what the driver makes of charts and manifests is its own matter.

use ktl_lang::stack::{ReleaseKind, Stack};
use ktl_lang::view::{ContainerRow, EdgeRow, ObjectRow, PlanView, ReleaseRow, Role, WorkloadRow};
use ktl_lang::{Program, Variant};
use ktl_syntax::{Diagnostics, Sources};
use serde_json::Value;

pub fn run(
    program: &Program,
    variant: Variant<'_>,
    stack: Option<&Stack>,
    today: Option<&str>,
    sources: &Sources,
    diagnostics: &mut Diagnostics,
) {
    let Some(stack) = stack else { return };
    let bodies = bodies(stack);
    program.judge(variant, &view(stack, &bodies), today, sources, diagnostics);
    for (index, _) in program.tests().iter().enumerate() {
        let variant = Variant::Test(index);
        let Some(stack) = program.evaluate(variant, sources, &mut Diagnostics::default()) else {
            continue;
        };
        let bodies = self::bodies(&stack);
        let view = view(&stack, &bodies);
        program.judge(variant, &view, today, sources, diagnostics);
        program.expect(index, &view, sources, diagnostics);
    }
}

fn bodies(stack: &Stack) -> Vec<Vec<Value>> {
    let bodies = |kind: &ReleaseKind| match kind {
        ReleaseKind::Objects(objects) => objects.iter().map(|object| object.body.to_json()).collect(),
        _ => Vec::new(),
    };
    stack.releases.iter().map(|release| bodies(&release.kind)).collect()
}

fn view<'a>(stack: &Stack, bodies: &'a [Vec<Value>]) -> PlanView<'a> {
    let id = |at: usize| {
        let release = &stack.releases[at];
        format!("{}/{}/{}", release.cluster, release.namespace, release.name)
    };
    let mut view = PlanView::default();
    for edge in &stack.edges {
        view.edges.push(EdgeRow {
            from: id(edge.from),
            to: id(edge.to),
            reason: "needs".into(),
            span: edge.span,
        });
    }
    for (at, release) in stack.releases.iter().enumerate() {
        view.releases.push(ReleaseRow {
            id: id(at),
            name: release.name.clone(),
            namespace: release.namespace.clone(),
            cluster: release.cluster.clone(),
            tags: release.tags.clone(),
            needs: stack
                .edges
                .iter()
                .filter(|edge| edge.from == at)
                .map(|edge| id(edge.to))
                .collect(),
            span: release.span,
        });
        for body in &bodies[at] {
            let text = |pointer: &str| {
                body.pointer(pointer)
                    .and_then(Value::as_str)
                    .unwrap_or_default()
                    .to_owned()
            };
            let (kind, name) = (text("/kind"), text("/metadata/name"));
            let id = format!("{}/{}/{kind}/{name}", release.cluster, release.namespace);
            if kind == "Deployment" {
                let labels = body.pointer("/metadata/labels").and_then(Value::as_object);
                view.workloads.push(WorkloadRow {
                    id: id.clone(),
                    kind: kind.clone(),
                    name: name.clone(),
                    namespace: release.namespace.clone(),
                    cluster: release.cluster.clone(),
                    release: release.name.clone(),
                    replicas: Some(body.pointer("/spec/replicas").and_then(Value::as_i64).unwrap_or(1)),
                    labels: labels
                        .into_iter()
                        .flatten()
                        .map(|(key, label)| (key.clone(), label.as_str().unwrap().to_owned()))
                        .collect(),
                    span: release.span,
                });
                let containers = body.pointer("/spec/template/spec/containers").and_then(Value::as_array);
                for container in containers.into_iter().flatten() {
                    let text = |key: &str| container[key].as_str().unwrap_or_default().to_owned();
                    view.containers.push(ContainerRow {
                        id: format!("{id}/{}", text("name")),
                        name: text("name"),
                        role: Role::Main,
                        image: text("image"),
                        workload: id.clone(),
                        release: release.name.clone(),
                        span: release.span,
                    });
                }
            }
            view.objects.push(ObjectRow {
                id,
                api_version: text("/apiVersion"),
                kind,
                name,
                namespace: Some(release.namespace.clone()),
                cluster: release.cluster.clone(),
                release: release.name.clone(),
                body,
                span: release.span,
            });
        }
    }
    view
}
