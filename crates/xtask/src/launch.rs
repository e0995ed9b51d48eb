//! Commands that are programs of the workspace: built, then run in our place.
//!
//! A command that drives purgeline itself (a demonstration, a benchmark, a fault run) is a
//! program of one of the other crates and a [`Launch`] here. So this crate stays small, and such
//! a program can be run without it.

use std::{
    env,
    ffi::OsString,
    os::unix::process::CommandExt,
    path::PathBuf,
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
    beside: &[],
    arguments: &["demo"],
    needs: &[need::REDIS, need::VARNISH],
};

/// A fleet before simulators at the providers' real limits.
pub(crate) const LIMITS: Launch = Launch { arguments: &["limits"], ..TRIALS };

/// The fault run.
pub(crate) const CHAOS: Launch = Launch { arguments: &["chaos"], ..TRIALS };

const TRIALS: Launch = Launch {
    package: "purgeline-trials",
    binary: "purgeline-trials",
    // Its workers.
    beside: &["purgeline"],
    arguments: &[],
    needs: &[need::REDIS],
};

/// A program of the workspace, and what the machine must have for it.
#[derive(Debug)]
pub(crate) struct Launch {
    package: &'static str,
    binary: &'static str,
    /// Packages whose binaries must stand beside it.
    beside: &'static [&'static str],
    /// What comes before the caller's own arguments.
    arguments: &'static [&'static str],
    needs: &'static [Need],
}

/// How it is built.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Profile {
    /// Optimised: for whoever measures.
    Release,
    /// As the tests are: what they have built is built.
    Dev,
}

// === impl Launch ===

impl Launch {
    /// Installs what is missing, builds the program and becomes it.
    ///
    /// # Errors
    ///
    /// When something cannot be installed, or the program cannot be built or started.
    pub(crate) fn command(
        &self,
        workspace: &Workspace,
        profile: Profile,
        args: &[OsString],
    ) -> Result<ExitCode> {
        for standing in setup::provide(workspace, self.needs)? {
            eprintln!("{standing}");
        }
        eprintln!("==> building {}", self.binary);
        self.build(workspace, profile)
            .quiet()
            .run()
            .with_context(|| format!("cannot build {}", self.binary))?;

        let program = profile.directory()?.join(self.binary);
        // It takes our place, so a signal reaches it, and its exit code our caller. It stands where
        // the caller stands: paths among the arguments mean that place.
        let error = Command::new(&program).args(self.arguments).args(args).exec();
        Err(error).with_context(|| format!("cannot start {}", program.display()))
    }

    fn build<'a>(&self, workspace: &'a Workspace, profile: Profile) -> Cmd<'a> {
        let build = workspace.cargo().args(["build", "--locked"]);
        match profile {
            // All in one call, so that what they share is built once.
            Profile::Release => build
                .arg("--release")
                .args(["--package", self.package])
                .args(self.beside.iter().flat_map(|package| ["--package", package]))
                .arg("--bins"),
            // The features of a dependency are those that all of the build want: the same
            // selection as the tests' is the same build.
            Profile::Dev => build.args(["--workspace", "--all-targets"]),
        }
    }
}

impl Profile {
    /// Where cargo puts binaries of this profile: beside the directory that this program is in.
    fn directory(self) -> Result<PathBuf> {
        let ourselves = env::current_exe().context("cannot find this program's own file")?;
        let name = match self {
            Self::Release => "release",
            Self::Dev => "debug",
        };
        let directory = ourselves.ancestors().nth(2).map(|target| target.join(name));
        directory.with_context(|| format!("{} is in no target directory", ourselves.display()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_release_builds_the_program_and_what_stands_beside_it_at_once() {
        let workspace = Workspace::locate().expect("tests run inside the workspace");
        let call = CHAOS.build(&workspace, Profile::Release).to_string();
        let expected = "build --locked --release --package purgeline-trials --package purgeline --bins";
        assert!(call.ends_with(expected), "{call}");
    }

    #[test]
    fn binaries_stand_beside_our_own_directory() {
        // A test stands one directory deeper than the program.
        let directory = Profile::Release.directory().expect("tests are in a target directory");
        assert!(directory.ends_with("release"), "{}", directory.display());
    }
}
