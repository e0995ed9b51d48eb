use clap::Args;

/// Who says so.
#[derive(Clone, Debug, Args)]
pub(super) struct Author {
    /// Who says so, in one word; without it the user at this machine
    #[arg(long = "by", value_name = "NAME")]
    by: Option<String>,
}

impl Author {
    /// The name that was given, or `USER@HOST`.
    pub(super) fn name(&self) -> String {
        self.by.clone().unwrap_or_else(|| {
            let user = ["USER", "LOGNAME"].iter().find_map(|name| std::env::var(name).ok());
            let host = gethostname::gethostname();
            format!("{}@{}", user.as_deref().unwrap_or("somebody"), host.to_string_lossy())
        })
    }
}
