//! The copy of the workspace that mutants are put into.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, anyhow, ensure};

use super::{Mutant, patch};
use crate::files::write_changed;
use crate::process;

/// The module that says which mutant is on.
const SWITCH: &str = r#"//! Which mutant is on: the one whose number is in a variable.

extern crate std;

use core::sync::atomic::{AtomicU32, Ordering::Relaxed};

const UNKNOWN: u32 = u32::MAX;
static CHOSEN: AtomicU32 = AtomicU32::new(UNKNOWN);

/// Whether it is this one.
pub fn is(number: u32) -> bool {
    let mut chosen = CHOSEN.load(Relaxed);
    if chosen == UNKNOWN {
        let text = std::env::var("WITFLOW_MUTANT").unwrap_or_default();
        chosen = text.parse().unwrap_or(0);
        CHOSEN.store(chosen, Relaxed);
    }
    chosen == number
}
"#;

/// Copies what is under version control, with all mutants in it, and gives the folder.
pub(super) fn with(mutants: &[&Mutant]) -> Result<PathBuf> {
    let folder = process::target_folder()?.join("mutants");
    let mut files = files()?;
    put_in(mutants, &mut files)?;
    let switch = "async-rt/src/mutant.rs";
    files.insert(switch.into(), SWITCH.to_owned());
    for (file, line) in [
        ("async-rt/src/lib.rs", "#[doc(hidden)]\npub mod mutant;\n"),
        ("async-rt/src/rt/mod.rs", "pub use crate::mutant;\n"),
    ] {
        let text = files
            .get_mut(Path::new(file))
            .with_context(|| format!("there is no file {file}"))?;
        text.push_str(line);
    }
    for (path, text) in &files {
        write_changed(&folder.join(path), text)?;
    }
    Ok(folder)
}

/// Puts all mutants in, or says of each that does not fit any more.
fn put_in(mutants: &[&Mutant], files: &mut BTreeMap<PathBuf, String>) -> Result<()> {
    let mut misfits = Vec::new();
    for (index, mutant) in mutants.iter().enumerate() {
        let patched = match files.get(Path::new(mutant.file)) {
            Some(text) => patch::apply(text, mutant, index + 1),
            None => Err(anyhow!("there is no such file")),
        };
        match patched {
            Ok(text) => drop(files.insert(mutant.file.into(), text)),
            Err(error) => misfits.push(format!("mutant `{}` in {}: {error:#}", mutant.name, mutant.file)),
        }
    }
    ensure!(
        misfits.is_empty(),
        "{} mutants do not fit any more:\n{}",
        misfits.len(),
        misfits.join("\n")
    );
    Ok(())
}

/// The files under version control that are text, as they are now.
fn files() -> Result<BTreeMap<PathBuf, String>> {
    let listed = Command::new("git")
        .args(["ls-files", "-z", "--cached", "--others", "--exclude-standard"])
        .current_dir(process::root())
        .output()
        .context("git lists the files to copy")?;
    ensure!(listed.status.success(), "git could not list the files");
    let mut files = BTreeMap::new();
    for name in String::from_utf8(listed.stdout)?
        .split('\0')
        .filter(|name| !name.is_empty())
    {
        // What is no text, or was deleted, is not needed to build.
        if let Ok(text) = fs::read_to_string(process::root().join(name)) {
            files.insert(name.into(), text);
        }
    }
    Ok(files)
}

#[cfg(test)]
mod tests {
    use super::{files, put_in};
    use crate::mutants::mutants;

    #[test]
    fn all_mutants_fit() {
        let mut files = files().expect("git lists them");
        if let Err(misfits) = put_in(&mutants(), &mut files) {
            panic!("{misfits}");
        }
    }

    /// What is put into braces as a whole has its own in pairs, or else no mutant compiles.
    #[test]
    fn all_mutants_are_whole() {
        let pairs = [('(', ')'), ('[', ']'), ('{', '}')];
        for mutant in mutants().iter().filter(|mutant| !mutant.to.contains("{ON}")) {
            for (text, (open, close)) in [mutant.from, mutant.to]
                .iter()
                .flat_map(|text| pairs.map(|pair| (text, pair)))
            {
                assert_eq!(
                    text.matches(open).count(),
                    text.matches(close).count(),
                    "{}: {text}",
                    mutant.name
                );
            }
        }
    }
}
