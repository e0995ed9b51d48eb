use serde::{Deserialize, Deserializer, Serialize};
use std::{fmt, str::FromStr};
use thiserror::Error;

/// Which hosts a target serves: one host (`www.example.com`), or every host below a domain
/// (`*.example.com`, any depth, the domain itself not included). Ports are not part of it.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct HostPattern {
    wildcard: bool,
    /// In lower case and punycode, as URLs have it.
    domain: String,
}

/// A text that is no host pattern.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error(
    "\"{given}\" is not a host pattern: expected a host (www.example.com) or *. before a domain (*.example.com), no scheme, port or path"
)]
pub struct HostPatternError {
    given: String,
}

impl HostPattern {
    /// Whether a URL's host (lower case, punycode: as normalised) is one that this pattern names.
    #[must_use]
    pub fn matches(&self, host: &str) -> bool {
        if self.wildcard {
            host.strip_suffix(&self.domain).is_some_and(|front| front.len() > 1 && front.ends_with('.'))
        } else {
            host == self.domain
        }
    }
}

impl FromStr for HostPattern {
    type Err = HostPatternError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let error = || HostPatternError { given: text.to_owned() };
        let (wildcard, name) = match text.strip_prefix("*.") {
            Some(rest) => (true, rest),
            None => (false, text),
        };
        // The URL parser is the judge of hosts, so that pattern and URL agree on every spelling.
        let host = url::Host::parse(name).map_err(|_| error())?;
        if wildcard && !matches!(host, url::Host::Domain(_)) {
            return Err(error());
        }
        let domain = host.to_string();
        if domain.is_empty() || domain.contains('*') {
            return Err(error());
        }
        Ok(Self { wildcard, domain })
    }
}

impl fmt::Display for HostPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let star = if self.wildcard { "*." } else { "" };
        write!(f, "{star}{}", self.domain)
    }
}

impl Serialize for HostPattern {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for HostPattern {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matches(pattern: &str, host: &str) -> bool {
        pattern.parse::<HostPattern>().unwrap().matches(host)
    }

    #[test]
    fn a_host_matches_itself_and_a_star_all_below() {
        assert!(matches("www.example.com", "www.example.com"));
        assert!(matches("WWW.Example.com", "www.example.com"));
        assert!(!matches("www.example.com", "example.com"));
        assert!(matches("*.example.com", "www.example.com"));
        assert!(matches("*.example.com", "a.b.example.com"));
        assert!(!matches("*.example.com", "example.com"));
        assert!(!matches("*.example.com", "badexample.com"));
        assert!(!matches("*.example.com", ".example.com"));
        assert!(matches("*.münchen.example", "www.xn--mnchen-3ya.example"));
        assert!(matches("127.0.0.1", "127.0.0.1"));
    }

    #[test]
    fn what_is_no_pattern_is_refused() {
        for text in ["", "*", "*.", "a.*.com", "http://a.com", "a.com:80", "a.com/x", "*.127.0.0.1"] {
            assert!(text.parse::<HostPattern>().is_err(), "{text}");
        }
    }
}
