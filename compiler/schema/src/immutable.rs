//! Which fields an API server refuses to change after creation. OpenAPI does not say: the table is kept by hand from the
//! validation code of Kubernetes, whose functions the comments name.

use crate::kind::Kind;

/// A part of an object that cannot change after creation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ImmutableField {
    /// A dotted path such as `spec.selector`; everything beneath it is meant. List elements and map values have no step
    /// of their own: `spec.containers.image` is the image of every container.
    pub path: &'static str,
    /// Paths beneath `path` that may change all the same.
    pub except: &'static [&'static str],
    /// When the rule holds.
    pub condition: Condition,
}

/// When a field is immutable, judged on the object as it is in the cluster.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Condition {
    /// From creation on.
    Always,
    /// While the boolean at this path is `true`.
    While(&'static str),
    /// Unless the boolean at this path is `true`.
    Unless(&'static str),
    /// Unless the text at this path has this value, before or after the change.
    UnlessEqual(&'static str, &'static str),
}

impl ImmutableField {
    /// Whether changing the field at `path` (dotted, without steps for list elements) falls under the rule, its condition
    /// aside. A path above the rule's own does not: compare leaves.
    pub fn covers(&self, path: &str) -> bool {
        is_beneath(path, self.path) && !self.except.iter().any(|except| is_beneath(path, except))
    }
}

fn is_beneath(path: &str, above: &str) -> bool {
    path.strip_prefix(above)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
}

impl Kind {
    /// The fields that an API server refuses to change, besides name, namespace, `apiVersion` and `kind`, which make an
    /// object another one. Kinds that are missing here restrict nothing, or only what controllers write.
    pub fn immutable_fields(&self) -> &'static [ImmutableField] {
        // Rows belong to groups, not versions: every version of a group validates the same stored object.
        let wanted = (self.group, self.kind);
        let row = TABLE
            .binary_search_by(|row| (row.0, row.1).cmp(&wanted))
            .ok()
            .and_then(|at| TABLE.get(at));
        row.map_or(&[], |row| row.2)
    }

    /// The rule that forbids changing the field at `path`, a dotted path of a leaf without steps for list elements.
    pub fn immutable(&self, path: &str) -> Option<&'static ImmutableField> {
        self.immutable_fields().iter().find(|field| field.covers(path))
    }
}

const fn always(path: &'static str) -> ImmutableField {
    ImmutableField {
        path,
        except: &[],
        condition: Condition::Always,
    }
}

