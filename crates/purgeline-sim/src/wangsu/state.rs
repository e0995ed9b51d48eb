//! What a purge does to the account: checks of items, quotas, tasks.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use super::settings::WangsuSettings;
use super::wire::{QuotaAnswer, Refusal};
use crate::clock::Moment;
use crate::hosts::{host_of, served};
use crate::record::{Item, ItemKind};
use crate::tasks::Tasks;
use crate::windows::DayQuota;

/// The account's day.
#[derive(Debug)]
pub(super) struct Account {
    urls: DayQuota,
    dirs: DayQuota,
    dirs_by_host: HashMap<String, DayQuota>,
    submissions: u64,
}

/// What became of a purge call.
#[derive(Debug)]
pub(super) struct Submitted {
    /// For each item, whether it was taken.
    pub(super) taken: Vec<bool>,
    /// The id of what was taken; absent if nothing was.
    pub(super) id: Option<Arc<str>>,
    /// Absent if everything was taken.
    pub(super) refusal: Option<Refusal>,
}

/// The result of checking an item before it is taken.
enum ItemCheck {
    Good,
    /// Refused under this name: the host, or the item itself where it has none.
    Channel(String),
    DirQuota(String),
    Running,
}

// === impl Account ===

impl Account {
    pub(super) fn new(settings: &WangsuSettings) -> Self {
        Self {
            urls: DayQuota::new(settings.url_quota_day),
            dirs: DayQuota::new(settings.dir_quota_day),
            dirs_by_host: HashMap::new(),
            submissions: 0,
        }
    }

    /// Takes what may be taken. Refusals name their channels; whatever is not named is carried out,
    /// but for the two quotas of the account, which refuse the whole call, and items that run,
    /// which do so unless set otherwise.
    pub(super) fn submit(
        &mut self,
        settings: &WangsuSettings,
        items: &[Item],
        tasks: &mut Tasks,
        now: Moment,
    ) -> Submitted {
        let checks = self.checks(settings, items, tasks, now);
        let refusal = summary(settings, items, &checks);
        let whole = matches!(refusal, Some(Refusal::Running(_))) && !settings.running_takes_rest;
        let good = |i: usize| !whole && matches!(checks[i], ItemCheck::Good);
        let taken: Vec<bool> = (0..items.len()).map(good).collect();
        let picked: Vec<&Item> = items.iter().zip(&taken).filter_map(|(i, t)| t.then_some(i)).collect();
        let (dirs, urls): (Vec<&Item>, Vec<&Item>) = picked.iter().partition(|i| i.kind == ItemKind::Dir);
        let (urls, dirs) = (urls.len() as u64, dirs.len() as u64);
        if urls > self.urls.surplus(now) || dirs > self.dirs.surplus(now) {
            let taken = vec![false; items.len()];
            return Submitted { taken, id: None, refusal: Some(Refusal::OutOfLimit) };
        }
        self.urls.spend(urls);
        self.dirs.spend(dirs);
        for item in picked.iter().filter(|i| i.kind == ItemKind::Dir) {
            self.dirs_of(settings, &item.name).spend(1);
        }
        let id = (!picked.is_empty()).then(|| self.next_id(now));
        if let Some(id) = &id {
            for item in picked {
                tasks.submit(id, item.clone(), now, settings.processing_ms);
            }
        }
        Submitted { taken, id, refusal }
    }

    pub(super) fn quota(&mut self, now: Moment) -> QuotaAnswer {
        QuotaAnswer {
            code: "200",
            message: "success",
            supplier: "wangsu",
            url_upper: self.urls.limit(),
            url_remain: self.urls.surplus(now),
            dir_upper: self.dirs.limit(),
            dir_remain: self.dirs.surplus(now),
            regex_upper: 0,
            regex_remain: 0,
            tag_upper: 0,
            tag_remain: 0,
        }
    }

