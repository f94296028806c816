//! The standard library modules of ktl, embedded.
//!
//! The modules are `.ktl` files beside this crate's manifest; this crate only hands out their text. Names of Kubernetes
//! kinds are members of `std/k8s` without standing in its file.
//!
//! ```
//! assert!(ktl_stdlib::module("std/k8s").is_some_and(|text| text.contains("component Workload")));
//! assert!(ktl_stdlib::module("std/nothing").is_none());
//! ```

/// Every module: its path in imports, and its text.
const MODULES: &[(&str, &str)] = &[
    ("std/k8s", include_str!("../k8s.ktl")),
    ("std/prelude", include_str!("../prelude.ktl")),
];

/// The text of a module such as `std/k8s`.
pub fn module(path: &str) -> Option<&'static str> {
    MODULES.iter().find(|(name, _)| *name == path).map(|(_, text)| *text)
}

/// The paths of all modules. `std/prelude` is known everywhere and not imported.
pub fn modules() -> impl Iterator<Item = &'static str> + Clone {
    MODULES.iter().map(|(name, _)| *name)
}
