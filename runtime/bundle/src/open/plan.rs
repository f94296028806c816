//! The plan, against everything that is beside it.

use std::collections::BTreeSet;

use ktl_plan::{Digest, Plan, canonical};
use serde::Deserialize;

use super::inner::Inner;
use super::{Check, Parts, refuse, refuse_json};
use crate::verdict::{Failure, Refusal, StepId};

const STEP: StepId = StepId::Plan;

impl Check<'_> {
    pub(super) fn plan(&mut self, parts: &Parts, inner: &Inner) -> Result<Plan, Refusal> {
        let plan: Plan = canonical::from_slice(&parts.plan).map_err(|error| refuse_json(STEP, "the plan", &error))?;
        let predicate = &parts.signed.predicate;
        let said = (&predicate.stack, &predicate.environment, &predicate.render.ktl);
        if said != (&plan.stack, &plan.profile, &plan.ktl) {
            let message = "the statement and the plan name different stacks, profiles or versions of ktl";
            return Err(refuse(STEP, Failure::Malformed, message));
        }
        ktl_plan::validate(&plan, &inner.objects).map_err(|error| {
            refuse(
                STEP,
                Failure::Malformed,
                format!("the plan cannot be executed: {error}"),
            )
        })?;
        sources(&plan, inner)?;
        objects(&plan, inner)?;
        let objects = plan.releases.iter().map(|release| release.objects.len()).sum::<usize>();
        self.passed(STEP, format!("{} releases, {objects} objects", plan.releases.len()));
        Ok(plan)
    }
}

/// The plan lists the sources that are there, by digest.
fn sources(plan: &Plan, inner: &Inner) -> Result<(), Refusal> {
    if !plan.sources.is_sorted_by(|a, b| a.path < b.path) {
        return Err(refuse(
            STEP,
            Failure::Malformed,
            "the plan's sources are not sorted, or one stands twice",
        ));
    }
    for source in &plan.sources {
        let body = inner.sources.get(&source.path);
        if body.map(|body| Digest::of(body)) != Some(source.digest) {
            let found = if body.is_some() { "another one" } else { "none" };
            let message = format!(
                "the plan was made from {:?} of {}, the bundle has {found}",
                source.path, source.digest
            );
            return Err(refuse(STEP, Failure::DigestMismatch, message));
        }
    }
    if inner.sources.len() != plan.sources.len() {
        let listed = |path: &&String| !plan.sources.iter().any(|source| source.path == **path);
        let extra = inner.sources.keys().find(listed).cloned().unwrap_or_default();
        let message = format!("the bundle has a source {extra:?} that the plan was not made from");
        return Err(refuse(STEP, Failure::Malformed, message));
    }
    Ok(())
}

/// Each body is the object that the plan says, and no body is left over.
fn objects(plan: &Plan, inner: &Inner) -> Result<(), Refusal> {
    let mut used = BTreeSet::new();
    for object in plan.releases.iter().flat_map(|release| &release.objects) {
        let Some(body) = inner.objects.get(&object.digest) else {
            return Err(refuse(
                STEP,
                Failure::DigestMismatch,
                format!("the body of {:?} is missing", object.id),
            ));
        };
        used.insert(object.digest);
        canonical::check_body(body)
            .map_err(|error| refuse_json(STEP, &format!("the body of {:?}", object.id), &error))?;
        let refuse_body = |problem: String| {
            let message = format!(
                "the body of {:?} is not the object that the plan says: {problem}",
                object.id
            );
            refuse(STEP, Failure::Malformed, message)
        };
        let found: Body = serde_json::from_slice(body).map_err(|error| refuse_body(error.to_string()))?;
        let expected = (&object.api_version, &object.kind, &object.name);
        if (&found.api_version, &found.kind, &found.metadata.name) != expected {
            return Err(refuse_body(format!(
                "{:?} {:?} {:?}",
                found.api_version, found.kind, found.metadata.name
            )));
        }
        if let (Some(found), Some(expected)) = (&found.metadata.namespace, &object.namespace)
            && found != expected
        {
            return Err(refuse_body(format!(
                "it is in namespace {found:?}, expected {expected:?}"
            )));
        }
    }
    match inner.objects.keys().find(|digest| !used.contains(*digest)) {
        Some(digest) => {
            let message = format!("the bundle has an object {digest} that the plan does not name");
            Err(refuse(STEP, Failure::Malformed, message))
        }
        None => Ok(()),
    }
}

/// What says which object a body is.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Body {
    api_version: String,
    kind: String,
    metadata: Metadata,
}

#[derive(Deserialize)]
struct Metadata {
    name: String,
    #[serde(default)]
    namespace: Option<String>,
}
