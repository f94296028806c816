//! The only crate that names kube: discovery, apply, delete, watch, readiness, error classes.
