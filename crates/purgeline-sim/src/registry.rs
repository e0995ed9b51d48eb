//! The simulators by name.

use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::error::StartError;
use crate::foresight::ForesightSettings;
use crate::huawei::HuaweiSettings;
use crate::qiniu::QiniuSettings;
use crate::sim::{Options, Sim};
use crate::wangsu::WangsuSettings;
use crate::ztgame::ZtgameSettings;

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
