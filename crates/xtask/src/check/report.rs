//! How the steps fared.

use std::{
    fmt,
    process::ExitCode,
    time::{Duration, Instant},
};

use crate::cli::TestOptions;

/// How a step ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Outcome {
    Passed,
    /// It could not be run, and why.
    Skipped(String),
    /// With the command that failed, or what kept it from being run.
    Failed(String),
    /// A step before it failed.
    NotRun,
}

/// The steps so far. It decides, too, whether the next one is run.
#[derive(Debug)]
pub(super) struct Report {
    options: TestOptions,
    lines: Vec<Line>,
}

#[derive(Debug)]
struct Line {
    name: &'static str,
    outcome: Outcome,
    took: Duration,
}

// === impl Report ===

impl Report {
    pub(super) fn new(options: TestOptions) -> Self {
        Self { options, lines: Vec::new() }
    }

    /// Runs a step, unless one before it failed, and notes how it ended.
    pub(super) fn step(&mut self, name: &'static str, run: impl FnOnce() -> Outcome) {
        let start = Instant::now();
        let outcome = if self.failed() && !self.options.keep_going { Outcome::NotRun } else { run() };
        self.lines.push(Line { name, outcome, took: start.elapsed() });
    }

    pub(super) fn exit_code(&self) -> ExitCode {
        if self.failed() { ExitCode::FAILURE } else { ExitCode::SUCCESS }
    }

    fn failed(&self) -> bool {
        self.lines.iter().any(|line| match line.outcome {
            Outcome::Failed(_) => true,
            Outcome::Skipped(_) => self.options.strict,
            Outcome::Passed | Outcome::NotRun => false,
        })
    }

    fn count(&self, wanted: fn(&Outcome) -> bool) -> usize {
        self.lines.iter().filter(|line| wanted(&line.outcome)).count()
    }
}

/// A table, one step a line, and a closing line with the sums.
impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for line in &self.lines {
            writeln!(f, "{line}")?;
        }
        write!(
            f,
            "{}: {} passed, {} failed, {} skipped, {} not run, in {}",
            if self.failed() { "FAILED" } else { "passed" },
            self.count(|o| matches!(o, Outcome::Passed)),
            self.count(|o| matches!(o, Outcome::Failed(_))),
            self.count(|o| matches!(o, Outcome::Skipped(_))),
            self.count(|o| matches!(o, Outcome::NotRun)),
            spoken(self.lines.iter().map(|line| line.took).sum()),
        )
    }
}

// === impl Line ===

impl fmt::Display for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (word, words) = match &self.outcome {
            Outcome::Passed => ("passed", None),
            Outcome::Skipped(reason) => ("skipped", Some(reason)),
            Outcome::Failed(reason) => ("FAILED", Some(reason)),
            Outcome::NotRun => return write!(f, "{:<11} not run", self.name),
        };
        write!(f, "{:<11} {word:<8} {:>12}", self.name, spoken(self.took))?;
        match words {
            Some(words) => write!(f, "  {words}"),
            None => Ok(()),
        }
    }
}

/// `7.3 s`, `12 min 05 s`.
fn spoken(time: Duration) -> String {
    let seconds = time.as_secs();
    if seconds < 60 {
        format!("{:.1} s", time.as_secs_f64())
    } else {
        format!("{} min {:02} s", seconds / 60, seconds % 60)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEEP_GOING: TestOptions = TestOptions { keep_going: true, strict: false, all_topologies: false };
    const STRICT: TestOptions = TestOptions { keep_going: false, strict: true, all_topologies: false };

    /// Which of the outcomes' steps were run.
    fn run_all(report: &mut Report, outcomes: &[Outcome]) -> Vec<bool> {
        outcomes
            .iter()
            .map(|outcome| {
                let mut ran = false;
                report.step("step", || {
                    ran = true;
                    outcome.clone()
                });
                ran
            })
            .collect()
    }

    #[test]
    fn the_first_failure_ends_the_run() {
        let mut report = Report::new(TestOptions::default());
        let ran = run_all(&mut report, &[Outcome::Passed, Outcome::Failed("x".into()), Outcome::Passed]);
        assert_eq!(ran, [true, true, false]);
        assert_eq!(report.exit_code(), ExitCode::FAILURE);
    }

    #[test]
    fn keep_going_runs_the_rest_and_fails_all_the_same() {
        let mut report = Report::new(KEEP_GOING);
        let ran = run_all(&mut report, &[Outcome::Failed("x".into()), Outcome::Passed]);
        assert_eq!(ran, [true, true]);
        assert_eq!(report.exit_code(), ExitCode::FAILURE);
    }

    #[test]
    fn a_skipped_step_fails_only_a_strict_run() {
        let outcomes = [Outcome::Skipped("x".into()), Outcome::Passed];

        let mut lenient = Report::new(TestOptions::default());
        assert_eq!(run_all(&mut lenient, &outcomes), [true, true]);
        assert_eq!(lenient.exit_code(), ExitCode::SUCCESS);

        let mut strict = Report::new(STRICT);
        assert_eq!(run_all(&mut strict, &outcomes), [true, false]);
        assert_eq!(strict.exit_code(), ExitCode::FAILURE);
    }

    #[test]
    fn the_table_names_what_failed_and_adds_up() {
        let line = |name, outcome, millis| Line { name, outcome, took: Duration::from_millis(millis) };
        let report = Report {
            options: TestOptions::default(),
            lines: vec![
                line("set-up", Outcome::Passed, 312),
                line("advisories", Outcome::Skipped("no network".into()), 40),
                line("tests", Outcome::Failed("cargo nextest run".into()), 725_000),
                line("doctests", Outcome::NotRun, 0),
            ],
        };
        assert_eq!(
            report.to_string(),
            "set-up      passed          0.3 s\n\
             advisories  skipped         0.0 s  no network\n\
             tests       FAILED    12 min 05 s  cargo nextest run\n\
             doctests    not run\n\
             FAILED: 1 passed, 1 failed, 1 skipped, 1 not run, in 12 min 05 s"
        );
    }

    #[test]
    fn times_read_as_people_say_them() {
        for (millis, text) in
            [(0, "0.0 s"), (59_940, "59.9 s"), (60_000, "1 min 00 s"), (3_725_000, "62 min 05 s")]
        {
            assert_eq!(spoken(Duration::from_millis(millis)), text);
        }
    }
}
