//! `QBox`, the path signature (seed 003's script; the official SDKs do the same).

use base64::{Engine, engine::general_purpose::URL_SAFE};
use hmac::{Hmac, KeyInit, Mac};
use secrecy::{ExposeSecret, SecretString};
use sha1::Sha1;

/// What goes into the `Authorization` header of calls to `path_and_query` with a JSON body:
/// `QBox <access key>:<signature>`.
///
/// Signed are path, query and a newline. No date and no nonce, and the body only if it is a
/// form: so one path has one header for good, and whoever sees it can use it.
pub(super) fn authorization(
    access_key: &SecretString,
    secret_key: &SecretString,
    path_and_query: &str,
) -> SecretString {
    #[expect(clippy::expect_used, reason = "HMAC takes keys of any length (RFC 2104)")]
    let mut mac = Hmac::<Sha1>::new_from_slice(secret_key.expose_secret().as_bytes())
        .expect("HMAC takes keys of any length");
    mac.update(path_and_query.as_bytes());
    mac.update(b"\n");
    let signature = URL_SAFE.encode(mac.finalize().into_bytes());
    format!("QBox {}:{signature}", access_key.expose_secret()).into()
}
