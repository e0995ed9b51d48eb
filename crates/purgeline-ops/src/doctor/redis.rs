use super::{
    check::Check,
    primary::{Primary, Setting},
    topology,
};
use purgeline_core::{Clock, SystemClock, config::RedisConfig};
use purgeline_queue::{Queue, QueueError};

/// The oldest Redis that purgeline is tested with.
const TESTED_VERSION: u64 = 7;

/// Clocks further apart than this, in milliseconds, surprise those who compare times, and
/// providers that check signatures against the time.
const MAX_SKEW_MS: i64 = 2_000;

/// Used memory, in percent of the bound, from which on it is worth a warning.
const FULL_PERCENT: u64 = 80;

/// Looks at Redis itself: whether it is one that keeps what it is given.
///
/// # Errors
/// When it cannot be asked.
pub(super) async fn checks(queue: &Queue, config: &RedisConfig) -> Result<Vec<Check>, QueueError> {
    let redis = queue.redis();
    let primaries = Primary::all(&redis).await?;
    let files = Setting::read(&redis, "appendonly").await;
    let syncs = Setting::read(&redis, "appendfsync").await;
    let policies = Setting::read(&redis, "maxmemory-policy").await;
    let mut checks = topology::checks(queue, config, &primaries).await;
    for primary in &primaries {
        checks.extend([version(primary), role(primary)]);
        checks.push(appendonly(primary, files.at(primary)));
        checks.push(appendfsync(primary, syncs.at(primary)));
        checks.push(eviction(primary, policies.at(primary)));
        checks.push(memory(primary));
    }
    for (address, now_ms) in redis.clocks_ms().await? {
        let place = if primaries.len() > 1 { format!(" and that of {address}") } else { String::new() };
        checks.push(clock(&place, now_ms));
    }
    Ok(checks)
}

fn version(primary: &Primary) -> Check {
    let version: String = primary.info.get("redis_version").unwrap_or_else(|| "unknown".to_owned());
    let major = version.split('.').next().and_then(|major| major.parse::<u64>().ok());
    let found = format!("{version}; this is purgeline {}", env!("CARGO_PKG_VERSION"));
    match major {
        Some(major) if major >= TESTED_VERSION => Check::good(primary.check("version"), found),
        _ => Check::warning(
            primary.check("version"),
            found,
            format!("purgeline is tested with {TESTED_VERSION} and newer"),
        ),
    }
}

fn role(primary: &Primary) -> Check {
    let check = primary.check("role");
    match primary.info.get::<String>("role").as_deref() {
        Some("master") => Check::good(check, "primary"),
        Some(role) => Check::bad(check, role, "a replica takes no writes: redis.url must name the primary"),
        None => Check::warning(check, "not told", "redis.url must name a primary"),
    }
}

fn appendonly(primary: &Primary, setting: Result<&str, &str>) -> Check {
    let check = primary.check("appendonly");
    match setting {
        Ok("yes") => match primary.info.get::<String>("aof_last_write_status").as_deref() {
            Some("ok") | None => Check::good(check, "yes"),
            Some(status) => Check::bad(
                check,
                format!("the last write to the file: {status}"),
                "see its log; is the disk full?",
            ),
        },
        Ok(value) => Check::bad(
            check,
            value,
            "accepted jobs die with the Redis process: set appendonly yes in redis.conf",
        ),
        Err(error) => Check::not_told(check, error, "appendonly must be yes"),
    }
}

fn appendfsync(primary: &Primary, setting: Result<&str, &str>) -> Check {
    let check = primary.check("appendfsync");
    match setting {
        Ok("always") => Check::good(check, "always"),
        Ok("everysec") => {
            Check::warning(check, "everysec", "a power cut may lose the last second; always loses nothing")
        }
        Ok(value) => Check::bad(check, value, "a power cut may lose half a minute: set appendfsync always"),
        Err(error) => Check::not_told(check, error, "appendfsync should be always"),
    }
}

fn eviction(primary: &Primary, setting: Result<&str, &str>) -> Check {
    let check = primary.check("maxmemory-policy");
    match setting {
        Ok("noeviction") => Check::good(check, "noeviction"),
        Ok(value) => Check::bad(
            check,
            value,
            "a full Redis would forget accepted jobs: set maxmemory-policy noeviction",
        ),
        Err(error) => Check::not_told(check, error, "maxmemory-policy must be noeviction"),
    }
}

fn memory(primary: &Primary) -> Check {
    let (info, check) = (&primary.info, primary.check("memory"));
    let used = info.get::<u64>("used_memory").unwrap_or_default();
    let max = info.get::<u64>("maxmemory").filter(|max| *max > 0);
    let mib = |bytes: u64| bytes.div_ceil(1 << 20);
    match max {
        Some(max) if used.saturating_mul(100) / max >= FULL_PERCENT => Check::warning(
            check,
            format!("{} of {} MiB used", mib(used), mib(max)),
            "when it is full new jobs are refused: raise maxmemory, or lower max_pending_items",
        ),
        Some(max) => Check::good(check, format!("{} of {} MiB used", mib(used), mib(max))),
        None => Check::good(check, format!("{} MiB used, no bound", mib(used))),
    }
}

fn clock(place: &str, redis_ms: i64) -> Check {
    let check = format!("clock{place}");
    let skew = SystemClock.now().as_millisecond() - redis_ms;
    let found = format!("{skew} ms ahead of Redis's");
    if skew.abs() <= MAX_SKEW_MS {
        Check::good(check, found)
    } else {
        Check::warning(check, found, "providers refuse signatures of a wrong time: let both follow NTP")
    }
}
