//! Reading runs.

use std::collections::BTreeMap;

use rusqlite::{OptionalExtension as _, Row, params};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::event::{Command, Event, RunStatus, Summary};
use crate::store::{Store, StoreError, link};

/// One run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RunRecord {
    /// Its id.
    pub id: String,
    /// The stack's name.
    pub stack: String,
    /// What it did.
    pub command: Command,
    /// The plan's digest.
    pub plan: String,
    /// Whether nothing was to be changed.
    pub dry_run: bool,
    /// When it began, in seconds since 1970.
    pub started: i64,
    /// How it stands; [`RunStatus::Running`] also when its process died.
    pub status: RunStatus,
    /// How long it took, once it has ended.
    pub duration_ms: Option<u64>,
    /// In numbers, once it has ended.
    pub summary: Option<Summary>,
}

/// How a release or an object stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, serde::Deserialize)]
#[serde(rename_all = "camelCase")]
#[expect(missing_docs, reason = "each is its own documentation")]
pub enum State {
    Running,
    Applying,
    Applied,
    Deleting,
    Retrying,
    Ready,
    Deleted,
    Absent,
    Kept,
    Failed,
    Blocked,
}

/// A release in a run. Releases that were not reached are not there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ReleaseRecord {
    /// Its id.
    pub id: String,
    /// How it stands.
    pub state: State,
    /// `unchanged`, how many objects failed, or why it is blocked; possibly empty.
    pub detail: String,
    /// When its first object started, since the run started.
    pub started_ms: Option<u64>,
    /// When it was over.
    pub done_ms: Option<u64>,
}

/// An object in a run. Objects that were not reached are not there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ObjectRecord {
    /// Its id.
    pub id: String,
    /// Its release.
    pub release: Option<String>,
    /// How it stands.
    pub state: State,
    /// `created`, `changed`, `unchanged`, `not checked`, `deleted`, `absent`, `kept`, or empty.
    pub outcome: String,
    /// Evidence, failure or cause; possibly several lines.
    pub detail: String,
    /// Requests sent for it that change something.
    pub attempts: u32,
    /// When it started, since the run started.
    pub started_ms: Option<u64>,
    /// When the API server accepted it.
    pub applied_ms: Option<u64>,
    /// When it had its verdict.
    pub done_ms: Option<u64>,
}

/// A request in the journal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OperationRecord {
    /// The object's id.
    pub node: String,
    /// From 1.
    pub attempt: u32,
    /// `apply`, `delete`
    pub op: String,
    /// What came back; absent while nothing has.
    pub result: Option<String>,
}

/// How long an object took in earlier runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timing {
    /// In how many runs.
    pub count: u64,
    /// On average.
    pub mean_ms: u64,
    /// Last time.
    pub last_ms: u64,
}

impl Store {
    /// All runs, of one stack or of all, the latest first.
    ///
    /// # Errors
    /// The store cannot be read.
    pub fn runs(&self, stack: Option<&str>) -> Result<Vec<RunRecord>, StoreError> {
        let sql = "SELECT id, stack, command, plan, dry_run, started, status, duration_ms, summary FROM runs
             WHERE ?1 IS NULL OR stack = ?1 ORDER BY started DESC, rowid DESC";
        self.rows(sql, params![stack], |row| self.run_record(row))
    }

    /// One run, if it is there.
    ///
    /// # Errors
    /// The store cannot be read.
    pub fn run(&self, id: &str) -> Result<Option<RunRecord>, StoreError> {
        Ok(self.runs(None)?.into_iter().find(|run| run.id == id))
    }

    /// The latest run of a stack that was no dry run, if there is one.
    ///
    /// # Errors
    /// The store cannot be read.
    pub fn latest(&self, stack: &str) -> Result<Option<RunRecord>, StoreError> {
        Ok(self.runs(Some(stack))?.into_iter().find(|run| !run.dry_run))
    }

