//! Running one step.

use anyhow::Result;
use xshell::Cmd;

use crate::{
    check::{
        plan::{Cargo, Gate, Step},
        report::Outcome,
    },
    workspace::Workspace,
};

/// Runs `step`, its output going to ours: who reads the log wants the test runner's own words.
pub(super) fn run(workspace: &Workspace, step: &Step) -> Outcome {
    let attempt = || -> Result<Outcome> {
        if let Some(reason) = closed(workspace, step.gate.as_ref())? {
            eprintln!("skipped: {reason}");
            return Ok(Outcome::Skipped(reason));
        }
        eprintln!("$ {}", step.command);
        Ok(match command(workspace, &step.command).quiet().run() {
            Ok(()) => Outcome::Passed,
            Err(_) => Outcome::Failed(step.command.to_string()),
        })
    };
    attempt().unwrap_or_else(|error| Outcome::Failed(format!("{error:#}")))
}

/// Why the gate is closed, if it is.
fn closed(workspace: &Workspace, gate: Option<&Gate>) -> Result<Option<String>> {
    let Some(gate) = gate else { return Ok(None) };
    let output = command(workspace, &gate.command)
        // Or the last words would be those of a stack trace.
        .env("RUST_BACKTRACE", "0")
        .quiet()
        .ignore_status()
        .output()?;
    if output.status.success() {
        return Ok(None);
    }
    let printed = String::from_utf8_lossy(&output.stderr);
    Ok(Some(match last_words(&printed) {
        Some(words) => format!("{} ({words})", gate.otherwise),
        None => gate.otherwise.to_owned(),
    }))
}

/// The last line that says something: programs end with the reason.
fn last_words(printed: &str) -> Option<&str> {
    printed.lines().map(str::trim).rfind(|line| !line.is_empty())
}

fn command<'a>(workspace: &'a Workspace, call: &Cargo) -> Cmd<'a> {
    workspace.cargo().args(call.arguments).envs(call.environment.iter().copied())
}

#[cfg(test)]
mod tests {
    use super::*;

    const WORKS: Cargo = Cargo { environment: &[], arguments: &["--version"] };
    const FAILS: Cargo = Cargo { environment: &[], arguments: &["purgeline-no-such-subcommand"] };

    fn step(gate: Option<Cargo>, command: Cargo) -> Step {
        Step {
            name: "a step",
            purpose: "tests the runner",
            gate: gate.map(|command| Gate { command, otherwise: "the gate is closed" }),
            command,
        }
    }

    fn outcome(step: &Step) -> Outcome {
        let workspace = Workspace::locate().expect("tests run inside the workspace");
        run(&workspace, step)
    }

    #[test]
    fn a_command_that_works_passes() {
        assert_eq!(outcome(&step(None, WORKS)), Outcome::Passed);
        assert_eq!(outcome(&step(Some(WORKS), WORKS)), Outcome::Passed);
    }

    #[test]
    fn a_command_that_fails_is_named() {
        assert_eq!(
            outcome(&step(Some(WORKS), FAILS)),
            Outcome::Failed("cargo purgeline-no-such-subcommand".into())
        );
    }

    #[test]
    fn behind_a_closed_gate_nothing_is_run_and_the_reason_is_kept() {
        let Outcome::Skipped(reason) = outcome(&step(Some(FAILS), FAILS)) else {
            panic!("expected the step to be skipped");
        };
        assert!(reason.starts_with("the gate is closed ("), "{reason}");
    }

    #[test]
    fn the_reason_is_the_last_line_with_words() {
        assert_eq!(
            last_words("Cloning …\nfatal: could not resolve host\n\n"),
            Some("fatal: could not resolve host")
        );
        assert_eq!(last_words(" \n"), None);
    }
}
