//! Commands that are programs of the workspace: built in release, then run in our place.
//!
//! A command that drives purgeline itself (a demonstration, a benchmark, a fault run) is a
//! program of one of the other crates and a [`Launch`] here. So this crate stays small, and such
//! a program can be run without it.

use std::{
    env,
    ffi::OsString,
    os::unix::process::CommandExt,
    process::{Command, ExitCode},
};

use anyhow::{Context, Result};
use xshell::Cmd;

use crate::{
    need::{self, Need},
    setup,
    workspace::Workspace,
};

/// `purgeline demo`, with a real Redis and a real Varnish.
pub(crate) const DEMO: Launch = Launch {
    package: "purgeline",
    binary: "purgeline",
    arguments: &["demo"],
    needs: &[need::REDIS, need::VARNISH],
};

/// A program of the workspace, and what the machine must have for it.
#[derive(Debug)]
pub(crate) struct Launch {
    package: &'static str,
    binary: &'static str,
    /// What comes before the caller's own arguments.
    arguments: &'static [&'static str],
    needs: &'static [Need],
}

// === impl Launch ===

impl Launch {
    /// Installs what is missing, builds the program and becomes it.
    ///
    /// # Errors
    ///
    /// When something cannot be installed, or the program cannot be built or started.
    pub(crate) fn command(&self, workspace: &Workspace, args: &[OsString]) -> Result<ExitCode> {
        for standing in setup::provide(workspace, self.needs)? {
            eprintln!("{standing}");
        }
        eprintln!("==> building {} in release", self.binary);
        self.cargo(workspace, "build")
            .quiet()
            .run()
            .with_context(|| format!("cannot build {}", self.binary))?;

        let run = self.cargo(workspace, "run").args(["--quiet", "--"]).args(self.arguments).args(args);
        // Cargo replaces itself with the program, so a signal reaches it, and its exit code us.
        // It stands where the caller stands: paths among the arguments mean that place.
        let error = Command::from(run).current_dir(env::current_dir()?).exec();
        Err(error).with_context(|| format!("cannot start {}", self.binary))
    }

    fn cargo<'a>(&self, workspace: &'a Workspace, subcommand: &str) -> Cmd<'a> {
        workspace.cargo().args([subcommand, "--release", "--locked"]).args([
            "--package",
            self.package,
            "--bin",
            self.binary,
        ])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_program_is_built_and_run_by_the_same_call() {
        let workspace = Workspace::locate().expect("tests run inside the workspace");
        for subcommand in ["build", "run"] {
            let call = DEMO.cargo(&workspace, subcommand).to_string();
            let expected = format!("{subcommand} --release --locked --package purgeline --bin purgeline");
            assert!(call.ends_with(&expected), "{call}");
        }
    }
}
