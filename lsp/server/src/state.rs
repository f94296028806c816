//! The open documents and the task that owns them.
//!
//! Events come through one queue in the order of the client's messages. All that wait are applied, then what is open is
//! looked at once and the findings are published, so that fast typing costs one analysis, not one per key.

use std::any::Any;
use std::collections::{BTreeMap, BTreeSet};
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::Arc;

use tokio::sync::mpsc::UnboundedReceiver;

use crate::analysis::{Finding, Findings, Place, Snapshot};
use crate::document::{Change, Encoding, apply};

/// Something that the client said. Documents go by the client's own names for them.
#[derive(Debug)]
pub(crate) enum Event {
    /// The first one.
    Start { encoding: Encoding },
    /// A document was opened.
    Open {
        name: String,
        path: Option<PathBuf>,
        version: i32,
        text: String,
    },
    /// Its text changed.
    Change {
        name: String,
        version: i32,
        changes: Vec<Change>,
    },
    /// It was closed: the file on disk counts again.
    Close { name: String },
    /// Files on disk changed.
    Disk,
}

/// An open document.
struct Document {
    path: Option<PathBuf>,
    version: i32,
    text: String,
}

/// How findings and messages reach the client.
pub(crate) trait Client {
    /// Replaces the findings of a document; `version` is the one of the text they are about, if it is open.
    fn publish(&self, document: Shown, findings: Vec<Finding>) -> impl Future<Output = ()> + Send;

    /// Something went wrong that is not the user's doing.
    fn log_error(&self, message: String) -> impl Future<Output = ()> + Send;
}

/// A document that findings are shown in.
#[derive(Clone, Debug)]
pub(crate) enum Shown {
    /// One that is open, by the client's name for it.
    Open { name: String, version: i32 },
    /// One that was open.
    Closed { name: String },
    /// A file that the client never opened.
    File(PathBuf),
}

/// What finds out what is wrong.
pub(crate) type Analyse = fn(&Snapshot) -> Findings;

/// The only owner of the documents.
pub(crate) struct State<C> {
    client: C,
    analyse: Analyse,
    encoding: Encoding,
    documents: BTreeMap<String, Document>,
    /// Where findings are shown at present, besides open documents.
    shown: BTreeSet<PathBuf>,
}

impl<C: Client> State<C> {
    pub fn new(client: C, analyse: Analyse) -> Self {
        State {
            client,
            analyse,
            encoding: Encoding::default(),
            documents: BTreeMap::new(),
            shown: BTreeSet::new(),
        }
    }

    /// Runs until no more events can come.
    pub async fn run(mut self, mut events: UnboundedReceiver<Event>) {
        while let Some(event) = events.recv().await {
            let mut closed = BTreeSet::new();
            self.take(event, &mut closed);
            while let Ok(event) = events.try_recv() {
                self.take(event, &mut closed);
            }
            for name in closed {
                if !self.documents.contains_key(&name) {
                    self.client.publish(Shown::Closed { name }, Vec::new()).await;
                }
            }
            self.look().await;
        }
    }

    fn take(&mut self, event: Event, closed: &mut BTreeSet<String>) {
        match event {
            Event::Start { encoding } => self.encoding = encoding,
            Event::Open {
                name,
                path,
                version,
                text,
            } => {
                self.documents.insert(name, Document { path, version, text });
            }
            Event::Change { name, version, changes } => {
                // A change of what is not open has nothing to change.
                if let Some(document) = self.documents.get_mut(&name) {
                    apply(&mut document.text, changes, self.encoding);
                    document.version = version;
                }
            }
            Event::Close { name } => {
                self.documents.remove(&name);
                closed.insert(name);
            }
            Event::Disk => {}
        }
    }

    fn snapshot(&self) -> Snapshot {
        let mut snapshot = Snapshot {
            encoding: self.encoding,
            ..Snapshot::default()
        };
        for (name, document) in &self.documents {
            let text = Arc::from(document.text.as_str());
            match &document.path {
                Some(path) => snapshot.files.insert(path.clone(), text).is_some(),
                None => snapshot.others.insert(name.clone(), text).is_some(),
            };
        }
        snapshot
    }

