//! `POST /v2/tune/refresh/list`: what became of refreshes.

use jiff::civil::Date;
use jiff::tz::TimeZone;

use super::settings::QiniuSettings;
use super::wire::{Code, ListAnswer, ListItem, ListQuery, Uid};
use crate::clock::Moment;
use crate::local_time::{self, UTC_PLUS_8};
use crate::page::Page;
use crate::provider::Answer;
use crate::record::ItemKind;
use crate::tasks::{Task, TaskState, Tasks};
use crate::windows::{DayQuota, local_day};

/// Days that can be asked for, today included (seed 003).
const DAYS_KEPT: i64 = 7;
/// Days answered where a date is missing, today included (seed 003).
const DAYS_BY_DEFAULT: i64 = 3;
/// Length of a page where none is asked for (seed 003).
const PAGE_SIZE: u64 = 100;

/// A query that makes sense.
#[derive(Debug)]
struct Wanted {
    request_id: Option<String>,
    kind: Option<ItemKind>,
    urls: Vec<String>,
    state: Option<String>,
    /// First and last day, as [`local_day`] counts.
    days: (i64, i64),
    page_no: u64,
    page_size: u64,
}

pub(super) fn list(settings: &QiniuSettings, query: ListQuery, tasks: &Tasks, now: Moment) -> Answer {
    let wanted = match Wanted::read(query, now) {
        Ok(wanted) => wanted,
        Err(code) => return super::refusal::refusal(settings, code),
    };
    let found: Vec<&Task> = wanted
        .candidates(tasks)
        .into_iter()
        .filter(|task| wanted.has(task, now) && visible(settings, task, now))
        .collect();
    let page = Page::from_zero(wanted.page_size, wanted.page_no);
    let items: Vec<ListItem> = page.cut(found.iter()).map(|task| item(settings, task, now)).collect();
    let answer = ListAnswer {
        code: Code::SUCCESS.number,
        error: Code::SUCCESS.text,
        total: found.len() as u64,
        page_no: wanted.page_no,
        page_size: wanted.page_size,
        current_size: items.len() as u64,
        items,
    };
    Answer::json(200, Code::SUCCESS.name, &answer)
}

// === impl Wanted ===

impl Wanted {
    fn read(query: ListQuery, now: Moment) -> Result<Self, Code> {
        let text = |s: Option<String>| s.filter(|s| !s.is_empty());
        let number = |n: Option<u64>| n.filter(|n| *n > 0);
        let mut urls = query.urls.map(super::wire::OneOrMany::into_vec).unwrap_or_default();
        urls.retain(|u| !u.is_empty());
        let (start, end) = (text(query.start_time), text(query.end_time));
        let wanted = Self {
            request_id: text(query.request_id),
            kind: match text(query.is_dir).as_deref() {
                None => None,
                Some("yes") => Some(ItemKind::Dir),
                Some("no") => Some(ItemKind::Url),
                Some(_) => return Err(Code::INVALID_INPUT),
            },
            urls,
            state: text(query.state),
            days: days(start.as_deref(), end.as_deref(), now)?,
            page_no: query.page_no.unwrap_or(0),
            page_size: number(query.page_size).unwrap_or(PAGE_SIZE),
        };
        let nothing_asked = wanted.request_id.is_none()
            && wanted.kind.is_none()
            && wanted.urls.is_empty()
            && wanted.state.is_none()
            && start.is_none()
            && end.is_none()
            && number(query.page_no).is_none()
            && number(query.page_size).is_none();
        let known_state = |s: &str| matches!(s, "processing" | "success" | "failure");
        if nothing_asked || !wanted.state.as_deref().is_none_or(known_state) {
            return Err(Code::INVALID_INPUT);
        }
        let is_id = |id: &str| id.len() == 24 && id.bytes().all(|b| b.is_ascii_hexdigit());
        if !wanted.request_id.as_deref().is_none_or(is_id) {
            return Err(Code::INVALID_REQUEST_ID);
        }
        Ok(wanted)
    }

    /// The tasks worth looking at, oldest first, by the narrowest way in.
    fn candidates<'a>(&self, tasks: &'a Tasks) -> Vec<&'a Task> {
        match &self.request_id {
            Some(id) => tasks.of_request(id).collect(),
            None if !self.urls.is_empty() => self.urls.iter().flat_map(|url| tasks.of_name(url)).collect(),
            None => tasks.all().iter().collect(),
        }
    }

    fn has(&self, task: &Task, now: Moment) -> bool {
        let day = local_day(task.created.wall_ms, DayQuota::UTC_PLUS_8);
        (self.days.0..=self.days.1).contains(&day)
            && self.kind.is_none_or(|kind| kind == task.item.kind)
            && self.state.as_deref().is_none_or(|s| s == state(task, now).0)
            && (self.urls.is_empty() || self.urls.iter().any(|url| **url == *task.item.name))
    }
}

/// The days asked for, cut to those that are kept.
fn days(start: Option<&str>, end: Option<&str>, now: Moment) -> Result<(i64, i64), Code> {
    let today = local_day(now.wall_ms, DayQuota::UTC_PLUS_8);
    let (Some(start), Some(end)) = (start.map(day), end.map(day)) else {
        // One date alone is not used, but it must be one.
        start.or(end).map_or(Ok(0), day)?;
        return Ok((today - DAYS_BY_DEFAULT + 1, today));
    };
    let (start, end) = (start?, end?);
    if start > end {
        return Err(Code::INVALID_INPUT);
    }
    Ok((start.max(today - DAYS_KEPT + 1), end))
}

/// A date such as `2006-01-02`, as the number of its day.
fn day(date: &str) -> Result<i64, Code> {
    let date: Date = date.parse().map_err(|_| Code::INVALID_INPUT)?;
    let midnight = date.to_zoned(TimeZone::UTC).map_err(|_| Code::INVALID_INPUT)?;
    Ok(midnight.timestamp().as_second().div_euclid(86_400))
}

// === records ===

fn visible(settings: &QiniuSettings, task: &Task, now: Moment) -> bool {
    now.ns - task.created.ns >= settings.list_delay_ms.saturating_mul(1_000_000)
}

fn state(task: &Task, now: Moment) -> (&'static str, &str) {
    match task.state(now) {
        TaskState::Processing => ("processing", ""),
        TaskState::Success => ("success", ""),
        TaskState::Failure(detail) => ("failure", detail),
    }
}

fn item(settings: &QiniuSettings, task: &Task, now: Moment) -> ListItem {
    let (state, detail) = state(task, now);
    let local_time = |ms| local_time::format(ms, UTC_PLUS_8);
    let created = local_time(task.created.wall_ms);
    ListItem {
        uid: if settings.uid_as_string {
            Uid::Text(settings.uid.to_string())
        } else {
            Uid::Number(settings.uid)
        },
        request_id: task.request.to_string(),
        url: task.item.name.to_string(),
        state,
        state_detail: detail.to_owned(),
        create_at: created.clone(),
        begin_at: created,
        end_at: task.ended_ms(now).map(local_time).unwrap_or_default(),
    }
}
