//! The items that `purgeline enqueue` is given: as arguments, or one a line in files.

mod lines;
mod resources;
#[cfg(test)]
mod tests;

pub(crate) use resources::{GivenResource, Param, resources};

use purgeline_core::Resource;
use std::{
    fmt,
    fs::File,
    io::{self, BufReader},
    path::{Path, PathBuf},
    sync::Arc,
};

/// Items as they were written, and where.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Input {
    /// In the order given.
    pub(crate) urls: Vec<Given>,
    /// In the order given.
    pub(crate) dirs: Vec<Given>,
    /// In the order given.
    pub(crate) resources: Vec<GivenResource>,
    /// Lines that hold no text that could be an item.
    pub(crate) unreadable: Vec<Unreadable>,
}

/// One item as it was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Given {
    /// Its text.
    pub(crate) text: String,
    /// Where it stands.
    pub(crate) origin: Origin,
}

/// A line that could not be read as text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Unreadable {
    /// The line, as far as it can be shown.
    pub(crate) text: String,
    /// Where it stands.
    pub(crate) origin: Origin,
    /// What is wrong with it and what to do.
    pub(crate) reason: String,
}

/// Where an item was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Origin {
    /// On the command line.
    Argument,
    /// In a file, or standard input.
    Line {
        /// The file's path, or `-`.
        file: Arc<str>,
        /// From 1.
        line: u64,
    },
}

impl Input {
    /// Takes the arguments as they are, then reads each file in turn; `-` is standard input.
    ///
    /// # Errors
    /// Names the file that cannot be read.
    pub(crate) fn read(
        urls: &[String],
        dirs: &[String],
        resources: Vec<Resource>,
        files: &[PathBuf],
    ) -> Result<Self, String> {
        let arguments = |texts: &[String]| {
            texts.iter().map(|text| Given { text: text.clone(), origin: Origin::Argument }).collect()
        };
        let resources = resources.into_iter();
        let mut input = Self {
            urls: arguments(urls),
            dirs: arguments(dirs),
            resources: resources
                .map(|resource| GivenResource { resource, origin: Origin::Argument })
                .collect(),
            unreadable: Vec::new(),
        };
        for path in files {
            input.read_file(path).map_err(|error| format!("{}: {error}", path.display()))?;
        }
        Ok(input)
    }

    fn read_file(&mut self, path: &Path) -> io::Result<()> {
        if path == Path::new("-") {
            return self.read_lines("-", io::stdin().lock());
        }
        self.read_lines(&path.display().to_string(), BufReader::new(File::open(path)?))
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Argument => f.write_str("argument"),
            Self::Line { file, line } if &**file == "-" => write!(f, "standard input, line {line}"),
            Self::Line { file, line } => write!(f, "{file}, line {line}"),
        }
    }
}
