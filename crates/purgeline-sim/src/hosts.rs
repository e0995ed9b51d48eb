//! Which hosts an account has.

use url::Url;

/// The host of an absolute http or https URL; `None` if it is not one.
pub(crate) fn host_of(url: &str) -> Option<String> {
    let absolute = url.starts_with("http://") || url.starts_with("https://");
    let blank = |c: char| c.is_whitespace() || c.is_control();
    if !absolute || url.contains(blank) {
        return None;
    }
    Url::parse(url).ok()?.host_str().map(str::to_owned)
}

/// Whether the account has the host. Patterns are `www.example.com` or `*.example.com`; no list
/// has any host.
pub(crate) fn served(hosts: Option<&[String]>, host: &str) -> bool {
    hosts.is_none_or(|hosts| hosts.iter().any(|pattern| covers(pattern, host)))
}

fn covers(pattern: &str, host: &str) -> bool {
    match pattern.strip_prefix('*') {
        Some(suffix) => host.len() > suffix.len() && host.ends_with(suffix),
        None => pattern.eq_ignore_ascii_case(host),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wildcard_is_a_label_or_more() {
        let hosts = Some(["*.a.com".to_owned(), "b.com".to_owned()]);
        let served = |host| served(hosts.as_ref().map(|h| &h[..]), host);
        assert!(served("x.a.com") && served("x.y.a.com") && served("B.com"));
        assert!(!served("a.com") && !served(".a.com") && !served("x.b.com"));
    }

    #[test]
    fn only_absolute_web_urls_have_a_host() {
        assert_eq!(host_of("https://A.com:8080/x?y").as_deref(), Some("a.com"));
        for bad in ["a.com/x", "ftp://a.com/", "http://", "http://a.com/a b", ""] {
            assert_eq!(host_of(bad), None, "{bad}");
        }
    }
}
