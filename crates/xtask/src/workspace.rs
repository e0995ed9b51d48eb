//! Where the workspace is, and how programs are started in it.

use std::{
    env,
    ffi::OsString,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result};
use xshell::{Cmd, Shell};

/// Where Debian puts daemons, and where the `PATH` of an ordinary user does not look.
const DAEMON_DIRECTORIES: [&str; 2] = ["/usr/local/sbin", "/usr/sbin"];

/// A shell that stands in the workspace's root.
pub(crate) struct Workspace {
    shell: Shell,
    cargo: OsString,
}

// === impl Workspace ===

impl Workspace {
    /// The workspace that this program belongs to.
    ///
    /// # Errors
    ///
    /// When its directory is gone since it was compiled, or `PATH` cannot be extended.
    pub(crate) fn locate() -> Result<Self> {
        let shell = Shell::new().context("cannot read the current directory")?;
        shell.set_var("PATH", with_daemon_directories(env::var_os("PATH"))?);
        shell.change_dir(root()?);

        Ok(Self {
            shell,
            // The very cargo that runs us, so that `cargo +beta xtask` checks with beta.
            cargo: env::var_os("CARGO").unwrap_or_else(|| "cargo".into()),
        })
    }

    /// `program`, to be run in the root. It prints to our own output.
    pub(crate) fn program(&self, program: impl AsRef<Path>) -> Cmd<'_> {
        self.shell.cmd(program)
    }

    /// `cargo`, to be run in the root. It prints to our own output.
    pub(crate) fn cargo(&self) -> Cmd<'_> {
        self.shell.cmd(&self.cargo)
    }
}

/// The directory of the workspace's manifest.
pub(crate) fn root() -> Result<PathBuf> {
    // Cargo says at run time where the crate is now; the place at compile time may have moved.
    let manifest = env::var_os("CARGO_MANIFEST_DIR")
        .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")), PathBuf::from);
    manifest
        .ancestors()
        .nth(2)
        .map(Path::to_owned)
        .with_context(|| format!("no workspace two levels above {}", manifest.display()))
}

/// `path` with the directories of daemons behind it, where it lacks them.
fn with_daemon_directories(path: Option<OsString>) -> Result<OsString> {
    let path = path.unwrap_or_default();
    let mut directories: Vec<PathBuf> = env::split_paths(&path).collect();
    for directory in DAEMON_DIRECTORIES.map(PathBuf::from) {
        if !directories.contains(&directory) {
            directories.push(directory);
        }
    }
    env::join_paths(directories).context("a directory in PATH has a `:` in its name")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_ordinary_users_path_gains_the_daemons() {
        let path = with_daemon_directories(Some("/home/a/.cargo/bin:/usr/bin:/bin".into()))
            .expect("no colons inside");
        assert_eq!(path, "/home/a/.cargo/bin:/usr/bin:/bin:/usr/local/sbin:/usr/sbin");
    }

    #[test]
    fn what_is_there_keeps_its_place() {
        let path = with_daemon_directories(Some("/usr/sbin:/usr/bin".into())).expect("no colons inside");
        assert_eq!(path, "/usr/sbin:/usr/bin:/usr/local/sbin");
    }

    #[test]
    fn the_root_holds_the_workspace_manifest() {
        let root = root().expect("tests run inside the workspace");
        let manifest = std::fs::read_to_string(root.join("Cargo.toml")).expect("the root has a manifest");
        assert!(manifest.contains("[workspace]"), "{manifest}");
    }
}
