//! What a call does to the account: checks of items, quotas, tasks.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::settings::{BadItems, QiniuSettings};
use super::wire::{Code, PrefetchAnswer, RefreshAnswer};
use crate::clock::Moment;
use crate::hosts::{host_of, served};
use crate::provider::{Answer, Taken};
use crate::record::{Item, ItemKind};
use crate::tasks::{Task, TaskState, Tasks};
use crate::windows::DayQuota;

/// The account's day.
#[derive(Debug)]
pub(super) struct Account {
    urls: DayQuota,
    dirs: DayQuota,
    prefetches: DayQuota,
    requests: u64,
}

/// Why a call is refused, and whom the refusal names.
struct Refusal<'a> {
    code: Code,
    named: Vec<&'a Item>,
}

// === impl Account ===

impl Account {
    pub(super) fn new(settings: &QiniuSettings) -> Self {
        Self {
            urls: DayQuota::new(settings.url_quota_day),
            dirs: DayQuota::new(settings.dir_quota_day),
            prefetches: DayQuota::new(settings.prefetch_quota_day),
            requests: 0,
        }
    }

    /// `POST /v2/tune/refresh`: all or nothing, but for invalid items where the account is set to
    /// take the others.
    pub(super) fn refresh(
        &mut self,
        settings: &QiniuSettings,
        items: &[Item],
        tasks: &mut Tasks,
        now: Moment,
    ) -> Answer {
        let faults: Vec<Option<Code>> = items.iter().map(|i| fault(settings, i)).collect();
        let invalid = |i: usize| faults[i].is_some();
        let partial = settings.bad_items == BadItems::Partial && !faults.iter().all(Option::is_some);
        let good: Vec<&Item> = pick(items, |i| !invalid(i));
        let checked = if partial { Ok(()) } else { refuse_invalid(settings, items, &faults) };
        let checked = checked
            .and_then(|()| refuse_dirs(settings, &good))
            .and_then(|()| refuse_existing(settings, &good, tasks, now))
            .and_then(|()| self.spend(&good, now));
        if let Err(Refusal { code, named }) = checked {
            let answer = RefreshAnswer {
                code: code.number,
                error: code.text,
                invalid_urls: names(named.iter().copied(), ItemKind::Url),
                invalid_dirs: names(named.iter().copied(), ItemKind::Dir),
                ..RefreshAnswer::default()
            };
            return Answer::json(super::refusal::status(settings, code), code.name, &answer);
        }

        let request = self.request_id(now);
        for item in &good {
            tasks.submit(&request, (*item).clone(), now, settings.processing_ms);
        }
        let bad: Vec<&Item> = pick(items, invalid);
        let answer = RefreshAnswer {
            code: Code::SUCCESS.number,
            error: Code::SUCCESS.text,
            request_id: request.to_string(),
            invalid_urls: names(bad.iter().copied(), ItemKind::Url),
            invalid_dirs: names(bad.iter().copied(), ItemKind::Dir),
            url_quota_day: self.urls.limit(),
            url_surplus_day: self.urls.surplus(now),
            dir_quota_day: self.dirs.limit(),
            dir_surplus_day: self.dirs.surplus(now),
            task_ids: settings.task_ids.then(|| task_ids(&request, &good)),
        };
        let taken = Taken::Some((0..items.len()).map(|i| !invalid(i)).collect());
        Answer::json(200, Code::SUCCESS.name, &answer).receipt(&request).taking(taken)
    }

    /// `POST /v2/tune/prefetch`. It is here because it shares the rate with refreshes; the fetching
    /// itself is not played.
    pub(super) fn prefetch(&mut self, settings: &QiniuSettings, items: &[Item], now: Moment) -> Answer {
        let faults: Vec<Option<Code>> = items.iter().map(|i| fault(settings, i)).collect();
        let count = items.len() as u64;
        let checked = refuse_invalid(settings, items, &faults).and_then(|()| {
            if count > self.prefetches.surplus(now) {
                return Err(Refusal::of(Code::PREFETCH_QUOTA));
            }
            self.prefetches.spend(count);
            Ok(())
        });
        if let Err(Refusal { code, named }) = checked {
            let answer = PrefetchAnswer {
                code: code.number,
                error: code.text,
                invalid_urls: names(named.into_iter(), ItemKind::Url),
                ..PrefetchAnswer::default()
            };
            return Answer::json(super::refusal::status(settings, code), code.name, &answer);
        }
        let request = self.request_id(now);
        let answer = PrefetchAnswer {
            code: Code::SUCCESS.number,
            error: Code::SUCCESS.text,
            request_id: request.to_string(),
            invalid_urls: None,
            quota_day: self.prefetches.limit(),
            surplus_day: self.prefetches.surplus(now),
        };
        Answer::json(200, Code::SUCCESS.name, &answer).receipt(&request).taking(Taken::All)
    }

