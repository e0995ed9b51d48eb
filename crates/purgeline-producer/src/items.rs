use crate::Refusal;
use purgeline_core::{Item, JobRequest, Kind};
use std::collections::BTreeSet;

/// The items of a request, normalised, each once; and those that no cache could be asked for.
///
/// Sorted, dirs first: so a dir is there before what it covers, and a request that is repeated
/// in another order is the same.
pub(crate) fn read(request: &JobRequest) -> (Vec<Item>, Vec<Refusal>) {
    let mut refused = Vec::new();
    let mut items = BTreeSet::new();
    let urls = request.urls.iter().map(|text| ("url", text.clone(), Item::url(text)));
    let dirs = request.dirs.iter().map(|text| ("dir", text.clone(), Item::dir(text)));
    let resources = request
        .resources
        .iter()
        .map(|resource| ("resource", resource.title.clone(), Item::resource(resource)));
    for (kind, given, item) in dirs.chain(urls).chain(resources) {
        match item {
            Ok(item) => {
                items.insert(item);
            }
            Err(error) => refused.push(Refusal::new(kind, &given, error)),
        }
    }
    let mut items: Vec<_> = items.into_iter().collect();
    // A stable sort: within a kind the texts stay in order.
    items.sort_by_key(|item| item.kind() != Kind::Dir);
    (items, refused)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn items_are_normalised_and_counted_once_dirs_first() {
        let request = JobRequest {
            urls: vec!["https://H/b".into(), "https://h/a#x".into(), "https://h/b".into(), "nonsense".into()],
            dirs: vec!["https://h/z/".into(), "https://h/z".into()],
            ..JobRequest::default()
        };
        let (items, refused) = read(&request);
        let items: Vec<_> = items.iter().map(ToString::to_string).collect();
        assert_eq!(items, ["dir https://h/z/", "url https://h/a", "url https://h/b"]);
        let refused: Vec<_> = refused.iter().map(|refusal| refusal.item.as_str()).collect();
        assert_eq!(refused, ["https://h/z", "nonsense"]);
    }
}
