use super::{ServerError, address::Address, lock::DirLock};
use purgeline_core::config::Durability;
use std::{
    fs::{self, DirBuilder, OpenOptions},
    io,
    os::unix::{fs::DirBuilderExt, process::CommandExt},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

/// What a server is started with.
#[derive(Clone, Debug)]
pub(super) struct Spec {
    pub(super) program: PathBuf,
    /// An absolute path.
    pub(super) dir: PathBuf,
    pub(super) durability: Durability,
    /// More options, by redis.conf's names; later ones win.
    pub(super) options: Vec<(String, String)>,
    /// What a Sentinel watches over: lines of its configuration file, which it rewrites itself,
    /// and without which it does not start. Absent: it is no Sentinel.
    pub(super) watches: Option<String>,
}

/// Lines of the log that an error quotes.
const TAIL_LINES: usize = 12;

impl Spec {
    pub(super) fn log(&self) -> PathBuf {
        self.dir.join("redis.log")
    }

    /// Starts the process. It runs in its own process group, so that a Ctrl-C meant for us does
    /// not reach it: whoever started it decides when it ends.
    pub(super) fn spawn(&self, address: &Address, lock: &DirLock) -> Result<Child, ServerError> {
        let mut command = Command::new(&self.program);
        if let Some(watches) = &self.watches {
            command.arg(self.sentinel_file(watches)?).arg("--sentinel");
        }
        for (name, value) in self.options(address)? {
            command.arg(format!("--{name}")).arg(value);
        }
        // What redis-server says before it has opened its log goes to the same file.
        let log = || -> Result<Stdio, ServerError> {
            let file = OpenOptions::new().create(true).append(true).open(self.log());
            Ok(file.map_err(ServerError::io("write", self.log()))?.into())
        };
        command
            .current_dir(&self.dir)
            .stdin(lock.as_stdin(&self.dir)?)
            .stdout(log()?)
            .stderr(log()?)
            .process_group(0)
            .spawn()
            .map_err(|source| match source.kind() {
                io::ErrorKind::NotFound => ServerError::NotInstalled { program: self.program.clone() },
                _ => ServerError::Io { action: "start", path: self.program.clone(), source },
            })
    }

    fn options(&self, address: &Address) -> Result<Vec<(String, String)>, ServerError> {
        let text = |path: &Path| match path.to_str() {
            Some(text) => Ok(text.to_owned()),
            None => Err(ServerError::BadPath(path.to_owned())),
        };
        let mut options = address.options.clone();
        let common =
            [("dir", text(&self.dir)?), ("logfile", text(&self.log())?), ("daemonize", "no".to_owned())];
        options.extend(common.map(|(name, value)| (name.to_owned(), value)));
        if self.watches.is_some() {
            return Ok(options);
        }
        let fixed = [
            // The append-only file is the whole persistence; no snapshots beside it.
            ("save", String::new()),
            ("appendonly", "yes".to_owned()),
            ("appendfsync", appendfsync(self.durability).to_owned()),
            // A full memory refuses new work; it never forgets accepted work.
            ("maxmemory-policy", "noeviction".to_owned()),
        ];
        options.extend(fixed.map(|(name, value)| (name.to_owned(), value)));
        options.extend(self.options.iter().cloned());
        Ok(options)
    }

    /// The Sentinel's file, as it left it if it ran before.
    fn sentinel_file(&self, watches: &str) -> Result<PathBuf, ServerError> {
        let path = self.dir.join("sentinel.conf");
        if !path.exists() {
            fs::write(&path, watches).map_err(ServerError::io("write", &path))?;
        }
        Ok(path)
    }

    /// Makes the directory, for its owner alone.
    pub(super) fn make_dir(&self) -> Result<(), ServerError> {
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(&self.dir)
            .map_err(ServerError::io("make the directory", &self.dir))
    }

    /// The error for a process that ended with `status` before it answered.
    pub(super) fn ended(&self, status: impl std::fmt::Display) -> ServerError {
        let log = fs::read_to_string(self.log()).unwrap_or_default();
        let lines: Vec<_> = log.lines().collect();
        let tail = lines[lines.len().saturating_sub(TAIL_LINES)..].join("\n");
        ServerError::Ended { status: status.to_string(), log: self.log(), tail }
    }
}

/// The path as an absolute one.
pub(super) fn absolute(dir: &Path) -> Result<PathBuf, ServerError> {
    std::path::absolute(dir).map_err(ServerError::io("find", dir))
}

/// Redis's word for it.
pub(super) const fn appendfsync(durability: Durability) -> &'static str {
    match durability {
        Durability::Always | Durability::Replicated => "always",
        Durability::Everysec => "everysec",
    }
}
