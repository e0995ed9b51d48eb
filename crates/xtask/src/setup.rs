//! Bringing in what the machine lacks.

mod apt;
mod component;
mod crates_io;

use std::{fmt, process::ExitCode};

use anyhow::{Result, bail};

use crate::{
    need::{self, Need, Presence, Source},
    version::Version,
    workspace::Workspace,
};

/// How one need stands after the set-up.
#[derive(Debug)]
pub(crate) struct Standing {
    name: &'static str,
    state: State,
}

#[derive(Debug)]
enum State {
    AlreadyHere(Option<Version>),
    Installed(Option<Version>),
    /// It could not be brought in; the checks that want it are skipped. Says what to do.
    Missing(String),
}

/// `cargo xtask setup`.
///
/// # Errors
///
/// As [`provide`].
pub(crate) fn command(workspace: &Workspace) -> Result<ExitCode> {
    let standings = provide(workspace, &need::ALL)?;
    for standing in &standings {
        println!("{standing}");
    }
    Ok(if standings.iter().any(Standing::is_missing) { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

/// Installs those of `needs` that are absent or too old, and says how each stands then. Does
/// nothing when all are there.
///
/// # Errors
///
/// When something cannot be installed that there is no going on without. A missing part of the
/// Rust distribution is no error, but a [`Standing`] that says so.
pub(crate) fn provide(workspace: &Workspace, needs: &[Need]) -> Result<Vec<Standing>> {
    let before: Vec<(Need, Presence)> = needs.iter().map(|need| (*need, need.presence(workspace))).collect();
    let lacking: Vec<(Need, Presence)> =
        before.iter().filter(|(_, presence)| !matches!(presence, Presence::Present(_))).copied().collect();

    apt::install(workspace, &lacking)?;
    component::add(workspace, &lacking);
    crates_io::install(workspace, &lacking)?;

    before
        .iter()
        .map(|(need, presence)| {
            let state = match *presence {
                Presence::Present(version) => State::AlreadyHere(version),
                Presence::Absent | Presence::TooOld { .. } => {
                    settle(workspace, need, need.presence(workspace))?
                }
            };
            Ok(Standing { name: need.name, state })
        })
        .collect()
}

/// What became of a need that the set-up has tried to meet.
fn settle(workspace: &Workspace, need: &Need, after: Presence) -> Result<State> {
    let name = need.name;
    match (after, need.source) {
        (Presence::Present(version), _) => Ok(State::Installed(version)),
        (Presence::Absent, Source::RustComponent { component, debian_package }) => {
            Ok(State::Missing(component::advice(workspace, component, debian_package)))
        }
        (Presence::Absent, _) => {
            bail!("{name} was installed, but is not in PATH; add the directory that the lines above name")
        }
        (Presence::TooOld { found, at_least }, _) => bail!(
            "{name} {found} is too old, {at_least} or newer is needed, and the system has no newer \
             one to install; install it by hand, so that it comes first in PATH"
        ),
    }
}

// === impl Standing ===

impl Standing {
    pub(crate) fn is_missing(&self) -> bool {
        matches!(self.state, State::Missing(_))
    }
}

impl fmt::Display for Standing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (word, version) = match &self.state {
            State::AlreadyHere(version) => ("already here", version),
            State::Installed(version) => ("installed", version),
            State::Missing(advice) => return write!(f, "{:<14} missing: {advice}", self.name),
        };
        match version {
            Some(version) => write!(f, "{:<14} {word}, {version}", self.name),
            None => write!(f, "{:<14} {word}", self.name),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn workspace() -> Workspace {
        Workspace::locate().expect("tests run inside the workspace")
    }

    #[test]
    fn standings_read_as_a_list() {
        let list: Vec<String> = [
            ("redis-server", State::AlreadyHere(Some(Version(7, 0, 15)))),
            ("varnish", State::Installed(None)),
            ("rustfmt", State::Missing("rustup component add rustfmt".into())),
        ]
        .into_iter()
        .map(|(name, state)| Standing { name, state }.to_string())
        .collect();
        assert_eq!(
            list,
            [
                "redis-server   already here, 7.0.15",
                "varnish        installed",
                "rustfmt        missing: rustup component add rustfmt",
            ]
        );
    }

    #[test]
    fn a_missing_component_is_said_not_refused() {
        let state =
            settle(&workspace(), &need::RUSTFMT, Presence::Absent).expect("tests run without rustfmt");
        assert!(matches!(&state, State::Missing(advice) if advice.contains("rustfmt")), "{state:?}");
    }

    #[test]
    fn a_package_that_is_not_to_be_found_afterwards_is_refused() {
        let error =
            settle(&workspace(), &need::DENY, Presence::Absent).expect_err("there is no going on without it");
        assert!(error.to_string().contains("not in PATH"), "{error}");
    }

    #[test]
    fn a_system_whose_package_is_too_old_is_refused_with_both_versions() {
        let error = settle(
            &workspace(),
            &need::REDIS,
            Presence::TooOld { found: Version(6, 0, 16), at_least: Version(7, 0, 0) },
        )
        .expect_err("there is no going on with it");
        let text = error.to_string();
        assert!(text.contains("6.0.16") && text.contains("7.0.0"), "{text}");
    }
}
