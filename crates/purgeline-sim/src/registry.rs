//! The simulators by name.

use std::net::SocketAddr;

use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::foresight::ForesightSettings;
use crate::huawei::HuaweiSettings;
use crate::qiniu::QiniuSettings;
use crate::sim::{Options, Sim};
use crate::wangsu::WangsuSettings;
use crate::ztgame::ZtgameSettings;

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

/// Starts the simulator of a provider by name. `settings` is a JSON object of the provider's
/// settings (`{}` or null takes the documented limits); an unknown key is an error.
///
/// # Errors
/// See [`StartError`].
pub async fn start(provider: &str, options: Options, settings: Value) -> Result<Sim, StartError> {
    match provider {
        "foresight" => read::<ForesightSettings>("foresight", settings)?.start_with(options).await,
        "huawei" => read::<HuaweiSettings>("huawei", settings)?.start_with(options).await,
        "qiniu" => read::<QiniuSettings>("qiniu", settings)?.start_with(options).await,
        "wangsu" => read::<WangsuSettings>("wangsu", settings)?.start_with(options).await,
        "ztgame" => read::<ZtgameSettings>("ztgame", settings)?.start_with(options).await,
        unknown => Err(StartError::UnknownProvider(unknown.into())),
    }
}

fn read<T: DeserializeOwned + Default>(provider: &'static str, settings: Value) -> Result<T, StartError> {
    if settings.is_null() {
        return Ok(T::default());
    }
    serde_path_to_error::deserialize(settings).map_err(|e| StartError::Settings {
        provider,
        path: e.path().to_string(),
        message: e.into_inner().to_string(),
    })
}
