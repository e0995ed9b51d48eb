use crate::{Item, Kind};

/// The dirs that cover an item, the widest first: for the URL `https://h/a/b?c` they are
/// `https://h/` and `https://h/a/`. The query is no path: a `/` in it opens no dir. A URL that
/// ends with `/` is covered by the dir of the same text; a dir is not its own ancestor. A
/// resource has none.
pub fn ancestors(item: &Item) -> impl Iterator<Item = &str> {
    let text = item.text();
    let path_end = text.find('?').unwrap_or(text.len());
    let path_start = match item.kind() {
        Kind::Resource => path_end,
        Kind::Url | Kind::Dir => text
            .find("://")
            .and_then(|at| text[at + 3..path_end].find('/').map(|slash| at + 3 + slash))
            .unwrap_or(path_end),
    };
    text[path_start..path_end]
        .match_indices('/')
        .map(move |(at, _)| &text[..=path_start + at])
        .filter(move |dir| item.kind() == Kind::Url || dir.len() < text.len())
}

/// Whether purging the item `dir` purges `item` too, at a provider where both have the same
/// action. False unless the first is a dir.
#[must_use]
pub fn covers(dir: &Item, item: &Item) -> bool {
    dir.kind() == Kind::Dir && ancestors(item).any(|ancestor| ancestor == dir.text())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn url(text: &str) -> Item {
        Item::from_normalized(Kind::Url, text)
    }

    fn dir(text: &str) -> Item {
        Item::from_normalized(Kind::Dir, text)
    }

    fn all(item: &Item) -> Vec<&str> {
        ancestors(item).collect()
    }

    #[test]
    fn ancestors_are_the_dirs_above() {
        assert_eq!(all(&url("https://h/a/b?c=/d/")), ["https://h/", "https://h/a/"]);
        assert_eq!(all(&url("https://h/a/")), ["https://h/", "https://h/a/"]);
        assert_eq!(all(&dir("https://h/a/")), ["https://h/"]);
        assert_eq!(all(&dir("https://h/")), Vec::<&str>::new());
        assert_eq!(all(&url("https://h/?q")), ["https://h/"]);
        let resource = Item::from_normalized(Kind::Resource, r#"{"resource_title":"a://b/c"}"#);
        assert_eq!(all(&resource), Vec::<&str>::new());
    }

    #[test]
    fn a_dir_covers_what_is_below_it_on_its_host() {
        assert!(covers(&dir("https://h/a/"), &url("https://h/a/b")));
        assert!(covers(&dir("https://h/a/"), &url("https://h/a/")));
        assert!(covers(&dir("https://h/a/"), &dir("https://h/a/b/")));
        assert!(!covers(&dir("https://h/a/"), &dir("https://h/a/")));
        assert!(!covers(&dir("https://h/a/"), &url("https://h/ab")));
        assert!(!covers(&dir("https://h/a/"), &url("http://h/a/b")));
        assert!(!covers(&dir("https://h/a/"), &url("https://h/?x=/a/")));
        assert!(!covers(&url("https://h/a/"), &url("https://h/a/b")));
    }

    proptest! {
        #[test]
        fn an_ancestor_is_a_prefix_that_ends_a_dir(path in "(/[a-z?]{0,3}){0,6}") {
            let item = url(&format!("https://h{path}"));
            for dir in ancestors(&item) {
                prop_assert!(item.text().starts_with(dir) && dir.ends_with('/'));
                prop_assert!(!dir.contains('?'));
            }
        }
    }
}
