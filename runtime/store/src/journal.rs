//! The journal of requests: what was about to be sent, and what came back.

use rusqlite::params;

use crate::store::{Store, StoreError, number};

/// A request that is about to be sent.
#[derive(Clone, Debug)]
pub struct NewOperation {
    /// The object's id.
    pub node: String,
    /// From 1.
    pub attempt: u32,
    /// `apply`, `delete`
    pub op: String,
    /// The digest of what is sent, or empty.
    pub digest: String,
    /// Since the run started.
    pub at_ms: u64,
}

/// A request in the journal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OperationId(i64);

/// What came back.
#[derive(Clone, Debug, Default)]
pub struct OperationResult {
    /// `created`, `changed`, …, or the class of the failure.
    pub result: String,
    /// The object's UID.
    pub uid: Option<String>,
    /// The object's resource version.
    pub resource_version: Option<String>,
    /// Since the run started.
    pub at_ms: u64,
}

impl Store {
    /// Notes that a request is about to be sent. Flush before sending it.
    ///
    /// # Errors
    /// The store cannot be written.
    pub fn intent(&mut self, run: &str, operation: &NewOperation) -> Result<OperationId, StoreError> {
        let NewOperation {
            node,
            attempt,
            op,
            digest,
            at_ms,
        } = operation;
        self.write(
            "INSERT INTO ops (run, node, attempt, op, digest, intent_ms) VALUES (?, ?, ?, ?, ?, ?)",
            params![run, node, attempt, op, digest, number(*at_ms)],
        )?;
        Ok(OperationId(self.connection.last_insert_rowid()))
    }

    /// Notes what came back.
    ///
    /// # Errors
    /// The store cannot be written.
    pub fn result(&mut self, operation: OperationId, result: &OperationResult) -> Result<(), StoreError> {
        let OperationResult {
            result,
            uid,
            resource_version,
            at_ms,
        } = result;
        self.write(
            "UPDATE ops SET result = ?, uid = ?, resource_version = ?, result_ms = ? WHERE seq = ?",
            params![result, uid, resource_version, number(*at_ms), operation.0],
        )
    }

    /// Notes how long an object took from its start to its readiness.
    ///
    /// # Errors
    /// The store cannot be written.
    pub fn record_timing(&mut self, stack: &str, node: &str, took_ms: u64) -> Result<(), StoreError> {
        let took = number(took_ms);
        self.write(
            "INSERT INTO timings (stack, node, count, total_ms, last_ms) VALUES (?1, ?2, 1, ?3, ?3)
             ON CONFLICT DO UPDATE SET count = count + 1, total_ms = total_ms + ?3, last_ms = ?3",
            params![stack, node, took],
        )
    }
}
