//! The steps, as data. A new check is a new entry.

use std::fmt;

/// Cheap steps first, so that a slip shows early. All build in the same profile with the same
/// features and flags: clippy and the documentation share what they compile, and so do tests and
/// doctests. (`RUSTFLAGS` would make each its own build.)
pub(super) const PLAN: [Step; 8] = [
    Step {
        name: "format",
        purpose: "the code is formatted",
        gate: Some(Gate {
            command: Cargo::new(&["fmt", "--version"]),
            otherwise: "rustfmt is missing, see the set-up",
        }),
        command: Cargo::new(&["fmt", "--all", "--", "--check"]),
    },
    Step {
        name: "clippy",
        purpose: "no warning from the compiler or clippy",
        gate: Some(Gate {
            command: Cargo::new(&["clippy", "--version"]),
            otherwise: "clippy is missing, see the set-up",
        }),
        command: Cargo::new(&[
            "clippy",
            "--locked",
            "--workspace",
            "--all-features",
            "--all-targets",
            "--",
            "-D",
            "warnings",
        ]),
    },
    Step {
        name: "docs",
        purpose: "the documentation builds without a warning",
        gate: None,
        command: Cargo {
            environment: &[("RUSTDOCFLAGS", "-D warnings")],
            arguments: &["doc", "--locked", "--workspace", "--all-features", "--no-deps"],
        },
    },
    Step {
        name: "deny",
        purpose: "licences, bans and sources of all dependencies are as deny.toml allows",
        gate: None,
        command: Cargo::new(&[
            "deny",
            "--locked",
            "check",
            "--hide-inclusion-graph",
            "licenses",
            "bans",
            "sources",
        ]),
    },
    Step {
        name: "advisories",
        purpose: "no dependency has a known flaw that deny.toml does not account for",
        gate: Some(Gate {
            command: Cargo {
                // A stalled download ends; git alone would wait for ever.
                environment: &[
                    ("GIT_HTTP_LOW_SPEED_LIMIT", "1000"),
                    ("GIT_HTTP_LOW_SPEED_TIME", "30"),
                    ("GIT_TERMINAL_PROMPT", "0"),
                ],
                arguments: &["deny", "fetch", "db"],
            },
            otherwise: "the advisory database cannot be fetched",
        }),
        // Offline, because it has just been fetched.
        command: Cargo::new(&["deny", "--locked", "--offline", "check", "advisories"]),
    },
    Step {
        name: "tests",
        purpose: "all tests, each in a process of its own",
        gate: None,
        command: Cargo::new(&[
            "nextest",
            "run",
            "--locked",
            "--workspace",
            "--all-features",
            "--profile",
            "ci",
        ]),
    },
    Step {
        name: "doctests",
        purpose: "the examples in the documentation, which nextest does not run",
        gate: None,
        command: Cargo::new(&["test", "--locked", "--workspace", "--all-features", "--doc"]),
    },
    Step {
        name: "chaos",
        purpose: "three minutes of faults at random, then nothing is lost",
        gate: None,
        // The same faults each time: a failure can be looked at again. Other seeds by hand.
        command: Cargo::new(&["--locked", "xtask", "chaos", "--dev", "--minutes", "3", "--seed", "1"]),
    },
];

/// What the end-to-end tests run on besides one server.
const CLUSTER: &[(&str, &str)] = &[("PURGELINE_TEST_REDIS", "cluster")];
const SENTINEL: &[(&str, &str)] = &[("PURGELINE_TEST_REDIS", "sentinel")];

/// Tests of each way that commands take to Redis: enqueue, coalesce, lease, settle, holds, wake-ups,
/// what is repeated, and Redis's own death.
const SOME_TESTS: &[&str] = &[
    "nextest",
    "run",
    "--locked",
    "--workspace",
    "--all-features",
    "--no-fail-fast",
    "-E",
    "binary(e2e) & test(/^(coalescing|holds|outcomes|producer|redis_death|waking)::/)",
];

