//! Files that are written for other programs to work on.

use std::path::Path;

use anyhow::{Context, Result};

/// Writes a file and makes the folders above it.
pub(crate) fn write(path: &Path, contents: impl AsRef<[u8]>) -> Result<()> {
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder)?;
    }
    std::fs::write(path, contents).with_context(|| format!("`{}` cannot be written", path.display()))
}

/// The same, unless it is there like that: Cargo builds again what is newer.
pub(crate) fn write_changed(path: &Path, contents: impl AsRef<[u8]>) -> Result<()> {
    if std::fs::read(path).is_ok_and(|there| there == contents.as_ref()) {
        return Ok(());
    }
    write(path, contents)
}
