//! What the tables say, checked against well-known facts (`facts.txt`) and against themselves.

use ktl_schema::{
    Field, Kind, ListMerge, NEWEST_MINOR, OLDEST_MINOR, Record, Stability, Type, groups, kind, kinds, preferred,
    record, records, resource,
};

#[test]
fn facts() {
    let mut wrong = Vec::new();
    let facts = include_str!("facts.txt")
        .lines()
        .filter(|line| !line.is_empty() && !line.starts_with('#'));
    for (number, fact) in facts.enumerate() {
        let said = say(fact);
        if said != fact {
            wrong.push(format!("fact {number}\n  wanted: {fact}\n  found:  {said}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// The same fact, as the tables have it.
fn say(fact: &str) -> String {
    let words: Vec<&str> = fact.splitn(5, ' ').collect();
    match words.as_slice() {
        ["kind", version, name, ..] => kind(version, name).map_or_else(|| format!("none {version} {name}"), describe),
        ["preferred", name, _] => format!("preferred {name} {}", preferred(name).expect("a kind").api_version()),
        ["none", version, name] if kind(version, name).is_none() => fact.to_owned(),
        ["field", version, name, path, _] => {
            let field = kind(version, name).and_then(|kind| kind.field(path));
            format!(
                "field {version} {name} {path} {}",
                field.map_or_else(|| "missing".to_owned(), describe_field)
            )
        }
        ["doc", version, name, path, wanted] => {
            let kind = kind(version, name).expect("a kind");
            let doc = if *path == "." {
                kind.record.doc
            } else {
                kind.field(path).expect("a field").doc
            };
            let start = if doc.starts_with(wanted) { wanted } else { doc };
            format!("doc {version} {name} {path} {start}")
        }
        _ => "no such fact".to_owned(),
    }
}

fn describe(kind: &Kind) -> String {
    let or_none = |texts: Vec<&str>| {
        if texts.is_empty() {
            "-".to_owned()
        } else {
            texts.join(",")
        }
    };
    format!(
        "kind {} {} plural={} scope={} short={} categories={} status={} subresources={}",
        kind.api_version(),
        kind.kind,
        kind.plural,
        if kind.namespaced { "namespaced" } else { "cluster" },
        or_none(kind.short_names.to_vec()),
        or_none(kind.categories.to_vec()),
        if kind.status_subresource() { "yes" } else { "no" },
        or_none(kind.subresources.iter().map(|subresource| subresource.name).collect()),
    )
}

fn describe_field(field: &Field) -> String {
    let mut said = describe_type(&field.ty);
    if field.required {
        said.push_str(" required");
    }
    if let Some(default) = field.default {
        said.push_str(&format!(" default={default}"));
    }
    if let Some(strategy) = field.patch_strategy {
        said.push_str(&format!(" patch={strategy}:{}", field.patch_merge_key.unwrap_or("-")));
    }
    said
}

fn describe_type(ty: &Type) -> String {
    let atomically = |atomic: bool| if atomic { ",atomic" } else { "" };
    match ty {
        Type::Record { record, atomic } => format!("record({}{})", record.name, atomically(*atomic)),
        Type::List {
            items,
            merge: ListMerge::Atomic,
        } => format!("list(atomic,{})", describe_type(items)),
        Type::List {
            items,
            merge: ListMerge::Set,
        } => format!("list(set,{})", describe_type(items)),
        Type::List {
            items,
            merge: ListMerge::Map(keys),
        } => {
            format!("list(map({}),{})", keys.join(","), describe_type(items))
        }
        Type::Map { values, atomic } => format!("map({}{})", describe_type(values), atomically(*atomic)),
        Type::Enum(values) => format!("enum({})", values.join(",")),
        Type::String => "string".to_owned(),
        Type::Boolean => "boolean".to_owned(),
        Type::Int32 => "int32".to_owned(),
        Type::Int64 => "int64".to_owned(),
        Type::Number => "number".to_owned(),
        Type::IntOrString => "int-or-string".to_owned(),
        Type::Quantity => "quantity".to_owned(),
        Type::Time => "time".to_owned(),
        Type::MicroTime => "micro-time".to_owned(),
        Type::Base64 => "base64".to_owned(),
        Type::Json => "json".to_owned(),
    }
}

#[test]
fn tables_are_sorted_and_every_entry_is_found() {
    assert!(
        kinds()
            .map(|kind| (kind.group, kind.version, kind.kind))
            .is_sorted_by(|one, other| one < other)
    );
    assert!(kinds().count() >= 90);
    for kind in kinds() {
        let version = kind.api_version();
        assert!(std::ptr::eq(self::kind(&version, kind.kind).expect(&version), kind));
        assert!(std::ptr::eq(resource(&version, kind.plural).expect(&version), kind));
        assert!(kind.verbs.is_sorted() && !kind.verbs.is_empty(), "{kind:?}");
        assert!(
            kind.subresources.is_sorted_by(|one, other| one.name < other.name),
            "{kind:?}"
        );
        assert!((OLDEST_MINOR..=NEWEST_MINOR).contains(&kind.since), "{kind:?}");
        assert!(
            kind.record.field("metadata").is_some() && kind.record.field("apiVersion").is_some(),
            "{kind:?}"
        );
    }
    assert!(records().is_sorted_by(|one, other| one.name < other.name));
    for record in records() {
        assert!(std::ptr::eq(self::record(record.name).expect(record.name), record));
        assert!(
            record.fields.is_sorted_by(|one, other| one.name < other.name),
            "{record:?}"
        );
        for field in record.fields {
            assert!(std::ptr::eq(record.field(field.name).expect(field.name), field));
        }
    }
}

#[test]
fn every_type_leads_to_records_in_the_table() {
    for (record, field) in fields() {
        let place = || format!("{}.{}", record.name, field.name);
        if let Some(inner) = field.ty.record() {
            assert!(
                self::record(inner.name).is_some_and(|found| std::ptr::eq(found, inner)),
                "{}",
                place()
            );
        }
        if let Type::List {
            items,
            merge: ListMerge::Map(keys),
        } = field.ty
        {
            let Type::Record { record: item, .. } = items else {
                panic!("{} lists no records", place())
            };
            assert!(
                !keys.is_empty() && keys.iter().all(|key| item.field(key).is_some()),
                "{}",
                place()
            );
        }
        if let Some(key) = field.patch_merge_key {
            assert!(
                field.ty.record().is_some_and(|item| item.field(key).is_some()),
                "{}",
                place()
            );
        }
        if let Type::Enum(values) = field.ty {
            assert!(
                values.is_sorted_by(|one, other| one < other) && !values.is_empty(),
                "{}",
                place()
            );
        }
        assert!((OLDEST_MINOR..=NEWEST_MINOR).contains(&field.since), "{}", place());
    }
}

#[test]
fn nearly_every_field_is_documented() {
    let (mut all, mut silent) = (0, 0);
    for (_, field) in fields() {
        all += 1;
        silent += usize::from(field.doc.is_empty());
    }
    assert!(
        all > 2500 && silent * 20 < all,
        "{silent} of {all} fields have no documentation"
    );
}

#[test]
fn groups_list_exactly_the_versions_that_kinds_are_served_in() {
    let mut served: Vec<(&str, &str)> = kinds().map(|kind| (kind.group, kind.version)).collect();
    served.dedup();
    let mut listed: Vec<(&str, &str)> = groups()
        .iter()
        .flat_map(|group| group.versions.iter().map(|version| (group.name, *version)))
        .collect();
    listed.sort_unstable();
    assert_eq!(listed, served);
    assert_eq!(groups().first().expect("the core group").name, "");
}

#[test]
fn a_bare_name_means_the_most_stable_version() {
    for kind in kinds() {
        let best = preferred(kind.kind).expect(kind.kind);
        assert_eq!(best.kind, kind.kind);
        assert!(best.stability() >= kind.stability(), "{kind:?}");
    }
    assert_eq!(preferred("Lease").expect("a kind").stability(), Stability::Stable);
    assert!(preferred("lease").is_none() && preferred("").is_none());
}

#[test]
fn immutable_fields() {
    let covered = |version, name, path| kind(version, name).expect(name).immutable(path).is_some();
    assert!(covered("apps/v1", "Deployment", "spec.selector.matchLabels.app"));
    assert!(!covered("apps/v1", "Deployment", "spec.selectors"));
    assert!(!covered("apps/v1", "Deployment", "spec.template.metadata.labels.app"));
    assert!(covered("v1", "PersistentVolumeClaim", "spec.storageClassName"));
    assert!(!covered(
        "v1",
        "PersistentVolumeClaim",
        "spec.resources.requests.storage"
    ));
    assert!(covered("v1", "Pod", "spec.containers.command"));
    assert!(!covered("v1", "Pod", "spec.containers.image"));
    assert!(covered("batch/v1", "Job", "spec.template.spec.containers.image"));
    assert!(covered("rbac.authorization.k8s.io/v1", "RoleBinding", "roleRef.name"));
    assert!(!covered("v1", "Namespace", "spec.finalizers"));
}

fn fields() -> impl Iterator<Item = (&'static Record, &'static Field)> {
    records().flat_map(|record| record.fields.iter().map(move |field| (record, field)))
}
