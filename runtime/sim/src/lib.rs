//! A simulated Kubernetes API.
