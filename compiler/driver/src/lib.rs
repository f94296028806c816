//! From sources to a plan.
