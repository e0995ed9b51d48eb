use std::path::{Path, PathBuf};

/// The path with `~/` at its start replaced by the home directory.
///
/// # Errors
/// Says what is wrong with a path that is not absolute then: a relative one would mean another
/// place for each directory that a command is called in.
pub(super) fn absolute(path: &Path) -> Result<PathBuf, String> {
    let path = match path.strip_prefix("~") {
        Ok(below) => std::env::home_dir()
            .filter(|home| home.is_absolute())
            .ok_or("this user has no home directory: write the path whole")?
            .join(below),
        Err(_) => path.to_owned(),
    };
    if path.is_absolute() {
        Ok(path)
    } else {
        Err(format!("\"{}\" is not absolute: write the path whole, or from ~/", path.display()))
    }
}
