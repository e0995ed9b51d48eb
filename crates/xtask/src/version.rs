//! Versions as programs print them.

use std::fmt;

/// A version of three numbers, compared in that order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Version(pub(crate) u32, pub(crate) u32, pub(crate) u32);

// === impl Version ===

impl Version {
    /// Older than anything: for programs of which any version will do.
    pub(crate) const ANY: Self = Self(0, 0, 0);

    /// The first version in what a program prints about itself: `Redis server v=7.0.15 sha=…`,
    /// `varnishd (varnish-7.1.1 revision …)`. A third number may be absent.
    pub(crate) fn find_in(text: &str) -> Option<Self> {
        text.split(|c: char| !c.is_ascii_digit() && c != '.').find_map(Self::parse)
    }

    fn parse(word: &str) -> Option<Self> {
        let mut numbers = word.trim_end_matches('.').split('.').map(str::parse);
        let major = numbers.next()?.ok()?;
        let minor = numbers.next()?.ok()?;
        let patch = match numbers.next() {
            Some(patch) => patch.ok()?,
            None => 0,
        };
        Some(Self(major, minor, patch))
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.0, self.1, self.2)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_the_version_in_what_programs_print() {
        for (text, version) in [
            (
                "Redis server v=7.0.15 sha=00000000:0 malloc=jemalloc-5.3.0 bits=64 build=1a2b",
                Version(7, 0, 15),
            ),
            ("Valkey server v=8.1.1 sha=00000000:1 malloc=jemalloc-5.3.0 bits=64", Version(8, 1, 1)),
            (
                "varnishd (varnish-7.1.1 revision 7cee1c581bead20e88d101ab3d72afb29f14d87a)\n\
                 Copyright (c) 2006 Verdens Gang AS\n",
                Version(7, 1, 1),
            ),
            ("cargo-nextest 0.9.143 (60fa45f63 2026-08-04)\nrelease: 0.9.143", Version(0, 9, 143)),
            ("cargo-deny 0.20.2", Version(0, 20, 2)),
            ("rustfmt 1.8.0-stable (59807616e1 2026-04-14)", Version(1, 8, 0)),
            ("clippy 0.1.95 (59807616e1 2026-04-14)", Version(0, 1, 95)),
            ("tool 2.5", Version(2, 5, 0)),
            ("tool 2.5.", Version(2, 5, 0)),
        ] {
            assert_eq!(Version::find_in(text), Some(version), "{text}");
        }
    }

    #[test]
    fn text_without_a_version_has_none() {
        for text in ["", "unknown", "build 12", "v.", "1.x", "99999999999.1"] {
            assert_eq!(Version::find_in(text), None, "{text}");
        }
    }

    #[test]
    fn versions_compare_by_number_not_by_letter() {
        assert!(Version(0, 9, 99) < Version(0, 9, 128));
        assert!(Version(0, 9, 143) < Version(0, 20, 0));
        assert!(Version::ANY < Version(0, 0, 1));
    }
}
