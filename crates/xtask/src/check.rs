//! `cargo xtask test`: everything that must hold before a change goes in.

mod plan;
mod report;
mod run;

use std::process::ExitCode;

use anyhow::Result;

use crate::{
    check::{
        plan::{ALL_TOPOLOGIES, PLAN, TOPOLOGIES},
        report::{Outcome, Report},
    },
    cli::TestOptions,
    need, setup,
    workspace::Workspace,
};

/// Sets up, runs the plan's steps, and ends with a table of how each fared.
///
/// # Errors
///
/// Never for a failed check: that is an exit code.
pub(crate) fn command(workspace: &Workspace, options: TestOptions) -> Result<ExitCode> {
    // The set-up is the first step.
    let topologies = if options.all_topologies { &ALL_TOPOLOGIES } else { &TOPOLOGIES };
    let steps = 1 + PLAN.len() + topologies.len();
    let mut report = Report::new(options);
    report.step("set-up", || {
        heading(1, steps, "set-up", "what the steps need");
        set_up(workspace)
    });
    for (step, number) in PLAN.iter().chain(topologies).zip(2..) {
        report.step(step.name, || {
            heading(number, steps, step.name, step.purpose);
            run::run(workspace, step)
        });
    }
    println!("\n{report}");
    Ok(report.exit_code())
}

fn set_up(workspace: &Workspace) -> Outcome {
    match setup::provide(workspace, &need::ALL) {
        Ok(standings) => {
            for standing in standings {
                eprintln!("{standing}");
            }
            Outcome::Passed
        }
        Err(error) => Outcome::Failed(format!("{error:#}")),
    }
}

fn heading(number: usize, of: usize, name: &str, purpose: &str) {
    eprintln!("\n==> {number}/{of} {name}: {purpose}");
}
