//! What a creation does to the account: checks of items, quotas, tasks.

use std::sync::Arc;

use super::codes::Code;
use super::settings::HuaweiSettings;
use super::wire::{Api, CurrentCreated, FileType, LegacyCreated, LegacyTask, Quota, Quotas, RefreshTask};
use crate::clock::Moment;
use crate::hosts::{host_of, served};
use crate::provider::{Answer, Taken};
use crate::record::{Item, ItemKind};
use crate::tasks::Tasks;
use crate::windows::DayQuota;

/// The account's day.
#[derive(Debug)]
pub(super) struct Account {
    urls: DayQuota,
    dirs: DayQuota,
    created: u64,
}

/// A creation that may be carried out.
#[derive(Debug)]
pub(crate) struct Creation {
    api: Api,
    items: Vec<Item>,
}

// === impl Creation ===

impl Creation {
    /// The items of a task, which all are files or all are directories.
    pub(super) fn items(task: &RefreshTask) -> Vec<Item> {
        let kind = match task.file_type {
            FileType::File => ItemKind::Url,
            FileType::Directory => ItemKind::Dir,
        };
        task.urls.iter().map(|url| Item::new(kind, url)).collect()
    }

    /// Checks what a request shows by itself.
    pub(super) fn read(settings: &HuaweiSettings, api: Api, items: &[Item]) -> Result<Self, Code> {
        let dirs = items.first().is_some_and(|i| i.kind == ItemKind::Dir);
        let most = match (dirs, api) {
            (false, _) => settings.urls_per_call,
            (true, Api::Current) => settings.dirs_per_call,
            (true, Api::Legacy) => settings.legacy_dirs_per_call,
        };
        if items.is_empty() {
            return Err(Code::MALFORMED);
        }
        if items.len() > most {
            return Err(Code::TOO_MANY);
        }
        Ok(Self { api, items: items.to_vec() })
    }
}

// === impl Account ===

impl Account {
    pub(super) fn new(settings: &HuaweiSettings) -> Self {
        Self {
            urls: DayQuota::new(settings.url_quota_day),
            dirs: DayQuota::new(settings.dir_quota_day),
            created: 0,
        }
    }

    /// Creates a task, all of it or none: an error does not name the item that it is about.
    pub(super) fn create(
        &mut self,
        settings: &HuaweiSettings,
        creation: &Creation,
        tasks: &mut Tasks,
        now: Moment,
    ) -> Result<Answer, Code> {
        let Creation { api, items } = creation;
        items.iter().try_for_each(|item| check(settings, *api, item))?;
        let dirs = items.first().is_some_and(|i| i.kind == ItemKind::Dir);
        let quota = if dirs { &mut self.dirs } else { &mut self.urls };
        let count = items.len() as u64;
        if count > quota.surplus(now) {
            return Err(Code::TOO_MANY);
        }
        quota.spend(count);
        let id = self.next_id(*api);
        for item in items {
            tasks.submit(&id, item.clone(), now, settings.processing_ms);
        }
        let answer = match api {
            Api::Current => Answer::json(200, "200", &CurrentCreated { refresh_task: id.to_string() }),
            Api::Legacy => {
                let task = LegacyTask {
                    id: id.to_string(),
                    status: "task_inprocess",
                    processing: count,
                    succeed: 0,
                    failed: 0,
                    urls: items.iter().map(|i| i.name.to_string()).collect(),
                    task_type: "refresh",
                    total: count,
                    create_time: now.wall_ms,
                };
                Answer::json(200, "200", &LegacyCreated { task })
            }
        };
        Ok(answer.receipt(&id).taking(Taken::All))
    }

    pub(super) fn quotas(&mut self, settings: &HuaweiSettings, now: Moment) -> Quotas {
        let quota = |kind, quota: &mut DayQuota| Quota {
            kind,
            quota_limit: quota.limit(),
            used: quota.limit() - quota.surplus(now),
            user_domain_id: settings.domain_id.clone().unwrap_or_default(),
        };
        Quotas { quotas: vec![quota("file_refresh", &mut self.urls), quota("dir_refresh", &mut self.dirs)] }
    }

    /// The seed's ids are 32 hex digits, today's are numbers.
    fn next_id(&mut self, api: Api) -> Arc<str> {
        self.created += 1;
        match api {
            Api::Legacy => format!("ff808{:027x}", self.created).into(),
            Api::Current => (7_620_000 + self.created).to_string().into(),
        }
    }
}

fn check(settings: &HuaweiSettings, api: Api, item: &Item) -> Result<(), Code> {
    let name = &*item.name;
    let longest = match api {
        Api::Legacy => settings.legacy_url_chars,
        Api::Current => settings.url_chars,
    };
    let absolute = name.starts_with("http://") || name.starts_with("https://");
    let ends = item.kind != ItemKind::Dir || name.ends_with('/');
    if !absolute || !ends || name.chars().count() > longest || settings.bad_urls.contains(name) {
        return Err(Code::MALFORMED);
    }
    let host = host_of(name).ok_or(Code::URL_DOMAIN_FORMAT)?;
    if let Some(code) = settings.host_codes.get(&host) {
        return Err(Code::by_name(code).unwrap_or(Code::INTERNAL));
    }
    if served(settings.hosts.as_deref(), &host) { Ok(()) } else { Err(Code::OTHERS_DOMAIN) }
}
