//! Opening the file, and writing runs and events.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use ktl_plan::Digest;
use rusqlite::{Connection, OptionalExtension as _, params};

use crate::event::{Command, DeleteOutcome, Event, EventKind, Outcome, RunStatus};
use crate::schema;

/// The runs of a project. One process writes a run, others may read meanwhile.
#[derive(Debug)]
pub struct Store {
    pub(crate) connection: Connection,
    pub(crate) file: PathBuf,
    pub(crate) writing: bool,
}

/// A run that begins.
#[derive(Clone, Debug)]
pub struct NewRun {
    /// Unique among all runs of the store.
    pub id: String,
    /// The stack's name.
    pub stack: String,
    /// What the run does.
    pub command: Command,
    /// The plan's digest.
    pub plan: String,
    /// Whether nothing is to be changed.
    pub dry_run: bool,
    /// When it began, in seconds since 1970.
    pub started: i64,
}

/// Why the store cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The folder cannot be made.
    #[error("cannot create the folder `{}` for the run store: {error}", .folder.display())]
    Folder {
        /// The folder.
        folder: PathBuf,
        /// What the system says.
        error: io::Error,
    },
    /// SQLite failed: the disk is full, the file is locked or damaged.
    #[error("cannot use the run store `{}`: {error}", .file.display())]
    Database {
        /// The file.
        file: PathBuf,
        /// What SQLite says.
        error: rusqlite::Error,
    },
    /// The file is a database of something else.
    #[error("`{}` is not a run store of ktl", .file.display())]
    Foreign {
        /// The file.
        file: PathBuf,
    },
    /// A later ktl has written it.
    #[error("the run store `{}` has version {version}, this ktl reads up to {}", .file.display(), schema::VERSION)]
    Newer {
        /// The file.
        file: PathBuf,
        /// Its version.
        version: i32,
    },
    /// Something in it is not what was written.
    #[error("the run store `{}` is damaged: {what}", .file.display())]
    Damaged {
        /// The file.
        file: PathBuf,
        /// What is wrong.
        what: String,
    },
    /// The run is not there.
    #[error("the run store `{}` has no run `{run}`", .file.display())]
    NoRun {
        /// The file.
        file: PathBuf,
        /// The run's id.
        run: String,
    },
}

