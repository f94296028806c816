//! What the language asks of the outside, answered from the world.

use std::sync::Arc;

use ktl_gotmpl::yaml;
use serde_json::Value;

use crate::world::World;

pub(crate) struct Host<'a> {
    world: &'a dyn World,
}

impl<'a> Host<'a> {
    pub fn new(world: &'a dyn World) -> Self {
        Host { world }
    }
}

impl ktl_lang::Host for Host<'_> {
    fn module(&self, path: &str) -> Result<Arc<str>, String> {
        let bytes = self.world.read(path).map_err(|error| error.to_string())?;
        text(path, &bytes).map(Arc::from)
    }

    fn chart(&self, directory: &str) -> Result<(), String> {
        let chart = format!("{directory}/Chart.yaml");
        self.world
            .read(&chart)
            .map(drop)
            .map_err(|error| format!("`{directory}` is no chart: {error}"))
    }

    fn crds(&self, path: &str) -> Result<Vec<Value>, String> {
        let bytes = self.world.read(path).map_err(|error| error.to_string())?;
        let documents = yaml::parse_documents(text(path, &bytes)?)
            .map_err(|error| format!("{path}:{}:{}: {}", error.line, error.column, error.message))?;
        Ok(documents
            .iter()
            .map(|document| document.root.to_json())
            .filter(|document| !document.is_null())
            .collect())
    }
}

/// A file's bytes as text.
pub(crate) fn text<'a>(path: &str, bytes: &'a [u8]) -> Result<&'a str, String> {
    std::str::from_utf8(bytes).map_err(|error| {
        let line = bytes
            .iter()
            .take(error.valid_up_to())
            .filter(|byte| **byte == b'\n')
            .count()
            + 1;
        format!("`{path}` is not UTF-8 text (line {line}); save it as UTF-8")
    })
}
