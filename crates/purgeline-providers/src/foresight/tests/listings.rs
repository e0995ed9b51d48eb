use super::*;

fn entries(listing: &Value) -> Vec<CacheEntry> {
    listing::read(&listing.to_string()).unwrap()
}

#[test]
fn a_listing_is_shown_without_tokens() {
    // The transport has taken this target's own out.
    let listing = json!([
        {"user": "[redacted]", "device": "phone", "sync_datetime": "2026-01-01T10:00:00.000000Z",
         "version": 1, "etag": "e1"},
        {"user": "somebody-elses-token", "device": 7, "sync_datetime": null, "version": "12", "etag": "e2"},
        {"device": "desk", "version": null, "new": []},
    ]);
    let shown = entries(&listing);
    assert_eq!(
        shown[0],
        CacheEntry {
            user: "(this target's token)".to_owned(),
            device: "phone".to_owned(),
            sync_datetime: "2026-01-01T10:00:00.000000Z".to_owned(),
            version: Some(1),
            etag: "e1".to_owned(),
        }
    );
    assert_eq!((shown[1].device.as_str(), shown[1].version), ("7", Some(12)));
    assert!(shown[1].user.starts_with("sha256:") && shown[1].user.len() == 15, "{}", shown[1].user);
    assert_eq!((shown[2].user.as_str(), shown[2].version), ("", None));
    let said = format!("{shown:?} {}", serde_json::to_string(&shown).unwrap());
    assert!(!said.contains("somebody-elses-token"), "{said}");
}

#[test]
fn what_is_no_listing_is_none() {
    assert_eq!(entries(&json!([])), []);
    for body in ["", "<html>", "{}", "null", "[5]", r#"[{"user":5}]"#] {
        assert!(listing::read(body).is_none(), "{body}");
    }
}

#[test]
fn movement_is_of_a_cache_that_was_there() {
    let before = json!([cache("phone", 1, "a"), cache("desk", 4, "b")]);
    let moved = |after: Value| marks(&after).moved_since(&marks(&before));
    assert!(moved(json!([cache("phone", 2, "a"), cache("desk", 4, "b")])), "its version");
    assert!(moved(json!([cache("desk", 4, "c")])), "its etag");
    assert!(!moved(before.clone()));
    assert!(!moved(json!([cache("desk", 4, "b"), cache("phone", 1, "a")])), "another order");
    assert!(!moved(json!([cache("tablet", 1, "z"), cache("desk", 4, "b")])), "a new one, one gone");
    assert!(!moved(json!([])));
    // Another user's of the same name is another one.
    let mut others = cache("phone", 9, "x");
    others["user"] = "another-token".into();
    assert!(!moved(json!([cache("phone", 1, "a"), others])));
    // Synchronised anew with the same contents: no proof.
    let mut same = cache("phone", 1, "a");
    same["sync_datetime"] = "2026-01-02T00:00:00Z".into();
    assert!(!moved(json!([same])));
}
