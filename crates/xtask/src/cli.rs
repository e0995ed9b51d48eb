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
}

#[derive(Debug, Clone, Copy, Default, Args)]
pub(crate) struct TestOptions {
    /// Run the remaining steps after a failure too
    #[arg(long)]
    pub(crate) keep_going: bool,

    /// Count a step that could not be run (rustfmt missing, no network) as a failure
    #[arg(long)]
    pub(crate) strict: bool,
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
}
