//! Kubernetes kinds, fields and list-map keys as data.
