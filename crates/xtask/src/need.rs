//! What the machine must have, and how to see whether it does.

use xshell::Cmd;

use crate::{version::Version, workspace::Workspace};

/// The store of purgeline. Debian 12 has 7.0, which the scripts are written for.
pub(crate) const REDIS: Need = Need {
    name: "redis-server",
    probe: Probe::Program("redis-server", "--version"),
    at_least: Version(7, 0, 0),
    source: Source::SystemPackage { package: "redis-server", services: &["redis-server"] },
};

/// A real cache to purge.
pub(crate) const VARNISH: Need = Need {
    name: "varnish",
    probe: Probe::Program("varnishd", "-V"),
    at_least: Version::ANY,
    source: Source::SystemPackage { package: "varnish", services: &["varnish", "varnishncsa"] },
};

/// Checks the code's format.
pub(crate) const RUSTFMT: Need = Need {
    name: "rustfmt",
    probe: Probe::Cargo("fmt"),
    at_least: Version::ANY,
    source: Source::RustComponent { component: "rustfmt", debian_package: "rustfmt" },
};

/// Lints.
pub(crate) const CLIPPY: Need = Need {
    name: "clippy",
    probe: Probe::Cargo("clippy"),
    at_least: Version::ANY,
    source: Source::RustComponent { component: "clippy", debian_package: "rust-clippy" },
};

/// Runs the tests, each in its own process, and kills those that hang.
pub(crate) const NEXTEST: Need = Need {
    name: "cargo-nextest",
    probe: Probe::Cargo("nextest"),
    // The same as `nextest-version` in .config/nextest.toml.
    at_least: Version(0, 9, 128),
    source: Source::CratesIo {
        // The last that the workspace's `rust-version` can build.
        version: Version(0, 9, 128),
        // Without self-update it builds in half the time.
        flags: &["--no-default-features"],
    },
};

/// Checks licences, bans, sources and advisories.
pub(crate) const DENY: Need = Need {
    name: "cargo-deny",
    probe: Probe::Cargo("deny"),
    at_least: Version(0, 20, 0),
    source: Source::CratesIo { version: Version(0, 20, 2), flags: &[] },
};

/// What `cargo xtask test` needs: what is quick to bring in comes first.
pub(crate) const ALL: [Need; 6] = [REDIS, VARNISH, RUSTFMT, CLIPPY, NEXTEST, DENY];

/// Something that the machine must have.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Need {
    pub(crate) name: &'static str,
    probe: Probe,
    at_least: Version,
    pub(crate) source: Source,
}

/// How to ask for a version.
#[derive(Debug, Clone, Copy)]
enum Probe {
    /// A program in `PATH`, and the flag that makes it print its version.
    Program(&'static str, &'static str),
    /// A subcommand of cargo.
    Cargo(&'static str),
}

/// Where it comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Source {
    /// The system's package manager. The services that the package would start at boot are
    /// named, so that they can be kept from it: the tests and the demonstration start their own.
    SystemPackage { package: &'static str, services: &'static [&'static str] },
    /// `cargo install`, at this version and with these further flags.
    CratesIo { version: Version, flags: &'static [&'static str] },
    /// A part of the Rust distribution, by rustup's name and by Debian's.
    RustComponent { component: &'static str, debian_package: &'static str },
}

/// Whether a need is met.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Presence {
    Absent,
    TooOld {
        found: Version,
        at_least: Version,
    },
    /// There; the version is unknown when the program prints none.
    Present(Option<Version>),
}

// === impl Need ===

impl Need {
    /// Asks the program for its version.
    pub(crate) fn presence(&self, workspace: &Workspace) -> Presence {
        match self.probe.command(workspace).quiet().output() {
            // varnishd prints its version to standard error.
            Ok(output) => self.judge(&format!(
                "{}\n{}",
                String::from_utf8_lossy(&output.stdout),
                String::from_utf8_lossy(&output.stderr)
            )),
            // Not there, or, as rustup's proxies do, there only to say that it is not.
            Err(_) => Presence::Absent,
        }
    }

    fn judge(&self, printed: &str) -> Presence {
        match Version::find_in(printed) {
            Some(found) if found < self.at_least => Presence::TooOld { found, at_least: self.at_least },
            version => Presence::Present(version),
        }
    }
}

// === impl Probe ===

impl Probe {
    fn command(self, workspace: &Workspace) -> Cmd<'_> {
        match self {
            Self::Program(program, flag) => workspace.program(program).arg(flag),
            Self::Cargo(subcommand) => workspace.cargo().args([subcommand, "--version"]),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_old_program_is_told_from_a_good_one() {
        assert_eq!(
            REDIS.judge("Redis server v=6.0.16 sha=00000000:0"),
            Presence::TooOld { found: Version(6, 0, 16), at_least: Version(7, 0, 0) }
        );
        assert_eq!(
            REDIS.judge("Redis server v=7.0.15 sha=00000000:0"),
            Presence::Present(Some(Version(7, 0, 15)))
        );
        assert_eq!(
            NEXTEST.judge("cargo-nextest 0.9.99 (abc 2025-07-01)"),
            Presence::TooOld { found: Version(0, 9, 99), at_least: Version(0, 9, 128) }
        );
    }

    #[test]
    fn a_program_that_prints_no_version_is_there() {
        assert_eq!(VARNISH.judge("varnishd (varnish-trunk)"), Presence::Present(None));
    }

    #[test]
    fn a_program_that_does_not_exist_is_absent() {
        let need = Need { probe: Probe::Program("purgeline-no-such-program", "--version"), ..REDIS };
        let workspace = Workspace::locate().expect("tests run inside the workspace");
        assert_eq!(need.presence(&workspace), Presence::Absent);
    }

    #[test]
    fn a_cargo_subcommand_that_does_not_exist_is_absent() {
        let need = Need { probe: Probe::Cargo("purgeline-no-such-subcommand"), ..DENY };
        let workspace = Workspace::locate().expect("tests run inside the workspace");
        assert_eq!(need.presence(&workspace), Presence::Absent);
    }

    #[test]
    fn what_is_installed_is_new_enough() {
        for need in ALL {
            if let Source::CratesIo { version, .. } = need.source {
                assert!(version >= need.at_least, "{}", need.name);
            }
        }
    }

    #[test]
    fn nextest_is_as_new_as_its_configuration_asks() {
        let root = crate::workspace::root().expect("tests run inside the workspace");
        let config =
            std::fs::read_to_string(root.join(".config/nextest.toml")).expect("the configuration is there");
        let required =
            config.lines().find(|line| line.starts_with("nextest-version")).and_then(Version::find_in);
        assert_eq!(required, Some(NEXTEST.at_least));
    }
}