    async fn look(&mut self) {
        let snapshot = self.snapshot();
        let analyse = self.analyse;
        // A thread of its own: the compiler computes for longer than a task may.
        let outcome = tokio::task::spawn_blocking(move || catch_unwind(AssertUnwindSafe(|| analyse(&snapshot)))).await;
        let findings = match outcome {
            Ok(Ok(findings)) => findings,
            Ok(Err(panic)) => return self.complain(reason(panic.as_ref())).await,
            Err(_) => return,
        };
        let names: BTreeMap<&PathBuf, &String> = self
            .documents
            .iter()
            .filter_map(|(name, document)| Some((document.path.as_ref()?, name)))
            .collect();
        let mut shown = BTreeSet::new();
        let mut publications = Vec::new();
        for (place, findings) in findings {
            let open = match &place {
                Place::File(path) => names.get(path).map(|name| (*name).clone()),
                Place::Other(name) => Some(name.clone()),
            };
            match (open, place) {
                (Some(name), _) => {
                    let version = self.documents.get(&name).map_or(0, |document| document.version);
                    publications.push((Shown::Open { name, version }, findings));
                }
                (None, Place::File(path)) if !findings.is_empty() => {
                    shown.insert(path.clone());
                    publications.push((Shown::File(path), findings));
                }
                _ => {}
            }
        }
        for path in self.shown.difference(&shown).filter(|path| !names.contains_key(path)) {
            publications.push((Shown::File(path.clone()), Vec::new()));
        }
        self.shown = shown;
        for (document, findings) in publications {
            self.client.publish(document, findings).await;
        }
    }

    async fn complain(&self, reason: String) {
        let message = format!("checking failed, findings may be out of date; this is a defect in ktl: {reason}");
        self.client.log_error(message).await;
    }
}

/// What a panic said.
fn reason(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| panic.downcast_ref::<String>().cloned())
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use tokio::sync::mpsc::unbounded_channel;

    use super::{Client, Event, Shown, State};
    use crate::analysis::{Finding, Findings, Place, Snapshot};

    #[derive(Clone, Default)]
    struct Recorder(Arc<Mutex<Vec<String>>>);

    impl Client for Recorder {
        async fn publish(&self, document: Shown, findings: Vec<Finding>) {
            self.0.lock().unwrap().push(format!("{document:?}: {}", findings.len()));
        }

        async fn log_error(&self, message: String) {
            self.0.lock().unwrap().push(message);
        }
    }

    fn panics_on_boom(snapshot: &Snapshot) -> Findings {
        let look = |(name, text): (&String, &Arc<str>)| {
            assert!(!text.contains("boom"), "no way");
            (Place::Other(name.clone()), Vec::new())
        };
        snapshot.others.iter().map(look).collect()
    }

    #[tokio::test]
    async fn a_panic_is_reported_and_survived() {
        let client = Recorder::default();
        for (first, second) in [("boom", "fine"), ("fine", "boom")] {
            let (events, queue) = unbounded_channel();
            let open = |version, text: &str| Event::Open {
                name: "a".to_owned(),
                path: None,
                version,
                text: text.to_owned(),
            };
            let task = tokio::spawn(State::new(client.clone(), panics_on_boom).run(queue));
            events.send(open(1, first)).unwrap();
            // The queue is looked at once everything that waits is taken: let the first be taken alone.
            tokio::task::yield_now().await;
            events.send(open(2, second)).unwrap();
            drop(events);
            task.await.unwrap();
        }
        let failed = "checking failed, findings may be out of date; this is a defect in ktl: no way";
        let shown = |version: u32| format!("Open {{ name: \"a\", version: {version} }}: 0");
        let said = client.0.lock().unwrap().clone();
        assert_eq!(said, [failed.to_owned(), shown(2), shown(1), failed.to_owned()]);
    }
}
