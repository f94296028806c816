//! What a stack may cost. Every limit is far above real stacks and bounds what a mistake can do.

/// Evaluation steps, of which every release adds some.
pub(crate) const STEPS: u64 = 5_000_000;
/// Steps that each release adds.
pub(crate) const STEPS_PER_RELEASE: u64 = 2_000;
/// Releases of one stack.
pub(crate) const RELEASES: usize = 20_000;
/// Levels of a value.
pub(crate) const NESTING: usize = 64;
/// Bytes of one string.
pub(crate) const STRING_BYTES: usize = 1 << 20;
/// Values in one value, parts counted as often as they occur: about 16 MiB.
pub(crate) const VALUE_WEIGHT: u32 = 1 << 18;
/// Types in one type, parts counted as often as they occur.
pub(crate) const TYPE_WEIGHT: u32 = 1 << 18;
/// Declarations that are evaluated on behalf of one another.
pub(crate) const DEMAND_DEPTH: usize = 10_000;