impl Store {
    /// Opens the store in a folder, and makes both if they are not there.
    ///
    /// # Errors
    /// The folder or the file cannot be used, or is not ours.
    pub fn open(folder: &Path) -> Result<Self, StoreError> {
        fs::create_dir_all(folder).map_err(|error| StoreError::Folder {
            folder: folder.to_owned(),
            error,
        })?;
        let file = folder.join("runs.db");
        let database = |error| StoreError::Database {
            file: file.clone(),
            error,
        };
        let connection = Connection::open(&file).map_err(database)?;
        connection.busy_timeout(Duration::from_secs(5)).map_err(database)?;
        let number = |pragma| {
            connection
                .pragma_query_value(None, pragma, |row| row.get::<_, i32>(0))
                .map_err(database)
        };
        let (application, version) = (number("application_id")?, number("user_version")?);
        let tables: i64 = connection
            .query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))
            .map_err(database)?;
        if tables > 0 && application != schema::APPLICATION_ID {
            return Err(StoreError::Foreign { file });
        }
        if version > schema::VERSION {
            return Err(StoreError::Newer { file, version });
        }
        connection
            .execute_batch("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON;")
            .map_err(database)?;
        let mut store = Store {
            connection,
            file: file.clone(),
            writing: false,
        };
        if tables == 0 {
            store.create_tables()?;
        }
        Ok(store)
    }

    /// The file.
    pub fn file(&self) -> &Path {
        &self.file
    }

    /// Begins a run.
    ///
    /// # Errors
    /// There is a run with this id, or the store cannot be written.
    pub fn begin_run(&mut self, run: &NewRun) -> Result<(), StoreError> {
        let first = Digest::of(run.id.as_bytes()).to_string();
        let NewRun {
            id,
            stack,
            command,
            plan,
            dry_run,
            started,
        } = run;
        self.write(
            "INSERT INTO runs (id, stack, command, plan, dry_run, started, status, tip) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            params![id, stack, word(command), plan, dry_run, started, word(&RunStatus::Running), first],
        )
    }

    /// Appends an event to the chain of its run, and brings the state of what it is about up to date.
    ///
    /// # Errors
    /// The run is not there, or the store cannot be written.
    pub fn append(&mut self, run: &str, event: &Event) -> Result<(), StoreError> {
        let payload = serde_json::to_string(event).expect("an event can be written as JSON");
        let tip: Option<String> = self
            .connection
            .query_row("SELECT tip FROM runs WHERE id = ?", [run], |row| row.get(0))
            .optional()
            .map_err(|error| self.error(error))?;
        let Some(previous) = tip else {
            return Err(StoreError::NoRun {
                file: self.file.clone(),
                run: run.to_owned(),
            });
        };
        let hash = link(&previous, &payload);
        let seq = number(event.seq);
        self.write(
            "INSERT INTO events (run, seq, payload, prev_hash, hash) VALUES (?, ?, ?, ?, ?)",
            params![run, seq, payload, previous, hash],
        )?;
        self.write("UPDATE runs SET tip = ? WHERE id = ?", params![hash, run])?;
        self.project(run, event)
    }

    /// Makes durable what was written since the last call.
    ///
    /// # Errors
    /// The store cannot be written; what was written since the last call is lost.
    pub fn flush(&mut self) -> Result<(), StoreError> {
        if std::mem::take(&mut self.writing) {
            self.connection
                .execute_batch("COMMIT")
                .map_err(|error| self.error(error))?;
        }
        Ok(())
    }

    /// What the event means for the state of its run, release or object.
    fn project(&mut self, run: &str, event: &Event) -> Result<(), StoreError> {
        let at = number(event.at_ms);
        let release_state = "INSERT INTO releases (run, id, state, detail, done_ms) VALUES (?, ?, ?, ?, ?)
             ON CONFLICT DO UPDATE SET state = excluded.state, detail = excluded.detail, done_ms = excluded.done_ms";
        let node_state = "INSERT INTO nodes (run, id, release, state, detail, done_ms) VALUES (?, ?, ?, ?, ?, ?)
             ON CONFLICT DO UPDATE SET state = excluded.state, detail = excluded.detail, done_ms = excluded.done_ms";
        let node_start = "INSERT INTO nodes (run, id, release, state, attempts, started_ms) VALUES (?, ?, ?, ?, 1, ?)
             ON CONFLICT DO UPDATE SET state = excluded.state, attempts = attempts + 1";
        match &event.kind {
            EventKind::RunStarted { .. } | EventKind::CancelRequested { .. } => Ok(()),
            EventKind::RunFinished { status, summary } => {
                let summary_json = serde_json::to_string(summary).expect("a summary can be written as JSON");
                self.write(
                    "UPDATE runs SET status = ?, duration_ms = ?, summary = ? WHERE id = ?",
                    params![word(status), number(summary.duration_ms), summary_json, run],
                )
            }
            EventKind::ReleaseStarted { release, .. } => self.write(
                "INSERT INTO releases (run, id, state, started_ms) VALUES (?, ?, 'running', ?)",
                params![run, release, at],
            ),
            EventKind::ReleaseReady { release, unchanged, .. } => {
                let detail = if *unchanged { "unchanged" } else { "" };
                self.write(release_state, params![run, release, "ready", detail, at])
            }
            EventKind::ReleaseFailed { release, failed, .. } => {
                let objects = if *failed == 1 { "object" } else { "objects" };
                let detail = format!("{failed} {objects} failed");
                self.write(release_state, params![run, release, "failed", detail, at])
            }
            EventKind::ReleaseBlocked { release, cause } => {
                self.write(release_state, params![run, release, "blocked", cause.to_string(), at])
            }
            EventKind::ObjectApplying { release, object } => {
                self.write(node_start, params![run, object, release, "applying", at])
            }
            EventKind::ObjectDeleting { release, object } => {
                self.write(node_start, params![run, object, release, "deleting", at])
            }
            EventKind::ObjectApplied { object, outcome, .. } => {
                let outcome = match outcome {
                    Outcome::Created => "created",
                    Outcome::Changed => "changed",
                    Outcome::Unchanged => "unchanged",
                    Outcome::NotChecked { .. } => "not checked",
                };
                self.write(
                    "UPDATE nodes SET state = 'applied', outcome = ?, applied_ms = ? WHERE run = ? AND id = ?",
                    params![outcome, at, run, object],
                )
            }
            EventKind::ObjectProgressing { object, evidence, .. } => self.write(
                "UPDATE nodes SET detail = ? WHERE run = ? AND id = ?",
                params![evidence, run, object],
            ),
            EventKind::ObjectRetrying { object, message, .. } => self.write(
                "UPDATE nodes SET state = 'retrying', detail = ? WHERE run = ? AND id = ?",
                params![message, run, object],
            ),
            EventKind::ObjectReady {
                release,
                object,
                evidence,
            } => self.write(node_state, params![run, object, release, "ready", evidence, at]),
            EventKind::ObjectDeleted {
                release,
                object,
                outcome,
            } => {
                let outcome = match outcome {
                    DeleteOutcome::Deleted => "deleted",
                    DeleteOutcome::Absent => "absent",
                    DeleteOutcome::Kept => "kept",
                };
                self.write(node_state, params![run, object, release, outcome, "", at])?;
                self.write(
                    "UPDATE nodes SET outcome = ? WHERE run = ? AND id = ?",
                    params![outcome, run, object],
                )
            }
            EventKind::ObjectFailed {
                release,
                object,
                class,
                message,
                evidence,
            } => {
                let mut lines = vec![format!("{class}: {message}")];
                lines.extend(evidence.iter().cloned());
                self.write(
                    node_state,
                    params![run, object, release, "failed", lines.join("\n"), at],
                )
            }
            EventKind::ObjectBlocked { release, object, cause } => self.write(
                node_state,
                params![run, object, release, "blocked", cause.to_string(), at],
            ),
        }
    }

    fn create_tables(&mut self) -> Result<(), StoreError> {
        let (application, version) = (schema::APPLICATION_ID, schema::VERSION);
        let script = format!(
            "BEGIN IMMEDIATE; {} PRAGMA application_id = {application}; PRAGMA user_version = {version}; COMMIT;",
            schema::TABLES
        );
        let Err(error) = self.connection.execute_batch(&script) else {
            return Ok(());
        };
        // Another process may have been faster.
        let _ = self.connection.execute_batch("ROLLBACK");
        let made = self
            .connection
            .query_row("SELECT count(*) FROM runs", [], |row| row.get::<_, i64>(0));
        made.map(drop).map_err(|_| self.error(error))
    }

    pub(crate) fn write(&mut self, sql: &str, values: impl rusqlite::Params) -> Result<(), StoreError> {
        if !self.writing {
            self.connection
                .execute_batch("BEGIN IMMEDIATE")
                .map_err(|error| self.error(error))?;
            self.writing = true;
        }
        let mut statement = self.connection.prepare_cached(sql).map_err(|error| self.error(error))?;
        statement.execute(values).map(drop).map_err(|error| self.error(error))
    }

    pub(crate) fn error(&self, error: rusqlite::Error) -> StoreError {
        StoreError::Database {
            file: self.file.clone(),
            error,
        }
    }

    pub(crate) fn damaged(&self, what: impl Into<String>) -> StoreError {
        StoreError::Damaged {
            file: self.file.clone(),
            what: what.into(),
        }
    }
}

/// The hash of an event: over the hash before it and its own JSON.
pub(crate) fn link(previous: &str, payload: &str) -> String {
    Digest::of_parts([previous.as_bytes(), payload.as_bytes()]).to_string()
}

/// SQLite's integers are signed.
pub(crate) fn number(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// The word by which a unit variant is written in JSON.
pub(crate) fn word(value: &impl serde::Serialize) -> String {
    match serde_json::to_value(value) {
        Ok(serde_json::Value::String(word)) => word,
        _ => String::new(),
    }
}
