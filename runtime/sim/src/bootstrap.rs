//! What a cluster holds before anybody uses it.

use serde_json::{Value, json};

use crate::cluster::State;
use crate::store::Place;
use crate::value::put;

/// Makes the nodes, the usual namespaces, the default Service and the classes.
pub fn fill(state: &mut State, nodes: usize) {
    for name in ["default", "kube-system", "kube-public", "kube-node-lease"] {
        let body = json!({
            "apiVersion": "v1", "kind": "Namespace",
            "metadata": { "name": name, "labels": { "kubernetes.io/metadata.name": name } },
            "spec": { "finalizers": ["kubernetes"] },
            "status": { "phase": "Active" },
        });
        seed(state, Place::new("namespaces", "", name), body);
    }
    for number in 1..=nodes {
        let name = format!("sim-node-{number}");
        let body = node(state, &name, number);
        seed(state, Place::new("nodes", "", &name), body);
    }
    let class = json!({
        "apiVersion": "storage.k8s.io/v1", "kind": "StorageClass",
        "metadata": { "name": "standard", "annotations": { "storageclass.kubernetes.io/is-default-class": "true" } },
        "provisioner": "sim.ktl.io/volumes",
        "reclaimPolicy": "Delete",
        "volumeBindingMode": "Immediate",
    });
    seed(
        state,
        Place::new("storageclasses.storage.k8s.io", "", "standard"),
        class,
    );
    for (name, value) in [
        ("system-cluster-critical", 2_000_000_000),
        ("system-node-critical", 2_000_001_000),
    ] {
        let body = json!({
            "apiVersion": "scheduling.k8s.io/v1", "kind": "PriorityClass", "metadata": { "name": name, "generation": 1 },
            "value": value, "preemptionPolicy": "PreemptLowerPriority",
        });
        seed(state, Place::new("priorityclasses.scheduling.k8s.io", "", name), body);
    }
    let service = json!({
        "apiVersion": "v1", "kind": "Service",
        "metadata": {
            "name": "kubernetes", "namespace": "default",
            "labels": { "component": "apiserver", "provider": "kubernetes" },
        },
        "spec": {
            "type": "ClusterIP", "clusterIP": "10.96.0.1", "clusterIPs": ["10.96.0.1"],
            "ipFamilies": ["IPv4"], "ipFamilyPolicy": "SingleStack", "internalTrafficPolicy": "Cluster",
            "sessionAffinity": "None",
            "ports": [{ "name": "https", "port": 443, "protocol": "TCP", "targetPort": 6443 }],
        },
        "status": { "loadBalancer": {} },
    });
    seed(state, Place::new("services", "default", "kubernetes"), service);
}

fn seed(state: &mut State, place: Place, mut body: Value) {
    let number = state.next("uid").to_string();
    let uid = state.seed.uuid(&["uid", &number]);
    put(&mut body, &["metadata", "uid"], uid);
    put(&mut body, &["metadata", "creationTimestamp"], state.clock.stamp());
    state.write(&place, Some(body));
}

fn node(state: &State, name: &str, number: usize) -> Value {
    let now = state.clock.stamp();
    let condition = |kind: &str, status: &str, reason: &str, message: &str| {
        json!({
            "type": kind, "status": status, "reason": reason, "message": message,
            "lastHeartbeatTime": now, "lastTransitionTime": now,
        })
    };
    let room = json!({ "cpu": "16", "memory": "64Gi", "ephemeral-storage": "200Gi", "pods": "250" });
    json!({
        "apiVersion": "v1", "kind": "Node",
        "metadata": {
            "name": name,
            "labels": {
                "kubernetes.io/arch": "amd64",
                "kubernetes.io/hostname": name,
                "kubernetes.io/os": "linux",
                "topology.kubernetes.io/region": "sim",
                "topology.kubernetes.io/zone": format!("sim-{}", char::from(b'a' + u8::try_from((number - 1) % 3).unwrap_or_default())),
            },
        },
        "spec": { "podCIDR": format!("10.244.{}.0/24", number % 256), "providerID": format!("sim://{name}") },
        "status": {
            "addresses": [
                { "type": "InternalIP", "address": format!("172.18.0.{}", number % 250 + 1) },
                { "type": "Hostname", "address": name },
            ],
            "capacity": room,
            "allocatable": room,
            "conditions": [
                condition("MemoryPressure", "False", "KubeletHasSufficientMemory", "kubelet has sufficient memory available"),
                condition("DiskPressure", "False", "KubeletHasNoDiskPressure", "kubelet has no disk pressure"),
                condition("PIDPressure", "False", "KubeletHasSufficientPID", "kubelet has sufficient PID available"),
                condition("Ready", "True", "KubeletReady", "kubelet is posting ready status"),
            ],
            "nodeInfo": {
                "architecture": "amd64", "operatingSystem": "linux", "osImage": "simulated", "kernelVersion": "6.1.0",
                "kubeletVersion": crate::discovery::version(), "kubeProxyVersion": "",
                "containerRuntimeVersion": "containerd://2.0.0",
                "machineID": name, "systemUUID": name, "bootID": name,
            },
        },
    })
}
