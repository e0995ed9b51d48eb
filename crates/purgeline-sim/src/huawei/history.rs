//! `GET /v1.0/cdn/historytasks` and `…/{id}/detail`: what became of tasks.

use super::codes::Code;
use super::settings::HuaweiSettings;
use super::wire::{DetailQuery, FileType, ListQuery, TaskDetail, TaskList, TaskSummary, UrlDetail};
use crate::clock::Moment;
use crate::page::Page;
use crate::record::ItemKind;
use crate::tasks::{Task, TaskState, Tasks};

const DAY_MS: i64 = 86_400_000;
/// How far back a task is found without its `create_time`, days (ShowHistoryTaskDetails).
const FOUND_DAYS: i64 = 7;
/// How far back it is found with it.
const KEPT_DAYS: i64 = 15;

/// One task with the result of each of its URLs.
pub(super) fn detail(
    settings: &HuaweiSettings,
    id: &str,
    query: &DetailQuery,
    tasks: &Tasks,
    now: Moment,
) -> Result<TaskDetail, Code> {
    let page = self::page(query.page_size, query.page_number)?;
    let known =
        |s: &str| matches!(s, "processing" | "succeed" | "failed" | "waiting" | "refreshing" | "preheating");
    if !query.status.as_deref().is_none_or(known) {
        return Err(Code::MALFORMED);
    }
    let urls: Vec<&Task> = tasks.of_request(id).collect();
    let days = if query.create_time.is_some() { KEPT_DAYS } else { FOUND_DAYS };
    let found = urls.first().filter(|t| t.created.wall_ms > now.wall_ms - days * DAY_MS);
    if found.is_none() {
        return Err(Code::NOT_FOUND);
    }
    let summary = summary(&urls, now).ok_or(Code::NOT_FOUND)?;
    let wanted = |task: &&(usize, &Task)| {
        let (status, task) = (status(settings, task.1, now), task.1);
        // `processing` is any that has not ended.
        let running = task.state(now) == TaskState::Processing;
        query.status.as_deref().is_none_or(|s| s == status || (s == "processing" && running))
            && query.url.as_deref().is_none_or(|url| url == &*task.item.name)
    };
    let numbered: Vec<(usize, &Task)> = urls.into_iter().enumerate().collect();
    let urls = page.cut(numbered.iter().filter(wanted));
    let urls = urls.map(|(i, task)| url_detail(settings, *i, task, now)).collect();
    Ok(TaskDetail { summary, urls })
}

/// The tasks of the last days, newest first unless another order is asked for.
pub(super) fn list(query: &ListQuery, tasks: &Tasks, now: Moment) -> Result<TaskList, Code> {
    let page = self::page(query.page_size, query.page_number)?;
    let one_of = |value: &Option<String>, known: &[&str]| value.as_deref().is_none_or(|v| known.contains(&v));
    if !one_of(&query.status, &["task_inprocess", "task_done"])
        || !one_of(&query.task_type, &["refresh", "preheating"])
        || !one_of(&query.file_type, &["file", "directory"])
        || !one_of(&query.order_type, &["asc", "desc"])
        || !one_of(
            &query.order_field,
            &["create_time", "total", "processing", "succeed", "failed", "task_type"],
        )
    {
        return Err(Code::MALFORMED);
    }
    let wanted = |task: &TaskSummary| {
        task.create_time > now.wall_ms - FOUND_DAYS * DAY_MS
            && query.start_date.is_none_or(|start| start <= task.create_time)
            && query.end_date.is_none_or(|end| task.create_time <= end)
            && query.status.as_deref().is_none_or(|s| s == task.status)
            && query.task_type.as_deref().is_none_or(|t| t == task.task_type)
            && query.file_type.as_deref().is_none_or(|t| t == name(task.file_type))
    };
    let requests = tasks.all().chunk_by(|a, b| a.request == b.request);
    let summaries = requests.filter_map(|urls| summary(&urls.iter().collect::<Vec<_>>(), now));
    let mut found: Vec<TaskSummary> = summaries.filter(wanted).collect();
    let key = |task: &TaskSummary| match query.order_field.as_deref() {
        Some("total") => task.total.cast_signed(),
        Some("processing") => task.processing.cast_signed(),
        Some("succeed") => task.succeed.cast_signed(),
        Some("failed") => task.failed.cast_signed(),
        Some("task_type") => 0,
        _ => task.create_time,
    };
    found.sort_by_key(key);
    if query.order_type.as_deref() != Some("asc") {
        found.reverse();
    }
    let total = found.len() as u64;
    Ok(TaskList { total, tasks: page.cut(found.into_iter()).collect() })
}

/// The page that is asked for: size and number come together or not at all.
fn page(size: Option<u64>, number: Option<u64>) -> Result<Page, Code> {
    match (size, number) {
        (None, None) => Ok(Page::from_one(30, 1)),
        (Some(size @ 1..=10_000), Some(number @ 1..=65_535)) => Ok(Page::from_one(size, number)),
        _ => Err(Code::MALFORMED),
    }
}

// === records ===

/// The head of a task, from its URLs.
fn summary(urls: &[&Task], now: Moment) -> Option<TaskSummary> {
    let first = urls.first()?;
    let count = |state: fn(&TaskState) -> bool| urls.iter().filter(|t| state(&t.state(now))).count() as u64;
    let processing = count(|s| matches!(s, TaskState::Processing));
    let directory = first.item.kind == ItemKind::Dir;
    Some(TaskSummary {
        id: first.request.to_string(),
        task_type: "refresh",
        status: if processing > 0 { "task_inprocess" } else { "task_done" },
        processing,
        succeed: count(|s| matches!(s, TaskState::Success)),
        failed: count(|s| matches!(s, TaskState::Failure(_))),
        total: urls.len() as u64,
        create_time: first.created.wall_ms,
        file_type: if directory { FileType::Directory } else { FileType::File },
    })
}

fn url_detail(settings: &HuaweiSettings, place: usize, task: &Task, now: Moment) -> UrlDetail {
    let (fail_classify, fail_desc) = match task.state(now) {
        TaskState::Failure(detail) => {
            let (class, desc) = classify(detail);
            (Some(class), Some(desc.to_owned()))
        }
        TaskState::Processing | TaskState::Success => (None, None),
    };
    UrlDetail {
        id: (place + 1).to_string(),
        url: task.item.name.to_string(),
        status: status(settings, task, now),
        create_time: task.created.wall_ms,
        task_id: task.request.to_string(),
        task_type: "REFRESH",
        fail_classify,
        fail_desc,
    }
}

fn status(settings: &HuaweiSettings, task: &Task, now: Moment) -> &'static str {
    let waits = now.ns - task.created.ns < settings.wait_ms.saturating_mul(1_000_000);
    match task.state(now) {
        TaskState::Success => "succeed",
        TaskState::Failure(_) => "failed",
        TaskState::Processing if waits => "waiting",
        TaskState::Processing => "refreshing",
    }
}

/// A fate's detail may begin with the class of the failure.
fn classify(detail: &str) -> (&'static str, &str) {
    const CLASSES: [&str; 3] = ["ORIGIN_ERROR", "INNER_ERROR", "UNKNOWN_ERROR"];
    let found = CLASSES.into_iter().find_map(|class| Some((class, detail.strip_prefix(class)?)));
    found.map_or(("UNKNOWN_ERROR", detail), |(class, rest)| (class, rest.trim_start()))
}

fn name(file_type: FileType) -> &'static str {
    match file_type {
        FileType::File => "file",
        FileType::Directory => "directory",
    }
}
