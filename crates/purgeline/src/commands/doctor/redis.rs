use super::report::Check;
use purgeline_core::{Clock, SystemClock};
use purgeline_queue::{Connection, Queue, QueueError};
use redis::{InfoDict, RedisError};

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
pub(super) async fn checks(queue: &Queue) -> Result<Vec<Check>, QueueError> {
    let mut redis = queue.manager();
    let info: InfoDict = redis::cmd("INFO").arg("everything").query_async(&mut redis).await?;
    let mut checks = vec![version(&info), role(&info)];
    checks.extend(cluster(&info));
    checks.push(appendonly(&mut redis, &info).await);
    checks.push(appendfsync(&mut redis).await);
    checks.push(eviction(&mut redis).await);
    checks.push(memory(&info));
    checks.push(clock(queue.now_ms().await?));
    Ok(checks)
}

fn version(info: &InfoDict) -> Check {
    let version: String = info.get("redis_version").unwrap_or_else(|| "unknown".to_owned());
    let major = version.split('.').next().and_then(|major| major.parse::<u64>().ok());
    let found = format!("{version}; this is purgeline {}", env!("CARGO_PKG_VERSION"));
    match major {
        Some(major) if major >= TESTED_VERSION => Check::good("redis version", found),
        _ => Check::warning(
            "redis version",
            found,
            format!("purgeline is tested with {TESTED_VERSION} and newer"),
        ),
    }
}

fn role(info: &InfoDict) -> Check {
    match info.get::<String>("role").as_deref() {
        Some("master") => Check::good("redis role", "primary"),
        Some(role) => {
            Check::bad("redis role", role, "a replica takes no writes: redis.url must name the primary")
        }
        None => Check::warning("redis role", "not told", "redis.url must name a primary"),
    }
}

fn cluster(info: &InfoDict) -> Option<Check> {
    (info.get::<u64>("cluster_enabled") == Some(1)).then(|| {
        Check::bad(
            "redis cluster",
            "this is a node of a cluster",
            "name a Redis that stands alone in redis.url",
        )
    })
}

async fn appendonly(redis: &mut Connection, info: &InfoDict) -> Check {
    const CHECK: &str = "redis appendonly";
    match config(redis, "appendonly").await {
        Ok(value) if value == "yes" => match info.get::<String>("aof_last_write_status").as_deref() {
            Some("ok") | None => Check::good(CHECK, value),
            Some(status) => Check::bad(
                CHECK,
                format!("the last write to the file: {status}"),
                "see its log; is the disk full?",
            ),
        },
        Ok(value) => Check::bad(
            CHECK,
            value,
            "accepted jobs die with the Redis process: set appendonly yes in redis.conf",
        ),
        Err(error) => not_told(CHECK, &error, "appendonly must be yes"),
    }
}

async fn appendfsync(redis: &mut Connection) -> Check {
    const CHECK: &str = "redis appendfsync";
    match config(redis, "appendfsync").await {
        Ok(value) if value == "always" => Check::good(CHECK, value),
        Ok(value) if value == "everysec" => {
            Check::warning(CHECK, value, "a power cut may lose the last second; always loses nothing")
        }
        Ok(value) => Check::bad(CHECK, value, "a power cut may lose half a minute: set appendfsync always"),
        Err(error) => not_told(CHECK, &error, "appendfsync should be always"),
    }
}

async fn eviction(redis: &mut Connection) -> Check {
    const CHECK: &str = "redis maxmemory-policy";
    match config(redis, "maxmemory-policy").await {
        Ok(value) if value == "noeviction" => Check::good(CHECK, value),
        Ok(value) => Check::bad(
            CHECK,
            value,
            "a full Redis would forget accepted jobs: set maxmemory-policy noeviction",
        ),
        Err(error) => not_told(CHECK, &error, "maxmemory-policy must be noeviction"),
    }
}

fn memory(info: &InfoDict) -> Check {
    let used = info.get::<u64>("used_memory").unwrap_or_default();
    let max = info.get::<u64>("maxmemory").filter(|max| *max > 0);
    let mib = |bytes: u64| bytes.div_ceil(1 << 20);
    match max {
        Some(max) if used.saturating_mul(100) / max >= FULL_PERCENT => Check::warning(
            "redis memory",
            format!("{} of {} MiB used", mib(used), mib(max)),
            "when it is full new jobs are refused: raise maxmemory, or lower max_pending_items",
        ),
        Some(max) => Check::good("redis memory", format!("{} of {} MiB used", mib(used), mib(max))),
        None => Check::good("redis memory", format!("{} MiB used, no bound", mib(used))),
    }
}

fn clock(redis_ms: i64) -> Check {
    let skew = SystemClock.now().as_millisecond() - redis_ms;
    let found = format!("{skew} ms ahead of Redis's");
    if skew.abs() <= MAX_SKEW_MS {
        Check::good("clock", found)
    } else {
        Check::warning("clock", found, "providers refuse signatures of a wrong time: let both follow NTP")
    }
}

async fn config(redis: &mut Connection, name: &str) -> Result<String, RedisError> {
    let (_, value): (String, String) = redis::cmd("CONFIG").arg("GET").arg(name).query_async(redis).await?;
    Ok(value)
}

/// Hosted Redises often refuse CONFIG.
fn not_told(check: &str, error: &RedisError, advice: &str) -> Check {
    Check::warning(check, format!("it does not tell ({error})"), format!("see for yourself: {advice}"))
}
