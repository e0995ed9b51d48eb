//! Cargo subcommands, built from crates.io.

use anyhow::{Context, Result};

use crate::{version::Version, workspace::Workspace};

/// The tools are run for seconds and built for minutes: what their release profiles spend on
/// speed (link-time optimisation, one codegen unit) is not worth its while here.
const QUICK_BUILD: [(&str, &str); 3] = [
    ("CARGO_PROFILE_RELEASE_LTO", "off"),
    ("CARGO_PROFILE_RELEASE_CODEGEN_UNITS", "16"),
    ("CARGO_PROFILE_RELEASE_OPT_LEVEL", "1"),
];

/// Installs a tool to where `cargo install` puts it, so that it is built once for all clones,
/// with the dependencies that its authors tested.
///
/// # Errors
///
/// When cargo cannot fetch or build it.
pub(super) fn install(workspace: &Workspace, name: &str, version: Version) -> Result<()> {
    eprintln!("==> set-up: building {name} {version}; this takes minutes, once");
    workspace
        .cargo()
        .args(["install", "--locked", "--version"])
        .arg(version.to_string())
        .arg(name)
        .envs(QUICK_BUILD)
        .run()
        .with_context(|| {
            format!(
                "cannot install {name}; `cargo install --locked {name}`, or a binary of it in \
                 PATH, will do as well"
            )
        })
}
