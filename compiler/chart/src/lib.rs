//! Chart loading, values and rendering.
