//! Files by their names: WASI has no working folder, only folders that the host opened beforehand.

use crate::wasi::filesystem::preopens::get_directories;
use crate::wasi::filesystem::types::{Descriptor, DescriptorFlags, ErrorCode, OpenFlags, PathFlags};

/// Opens a file to read it.
pub(crate) async fn open(path: &str) -> Result<Descriptor, String> {
    at(path, OpenFlags::empty(), DescriptorFlags::READ).await
}

/// Makes a file, or empties it, to write it.
pub(crate) async fn create(path: &str) -> Result<Descriptor, String> {
    at(path, OpenFlags::CREATE | OpenFlags::TRUNCATE, DescriptorFlags::WRITE).await
}

async fn at(path: &str, open: OpenFlags, flags: DescriptorFlags) -> Result<Descriptor, String> {
    let folders = get_directories();
    let names = folders.iter().map(|(_, name)| name.as_str());
    let Some((index, rest)) = locate(names, path) else {
        return Err(format!("{path}: it is in no folder that was opened for this command"));
    };
    let folder = &folders[index].0;
    let opened = folder.open_at(PathFlags::SYMLINK_FOLLOW, rest.to_owned(), open, flags);
    opened.await.map_err(|code| problem(path, &code))
}

/// Which folder a path is in, and the rest of the path. Of several, it is the one with the longest name.
fn locate<'p, 'n>(folders: impl Iterator<Item = &'n str>, path: &'p str) -> Option<(usize, &'p str)> {
    let path = path.strip_prefix("./").unwrap_or(path);
    let fitting = folders.enumerate().filter_map(|(index, name)| {
        let rest = match name {
            "." | "" => Some(path).filter(|path| !path.starts_with('/')),
            "/" => path.strip_prefix('/'),
            name => path.strip_prefix(name)?.strip_prefix('/'),
        };
        Some((index, name.len(), rest?))
    });
    fitting
        .max_by_key(|(_, len, _)| *len)
        .map(|(index, _, rest)| (index, rest))
}

/// What went wrong with a file.
pub(crate) fn problem(path: &str, code: &ErrorCode) -> String {
    match code {
        ErrorCode::NoEntry => format!("{path}: there is no such file"),
        ErrorCode::IsDirectory => format!("{path}: it is a folder"),
        ErrorCode::Access | ErrorCode::NotPermitted | ErrorCode::ReadOnly => format!("{path}: that is not permitted"),
        ErrorCode::InsufficientSpace => format!("{path}: there is no space left"),
        code => format!("{path}: {code:?}"),
    }
}

#[cfg(test)]
mod tests {
    use super::locate;

    #[track_caller]
    fn check(folders: &[&str], path: &str, expected: Option<(usize, &str)>) {
        assert_eq!(locate(folders.iter().copied(), path), expected, "{path} in {folders:?}");
    }

    #[test]
    fn paths_are_in_the_folder_with_the_longest_name() {
        check(&["."], "a/b", Some((0, "a/b")));
        check(&["."], "./a", Some((0, "a")));
        check(&["."], "/a", None);
        check(&["/"], "a", None);
        check(&["/", "/data"], "/data/a", Some((1, "a")));
        check(&["/", "/data"], "/database", Some((0, "database")));
        check(&[".", "data"], "data/a", Some((1, "a")));
        check(&[], "a", None);
    }
}
