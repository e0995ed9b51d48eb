//! `Authorization: QBox <access key>:<signature>`, checked as the server checks it.
//!
//! Signed are path and query, a newline, and the body if it is a form (seed 003's script; the
//! rule for forms from the SDKs). No date, no nonce.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE;
use hmac::{Hmac, KeyInit, Mac};
use secrecy::{ExposeSecret, SecretString};
use sha1::Sha1;

use super::wire::Code;
use crate::provider::Request;

/// Says who may not pass: 401002 where the header cannot be read, 401001 where key or signature
/// are wrong (developer.qiniu.com/fusion/13361).
pub(super) fn check(request: &Request, access_key: &str, secret_key: &SecretString) -> Result<(), Code> {
    let credentials = request
        .header("authorization")
        .and_then(|value| value.strip_prefix("QBox "))
        .and_then(|credentials| credentials.split_once(':'));
    let Some((key, signature)) = credentials else {
        return Err(Code::BAD_AUTH_HEADER);
    };
    let Ok(signature) = URL_SAFE.decode(signature) else {
        return Err(Code::BAD_AUTH_HEADER);
    };
    let Ok(mut mac) = Hmac::<Sha1>::new_from_slice(secret_key.expose_secret().as_bytes()) else {
        return Err(Code::BAD_SIGNATURE); // HMAC takes keys of any length
    };
    let path = request.uri.path_and_query().map_or("/", |p| p.as_str());
    mac.update(path.as_bytes());
    mac.update(b"\n");
    if request.is_media_type("application/x-www-form-urlencoded") {
        mac.update(&request.body);
    }
    // Compared in constant time.
    if key == access_key && mac.verify_slice(&signature).is_ok() { Ok(()) } else { Err(Code::BAD_SIGNATURE) }
}
