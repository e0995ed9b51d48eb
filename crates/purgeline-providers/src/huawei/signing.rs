//! `SDK-HMAC-SHA256`, the signature of Huawei Cloud's gateway (the official SDK's signer, read and
//! captured).

use hmac::{Hmac, KeyInit, Mac};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};

const ALGORITHM: &str = "SDK-HMAC-SHA256";

/// All but `A-Z a-z 0-9 - _ . ~` is encoded.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');

/// What a signature covers.
#[derive(Debug)]
pub(super) struct Signed<'a> {
    pub(super) method: &'a str,
    /// As it travels.
    pub(super) path: &'a str,
    /// As it travels, without `?`.
    pub(super) query: &'a str,
    /// The headers to sign, by any names and in any order. Which are signed is free, so long as
    /// host and date are among them: the gateway reads the list from the header. Names with `_`
    /// are never signed.
    pub(super) headers: &'a [(&'a str, &'a str)],
    pub(super) body: &'a [u8],
}

/// What goes into the `Authorization` header. `date` is what `X-Sdk-Date` says.
pub(super) fn authorization(
    access_key: &SecretString,
    secret_key: &SecretString,
    date: &str,
    request: &Signed<'_>,
) -> SecretString {
    let (canonical, names) = request.canonical();
    let text = format!("{ALGORITHM}\n{date}\n{}", hex::encode(Sha256::digest(canonical)));
    #[expect(clippy::expect_used, reason = "HMAC takes keys of any length (RFC 2104)")]
    let mut mac = Hmac::<Sha256>::new_from_slice(secret_key.expose_secret().as_bytes())
        .expect("HMAC takes keys of any length");
    mac.update(text.as_bytes());
    let signature = hex::encode(mac.finalize().into_bytes());
    let access_key = access_key.expose_secret();
    format!("{ALGORITHM} Access={access_key}, SignedHeaders={names}, Signature={signature}").into()
}

/// Parameters in the one form that is both sent and signed.
pub(super) fn query(parameters: &[(&str, &str)]) -> String {
    sorted(parameters.iter().map(|(name, value)| (encode(name), encode(value))))
}

/// One piece of a path.
pub(super) fn encode(text: &str) -> String {
    utf8_percent_encode(text, ENCODED).to_string()
}

impl Signed<'_> {
    /// The canonical request, and the names of the headers in it.
    fn canonical(&self) -> (String, String) {
        // The path is signed with a slash at its end, which does not travel.
        let mut path = self.path.split('/').map(recode).collect::<Vec<_>>().join("/");
        if !path.ends_with('/') {
            path.push('/');
        }
        let pairs = self.query.split('&').filter(|pair| !pair.is_empty());
        let query = sorted(pairs.map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            (recode(name), recode(value))
        }));
        let mut headers: Vec<_> = self
            .headers
            .iter()
            .filter(|(name, _)| !name.contains('_'))
            .map(|(name, value)| (name.to_lowercase(), value.trim()))
            .collect();
        headers.sort();
        let lines: String = headers.iter().map(|(name, value)| format!("{name}:{value}\n")).collect();
        let names = headers.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>().join(";");
        let body = hex::encode(Sha256::digest(self.body));
        (format!("{}\n{path}\n{query}\n{lines}\n{names}\n{body}", self.method), names)
    }
}

fn sorted(pairs: impl Iterator<Item = (String, String)>) -> String {
    let mut pairs: Vec<_> = pairs.collect();
    pairs.sort();
    pairs.into_iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join("&")
}

fn recode(text: &str) -> String {
    encode(&percent_decode_str(text).decode_utf8_lossy())
}
