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
pub(crate) const DEMO: Launch =
    Launch { binary: "purgeline", arguments: &["demo"], needs: &[need::REDIS, need::VARNISH] };

/// A fleet before simulators at the providers' real limits.
pub(crate) const LIMITS: Launch = Launch { arguments: &["limits"], ..TRIALS };

/// The fault run.
pub(crate) const CHAOS: Launch = Launch { arguments: &["chaos"], ..TRIALS };

const TRIALS: Launch = Launch { binary: "purgeline-trials", arguments: &[], needs: &[need::REDIS] };

/// The packages of all these programs. A trial starts `purgeline` workers, which stand beside it.
const PACKAGES: [&str; 2] = ["purgeline", "purgeline-trials"];

/// A program of the workspace, and what the machine must have for it.
#[derive(Debug)]
pub(crate) struct Launch {
    binary: &'static str,
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
        build(workspace, profile).quiet().run().with_context(|| format!("cannot build {}", self.binary))?;

        let program = profile.directory()?.join(self.binary);
        // It takes our place, so a signal reaches it, and its exit code our caller. It stands where
        // the caller stands: paths among the arguments mean that place.
        let error = Command::new(&program).args(self.arguments).args(args).exec();
        Err(error).with_context(|| format!("cannot start {}", program.display()))
    }
}

/// The build of every program of [`PACKAGES`].
fn build(workspace: &Workspace, profile: Profile) -> Cmd<'_> {
    let build = workspace.cargo().args(["build", "--locked"]);
    match profile {
        // The features of a dependency are those that the whole selection wants. So every
        // program builds the same selection, and finds what another has built.
        Profile::Release => build
            .arg("--release")
            .args(PACKAGES.iter().flat_map(|package| ["--package", package]))
            .args(["--bins", "--all-features"]),
        // The selection of the tests.
        Profile::Dev => build.args(["--workspace", "--all-features", "--all-targets"]),
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
    fn a_release_builds_all_programs_with_all_features_at_once() {
        let workspace = Workspace::locate().expect("tests run inside the workspace");
        let call = build(&workspace, Profile::Release).to_string();
        let expected =
            "build --locked --release --package purgeline --package purgeline-trials --bins --all-features";
        assert!(call.ends_with(expected), "{call}");
    }

    #[test]
    fn binaries_stand_beside_our_own_directory() {
        // A test stands one directory deeper than the program.
        let directory = Profile::Release.directory().expect("tests are in a target directory");
        assert!(directory.ends_with("release"), "{}", directory.display());
    }
}