/// All of them. Those of `failover` bring their own Sentinels and have run with the rest.
const ALL_TESTS: &[&str] = &[
    "nextest",
    "run",
    "--locked",
    "--workspace",
    "--all-features",
    "--no-fail-fast",
    "-E",
    "binary(e2e) & not test(/^failover::/)",
];

/// The end-to-end tests on other topologies: some, in the time that each change can wait for.
pub(super) const TOPOLOGIES: [Step; 2] = [on_cluster(SOME_TESTS), behind_sentinel(SOME_TESTS)];

/// The same, all of them (`--all-topologies`).
pub(super) const ALL_TOPOLOGIES: [Step; 2] = [on_cluster(ALL_TESTS), behind_sentinel(ALL_TESTS)];

const fn on_cluster(arguments: &'static [&'static str]) -> Step {
    Step {
        name: "cluster",
        purpose: "end-to-end tests on a Redis Cluster of three masters",
        gate: None,
        command: Cargo { environment: CLUSTER, arguments },
    }
}

const fn behind_sentinel(arguments: &'static [&'static str]) -> Step {
    Step {
        name: "sentinel",
        purpose: "end-to-end tests behind a Redis Sentinel",
        gate: None,
        command: Cargo { environment: SENTINEL, arguments },
    }
}

/// One check.
#[derive(Debug)]
pub(super) struct Step {
    pub(super) name: &'static str,
    /// What holds when it has passed.
    pub(super) purpose: &'static str,
    pub(super) gate: Option<Gate>,
    pub(super) command: Cargo,
}

/// What must succeed for a step to be run at all. If it does not, the step is skipped.
#[derive(Debug)]
pub(super) struct Gate {
    pub(super) command: Cargo,
    /// Why the step is skipped then.
    pub(super) otherwise: &'static str,
}

/// A call of cargo.
#[derive(Debug)]
pub(super) struct Cargo {
    pub(super) environment: &'static [(&'static str, &'static str)],
    pub(super) arguments: &'static [&'static str],
}

// === impl Cargo ===

impl Cargo {
    const fn new(arguments: &'static [&'static str]) -> Self {
        Self { environment: &[], arguments }
    }
}

/// The line to type in a shell for the same.
impl fmt::Display for Cargo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (name, value) in self.environment {
            write!(f, "{name}='{value}' ")?;
        }
        f.write_str("cargo")?;
        for argument in self.arguments {
            let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_=./".contains(&byte);
            if argument.bytes().all(plain) { write!(f, " {argument}")? } else { write!(f, " '{argument}'")? }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn steps_have_names_of_their_own() {
        let names: HashSet<_> = PLAN.iter().chain(&TOPOLOGIES).map(|step| step.name).collect();
        assert_eq!(names.len(), PLAN.len() + TOPOLOGIES.len());
    }

    #[test]
    fn what_builds_builds_the_whole_workspace_with_all_features_as_locked() {
        for step in PLAN.iter().chain(&TOPOLOGIES).chain(&ALL_TOPOLOGIES) {
            let arguments = step.command.arguments;
            if matches!(arguments[0], "clippy" | "doc" | "nextest" | "test") {
                assert!(arguments.contains(&"--workspace"), "{}", step.command);
                assert!(arguments.contains(&"--all-features"), "{}", step.command);
                assert!(arguments.contains(&"--locked"), "{}", step.command);
            }
        }
    }

    #[test]
    fn no_step_changes_how_the_others_build() {
        let rebuilding = ["RUSTFLAGS", "CARGO_BUILD_RUSTFLAGS", "CARGO_TARGET_DIR"];
        for step in PLAN.iter().chain(&TOPOLOGIES).chain(&ALL_TOPOLOGIES) {
            for (name, _) in step.command.environment {
                assert!(!rebuilding.contains(name), "{}", step.command);
            }
        }
    }

    #[test]
    fn a_call_reads_as_a_shell_line() {
        let docs = PLAN.iter().find(|step| step.name == "docs").expect("the plan has documentation");
        assert_eq!(
            docs.command.to_string(),
            "RUSTDOCFLAGS='-D warnings' cargo doc --locked --workspace --all-features --no-deps"
        );
    }
}
