//! The suite of the Kubernetes tables.

mod openapi;
mod tables;
