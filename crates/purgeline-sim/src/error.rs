use std::net::SocketAddr;

/// The providers that can be simulated.
pub const PROVIDERS: &[&str] = &["foresight", "huawei", "qiniu", "wangsu", "ztgame"];

/// A simulator could not be started.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// No simulator of this name.
    #[error("no simulator for provider {0:?}; expected one of: {known}", known = PROVIDERS.join(", "))]
    UnknownProvider(String),
    /// The settings do not fit the provider.
    #[error("settings of the {provider} simulator: {path}: {message}")]
    Settings {
        /// The provider.
        provider: &'static str,
        /// Where in the settings.
        path: String,
        /// What was expected and what came.
        message: String,
    },
    /// The address cannot be listened at.
    #[error("cannot listen at {addr}: {source}; choose another address, or port 0 for a free one")]
    Listen {
        /// The address.
        addr: SocketAddr,
        /// The system's reason.
        source: std::io::Error,
    },
}
