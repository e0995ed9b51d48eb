//! `POST /ccm/purge/ItemIdQuery`: what became of purges
//! (wangsu.com/document/21518/22596).

use jiff::tz::Offset;

use super::settings::WangsuSettings;
use super::wire::{Query, QueryAnswer, Refusal, ResultDetail};
use crate::clock::Moment;
use crate::local_time::{self, UTC_PLUS_8};
use crate::page::Page;
use crate::record::ItemKind;
use crate::tasks::{Task, TaskState, Tasks};

/// How long tasks can be asked for.
const KEPT_MS: i64 = 3 * 86_400_000;
/// Length of a page where none is asked for.
const PAGE_SIZE: u64 = 20;

/// The tasks that a query asks for, in the time zone of its times.
pub(super) fn query(
    settings: &WangsuSettings,
    query: Query,
    zone: Option<&str>,
    tasks: &Tasks,
    now: Moment,
) -> Result<QueryAnswer, Refusal> {
    let zone = zone.map_or(Ok(UTC_PLUS_8), |zone| offset(zone).ok_or(Refusal::ParseJson))?;
    let text = |s: Option<String>| s.filter(|s| !s.is_empty());
    let time = |s: Option<String>| {
        let time = |s: String| local_time::parse(&s, zone).ok_or(Refusal::ParseJson);
        text(s).map(time).transpose()
    };
    let (id, url, status) = (text(query.item_id), text(query.url), text(query.status));
    let (start, end) = (time(query.start_time)?, time(query.end_time)?);
    if id.is_none() && (start.is_none() || end.is_none()) {
        return Err(Refusal::NothingAsked);
    }
    let known = |s: &str| matches!(s, "success" | "failure" | "wait" | "run");
    if !status.as_deref().is_none_or(known) {
        return Err(Refusal::ParseJson);
    }
    let candidates: Vec<&Task> = match &id {
        Some(id) => tasks.of_request(id).collect(),
        None => tasks.all().iter().collect(),
    };
    let wanted = |task: &Task| {
        let created = task.created.wall_ms;
        created > now.wall_ms - KEPT_MS
            && start.is_none_or(|start| start <= created)
            // The end has no milliseconds: it means its whole second.
            && end.is_none_or(|end| created < end + 1_000)
            && url.as_deref().is_none_or(|url| url == &*task.item.name)
            && status.as_deref().is_none_or(|s| s == state(settings, task, now).0)
            && now.ns - task.created.ns >= settings.query_delay_ms.saturating_mul(1_000_000)
    };
    let found: Vec<&Task> = candidates.into_iter().filter(|task| wanted(task)).collect();
    let page_size = query.page_size.filter(|n| *n > 0).unwrap_or(PAGE_SIZE);
    let page = Page::from_one(page_size, query.page_no.unwrap_or(1)).cut(found.iter());
    Ok(QueryAnswer {
        code: 1,
        message: "handle success",
        count: found.len() as u64,
        page_no: (found.len() as u64).div_ceil(page_size),
        page_size,
        result_detail: page.map(|task| detail(settings, task, zone, now)).collect(),
    })
}

fn detail(settings: &WangsuSettings, task: &Task, zone: Offset, now: Moment) -> ResultDetail {
    let (status, rate) = state(settings, task, now);
    let time = |ms| local_time::format(ms, zone);
    let begun = if status == "wait" { String::new() } else { time(task.created.wall_ms) };
    ResultDetail {
        url: task.item.name.to_string(),
        status,
        rate,
        create_time: time(task.created.wall_ms),
        begin_time: begun,
        finish_time: task.ended_ms(now).map(time).unwrap_or_default(),
        is_dir: if task.item.kind == ItemKind::Dir { "2" } else { "0" },
    }
}

/// State and rate of success, in per cent.
fn state(settings: &WangsuSettings, task: &Task, now: Moment) -> (&'static str, &'static str) {
    let waits = now.ns - task.created.ns < settings.wait_ms.saturating_mul(1_000_000);
    match task.state(now) {
        TaskState::Success => ("success", "100"),
        TaskState::Failure(_) => ("failure", "0"),
        TaskState::Processing if waits => ("wait", "0"),
        TaskState::Processing => ("run", "50"),
    }
}

/// `GMT+08:00`.
fn offset(zone: &str) -> Option<Offset> {
    let (sign, time) = match zone.strip_prefix("GMT")?.split_at_checked(1)? {
        ("+", time) => (1, time),
        ("-", time) => (-1, time),
        _ => return None,
    };
    let (hours, minutes) = time.split_once(':')?;
    let seconds = hours.parse::<i32>().ok()? * 3_600 + minutes.parse::<i32>().ok()? * 60;
    Offset::from_seconds(sign * seconds).ok()
}