const fn but(path: &'static str, except: &'static [&'static str]) -> ImmutableField {
    ImmutableField {
        path,
        except,
        condition: Condition::Always,
    }
}

const fn on(condition: Condition, path: &'static str) -> ImmutableField {
    ImmutableField {
        path,
        except: &[],
        condition,
    }
}

/// Frozen once the object says `immutable: true`, which cannot be taken back.
const SEALED: Condition = Condition::While("immutable");

/// Cluster addresses are kept until the Service stops having any.
const HAS_ADDRESSES: Condition = Condition::UnlessEqual("spec.type", "ExternalName");

/// Group, kind and rules, sorted by group and kind.
static TABLE: &[(&str, &str, &[ImmutableField])] = &[
    // ValidateConfigMapUpdate
    (
        "",
        "ConfigMap",
        &[on(SEALED, "binaryData"), on(SEALED, "data"), on(SEALED, "immutable")],
    ),
    // ValidatePersistentVolumeUpdate: the volume source, which is a field per kind of storage
    (
        "",
        "PersistentVolume",
        &[
            always("spec.awsElasticBlockStore"),
            always("spec.azureDisk"),
            always("spec.azureFile"),
            always("spec.cephfs"),
            always("spec.cinder"),
            but("spec.csi", &["spec.csi.controllerExpandSecretRef"]),
            always("spec.fc"),
            always("spec.flexVolume"),
            always("spec.flocker"),
            always("spec.gcePersistentDisk"),
            always("spec.glusterfs"),
            always("spec.hostPath"),
            always("spec.iscsi"),
            always("spec.local"),
            always("spec.nfs"),
            always("spec.photonPersistentDisk"),
            always("spec.portworxVolume"),
            always("spec.quobyte"),
            always("spec.rbd"),
            always("spec.scaleIO"),
            always("spec.storageos"),
            always("spec.volumeMode"),
            always("spec.vsphereVolume"),
        ],
    ),
    // ValidatePersistentVolumeClaimUpdate: bound claims may grow and change their attributes class
    (
        "",
        "PersistentVolumeClaim",
        &[but(
            "spec",
            &["spec.resources.requests", "spec.volumeAttributesClassName"],
        )],
    ),
    // ValidatePodUpdate; that tolerations only grow, gates only shrink and deadlines only shorten is not told apart
    (
        "",
        "Pod",
        &[but(
            "spec",
            &[
                "spec.activeDeadlineSeconds",
                "spec.containers.image",
                "spec.initContainers.image",
                "spec.schedulingGates",
                "spec.tolerations",
            ],
        )],
    ),
    // ValidateResourceQuotaUpdate
    ("", "ResourceQuota", &[always("spec.scopes")]),
    // ValidateSecretUpdate; `stringData` is turned into `data` before validation
    (
        "",
        "Secret",
        &[
            on(SEALED, "data"),
            on(SEALED, "immutable"),
            on(SEALED, "stringData"),
            always("type"),
        ],
    ),
    // ValidateServiceUpdate: validateUpgradeDowngradeClusterIPs; only the primary address is fixed
    ("", "Service", &[on(HAS_ADDRESSES, "spec.clusterIP")]),
    // ValidateControllerRevisionUpdate
    ("apps", "ControllerRevision", &[always("data")]),
    // ValidateDaemonSetSpecUpdate
    ("apps", "DaemonSet", &[always("spec.selector")]),
    // ValidateDeploymentUpdate
    ("apps", "Deployment", &[always("spec.selector")]),
    // ValidateReplicaSetUpdate
    ("apps", "ReplicaSet", &[always("spec.selector")]),
    // ValidateStatefulSetUpdate
    (
        "apps",
        "StatefulSet",
        &[
            always("spec.podManagementPolicy"),
            always("spec.selector"),
            always("spec.serviceName"),
            always("spec.volumeClaimTemplates"),
        ],
    ),
    // ValidateJobSpecUpdate. A suspended job may change scheduling directives and, in newer versions, container
    // resources; indexed jobs may change `completions` along with `parallelism`.
    (
        "batch",
        "Job",
        &[
            always("spec.backoffLimitPerIndex"),
            always("spec.completionMode"),
            on(
                Condition::UnlessEqual("spec.completionMode", "Indexed"),
                "spec.completions",
            ),
            always("spec.managedBy"),
            always("spec.podFailurePolicy"),
            always("spec.selector"),
            always("spec.successPolicy"),
            on(Condition::Unless("spec.suspend"), "spec.template"),
        ],
    ),
    // ValidateClusterTrustBundleUpdate
    (
        "certificates.k8s.io",
        "ClusterTrustBundle",
        &[always("spec.signerName")],
    ),
    // ValidatePodCertificateRequestUpdate
    ("certificates.k8s.io", "PodCertificateRequest", &[always("spec")]),
    // ValidateLeaseCandidateSpecUpdate
    ("coordination.k8s.io", "LeaseCandidate", &[always("spec.leaseName")]),
    // ValidateEndpointSliceUpdate
    ("discovery.k8s.io", "EndpointSlice", &[always("addressType")]),
    // ValidateIPAddressUpdate
    ("networking.k8s.io", "IPAddress", &[always("spec.parentRef")]),
    // ValidateIngressClassUpdate
    ("networking.k8s.io", "IngressClass", &[always("spec.controller")]),
    // ValidateRuntimeClassUpdate
    ("node.k8s.io", "RuntimeClass", &[always("handler")]),
    // ValidateClusterRoleBindingUpdate
    ("rbac.authorization.k8s.io", "ClusterRoleBinding", &[always("roleRef")]),
    // ValidateRoleBindingUpdate
    ("rbac.authorization.k8s.io", "RoleBinding", &[always("roleRef")]),
    // ValidateResourceClaimUpdate
    ("resource.k8s.io", "ResourceClaim", &[always("spec")]),
    // ValidateResourceClaimTemplateUpdate
    ("resource.k8s.io", "ResourceClaimTemplate", &[always("spec")]),
    // ValidatePriorityClassUpdate
    (
        "scheduling.k8s.io",
        "PriorityClass",
        &[always("preemptionPolicy"), always("value")],
    ),
    // ValidateCSIDriverUpdate
    (
        "storage.k8s.io",
        "CSIDriver",
        &[always("spec.attachRequired"), always("spec.volumeLifecycleModes")],
    ),
    // ValidateCSIStorageCapacityUpdate
    (
        "storage.k8s.io",
        "CSIStorageCapacity",
        &[always("nodeTopology"), always("storageClassName")],
    ),
    // ValidateStorageClassUpdate
    (
        "storage.k8s.io",
        "StorageClass",
        &[
            always("parameters"),
            always("provisioner"),
            always("reclaimPolicy"),
            always("volumeBindingMode"),
        ],
    ),
    // ValidateVolumeAttachmentUpdate
    ("storage.k8s.io", "VolumeAttachment", &[always("spec")]),
    // ValidateVolumeAttributesClassUpdate
    (
        "storage.k8s.io",
        "VolumeAttributesClass",
        &[always("driverName"), always("parameters")],
    ),
    // ValidateStorageVersionMigrationUpdate
    ("storagemigration.k8s.io", "StorageVersionMigration", &[always("spec")]),
];

#[cfg(test)]
mod tests {
    use super::TABLE;
    use crate::kinds;

    #[test]
    fn table_is_sorted_and_names_fields_that_exist() {
        assert!(TABLE.is_sorted_by(|one, other| (one.0, one.1) < (other.0, other.1)));
        for (group, name, fields) in TABLE {
            let kind = kinds().find(|kind| kind.group == *group && kind.kind == *name);
            let kind = kind.unwrap_or_else(|| panic!("`{group}` `{name}` is no kind"));
            for path in fields.iter().flat_map(|field| field.except.iter().chain([&field.path])) {
                assert!(kind.field(path).is_some(), "`{name}` has no `{path}`");
            }
            for except in fields
                .iter()
                .flat_map(|field| field.except.iter().map(move |except| (field, except)))
            {
                assert!(
                    !except.0.covers(except.1) && except.1.starts_with(except.0.path),
                    "{except:?}"
                );
            }
        }
    }
}
