mod toml;

use crate::{exit::Exit, failure::Failure, global::Global};
use clap::{Args, Subcommand};
use purgeline_config::{Layers, Secrets, load};
use purgeline_core::TargetName;
use serde::Serialize;
use std::fmt;
use toml::AsToml;

/// The arguments of `purgeline config`.
#[derive(Debug, Args)]
pub(crate) struct ConfigArgs {
    #[command(subcommand)]
    command: ConfigCommand,
}

#[derive(Debug, Subcommand)]
enum ConfigCommand {
    /// Print what is in force and where each value comes from, secrets masked
    Show,
    /// Check all of it, secret files and providers' settings included
    Check,
}

/// What `purgeline config check` answers when there is nothing to say against it.
#[derive(Debug, Serialize)]
struct Checked {
    valid: bool,
    targets: Vec<TargetName>,
}

/// Shows or checks the configuration.
///
/// # Errors
/// When it cannot be used.
pub(crate) fn run(global: &Global, args: &ConfigArgs) -> Result<Exit, Failure> {
    let layers = Layers::of_process(global.config.clone());
    match args.command {
        ConfigCommand::Show => global.output.answer(&AsToml(load(&layers, Secrets::Skip)?.shown))?,
        ConfigCommand::Check => {
            let loaded = load(&layers, Secrets::Read)?;
            let targets = loaded.config.targets.into_keys().collect();
            global.output.answer(&Checked { valid: true, targets })?;
        }
    }
    Ok(Exit::Done)
}

impl fmt::Display for Checked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.targets.as_slice() {
            [] => f.write_str("the configuration is good, but has no targets: nothing can be purged"),
            targets => {
                let names: Vec<_> = targets.iter().map(TargetName::as_str).collect();
                write!(f, "the configuration is good; targets: {}", names.join(", "))
            }
        }
    }
}