    fn spend<'a>(&mut self, items: &[&Item], now: Moment) -> Result<(), Refusal<'a>> {
        let dirs = items.iter().filter(|i| i.kind == ItemKind::Dir).count() as u64;
        let urls = items.len() as u64 - dirs;
        if urls > self.urls.surplus(now) {
            return Err(Refusal::of(Code::URL_QUOTA));
        }
        if dirs > self.dirs.surplus(now) {
            return Err(Refusal::of(Code::DIR_QUOTA));
        }
        self.urls.spend(urls);
        self.dirs.spend(dirs);
        Ok(())
    }

    /// 24 hex digits, as in the seed's examples: the second, then a count.
    fn request_id(&mut self, now: Moment) -> Arc<str> {
        self.requests += 1;
        let seconds = now.wall_ms.div_euclid(1_000) & 0xffff_ffff;
        format!("{seconds:08x}{:016x}", self.requests).into()
    }
}

// === checks ===

impl Refusal<'_> {
    fn of(code: Code) -> Self {
        Self { code, named: Vec::new() }
    }
}

/// What is wrong with an item by itself, if anything.
fn fault(settings: &QiniuSettings, item: &Item) -> Option<Code> {
    let name = &*item.name;
    let path = match item.kind {
        ItemKind::Dir => name.strip_suffix('*').unwrap_or(name),
        ItemKind::Url | ItemKind::Resource => name,
    };
    let shape = item.kind != ItemKind::Dir || path.ends_with('/');
    if !shape || path.contains('*') || settings.bad_urls.contains(name) {
        return Some(Code::INVALID_URL);
    }
    match host_of(path) {
        None => Some(Code::INVALID_URL),
        Some(host) => (!served(settings.hosts.as_deref(), &host)).then_some(Code::INVALID_HOST),
    }
}

fn refuse_invalid<'a>(
    settings: &QiniuSettings,
    items: &'a [Item],
    faults: &[Option<Code>],
) -> Result<(), Refusal<'a>> {
    let found = |code| faults.contains(&Some(code));
    let code = if found(Code::INVALID_URL) {
        Code::INVALID_URL
    } else if found(Code::INVALID_HOST) {
        Code::INVALID_HOST
    } else {
        return Ok(());
    };
    let named = match settings.bad_items {
        BadItems::RefuseUnnamed => Vec::new(),
        BadItems::RefuseNamed | BadItems::Partial => pick(items, |i| faults[i].is_some()),
    };
    Err(Refusal { code, named })
}

fn refuse_dirs<'a>(settings: &QiniuSettings, items: &[&'a Item]) -> Result<(), Refusal<'a>> {
    if !settings.dir_permission && items.iter().any(|i| i.kind == ItemKind::Dir) {
        return Err(Refusal::of(Code::DIR_PERMISSION));
    }
    Ok(())
}

fn refuse_existing<'a>(
    settings: &QiniuSettings,
    items: &[&'a Item],
    tasks: &Tasks,
    now: Moment,
) -> Result<(), Refusal<'a>> {
    if !settings.existing {
        return Ok(());
    }
    let runs = |task: &Task| match settings.existing_ms {
        None => task.state(now) == TaskState::Processing,
        Some(ms) => now.ns - task.created.ns < ms.saturating_mul(1_000_000),
    };
    let running: Vec<&Item> = items.iter().copied().filter(|i| tasks.newest(i).is_some_and(runs)).collect();
    if running.is_empty() {
        return Ok(());
    }
    let named = if settings.existing_named { running } else { Vec::new() };
    Err(Refusal { code: Code::EXISTING, named })
}

fn pick(items: &[Item], which: impl Fn(usize) -> bool) -> Vec<&Item> {
    let picked = items.iter().enumerate().filter(|(i, _)| which(*i));
    picked.map(|(_, item)| item).collect()
}

/// The names of one kind, or null where there are none.
fn names<'a>(items: impl Iterator<Item = &'a Item>, kind: ItemKind) -> Option<Vec<String>> {
    let names: Vec<String> = items.filter(|i| i.kind == kind).map(|i| i.name.to_string()).collect();
    (!names.is_empty()).then_some(names)
}

fn task_ids(request: &str, items: &[&Item]) -> BTreeMap<String, String> {
    let id = |(i, item): (usize, &&Item)| (item.name.to_string(), format!("{request}-{i}"));
    items.iter().enumerate().map(id).collect()
}
