//! How results are printed: as tables for people, as JSON for programs.

use std::fmt;

use anyhow::Result;
use clap::{Args, ValueEnum};
use comfy_table::{Table, presets};
use serde::Serialize;

#[derive(Debug, Clone, Copy, Args)]
pub(crate) struct OutputOptions {
    /// How the results are printed
    #[arg(long, value_enum, default_value_t)]
    output: Output,
}

#[derive(Debug, Clone, Copy, Default, ValueEnum)]
enum Output {
    #[default]
    Human,
    Json,
}

impl OutputOptions {
    /// Prints the results.
    pub(crate) fn print<T: Serialize + fmt::Display>(self, results: &T) -> Result<()> {
        match self.output {
            Output::Human => println!("{results}"),
            Output::Json => println!("{}", serde_json::to_string_pretty(results)?),
        }
        Ok(())
    }
}

/// A table that reads well in a terminal and, pasted, in a document.
pub(crate) fn table(headings: &[&str]) -> Table {
    let mut table = Table::new();
    table.load_style(presets::ASCII_MARKDOWN).set_header(headings.iter().copied());
    table
}
