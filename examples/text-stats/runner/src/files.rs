//! Which files there are to count: the given ones, or those of the project one is in.

use std::fs::DirEntry;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Result, ensure};

/// The given files, or all that can be found.
pub(crate) fn given_or_found(given: Vec<PathBuf>) -> Result<Vec<PathBuf>> {
    if !given.is_empty() {
        return Ok(given);
    }
    let mut files = tracked().unwrap_or_default();
    if files.is_empty() {
        walk(Path::new("."), &mut files);
    }
    ensure!(!files.is_empty(), "there is no file here to count; name some");
    Ok(files)
}

/// What git lists in the current folder, without what was deleted since; nothing where there is no git, or no repository.
fn tracked() -> Option<Vec<PathBuf>> {
    let git = Command::new("git")
        .args(["ls-files", "-z"])
        .stderr(Stdio::null())
        .output();
    let output = git.ok().filter(|output| output.status.success())?;
    let listed = output.stdout.split(|byte| *byte == 0);
    let paths = listed.filter_map(|path| std::str::from_utf8(path).ok());
    Some(paths.map(PathBuf::from).filter(|path| path.is_file()).collect())
}

/// Adds the files below a folder in the order of their names. What is hidden, built or cannot be listed is left out.
fn walk(folder: &Path, files: &mut Vec<PathBuf>) {
    let Ok(entries) = folder.read_dir() else { return };
    let mut entries: Vec<DirEntry> = entries.flatten().collect();
    entries.sort_by_key(DirEntry::file_name);
    for entry in entries {
        let (name, path) = (entry.file_name(), entry.path());
        let Ok(ty) = entry.file_type() else { continue };
        if name.as_encoded_bytes().starts_with(b".") {
            continue;
        }
        if ty.is_dir() && name != "target" {
            walk(&path, files);
        } else if ty.is_file() {
            files.push(path.strip_prefix(".").map(Path::to_path_buf).unwrap_or(path));
        }
    }
}
