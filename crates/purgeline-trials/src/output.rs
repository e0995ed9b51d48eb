//! How results are printed: as tables for people, as JSON for programs.

use std::fmt;

use anyhow::Result;
use clap::{Args, ValueEnum};
use comfy_table::{ContentArrangement, Table, presets};
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

/// A table without lines, as `purgeline` prints them.
pub(crate) fn table(headings: &[&str]) -> Table {
    let mut table = Table::new();
    table
        .load_style(presets::NOTHING)
        .set_content_arrangement(ContentArrangement::Disabled)
        .set_header(headings.iter().map(|heading| heading.to_uppercase()));
    for column in table.column_iter_mut() {
        column.set_padding((0, 2));
    }
    table
}
