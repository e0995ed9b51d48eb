//! Bad input is refused with the item and the rule, and nothing is enqueued.

use purgeline_core::{JobOptions, JobRequest, Kind, MAX_URL_BYTES};
use purgeline_producer::{Accept, Producer, SubmitError};
use purgeline_queue::JobFilter;
use purgeline_tests::{RETENTION, TestEnv, qiniu, target, url};
use serde_json::json;

/// An environment that no worker serves, with a provider that takes at most 2,000 characters a URL.
async fn env() -> TestEnv {
    let mut bounded = target("cdn", qiniu("http://127.0.0.1:9", json!({})));
    bounded.descriptor.rules.max_chars.insert(Kind::Url, 2_000);
    TestEnv::new(vec![bounded]).await
}

fn long_url(chars: usize) -> String {
    let start = url("");
    format!("{start}{}", "a".repeat(chars - start.len()))
}

async fn assert_nothing_enqueued(env: &TestEnv) {
    let stats = env.stats().await;
    assert_eq!((stats.pending, stats.counters.get("asked").copied().unwrap_or_default()), (0, 0));
    assert!(
        env.queue.inspect().jobs(&env.target_refs(), &JobFilter::default(), 10, 10).await.unwrap().is_empty()
    );
    env.assert_verified().await;
}

#[tokio::test]
async fn a_job_with_a_bad_item_is_refused_with_the_item_and_the_rule() {
    let env = env().await;
    let good = url("good");
    let too_long = long_url(3_000);
    let far_too_long = long_url(MAX_URL_BYTES + 1);
    for (urls, dirs, item, rule) in [
        (vec!["/news/today"], vec![], "/news/today", "not an absolute URL"),
        (vec!["www.example.com/a"], vec![], "www.example.com/a", "not an absolute URL"),
        (
            vec!["ftp://www.example.com/a"],
            vec![],
            "ftp://www.example.com/a",
            "its scheme is \"ftp\": only http and https",
        ),
        (
            vec!["https://example.org/a"],
            vec![],
            "https://example.org/a",
            "no target serves the host \"example.org\"",
        ),
        (
            vec![&*too_long],
            vec![],
            &too_long[..200],
            "it is 3000 characters long: Qiniu Fusion CDN takes at most 2000 for a url",
        ),
        (vec![&*far_too_long], vec![], &far_too_long[..200], "it is 10241 bytes long: 10240 is the most"),
        (vec!["https://www.example.com/*"], vec![], "https://www.example.com/*", "takes no wildcards"),
        (
            vec![],
            vec!["https://www.example.com/a"],
            "https://www.example.com/a",
            "a dir ends with \"/\": did you mean https://www.example.com/a/",
        ),
        (vec![], vec!["https://www.example.com/?q=/"], "https://www.example.com/?q=/", "a dir has no query"),
    ] {
        let mut request = JobRequest {
            urls: urls.iter().map(ToString::to_string).collect(),
            dirs: dirs.iter().map(ToString::to_string).collect(),
            ..JobRequest::default()
        };
        request.urls.push(good.clone());
        let error = env.producer.submit(&request, Accept::Whole).await.unwrap_err();
        let text = error.to_string();
        let SubmitError::Refused { refused } = error else { panic!("{item}: {text}") };
        assert_eq!(refused.len(), 1, "{text}");
        assert!(refused[0].item.starts_with(item), "{text}");
        assert!(refused[0].problem.contains(rule), "{text}");
        assert!(
            text.contains(item) && text.contains(rule) && text.contains("nothing was enqueued"),
            "{text}"
        );
    }
    assert_nothing_enqueued(&env).await;
}

#[tokio::test]
async fn a_job_that_makes_no_sense_is_refused() {
    let env = env().await;
    let empty = env.producer.submit(&JobRequest::default(), Accept::GoodItems).await.unwrap_err();
    assert!(empty.to_string().contains("the job is empty"), "{empty}");

    let to = |name: &str| JobRequest {
        urls: vec![url("a")],
        options: JobOptions { targets: vec![name.parse().unwrap()], ..JobOptions::default() },
        ..JobRequest::default()
    };
    let unknown = env.producer.submit(&to("cnd"), Accept::GoodItems).await.unwrap_err();
    assert_eq!(unknown.to_string(), "there is no target \"cnd\": configured are cdn");

    let nowhere = Producer::new(env.queue.produce(), Vec::new(), RETENTION);
    let error = nowhere.submit(&to("cdn"), Accept::GoodItems).await.unwrap_err();
    assert!(error.to_string().contains("none is configured"), "{error}");
    assert_nothing_enqueued(&env).await;
}

#[tokio::test]
async fn of_a_partial_job_only_the_good_items_are_enqueued_and_the_others_listed() {
    let env = env().await;
    let request = JobRequest {
        urls: vec![url("a"), "/b".to_owned(), long_url(3_000), url("c")],
        dirs: vec![url("d")],
        ..JobRequest::default()
    };
    let submitted = env.producer.submit(&request, Accept::GoodItems).await.unwrap();
    assert_eq!((submitted.items, submitted.targets[0].new), (2, 2));
    let refused: Vec<_> = submitted.refused.iter().map(|refusal| refusal.kind).collect();
    assert_eq!(refused, ["dir", "url", "url"]);
    assert_eq!(
        env.job(submitted.job).await.first_items,
        [format!("url:{}", url("a")), format!("url:{}", url("c"))]
    );
    assert_eq!(env.stats().await.pending, 2);
    env.assert_verified().await;

    let all_bad = JobRequest { urls: vec!["/b".to_owned()], ..JobRequest::default() };
    let error = env.producer.submit(&all_bad, Accept::GoodItems).await.unwrap_err();
    assert!(matches!(error, SubmitError::Refused { .. }), "{error}");
    assert_eq!(env.stats().await.pending, 2);
}
