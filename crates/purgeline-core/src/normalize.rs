use thiserror::Error;
use url::Url;

/// The longest URL that purgeline takes, in bytes after normalisation. Providers' own bounds
/// are lower; this one keeps a single item from filling Redis. Huawei's legacy API allows
/// 10,240 characters (seed 001), the most of any provider.
pub const MAX_URL_BYTES: usize = 10_240;

/// Why a text is not a URL that can be purged.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum UrlError {
    /// No scheme, or something no URL parser accepts.
    #[error("not an absolute URL ({0}): write it whole, like https://www.example.com/page")]
    NotAbsolute(String),
    /// A scheme other than http and https.
    #[error("its scheme is \"{0}\": only http and https can be purged")]
    Scheme(String),
    /// User name or password before the host.
    #[error(
        "it holds a user name or password: no cache keys on those, and they would be stored; remove them"
    )]
    Credentials,
    /// A control character, a line break or a tab inside.
    #[error("it holds a control character (byte 0x{0:02X}): send one URL a line, percent-encoded")]
    Control(u8),
    /// Longer than any provider takes.
    #[error("it is {0} bytes long: {MAX_URL_BYTES} is the most")]
    TooLong(usize),
}

/// The one form of a URL under which caches know it, so that two spellings coalesce.
///
/// Scheme and host in lower case, IDN to punycode, default port and fragment dropped, dot
/// segments resolved, percent-encoding in upper case, characters that never travel raw
/// (spaces, non-ASCII) percent-encoded as browsers do. Path and query are otherwise untouched:
/// caches are byte-exact. White space around the text is ignored. Idempotent.
///
/// # Errors
/// [`UrlError`] says which rule the text breaks.
pub fn normalize_url(text: &str) -> Result<Url, UrlError> {
    let text = text.trim();
    if let Some(byte) = text.bytes().find(u8::is_ascii_control) {
        return Err(UrlError::Control(byte));
    }
    // Checked before parsing too: a parser should not be handed megabytes.
    if text.len() > MAX_URL_BYTES {
        return Err(UrlError::TooLong(text.len()));
    }
    let mut url = Url::parse(text).map_err(|error| UrlError::NotAbsolute(error.to_string()))?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err(UrlError::Scheme(url.scheme().to_owned()));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(UrlError::Credentials);
    }
    url.set_fragment(None);
    let path = upper_case_triplets(url.path());
    url.set_path(&path);
    if let Some(query) = url.query() {
        let query = upper_case_triplets(query);
        url.set_query(Some(&query));
    }
    let length = url.as_str().len();
    if length > MAX_URL_BYTES {
        return Err(UrlError::TooLong(length));
    }
    Ok(url)
}

/// `%c3%a9` and `%C3%A9` are the same bytes; RFC 3986 section 6.2.2.1 makes upper case the
/// normal form.
fn upper_case_triplets(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut left = 0;
    let bytes = text.as_bytes();
    for (at, character) in text.char_indices() {
        let starts_triplet = character == '%'
            && bytes.get(at + 1).is_some_and(u8::is_ascii_hexdigit)
            && bytes.get(at + 2).is_some_and(u8::is_ascii_hexdigit);
        if left == 0 && starts_triplet {
            left = 3;
        }
        if left > 0 {
            out.push(character.to_ascii_uppercase());
            left -= 1;
        } else {
            out.push(character);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn normal(text: &str) -> String {
        normalize_url(text).unwrap().to_string()
    }

    #[test]
    fn two_spellings_are_one_url() {
        for (given, expected) in [
            ("HTTP://WWW.Example.COM", "http://www.example.com/"),
            ("https://www.example.com:443/a", "https://www.example.com/a"),
            ("http://www.example.com:80/a", "http://www.example.com/a"),
            ("http://www.example.com:8080/a", "http://www.example.com:8080/a"),
            ("https://www.example.com/a#top", "https://www.example.com/a"),
            ("https://www.example.com/a/./b/../c", "https://www.example.com/a/c"),
            ("https://www.example.com/%c3%a9?q=%e4", "https://www.example.com/%C3%A9?q=%E4"),
            ("https://www.example.com/é", "https://www.example.com/%C3%A9"),
            ("https://münchen.example/", "https://xn--mnchen-3ya.example/"),
            (" https://www.example.com/a b ", "https://www.example.com/a%20b"),
        ] {
            assert_eq!(normal(given), expected, "{given}");
        }
    }

    #[test]
    fn path_and_query_stay_as_they_are() {
        for text in [
            "https://www.example.com/A//b;v=1,2?b=2&a=1&a=",
            "https://www.example.com/a%2Fb%2Dc~?",
            "https://www.example.com/100%",
            "https://www.example.com/%%41zz",
        ] {
            assert_eq!(normal(text), text);
        }
    }

    #[test]
    fn what_cannot_be_purged_is_refused() {
        assert!(matches!(normalize_url("/page"), Err(UrlError::NotAbsolute(_))));
        assert!(matches!(normalize_url("www.example.com/page"), Err(UrlError::NotAbsolute(_))));
        assert_eq!(normalize_url("ftp://h/a"), Err(UrlError::Scheme("ftp".into())));
        assert_eq!(normalize_url("https://u:p@h/a"), Err(UrlError::Credentials));
        assert_eq!(normalize_url("https://h/a\nb"), Err(UrlError::Control(b'\n')));
        let long = format!("https://h/{}", "a".repeat(MAX_URL_BYTES));
        assert!(matches!(normalize_url(&long), Err(UrlError::TooLong(_))));
    }

    proptest! {
        #[test]
        fn normalising_twice_changes_nothing(
            scheme in "(?i)https?",
            host in "[a-zA-Z0-9]([a-zA-Z0-9-]{0,8}[a-zA-Z0-9])?\\.(com|ORG|example)",
            port in proptest::option::of(1u16..),
            rest in "[/?#%a-fA-F0-9./ é;&=+~*|\\\\^-]{0,40}",
        ) {
            let port = port.map(|port| format!(":{port}")).unwrap_or_default();
            let text = format!("{scheme}://{host}{port}/{rest}");
            if let Ok(once) = normalize_url(&text) {
                let twice = normalize_url(once.as_str()).unwrap();
                prop_assert_eq!(once, twice);
            }
        }

        #[test]
        fn any_text_is_answered(text in "\\PC{0,60}") {
            if let Ok(once) = normalize_url(&text) {
                let again = normalize_url(once.as_str());
                prop_assert_eq!(Ok(once), again);
            }
        }
    }
}