    fn checks(
        &mut self,
        settings: &WangsuSettings,
        items: &[Item],
        tasks: &Tasks,
        now: Moment,
    ) -> Vec<ItemCheck> {
        let mut dirs: HashMap<String, u64> = HashMap::new();
        for item in items.iter().filter(|i| i.kind == ItemKind::Dir) {
            *dirs.entry(host_of(&item.name).unwrap_or_default()).or_default() += 1;
        }
        let mut stand = |item: &Item| {
            let host = match channel(settings, item) {
                Ok(host) => host,
                Err(channel) => return ItemCheck::Channel(channel),
            };
            if item.kind == ItemKind::Dir
                && dirs.get(&host).copied().unwrap_or(0) > self.dirs_of(settings, &item.name).surplus(now)
            {
                return ItemCheck::DirQuota(host);
            }
            if runs(settings, item, tasks, now) { ItemCheck::Running } else { ItemCheck::Good }
        };
        items.iter().map(&mut stand).collect()
    }

    fn dirs_of(&mut self, settings: &WangsuSettings, dir: &str) -> &mut DayQuota {
        let host = host_of(dir).unwrap_or_default();
        self.dirs_by_host.entry(host).or_insert_with(|| DayQuota::new(settings.dir_quota_host_day))
    }

    /// 32 hex digits, as in the seed's example.
    fn next_id(&mut self, now: Moment) -> Arc<str> {
        self.submissions += 1;
        format!("{:016x}{:016x}", now.wall_ms, self.submissions).into()
    }
}

// === checks ===

/// The host of an item that may be purged; otherwise the channel to name. What is malformed or too
/// long has no documented answer: it is named by itself, as a channel of its own.
fn channel(settings: &WangsuSettings, item: &Item) -> Result<String, String> {
    let name = &*item.name;
    let dir = item.kind == ItemKind::Dir;
    let longest = if dir { settings.dir_chars } else { settings.url_chars };
    let host = host_of(name).ok_or(name)?;
    let ends = !dir || name.ends_with('/');
    if !ends || name.chars().count() > longest || settings.bad_urls.contains(name) {
        return Err(name.into());
    }
    if served(settings.hosts.as_deref(), &host) { Ok(host) } else { Err(host) }
}

/// Whether the item was taken less than a minute ago.
fn runs(settings: &WangsuSettings, item: &Item, tasks: &Tasks, now: Moment) -> bool {
    let Some(ms) = settings.running_ms else { return false };
    let minute_ns = ms.saturating_mul(1_000_000) / u64::from(settings.window_divisor.max(1));
    tasks.newest(item).is_some_and(|task| now.ns - task.created.ns < minute_ns)
}

/// The answer's refusal. Running items are told of before anything else.
fn summary(settings: &WangsuSettings, items: &[Item], checks: &[ItemCheck]) -> Option<Refusal> {
    let running: Vec<String> = items
        .iter()
        .zip(checks)
        .filter(|(_, check)| matches!(check, ItemCheck::Running))
        .map(|(item, _)| item.name.to_string())
        .collect();
    if !running.is_empty() {
        return Some(Refusal::Running(if settings.running_named { running } else { vec![" ".into()] }));
    }
    let mut channels = BTreeSet::new();
    let mut full = BTreeSet::new();
    for check in checks {
        match check {
            ItemCheck::Channel(channel) => channels.insert(channel.clone()),
            ItemCheck::DirQuota(host) => full.insert(host.clone()),
            ItemCheck::Good | ItemCheck::Running => false,
        };
    }
    let (channels, full) = (channels.into_iter().collect::<Vec<_>>(), full.into_iter().collect::<Vec<_>>());
    match (channels.is_empty(), full.is_empty()) {
        (true, true) => None,
        (false, true) => Some(Refusal::Channels(channels)),
        (true, false) => Some(Refusal::DirQuotaOfChannels(full)),
        (false, false) => Some(Refusal::ChannelsAndDirQuota(channels, full)),
    }
}
