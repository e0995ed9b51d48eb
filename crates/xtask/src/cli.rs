//! The command line.

use std::ffi::OsString;

use clap::{Args, Parser, Subcommand};

/// Set up, test and show purgeline. One command each; none needs another to have run before.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Install what the tests and the demonstration need and this machine lacks
    Setup,

    /// Check everything: format, lints, documentation, dependencies, tests
    Test(TestOptions),

    /// Show purgeline at work: a real Varnish, and a large run against a simulated CDN
    Demo {
        /// Passed on to `purgeline demo`
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        args: Vec<OsString>,
    },

    /// Measure a fleet of workers
    #[command(subcommand)]
    Bench(Bench),

    /// Inject faults at random into a fleet, then prove that nothing was lost
    Chaos(TrialOptions),
}

#[derive(Debug, Subcommand)]
pub(crate) enum Bench {
    /// How the fleet keeps and uses the providers' limits, at the provider's end of the wire
    Limits(TrialOptions),
}

#[derive(Debug, Args)]
pub(crate) struct TrialOptions {
    /// Build without optimisation, sharing what the tests have built. Stands before the rest
    #[arg(long)]
    pub(crate) dev: bool,

    /// Passed on to `purgeline-trials`: --minutes, --seed, --output json …
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    pub(crate) args: Vec<OsString>,
}

#[derive(Debug, Clone, Copy, Default, Args)]
pub(crate) struct TestOptions {
    /// Run the remaining steps after a failure too
    #[arg(long)]
    pub(crate) keep_going: bool,

    /// Count a step that could not be run (rustfmt missing, no network) as a failure
    #[arg(long)]
    pub(crate) strict: bool,

    /// Run all end-to-end tests on a Redis Cluster and behind Sentinel, not some of each kind
    #[arg(long)]
    pub(crate) all_topologies: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_well_formed() {
        use clap::CommandFactory;
        Cli::command().debug_assert();
    }

    #[test]
    fn demo_passes_its_flags_on() {
        let cli = Cli::try_parse_from(["cargo xtask", "demo", "--output", "json", "--help"])
            .expect("the demonstration's own flags are not ours to judge");
        let Command::Demo { args } = cli.command else {
            panic!("expected demo, got {:?}", cli.command);
        };
        assert_eq!(args, ["--output", "json", "--help"]);
    }

    #[test]
    fn a_trial_is_told_how_to_be_built_and_passes_the_rest_on() {
        for (given, built_dev, passed) in [
            (["--dev", "--minutes", "3"].as_slice(), true, ["--minutes", "3"].as_slice()),
            (&["--seed", "1"], false, &["--seed", "1"]),
            (&[], false, &[]),
        ] {
            let cli =
                Cli::try_parse_from(["cargo xtask", "chaos"].iter().chain(given)).expect("it is well formed");
            let Command::Chaos(TrialOptions { dev, args }) = cli.command else {
                panic!("expected chaos, got {:?}", cli.command);
            };
            assert_eq!(
                (dev, args.as_slice()),
                (built_dev, passed.iter().map(OsString::from).collect::<Vec<_>>().as_slice())
            );
        }
    }
}
