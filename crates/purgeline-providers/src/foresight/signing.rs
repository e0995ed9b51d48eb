//! The user's token. Nothing is signed.

use crate::SettingsError;
use reqwest::header::HeaderValue;
use secrecy::{ExposeSecret, SecretString};

/// `Authorization: Bearer <token>` (seed 000; its trace of a refresh has the token alone, beside a
/// command that has both: so what stands before it can be set).
///
/// # Errors
/// When either holds what no header can.
pub(super) fn authorization(prefix: &str, token: &SecretString) -> Result<HeaderValue, SettingsError> {
    let wrong = |path: &str| SettingsError::new(path, "holds a character that no HTTP header can");
    HeaderValue::from_str(prefix).map_err(|_| wrong("token_prefix"))?;
    let token = token.expose_secret().trim();
    let value = if prefix.is_empty() { token.to_owned() } else { format!("{prefix} {token}") };
    let mut header = HeaderValue::from_str(&value).map_err(|_| wrong("token"))?;
    header.set_sensitive(true);
    Ok(header)
}
