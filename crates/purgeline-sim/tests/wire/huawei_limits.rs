//! Huawei Cloud: rates, quotas, history.

use std::time::Duration;

use purgeline_sim::huawei::HuaweiSettings;
use purgeline_sim::{Ending, FateRule, Rate, Selector};
use serde_json::{Value, json};

use crate::huawei::{Account, CURRENT, code, urls};

fn lifted() -> HuaweiSettings {
    HuaweiSettings { rate: Rate::LIFTED, query_rate: Rate::LIFTED, ..HuaweiSettings::default() }
}

#[tokio::test]
async fn thirty_tasks_and_thirty_details_a_second() {
    let account = Account::open(HuaweiSettings::default()).await;
    let body = json!({ "refresh_task": { "urls": urls(1) } });
    let mut id = String::new();
    for _ in 0..30 {
        let (_, answer) = account.post(CURRENT, &body).await;
        id = answer["refresh_task"].as_str().unwrap().to_owned();
    }
    let detail = format!("/v1.0/cdn/historytasks/{id}/detail");
    for _ in 0..30 {
        assert_eq!(account.get(&detail).await.0, 200);
    }
    account.clock.advance(Duration::from_millis(999));
    for (status, answer) in [account.post(CURRENT, &body).await, account.get(&detail).await] {
        assert_eq!((status, code(&answer).as_str()), (429, "APIGW.0308"));
    }
    account.clock.advance(Duration::from_millis(1));
    assert_eq!(account.post(CURRENT, &body).await.0, 200);
    assert_eq!(account.get(&detail).await.0, 200);
    assert_eq!(account.sim.log().stats().limited, 2);
}

#[tokio::test]
async fn quotas_can_be_read_and_last_a_day_in_china() {
    let settings = HuaweiSettings { url_quota_day: 3, dir_quota_day: 1, ..lifted() };
    let account = Account::open(settings).await; // noon
    assert_eq!(account.create("file", &urls(4)).await, Err("CDN.0110".into()));
    account.create("file", &urls(2)).await.unwrap();
    account.create("directory", &["http://www.example.com/a/".into()]).await.unwrap();
    assert_eq!(account.create("file", &urls(2)).await, Err("CDN.0110".into()));
    let directory = ["http://www.example.com/b/".to_owned()];
    assert_eq!(account.create("directory", &directory).await, Err("CDN.0110".into()));
    let quotas = |urls: u64, dirs: u64| {
        json!({ "quotas": [
            { "type": "file_refresh", "quota_limit": 3, "used": urls, "user_domain_id": "" },
            { "type": "dir_refresh", "quota_limit": 1, "used": dirs, "user_domain_id": "" },
        ] })
    };
    assert_eq!(account.get("/v1.0/cdn/quota").await, (200, quotas(2, 1)));
    account.clock.advance(Duration::from_secs(12 * 3_600));
    assert_eq!(account.get("/v1.0/cdn/quota").await, (200, quotas(0, 0)));
    assert!(account.create("file", &urls(3)).await.is_ok());
}

#[tokio::test]
async fn a_task_is_done_when_it_has_ended_not_when_it_succeeded() {
    let account = Account::open(lifted()).await;
    let names = urls(3);
    let failure = Ending::Failure("ORIGIN_ERROR origin answered 404".into());
    account.sim.fate(FateRule::new(Selector::Exact(names[1].clone()), failure));
    let failure = Ending::Failure("no reason".into());
    account.sim.fate(FateRule::new(Selector::Exact(names[2].clone()), failure).after_ms(2_000));
    let id = account.create("file", &names).await.unwrap();
    let path = format!("/v1.0/cdn/historytasks/{id}/detail");
    let detail = async || account.get(&path).await.1;
    let column = |answer: &Value, name: &str| -> Vec<String> {
        let urls = answer["urls"].as_array().unwrap().iter();
        urls.map(|u| u[name].as_str().unwrap_or_default().to_owned()).collect()
    };
    let counts = |answer: &Value| {
        ["processing", "succeed", "failed", "total"].map(|name| answer[name].as_u64().unwrap())
    };
    assert_eq!(column(&detail().await, "status"), ["waiting"; 3]);
    account.clock.advance(Duration::from_secs(2));
    let answer = detail().await;
    assert_eq!((counts(&answer), &answer["status"]), ([2, 0, 1, 3], &json!("task_inprocess")));
    assert_eq!(column(&answer, "status"), ["refreshing", "refreshing", "failed"]);
    account.clock.advance(Duration::from_secs(3));
    let answer = detail().await;
    assert_eq!((counts(&answer), &answer["status"]), ([0, 1, 2, 3], &json!("task_done")));
    assert_eq!(column(&answer, "status"), ["succeed", "failed", "failed"]);
    assert_eq!(column(&answer, "fail_classify"), ["", "ORIGIN_ERROR", "UNKNOWN_ERROR"]);
    assert_eq!(column(&answer, "fail_desc"), ["", "origin answered 404", "no reason"]);
    assert_eq!((&answer["file_type"], &answer["task_type"]), (&json!("file"), &json!("refresh")));
    let first = json!({
        "id": "1", "url": names[0], "status": "succeed", "create_time": 1_767_240_000_000_i64,
        "task_id": id, "task_type": "REFRESH",
    });
    assert_eq!(answer["urls"][0], first);
}

