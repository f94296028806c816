//! Packaged charts: a `.tgz` whose files lie in one folder.

use std::collections::BTreeMap;
use std::io::Read;
use std::sync::Arc;

use flate2::read::GzDecoder;

/// How much a package may hold, unpacked. The limits are Helm's.
const TOTAL: u64 = 100 << 20;
/// How large one file of a package may be.
const FILE: u64 = 5 << 20;
/// How many files a package may hold.
const FILES: usize = 20_000;

/// The files of a package by path from the chart's root.
pub(crate) fn unpack(bytes: &[u8]) -> Result<BTreeMap<String, Arc<[u8]>>, String> {
    let broken = |error: std::io::Error| format!("the package cannot be read: {error}");
    // One byte more than allowed tells a full package from one that is too large.
    let mut reader = tar::Archive::new(GzDecoder::new(bytes).take(TOTAL + 1));
    let mut files = BTreeMap::new();
    let mut total = 0_u64;
    for entry in reader.entries().map_err(broken)? {
        let mut entry = entry.map_err(broken)?;
        match entry.header().entry_type() {
            tar::EntryType::Regular | tar::EntryType::Continuous => {}
            tar::EntryType::Directory | tar::EntryType::XGlobalHeader | tar::EntryType::XHeader => continue,
            other => return Err(format!("the package holds an entry that is no file: {other:?}")),
        }
        let path = String::from_utf8(entry.path_bytes().into_owned())
            .map_err(|_| "the package holds a path that is not UTF-8".to_owned())?;
        let size = entry.size();
        total = total.saturating_add(size);
        if size > FILE {
            return Err(format!("`{path}` is larger than {FILE} bytes"));
        }
        if total > TOTAL || files.len() >= FILES {
            return Err(format!("the package holds more than {TOTAL} bytes or {FILES} files"));
        }
        let Some(inner) = inner_path(&path)? else { continue };
        let mut data = Vec::new();
        entry.read_to_end(&mut data).map_err(broken)?;
        files.insert(inner, Arc::from(data));
    }
    if files.is_empty() {
        return Err("the package holds no files".to_owned());
    }
    Ok(files)
}

/// The path below the package's one folder, or `None` for a file beside it.
fn inner_path(path: &str) -> Result<Option<String>, String> {
    let path = path.replace('\\', "/");
    if path.starts_with('/') || path.split('/').any(|part| part == "..") {
        return Err(format!(
            "the package holds the path `{path}`, which leads outside of it"
        ));
    }
    let parts: Vec<&str> = path
        .split('/')
        .filter(|part| !part.is_empty() && *part != ".")
        .collect();
    match parts.split_first() {
        Some((_, inner)) if !inner.is_empty() => Ok(Some(inner.join("/"))),
        _ => Ok(None),
    }
}