    /// The releases of a run by id.
    ///
    /// # Errors
    /// The store cannot be read.
    pub fn releases(&self, run: &str) -> Result<Vec<ReleaseRecord>, StoreError> {
        let sql = "SELECT id, state, detail, started_ms, done_ms FROM releases WHERE run = ? ORDER BY id";
        self.rows(sql, [run], |row| {
            Ok(ReleaseRecord {
                id: self.get(row, 0)?,
                state: self.parse(row, 1)?,
                detail: self.get(row, 2)?,
                started_ms: self.get::<Option<i64>>(row, 3)?.map(i64::cast_unsigned),
                done_ms: self.get::<Option<i64>>(row, 4)?.map(i64::cast_unsigned),
            })
        })
    }

    /// The objects of a run by id.
    ///
    /// # Errors
    /// The store cannot be read.
    pub fn objects(&self, run: &str) -> Result<Vec<ObjectRecord>, StoreError> {
        let sql = "SELECT id, release, state, outcome, detail, attempts, started_ms, applied_ms, done_ms FROM nodes
             WHERE run = ? ORDER BY id";
        self.rows(sql, [run], |row| {
            Ok(ObjectRecord {
                id: self.get(row, 0)?,
                release: self.get(row, 1)?,
                state: self.parse(row, 2)?,
                outcome: self.get(row, 3)?,
                detail: self.get(row, 4)?,
                attempts: self.get(row, 5)?,
                started_ms: self.get::<Option<i64>>(row, 6)?.map(i64::cast_unsigned),
                applied_ms: self.get::<Option<i64>>(row, 7)?.map(i64::cast_unsigned),
                done_ms: self.get::<Option<i64>>(row, 8)?.map(i64::cast_unsigned),
            })
        })
    }

    /// The requests of a run in the order in which they were sent.
    ///
    /// # Errors
    /// The store cannot be read.
    pub fn operations(&self, run: &str) -> Result<Vec<OperationRecord>, StoreError> {
        let sql = "SELECT node, attempt, op, result FROM ops WHERE run = ? ORDER BY seq";
        self.rows(sql, [run], |row| {
            Ok(OperationRecord {
                node: self.get(row, 0)?,
                attempt: self.get(row, 1)?,
                op: self.get(row, 2)?,
                result: self.get(row, 3)?,
            })
        })
    }

    /// How long the objects of a stack took in earlier runs, by id.
    ///
    /// # Errors
    /// The store cannot be read.
    pub fn timings(&self, stack: &str) -> Result<BTreeMap<String, Timing>, StoreError> {
        let sql = "SELECT node, count, total_ms, last_ms FROM timings WHERE stack = ?";
        let rows = self.rows(sql, [stack], |row| {
            let number = |index| self.get::<i64>(row, index).map(|number| number.max(0).cast_unsigned());
            let (count, total) = (number(1)?.max(1), number(2)?);
            let timing = Timing {
                count,
                mean_ms: total / count,
                last_ms: number(3)?,
            };
            Ok((self.get(row, 0)?, timing))
        })?;
        Ok(rows.into_iter().collect())
    }

    /// The UID that each object of a stack had when a run of the stack last created it, by the object's id.
    ///
    /// # Errors
    /// The store cannot be read.
    pub fn created(&self, stack: &str) -> Result<BTreeMap<String, String>, StoreError> {
        let sql = "SELECT ops.node, ops.uid FROM ops JOIN runs ON runs.id = ops.run
             WHERE runs.stack = ? AND ops.op = 'apply' AND ops.result = 'created' AND ops.uid IS NOT NULL ORDER BY ops.seq";
        let rows = self.rows(sql, [stack], |row| Ok((self.get(row, 0)?, self.get(row, 1)?)))?;
        Ok(rows.into_iter().collect())
    }