#[tokio::test]
async fn details_are_paged_by_a_pair() {
    let account = Account::open(lifted()).await;
    let id = account.create("file", &urls(45)).await.unwrap();
    let detail = async |query: &str| {
        let path = format!("/v1.0/cdn/historytasks/{id}/detail?{query}");
        let (status, answer) = account.get(&path).await;
        answer["urls"].as_array().map_or(Err(status), |urls| Ok(urls.len()))
    };
    for (query, expected) in [
        ("", Ok(30)),
        ("page_size=10&page_number=5", Ok(5)),
        ("page_size=10000&page_number=1", Ok(45)),
        ("page_size=10&page_number=6", Ok(0)),
        ("page_size=10", Err(400)),
        ("page_number=1", Err(400)),
        ("page_size=10001&page_number=1", Err(400)),
        ("page_size=0&page_number=1", Err(400)),
        ("page_size=10&page_number=0", Err(400)),
        ("page_size=ten&page_number=1", Err(400)),
        ("status=waiting&page_size=100&page_number=1", Ok(45)),
        ("status=processing&page_size=100&page_number=1", Ok(45)),
        ("status=succeed", Ok(0)),
        ("status=done", Err(400)),
        ("url=http%3A%2F%2Fwww.example.com%2F7&enterprise_project_id=all", Ok(1)),
    ] {
        assert_eq!(detail(query).await, expected, "{query}");
    }
}

#[tokio::test]
async fn tasks_are_found_for_a_week_and_by_their_time_for_two() {
    let account = Account::open(lifted()).await;
    let id = account.create("file", &urls(1)).await.unwrap();
    let path = format!("/v1.0/cdn/historytasks/{id}/detail");
    let by_time = format!("{path}?create_time=1767240000000");
    let day = Duration::from_secs(86_400);
    account.clock.advance(7 * day - Duration::from_millis(1));
    assert_eq!(account.get(&path).await.0, 200);
    account.clock.advance(Duration::from_millis(1));
    let (status, answer) = account.get(&path).await;
    assert_eq!((status, code(&answer).as_str()), (404, "CDN.0003"));
    assert_eq!(account.get(&by_time).await.0, 200);
    account.clock.advance(8 * day);
    assert_eq!(account.get(&by_time).await.0, 404);
    assert_eq!(account.get("/v1.0/cdn/historytasks/none/detail").await.0, 404);
}

#[tokio::test]
async fn the_list_of_tasks_is_filtered_ordered_and_paged() {
    let account = Account::open(lifted()).await;
    account.create("file", &urls(3)).await.unwrap();
    account.clock.advance(Duration::from_secs(5));
    account.create("directory", &["http://www.example.com/a/".into()]).await.unwrap();
    account.create("file", &urls(2)).await.unwrap();
    let totals = async |query: &str| {
        let (status, answer) = account.get(&format!("/v1.0/cdn/historytasks?{query}")).await;
        let tasks = answer["tasks"].as_array();
        tasks.map_or(Err(status), |t| Ok(t.iter().map(|t| t["total"].as_u64().unwrap()).collect()))
    };
    let (start, later) = (1_767_240_000_000_i64, 1_767_240_005_000_i64);
    for (query, expected) in [
        (String::new(), Ok(vec![2, 1, 3])),
        ("order_type=asc".into(), Ok(vec![3, 1, 2])),
        ("order_field=total&order_type=asc".into(), Ok(vec![1, 2, 3])),
        ("status=task_done".into(), Ok(vec![3])),
        ("file_type=directory".into(), Ok(vec![1])),
        ("task_type=preheating".into(), Ok(vec![])),
        (format!("start_date={start}&end_date={start}"), Ok(vec![3])),
        (format!("start_date={later}"), Ok(vec![2, 1])),
        ("page_size=2&page_number=2".into(), Ok(vec![3])),
        ("page_size=2".into(), Err(400)),
        ("status=done".into(), Err(400)),
    ] {
        assert_eq!(totals(&query).await, expected, "{query}");
    }
}
