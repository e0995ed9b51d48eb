//! `job cancel`, where a target never got its items.

use crate::support::{Fixture, target};
use purgeline_core::{JobId, Priority};
use purgeline_queue::{NewJob, Timing};

#[tokio::test]
async fn a_cancelled_delivery_that_never_came_counts_the_items_of_its_own_target() {
    let fixture = Fixture::new().await;
    let id = JobId::generate();
    let job = NewJob {
        id,
        digest: "digest".to_owned(),
        targets: vec![(target("static").name, 3), (target("www").name, 2)],
        items: 5,
        first_items: "url:https://www.example.com/a".to_owned(),
        priority: Priority::Normal,
        source: None,
        timing: Timing::default(),
    };
    fixture.queue().produce().create_job(&job).await.unwrap();
    let cancelled = fixture.call(&["job", "cancel", &id.to_string(), "--output", "json"]);
    assert_eq!((cancelled.code, &cancelled.json()["state"]), (0, &"cancelled".into()), "{}", cancelled.err);
    let shown = fixture.call(&["job", "show", &id.to_string(), "--output", "json"]).json();
    for (name, items) in [("static", 3), ("www", 2)] {
        let part = &shown["parts"][name];
        assert_eq!((&part["items"], &part["cancelled"]), (&items.into(), &items.into()), "{name}: {part}");
    }
}