    /// The events of a run in order.
    ///
    /// # Errors
    /// The store cannot be read, or an event is not one.
    pub fn events(&self, run: &str) -> Result<Vec<Event>, StoreError> {
        let payloads: Vec<String> =
            self.rows("SELECT payload FROM events WHERE run = ? ORDER BY seq", [run], |row| {
                self.get(row, 0)
            })?;
        let read = |payload: &String| serde_json::from_str(payload);
        payloads
            .iter()
            .map(|payload| read(payload).map_err(|error| self.damaged(format!("an event: {error}"))))
            .collect()
    }

    /// Follows the chain of a run's events; how many there are.
    ///
    /// # Errors
    /// The run is not there, or the chain is broken: an event was changed, removed or added.
    pub fn verify(&self, run: &str) -> Result<u64, StoreError> {
        let tip = self
            .connection
            .query_row("SELECT tip FROM runs WHERE id = ?", [run], |row| {
                row.get::<_, String>(0)
            })
            .optional()
            .map_err(|error| self.error(error))?;
        let Some(tip) = tip else {
            return Err(StoreError::NoRun {
                file: self.file.clone(),
                run: run.to_owned(),
            });
        };
        let sql = "SELECT seq, payload, prev_hash, hash FROM events WHERE run = ? ORDER BY seq";
        let rows: Vec<(i64, String, String, String)> = self.rows(sql, [run], |row| {
            Ok((
                self.get(row, 0)?,
                self.get(row, 1)?,
                self.get(row, 2)?,
                self.get(row, 3)?,
            ))
        })?;
        let mut previous = ktl_plan::Digest::of(run.as_bytes()).to_string();
        let mut count = 0;
        for (seq, payload, before, hash) in rows {
            count += 1;
            if seq != count || before != previous || link(&before, &payload) != hash {
                return Err(self.damaged(format!("the chain of events of run `{run}` breaks at event {count}")));
            }
            previous = hash;
        }
        if previous != tip {
            return Err(self.damaged(format!(
                "the chain of events of run `{run}` ends too early, after event {count}"
            )));
        }
        Ok(count.cast_unsigned())
    }

    fn run_record(&self, row: &Row<'_>) -> Result<RunRecord, StoreError> {
        let summary: Option<String> = self.get(row, 8)?;
        let summary = summary.map(|summary| serde_json::from_str(&summary)).transpose();
        Ok(RunRecord {
            id: self.get(row, 0)?,
            stack: self.get(row, 1)?,
            command: self.parse(row, 2)?,
            plan: self.get(row, 3)?,
            dry_run: self.get(row, 4)?,
            started: self.get(row, 5)?,
            status: self.parse(row, 6)?,
            duration_ms: self.get::<Option<i64>>(row, 7)?.map(i64::cast_unsigned),
            summary: summary.map_err(|error| self.damaged(format!("a summary: {error}")))?,
        })
    }

    fn rows<T>(
        &self,
        sql: &str,
        values: impl rusqlite::Params,
        read: impl Fn(&Row<'_>) -> Result<T, StoreError>,
    ) -> Result<Vec<T>, StoreError> {
        let mut statement = self.connection.prepare_cached(sql).map_err(|error| self.error(error))?;
        let mut rows = statement.query(values).map_err(|error| self.error(error))?;
        let mut records = Vec::new();
        while let Some(row) = rows.next().map_err(|error| self.error(error))? {
            records.push(read(row)?);
        }
        Ok(records)
    }

    fn get<T: rusqlite::types::FromSql>(&self, row: &Row<'_>, index: usize) -> Result<T, StoreError> {
        row.get(index).map_err(|error| self.error(error))
    }

    fn parse<T: DeserializeOwned>(&self, row: &Row<'_>, index: usize) -> Result<T, StoreError> {
        let word: String = self.get(row, index)?;
        let parsed = serde_json::from_value(serde_json::Value::String(word.clone()));
        parsed.map_err(|_| self.damaged(format!("`{word}` is no state")))
    }
}
