use crate::{exit::Exit, failure::Failure};
use clap::{Args, Command};
use clap_complete::Shell;
use std::io;

/// The arguments of `purgeline completions`.
#[derive(Debug, Args)]
pub(crate) struct CompletionsArgs {
    /// The shell
    #[arg(value_enum)]
    shell: Shell,
}

/// Writes the script for a command line to standard output.
///
/// # Errors
/// When it cannot be written.
pub(crate) fn run(args: &CompletionsArgs, mut command: Command) -> Result<Exit, Failure> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut command, "purgeline", &mut script);
    io::Write::write_all(&mut io::stdout().lock(), &script)
        .map_err(|source| Failure::System { action: "write the script", source })?;
    Ok(Exit::Done)
}
