//! PersistentVolumeClaims: bound to a volume made for them.

use std::time::Duration;

use serde_json::json;

use super::{events, hand};
use crate::cluster::State;
use crate::store::Place;
use crate::value::{at, is_terminating, items, name, put, text, uid};

/// From the claim to its volume.
const PROVISIONING: Duration = Duration::from_millis(150);

/// Provisions a volume and binds the claim to it.
pub fn step(state: &mut State, place: &Place) -> Option<Duration> {
    let Some(claim) = state.store.at(place).cloned() else {
        release(state, place);
        return None;
    };
    if is_terminating(&claim) || text(&claim, &["status", "phase"]) == "Bound" {
        return None;
    }
    let class = text(&claim, &["spec", "storageClassName"]).to_owned();
    let known = state.store.get("storageclasses.storage.k8s.io", "", &class).cloned();
    let Some(class_object) = known else {
        let why = format!("storageclass.storage.k8s.io \"{class}\" not found");
        if text(&claim, &["status", "phase"]) == "Pending" && state.told.insert(uid(&claim).to_owned()) {
            events::record(
                state,
                &claim,
                "persistentvolume-controller",
                "Warning",
                "ProvisioningFailed",
                &why,
            );
        }
        return None;
    };
    if text(&class_object, &["volumeBindingMode"]) == "WaitForFirstConsumer" {
        let used = state.store.list("pods", &place.namespace).iter().any(|pod| {
            items(pod, &["spec", "volumes"])
                .iter()
                .any(|volume| text(volume, &["persistentVolumeClaim", "claimName"]) == place.name)
        });
        if !used {
            return None;
        }
    }
    let now = state.clock.elapsed();
    let due = *state
        .balancers
        .entry(uid(&claim).to_owned())
        .or_insert(now + state.clock.scaled(PROVISIONING));
    if now < due {
        return Some(due);
    }
    state.balancers.remove(uid(&claim));
    let volume = format!("pvc-{}", uid(&claim));
    let size = at(&claim, &["spec", "resources", "requests", "storage"])
        .cloned()
        .unwrap_or_default();
    let modes = at(&claim, &["spec", "accessModes"]).cloned().unwrap_or_default();
    let body = json!({
        "apiVersion": "v1",
        "kind": "PersistentVolume",
        "metadata": { "name": volume },
        "spec": {
            "capacity": { "storage": size },
            "accessModes": modes,
            "storageClassName": class,
            "persistentVolumeReclaimPolicy": "Delete",
            "hostPath": { "path": format!("/var/sim/{volume}") },
            "claimRef": {
                "apiVersion": "v1", "kind": "PersistentVolumeClaim",
                "namespace": place.namespace, "name": name(&claim), "uid": uid(&claim),
            },
        },
    });
    if hand::create(state, "persistentvolumes", hand::CONTROLLERS, body).is_ok() {
        let inner = Place::new("persistentvolumes", "", &volume);
        hand::update_status(state, &inner, hand::CONTROLLERS, |volume| {
            put(volume, &["status", "phase"], "Bound")
        });
    }
    hand::update(state, place, hand::CONTROLLERS, |claim| {
        put(claim, &["spec", "volumeName"], volume.as_str())
    });
    hand::update_status(state, place, hand::CONTROLLERS, |claim| {
        put(
            claim,
            &["status"],
            json!({ "phase": "Bound", "accessModes": modes, "capacity": { "storage": size } }),
        );
    });
    let message = format!("Successfully provisioned volume {volume}");
    events::record(
        state,
        &claim,
        "persistentvolume-controller",
        "Normal",
        "ProvisioningSucceeded",
        &message,
    );
    None
}

/// Deletes the volume of a claim that went.
fn release(state: &mut State, place: &Place) {
    let volumes = state.store.list("persistentvolumes", "");
    let ours = volumes.iter().filter(|volume| {
        text(volume, &["spec", "claimRef", "name"]) == place.name
            && text(volume, &["spec", "claimRef", "namespace"]) == place.namespace
            && text(volume, &["spec", "persistentVolumeReclaimPolicy"]) == "Delete"
    });
    let ours: Vec<Place> = ours
        .map(|volume| Place::new("persistentvolumes", "", name(volume)))
        .collect();
    for volume in ours {
        crate::ops::remove(state, &volume);
    }
}
