use purgeline_core::Item;
use std::fmt;

/// A text with places where parts of an item's URL go: `/purge{path_and_query}`. A brace of the
/// text itself is written twice: `{{`, `}}`.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Template(Vec<Part>);

#[derive(Clone, PartialEq, Eq)]
enum Part {
    Text(String),
    Hole(Hole),
}

/// What can go into a template. Examples for `https://www.example.com:8443/a/b.c?d`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Hole {
    /// `https`
    Scheme,
    /// `www.example.com:8443`, as the Host header has it.
    Host,
    /// `/a/b.c`
    Path,
    /// `/a/b.c?d`
    PathAndQuery,
    /// The whole URL.
    Url,
    /// The host as a regular expression that matches it alone: `www\.example\.com:8443`.
    HostRegex,
    /// The path so: `/a/b\.c`.
    PathRegex,
}

const HOLES: [(&str, Hole); 7] = [
    ("scheme", Hole::Scheme),
    ("host", Hole::Host),
    ("path", Hole::Path),
    ("path_and_query", Hole::PathAndQuery),
    ("url", Hole::Url),
    ("host_regex", Hole::HostRegex),
    ("path_regex", Hole::PathRegex),
];

impl Template {
    /// Reads a template.
    ///
    /// # Errors
    /// What is wrong with it, without its text, which may be secret.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let mut parts = Vec::new();
        let mut plain = String::new();
        let mut rest = text;
        while let Some(at) = rest.find(['{', '}']) {
            let (before, brace) = rest.split_at(at);
            plain.push_str(before);
            if let Some(after) = brace.strip_prefix("{{") {
                plain.push('{');
                rest = after;
            } else if let Some(after) = brace.strip_prefix("}}") {
                plain.push('}');
                rest = after;
            } else {
                let (hole, after) = hole(brace).ok_or_else(|| {
                    let known: Vec<_> = HOLES.iter().map(|(name, _)| format!("{{{name}}}")).collect();
                    format!(
                        "a brace at character {} opens none of {}; write a brace of the text itself twice",
                        text.chars().count() - brace.chars().count() + 1,
                        known.join(" "),
                    )
                })?;
                if !plain.is_empty() {
                    parts.push(Part::Text(std::mem::take(&mut plain)));
                }
                parts.push(Part::Hole(hole));
                rest = after;
            }
        }
        plain.push_str(rest);
        if !plain.is_empty() {
            parts.push(Part::Text(plain));
        }
        Ok(Self(parts))
    }

    /// Whether what comes out differs from path to path.
    pub(super) fn tells_paths_apart(&self) -> bool {
        self.0.iter().any(|part| {
            matches!(part, Part::Hole(Hole::Path | Hole::PathAndQuery | Hole::Url | Hole::PathRegex))
        })
    }

    /// Its own texts, without what goes into the holes.
    pub(super) fn texts(&self) -> impl Iterator<Item = &str> {
        self.0.iter().filter_map(|part| match part {
            Part::Text(text) => Some(text.as_str()),
            Part::Hole(_) => None,
        })
    }

    /// The text for an item, which is a url or a dir.
    pub(super) fn render(&self, item: &Item) -> String {
        self.0
            .iter()
            .map(|part| match part {
                Part::Text(text) => text.clone(),
                Part::Hole(hole) => hole.of(item),
            })
            .collect()
    }
}

impl Hole {
    fn of(self, item: &Item) -> String {
        let url = item.text();
        let (scheme, rest) = url.split_once("://").unwrap_or(("", url));
        let host = item.authority().unwrap_or_default();
        let path_and_query = rest.get(host.len()..).unwrap_or_default();
        let path = path_and_query.split('?').next().unwrap_or_default();
        match self {
            Self::Scheme => scheme.to_owned(),
            Self::Host => host.to_owned(),
            Self::Path => path.to_owned(),
            Self::PathAndQuery => path_and_query.to_owned(),
            Self::Url => url.to_owned(),
            Self::HostRegex => regex_syntax::escape(host),
            Self::PathRegex => regex_syntax::escape(path),
        }
    }
}

/// The hole that a text opens with, and what follows it.
fn hole(text: &str) -> Option<(Hole, &str)> {
    let (name, after) = text.strip_prefix('{')?.split_once('}')?;
    HOLES.iter().find(|(known, _)| *known == name).map(|(_, hole)| (*hole, after))
}

/// Its texts may be secret: only the holes are shown.
impl fmt::Debug for Template {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let holes = self.0.iter().filter_map(|part| match part {
            Part::Text(_) => None,
            Part::Hole(hole) => Some(hole),
        });
        f.write_str("Template")?;
        f.debug_set().entries(holes).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn render(template: &str) -> String {
        let item = Item::url("https://www.example.com:8443/a/b.c?d=/e").unwrap();
        Template::parse(template).unwrap().render(&item)
    }

    #[test]
    fn holes_are_filled() {
        for (template, expected) in [
            ("{path_and_query}", "/a/b.c?d=/e"),
            ("/purge{path_and_query}", "/purge/a/b.c?d=/e"),
            (
                "/souin-api/souin/GET-{scheme}-{host}-{path}",
                "/souin-api/souin/GET-https-www.example.com:8443-/a/b.c",
            ),
            ("{url}", "https://www.example.com:8443/a/b.c?d=/e"),
            ("^{host_regex}{path_regex}$", r"^www\.example\.com:8443/a/b\.c$"),
            ("{{{path}}} {{}}", "{/a/b.c} {}"),
            ("", ""),
        ] {
            assert_eq!(render(template), expected, "{template}");
        }
        let root = Item::url("http://h").unwrap();
        assert_eq!(Template::parse("{path_and_query}").unwrap().render(&root), "/");
    }

    #[test]
    fn what_is_no_template_is_refused_without_its_text() {
        for text in ["{pth}", "{path", "a}b", "{}", "{path_and_query}x{y}", "sword{fish}"] {
            let error = Template::parse(text).unwrap_err();
            assert!(error.contains("{path_and_query}") && !error.contains("sword"), "{error}");
        }
        assert!(Template::parse("ab{x").unwrap_err().contains("at character 3"));
        assert!(!format!("{:?}", Template::parse("swordfish{path}").unwrap()).contains("swordfish"));
    }

    #[test]
    fn only_some_holes_tell_paths_apart() {
        for (text, expected) in
            [("/{path}", true), ("{path_regex}", true), ("{host}{scheme}", false), ("/", false)]
        {
            assert_eq!(Template::parse(text).unwrap().tells_paths_apart(), expected, "{text}");
        }
    }

    proptest! {
        #[test]
        fn any_text_can_be_written(text in "\\PC{0,30}") {
            let escaped = text.replace('{', "{{").replace('}', "}}");
            prop_assert_eq!(render(&escaped), text);
        }
    }
}
