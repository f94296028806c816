//! The columns of each resource.

use serde_json::{Value, json};

use super::human;
use super::workloads as w;
use crate::clock;
use crate::resources::Resource;
use crate::value::{at, condition, flag, int, items, members, name, text};

/// An object that becomes a row, at a moment in Unix seconds.
pub struct Row<'a> {
    pub object: &'a Value,
    pub now: i64,
}

/// A column of a table.
pub struct Column {
    name: String,
    kind: String,
    /// 0 is always shown, 1 with `-o wide`.
    priority: i64,
}

impl Column {
    fn new(name: &str, kind: &str, priority: i64) -> Self {
        Self {
            name: name.to_owned(),
            kind: kind.to_owned(),
            priority,
        }
    }

    /// The column's definition.
    pub fn to_json(&self) -> Value {
        let format = if self.name == "Name" { "name" } else { "" };
        json!({
            "name": self.name, "type": self.kind, "format": format, "description": self.name,
            "priority": self.priority,
        })
    }
}

/// What stands in a cell.
pub type Cell = Box<dyn Fn(&Row<'_>) -> Value>;

/// One line of the tables below: title (`+` in front for wide ones), type, cell.
type Line = (&'static str, &'static str, fn(&Row<'_>) -> Value);

/// The columns of a resource, and how their cells are made.
pub fn of(resource: &Resource) -> (Vec<Column>, Vec<Cell>) {
    if let Some(custom) = &resource.custom {
        return custom_columns(&custom.columns);
    }
    let lines = LINES.iter().find(|(collection, _)| *collection == resource.collection);
    let lines: &[Line] = lines.map_or(&[("Created At", "date", created)], |(_, lines)| lines);
    let own_name = resource.collection != "events";
    let first: &[Line] = if own_name { &[("Name", "string", title)] } else { &[] };
    let all = first.iter().chain(lines);
    let columns = all.clone().map(|(title, kind, _)| {
        let wide = title.strip_prefix('+');
        Column::new(wide.unwrap_or(title), kind, i64::from(wide.is_some()))
    });
    (
        columns.collect(),
        all.map(|(.., cell)| Box::new(cell) as Cell).collect(),
    )
}

const AGE: Line = ("Age", "string", age);

const LINES: &[(&str, &[Line])] = &[
    (
        "pods",
        &[
            ("Ready", "string", w::pod_ready),
            ("Status", "string", w::pod_status),
            ("Restarts", "string", w::pod_restarts),
            AGE,
            ("+IP", "string", |row| or_none(text(row.object, &["status", "podIP"]))),
            ("+Node", "string", |row| {
                or_none(text(row.object, &["spec", "nodeName"]))
            }),
            ("+Nominated Node", "string", |row| {
                or_none(text(row.object, &["status", "nominatedNodeName"]))
            }),
            ("+Readiness Gates", "string", |_| or_none("")),
        ],
    ),
    (
        "deployments.apps",
        &[
            ("Ready", "string", |row| {
                ratio(row, &["status", "readyReplicas"], &["spec", "replicas"])
            }),
            ("Up-to-date", "integer", |row| {
                number(row, &["status", "updatedReplicas"])
            }),
            ("Available", "integer", |row| {
                number(row, &["status", "availableReplicas"])
            }),
            AGE,
            ("+Containers", "string", w::template_containers),
            ("+Images", "string", w::template_images),
            ("+Selector", "string", w::selector),
        ],
    ),
    (
        "replicasets.apps",
        &[
            ("Desired", "integer", |row| number(row, &["spec", "replicas"])),
            ("Current", "integer", |row| number(row, &["status", "replicas"])),
            ("Ready", "integer", |row| number(row, &["status", "readyReplicas"])),
            AGE,
            ("+Containers", "string", w::template_containers),
            ("+Images", "string", w::template_images),
            ("+Selector", "string", w::selector),
        ],
    ),
    (
        "statefulsets.apps",
        &[
            ("Ready", "string", |row| {
                ratio(row, &["status", "readyReplicas"], &["spec", "replicas"])
            }),
            AGE,
            ("+Containers", "string", w::template_containers),
            ("+Images", "string", w::template_images),
        ],
    ),
    (
        "daemonsets.apps",
        &[
            ("Desired", "integer", |row| {
                number(row, &["status", "desiredNumberScheduled"])
            }),
            ("Current", "integer", |row| {
                number(row, &["status", "currentNumberScheduled"])
            }),
            ("Ready", "integer", |row| number(row, &["status", "numberReady"])),
            ("Up-to-date", "integer", |row| {
                number(row, &["status", "updatedNumberScheduled"])
            }),
            ("Available", "integer", |row| {
                number(row, &["status", "numberAvailable"])
            }),
            ("Node Selector", "string", |row| {
                labels(row.object, &["spec", "template", "spec", "nodeSelector"])
            }),
            AGE,
            ("+Containers", "string", w::template_containers),
            ("+Images", "string", w::template_images),
            ("+Selector", "string", w::selector),
        ],
    ),
    (
        "jobs.batch",
        &[
            ("Status", "string", w::job_status),
            ("Completions", "string", w::job_completions),
            ("Duration", "string", w::job_duration),
            AGE,
            ("+Containers", "string", w::template_containers),
            ("+Images", "string", w::template_images),
            ("+Selector", "string", w::selector),
        ],
    ),
    (
        "cronjobs.batch",
        &[
            ("Schedule", "string", |row| word(row, &["spec", "schedule"])),
            ("Timezone", "string", |row| {
                or_none(text(row.object, &["spec", "timeZone"]))
            }),
            ("Suspend", "boolean", |row| {
                Value::from(if flag(row.object, &["spec", "suspend"]) {
                    "True"
                } else {
                    "False"
                })
            }),
            ("Active", "integer", |row| {
                Value::from(items(row.object, &["status", "active"]).len())
            }),
            ("Last Schedule", "string", |row| {
                since(row, text(row.object, &["status", "lastScheduleTime"]), "<none>")
            }),
            AGE,
        ],
    ),
    (
        "services",
        &[
            ("Type", "string", |row| word(row, &["spec", "type"])),
            ("Cluster-IP", "string", |row| {
                or_none(text(row.object, &["spec", "clusterIP"]))
            }),
            ("External-IP", "string", w::external_address),
            ("Port(s)", "string", w::service_ports),
            AGE,
            ("+Selector", "string", |row| labels(row.object, &["spec", "selector"])),
        ],
    ),
    (
        "configmaps",
        &[
            ("Data", "integer", |row| {
                Value::from(members(row.object, &["data"]).count() + members(row.object, &["binaryData"]).count())
            }),
            AGE,
        ],
    ),
    (
        "secrets",
        &[
            ("Type", "string", |row| word(row, &["type"])),
            ("Data", "integer", |row| {
                Value::from(members(row.object, &["data"]).count())
            }),
            AGE,
        ],
    ),
    (
        "namespaces",
        &[("Status", "string", |row| word(row, &["status", "phase"])), AGE],
    ),
    ("serviceaccounts", &[AGE]),
    ("endpoints", &[("Endpoints", "string", w::endpoints), AGE]),
    (
        "endpointslices.discovery.k8s.io",
        &[
            ("AddressType", "string", |row| word(row, &["addressType"])),
            ("Ports", "string", |row| {
                let ports = items(row.object, &["ports"])
                    .iter()
                    .filter_map(|port| int(port, &["port"]));
                or_none_list(ports.map(|port| port.to_string()).collect())
            }),
            ("Endpoints", "string", |row| {
                let all = items(row.object, &["endpoints"])
                    .iter()
                    .flat_map(|entry| items(entry, &["addresses"]));
                or_none_list(all.filter_map(Value::as_str).map(str::to_owned).collect())
            }),
            AGE,
        ],
    ),
    (
        "events",
        &[
            ("Last Seen", "string", |row| {
                since(row, text(row.object, &["lastTimestamp"]), "<unknown>")
            }),
            ("Type", "string", |row| word(row, &["type"])),
            ("Reason", "string", |row| word(row, &["reason"])),
            ("Object", "string", |row| {
                let kind = text(row.object, &["involvedObject", "kind"]).to_lowercase();
                Value::from(format!("{kind}/{}", text(row.object, &["involvedObject", "name"])))
            }),
            ("+Subobject", "string", |row| {
                word(row, &["involvedObject", "fieldPath"])
            }),
            ("+Source", "string", |row| word(row, &["source", "component"])),
            ("Message", "string", |row| word(row, &["message"])),
            ("+First Seen", "string", |row| {
                since(row, text(row.object, &["firstTimestamp"]), "<unknown>")
            }),
            ("+Count", "string", |row| number(row, &["count"])),
            ("+Name", "string", title),
        ],
    ),
    (
        "ingresses.networking.k8s.io",
        &[
            ("Class", "string", |row| {
                or_none(text(row.object, &["spec", "ingressClassName"]))
            }),
            ("Hosts", "string", |row| {
                let hosts = items(row.object, &["spec", "rules"])
                    .iter()
                    .map(|rule| text(rule, &["host"]));
                let hosts: Vec<&str> = hosts.map(|host| if host.is_empty() { "*" } else { host }).collect();
                Value::from(if hosts.is_empty() {
                    "*".to_owned()
                } else {
                    hosts.join(",")
                })
            }),
            ("Address", "string", |row| {
                let all = items(row.object, &["status", "loadBalancer", "ingress"]).iter();
                let all = all.map(|one| [text(one, &["ip"]), text(one, &["hostname"])].concat());
                Value::from(all.collect::<Vec<_>>().join(","))
            }),
            ("Ports", "string", |row| {
                Value::from(if items(row.object, &["spec", "tls"]).is_empty() {
                    "80"
                } else {
                    "80, 443"
                })
            }),
            AGE,
        ],
    ),
    (
        "persistentvolumeclaims",
        &[
            ("Status", "string", |row| {
                let gone = crate::value::is_terminating(row.object);
                if gone {
                    Value::from("Terminating")
                } else {
                    word(row, &["status", "phase"])
                }
            }),
            ("Volume", "string", |row| word(row, &["spec", "volumeName"])),
            ("Capacity", "string", |row| {
                word(row, &["status", "capacity", "storage"])
            }),
            ("Access Modes", "string", |row| {
                w::access_modes(row.object, &["status", "accessModes"])
            }),
            ("StorageClass", "string", |row| word(row, &["spec", "storageClassName"])),
            ("VolumeAttributesClass", "string", |_| Value::from("<unset>")),
            AGE,
            ("+VolumeMode", "string", |row| word(row, &["spec", "volumeMode"])),
        ],
    ),
    (
        "persistentvolumes",
        &[
            ("Capacity", "string", |row| word(row, &["spec", "capacity", "storage"])),
            ("Access Modes", "string", |row| {
                w::access_modes(row.object, &["spec", "accessModes"])
            }),
            ("Reclaim Policy", "string", |row| {
                word(row, &["spec", "persistentVolumeReclaimPolicy"])
            }),
            ("Status", "string", |row| word(row, &["status", "phase"])),
            ("Claim", "string", |row| {
                let claim = |field: &str| text(row.object, &["spec", "claimRef", field]);
                Value::from(if claim("name").is_empty() {
                    String::new()
                } else {
                    format!("{}/{}", claim("namespace"), claim("name"))
                })
            }),
            ("StorageClass", "string", |row| word(row, &["spec", "storageClassName"])),
            ("VolumeAttributesClass", "string", |_| Value::from("<unset>")),
            ("Reason", "string", |row| word(row, &["status", "reason"])),
            AGE,
            ("+VolumeMode", "string", |row| word(row, &["spec", "volumeMode"])),
        ],
    ),
    (
        "storageclasses.storage.k8s.io",
        &[
            ("Provisioner", "string", |row| word(row, &["provisioner"])),
            ("ReclaimPolicy", "string", |row| word(row, &["reclaimPolicy"])),
            ("VolumeBindingMode", "string", |row| word(row, &["volumeBindingMode"])),
            ("AllowVolumeExpansion", "string", |row| {
                Value::from(flag(row.object, &["allowVolumeExpansion"]))
            }),
            AGE,
        ],
    ),
    (
        "horizontalpodautoscalers.autoscaling",
        &[
            ("Reference", "string", |row| {
                let target = |field: &str| text(row.object, &["spec", "scaleTargetRef", field]);
                Value::from(format!("{}/{}", target("kind"), target("name")))
            }),
            ("Targets", "string", w::targets),
            ("MinPods", "string", |row| number(row, &["spec", "minReplicas"])),
            ("MaxPods", "integer", |row| number(row, &["spec", "maxReplicas"])),
            ("Replicas", "integer", |row| number(row, &["status", "currentReplicas"])),
            AGE,
        ],
    ),
    (
        "poddisruptionbudgets.policy",
        &[
            ("Min Available", "string", |row| {
                or_not_set(row, &["spec", "minAvailable"])
            }),
            ("Max Unavailable", "string", |row| {
                or_not_set(row, &["spec", "maxUnavailable"])
            }),
            ("Allowed Disruptions", "integer", |row| {
                number(row, &["status", "disruptionsAllowed"])
            }),
            AGE,
        ],
    ),
    (
        "leases.coordination.k8s.io",
        &[("Holder", "string", |row| word(row, &["spec", "holderIdentity"])), AGE],
    ),
    (
        "nodes",
        &[
            ("Status", "string", w::node_status),
            ("Roles", "string", w::node_roles),
            AGE,
            ("Version", "string", |row| {
                word(row, &["status", "nodeInfo", "kubeletVersion"])
            }),
            ("+Internal-IP", "string", |row| {
                let found = items(row.object, &["status", "addresses"]).iter();
                let mut found = found.filter(|address| text(address, &["type"]) == "InternalIP");
                or_none(
                    found
                        .next()
                        .map(|address| text(address, &["address"]))
                        .unwrap_or_default(),
                )
            }),
            ("+External-IP", "string", |_| or_none("")),
            ("+OS-Image", "string", |row| {
                word(row, &["status", "nodeInfo", "osImage"])
            }),
            ("+Kernel-Version", "string", |row| {
                word(row, &["status", "nodeInfo", "kernelVersion"])
            }),
            ("+Container-Runtime", "string", |row| {
                word(row, &["status", "nodeInfo", "containerRuntimeVersion"])
            }),
        ],
    ),
    (
        "rolebindings.rbac.authorization.k8s.io",
        &[("Role", "string", w::role), AGE],
    ),
    (
        "clusterrolebindings.rbac.authorization.k8s.io",
        &[("Role", "string", w::role), AGE],
    ),
    (
        "networkpolicies.networking.k8s.io",
        &[
            ("Pod-Selector", "string", |row| {
                labels(row.object, &["spec", "podSelector", "matchLabels"])
            }),
            AGE,
        ],
    ),
    (
        "ingressclasses.networking.k8s.io",
        &[
            ("Controller", "string", |row| word(row, &["spec", "controller"])),
            ("Parameters", "string", |_| or_none("")),
            AGE,
        ],
    ),
    (
        "controllerrevisions.apps",
        &[
            ("Controller", "string", |row| {
                let owner = crate::value::controller(row.object);
                let owner = owner.map(|owner| {
                    let kind = text(owner, &["kind"]).to_lowercase();
                    format!("{kind}.apps/{}", text(owner, &["name"]))
                });
                or_none(&owner.unwrap_or_default())
            }),
            ("Revision", "integer", |row| number(row, &["revision"])),
            AGE,
        ],
    ),
    (
        "priorityclasses.scheduling.k8s.io",
        &[
            ("Value", "integer", |row| number(row, &["value"])),
            ("Global-Default", "boolean", |row| {
                Value::from(flag(row.object, &["globalDefault"]))
            }),
            AGE,
            ("PreemptionPolicy", "string", |row| word(row, &["preemptionPolicy"])),
        ],
    ),
    (
        "apiservices.apiregistration.k8s.io",
        &[
            ("Service", "string", |row| {
                let service = |field: &str| text(row.object, &["spec", "service", field]);
                Value::from(if service("name").is_empty() {
                    "Local".to_owned()
                } else {
                    format!("{}/{}", service("namespace"), service("name"))
                })
            }),
            ("Available", "string", |row| {
                let found = condition(row.object, "Available");
                Value::from(found.map_or("Unknown", |found| text(found, &["status"])))
            }),
            AGE,
        ],
    ),
    ("resourcequotas", &[AGE]),
    ("limitranges", &[("Created At", "date", created)]),
    (
        "validatingwebhookconfigurations.admissionregistration.k8s.io",
        &[
            ("Webhooks", "integer", |row| {
                Value::from(items(row.object, &["webhooks"]).len())
            }),
            AGE,
        ],
    ),
    (
        "mutatingwebhookconfigurations.admissionregistration.k8s.io",
        &[
            ("Webhooks", "integer", |row| {
                Value::from(items(row.object, &["webhooks"]).len())
            }),
            AGE,
        ],
    ),
];

fn title(row: &Row<'_>) -> Value {
    Value::from(name(row.object))
}

fn created(row: &Row<'_>) -> Value {
    word(row, &["metadata", "creationTimestamp"])
}

fn age(row: &Row<'_>) -> Value {
    since(row, text(row.object, &["metadata", "creationTimestamp"]), "<unknown>")
}

/// How long ago a moment was.
pub fn since(row: &Row<'_>, stamp: &str, otherwise: &str) -> Value {
    Value::from(clock::parse(stamp).map_or_else(|| otherwise.to_owned(), |then| human::duration(row.now - then)))
}

/// The text at a path.
pub fn word(row: &Row<'_>, path: &[&str]) -> Value {
    Value::from(text(row.object, path))
}

/// The number at a path, or zero.
pub fn number(row: &Row<'_>, path: &[&str]) -> Value {
    Value::from(int(row.object, path).unwrap_or_default())
}

fn ratio(row: &Row<'_>, part: &[&str], whole: &[&str]) -> Value {
    let count = |path: &[&str]| int(row.object, path).unwrap_or_default();
    Value::from(format!("{}/{}", count(part), count(whole)))
}

/// The text, or `<none>`.
pub fn or_none(text: &str) -> Value {
    Value::from(if text.is_empty() { "<none>" } else { text })
}

fn or_none_list(list: Vec<String>) -> Value {
    match list.len() {
        0 => or_none(""),
        1..=3 => Value::from(list.join(",")),
        more => {
            let shown: Vec<&str> = list.iter().take(3).map(String::as_str).collect();
            Value::from(format!("{} + {} more...", shown.join(","), more - 3))
        }
    }
}

fn or_not_set(row: &Row<'_>, path: &[&str]) -> Value {
    match at(row.object, path) {
        Some(Value::String(text)) => Value::from(text.as_str()),
        Some(Value::Number(number)) => Value::from(number.to_string()),
        _ => Value::from("N/A"),
    }
}

/// Labels as `a=b,c=d`.
pub fn labels(object: &Value, path: &[&str]) -> Value {
    let all = members(object, path).map(|(key, value)| format!("{key}={}", value.as_str().unwrap_or_default()));
    or_none(&all.collect::<Vec<_>>().join(","))
}

fn custom_columns(definitions: &[Value]) -> (Vec<Column>, Vec<Cell>) {
    let mut columns = vec![Column::new("Name", "string", 0)];
    let mut cells: Vec<Cell> = vec![Box::new(title)];
    for definition in definitions {
        let kind = text(definition, &["type"]).to_owned();
        let priority = int(definition, &["priority"]).unwrap_or_default();
        columns.push(Column::new(text(definition, &["name"]), &kind, priority));
        let path = text(definition, &["jsonPath"]).to_owned();
        cells.push(Box::new(move |row| {
            let found = json_path(row.object, &path);
            match (kind.as_str(), found) {
                (_, None | Some(Value::Null)) => Value::Null,
                ("date", Some(Value::String(stamp))) => since(row, stamp, "<unknown>"),
                ("string", Some(Value::String(text))) => Value::from(text.as_str()),
                ("string", Some(other)) => Value::from(other.to_string()),
                (_, Some(other)) => other.clone(),
            }
        }));
    }
    if definitions.is_empty() {
        columns.push(Column::new("Age", "date", 0));
        cells.push(Box::new(age));
    }
    (columns, cells)
}

/// The simple paths of printer columns: `.spec.size`, `.status.conditions[?(@.type=="Ready")].status`, `.a[0].b`,
/// `.metadata.labels.app\.kubernetes\.io/name`.
fn json_path<'a>(object: &'a Value, path: &str) -> Option<&'a Value> {
    let mut here = object;
    let mut rest = path.trim_start_matches('$').replace("\\.", "\u{1}");
    while !rest.is_empty() {
        if let Some(inner) = rest.strip_prefix('[') {
            let (inside, after) = inner.split_once(']')?;
            here = match inside.strip_prefix("?(@.").and_then(|test| test.strip_suffix(')')) {
                Some(test) => {
                    let (field, wanted) = test.split_once("==")?;
                    let wanted = wanted.trim().trim_matches(['"', '\'']);
                    let field = field.trim().replace('\u{1}', ".");
                    here.as_array()?.iter().find(|item| text(item, &[&field]) == wanted)?
                }
                None => match inside.parse::<usize>() {
                    Ok(index) => here.get(index)?,
                    Err(_) => here.get(inside.trim_matches(['"', '\'']).replace('\u{1}', "."))?,
                },
            };
            rest = after.to_owned();
        } else {
            let inner = rest.strip_prefix('.').unwrap_or(&rest);
            let end = inner.find(['.', '[']).unwrap_or(inner.len());
            let (field, after) = inner.split_at_checked(end)?;
            if !field.is_empty() {
                here = here.get(field.replace('\u{1}', "."))?;
            } else if after.is_empty() || after == inner {
                return None;
            }
            rest = after.to_owned();
        }
    }
    Some(here)
}
