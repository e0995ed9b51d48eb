//! Cargo subcommands, built from crates.io.

use std::fs;

use anyhow::{Context, Result};

use crate::{
    need::{Need, Presence, Source},
    workspace::{self, Workspace},
};

/// The tools run for seconds and build for minutes: what their release profiles spend on speed
/// (optimisation, link-time optimisation, one codegen unit) costs more here than it saves.
/// Measured on two cores: cargo-deny 71 s instead of 286 s to build, 1.9 s instead of 1.0 s to run.
const QUICK_BUILD: [(&str, &str); 3] = [
    ("CARGO_PROFILE_RELEASE_OPT_LEVEL", "0"),
    ("CARGO_PROFILE_RELEASE_LTO", "off"),
    ("CARGO_PROFILE_RELEASE_CODEGEN_UNITS", "16"),
];

/// Installs the tools among `lacking` to where `cargo install` puts them, so that they are built
/// once for all clones, with the dependencies that their authors tested.
///
/// # Errors
///
/// When cargo cannot fetch or build one.
pub(super) fn install(workspace: &Workspace, lacking: &[(Need, Presence)]) -> Result<()> {
    // One directory for all: they share dependencies, and an interrupted build goes on next time.
    let scratch = workspace::root()?.join("target/tools");
    for (need, _) in lacking {
        let name = need.name;
        let Source::CratesIo { version, flags } = need.source else {
            continue;
        };
        eprintln!("==> set-up: building {name} {version}; this takes a few minutes, once");
        workspace
            .cargo()
            .args(["install", "--locked", name, "--version"])
            .arg(version.to_string())
            .args(flags)
            .env("CARGO_TARGET_DIR", &scratch)
            .envs(QUICK_BUILD)
            .run()
            .with_context(|| {
                format!(
                    "cannot install {name}; `cargo install --locked {name}`, or a binary of it \
                     in PATH, will do as well"
                )
            })?;
    }
    if scratch.exists() {
        fs::remove_dir_all(&scratch).with_context(|| format!("cannot remove {}", scratch.display()))?;
    }
    Ok(())
}
