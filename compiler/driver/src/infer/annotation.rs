//! `ktl.io/depends-on: "Job/migrate, data/StatefulSet/db"`: for what no rule can see.

use ktl_plan::Until;
use serde_json::Value;

use super::{Finder, Unanswered};

pub(super) fn find(finder: &mut Finder, unanswered: &mut Vec<Unanswered>) {
    let annotation = finder.object.body.pointer("/metadata/annotations/ktl.io~1depends-on");
    let entries = annotation.and_then(Value::as_str).unwrap_or_default().split(',');
    for entry in entries.map(str::trim).filter(|entry| !entry.is_empty()) {
        let parts: Vec<&str> = entry.split('/').collect();
        let (namespace, kind, name) = match parts.as_slice() {
            [kind, name] => (finder.namespace(), *kind, *name),
            [namespace, kind, name] => (*namespace, *kind, *name),
            _ => {
                unanswered.push(Unanswered {
                    object: finder.from,
                    entry: entry.to_owned(),
                    well_formed: false,
                });
                continue;
            }
        };
        let key = (finder.object.key.cluster.as_str(), kind, name);
        let mut named = finder.index.by_name.get(&key).into_iter().flatten().copied();
        let fits = |at: &usize| {
            let found = finder.index.objects.get(*at);
            found.is_some_and(|found| found.key.namespace.as_deref().is_none_or(|found| found == namespace))
        };
        match named.find(fits) {
            Some(to) => {
                let evidence = format!("annotation ktl.io/depends-on names {entry}");
                finder.add(to, Until::Ready, "depends-on", evidence);
            }
            None => unanswered.push(Unanswered {
                object: finder.from,
                entry: entry.to_owned(),
                well_formed: true,
            }),
        }
    }
}
