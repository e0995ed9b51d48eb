//! Where Redis is more than one server: whether the others are there, and agree.

use super::{
    check::Check,
    primary::{Primary, Setting},
};
use purgeline_core::config::{Durability, RedisConfig};
use purgeline_queue::{Queue, Sentinels, Topology};
use redis::{RedisError, aio::MultiplexedConnection};
use std::time::Duration;

/// The check of a cluster.
pub(super) const CLUSTER: &str = "redis cluster";

/// Sentinels of which one may die, and the rest still agree.
const FEWEST_SENTINELS: usize = 3;

/// The longest wait for a Sentinel.
const PATIENCE: Duration = Duration::from_secs(2);

/// Looks at the cluster, the Sentinels, the replicas.
pub(super) async fn checks(queue: &Queue, config: &RedisConfig, primaries: &[Primary]) -> Vec<Check> {
    let mut checks = Vec::new();
    match queue.topology() {
        Topology::Standalone(_) => checks.extend(primaries.iter().find_map(lone_node)),
        Topology::Sentinel(sentinels) => checks.push(quorum(sentinels).await),
        Topology::Cluster(_) => checks.push(cluster(queue, primaries).await),
    }
    let fewest = Setting::read(&queue.redis(), "min-replicas-to-write").await;
    for primary in primaries {
        if config.durability == Durability::Replicated {
            checks.push(replicas(primary, config.replicas.get()));
            checks.push(min_replicas(primary, fewest.at(primary), config.replicas.get()));
        } else {
            checks.extend(unreplicated(primary));
        }
    }
    checks
}

/// One node of a cluster, named as if it stood alone, has only some of the slots.
fn lone_node(primary: &Primary) -> Option<Check> {
    (primary.info.get::<u64>("cluster_enabled") == Some(1)).then(|| {
        Check::bad(CLUSTER, "this is a node of a cluster", "write redis.url as redis+cluster://HOST:PORT,…")
    })
}

async fn cluster(queue: &Queue, primaries: &[Primary]) -> Check {
    let advice = "redis-cli --cluster check HOST:PORT says which slots and nodes";
    let answers = match queue.redis().cluster_infos().await {
        Ok(answers) => answers,
        Err(error) => return Check::bad(CLUSTER, error.to_string(), advice),
    };
    for (address, text) in answers {
        let field = |name: &str| {
            text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':')).unwrap_or("not told")
        };
        for (name, good) in
            [("cluster_state", "ok"), ("cluster_slots_fail", "0"), ("cluster_slots_pfail", "0")]
        {
            if field(name) != good {
                return Check::bad(CLUSTER, format!("{address} says {name}:{}", field(name)), advice);
            }
        }
    }
    Check::good(CLUSTER, format!("ok, {} primaries", primaries.len()))
}

async fn quorum(sentinels: &Sentinels) -> Check {
    const CHECK: &str = "redis sentinels";
    let all = sentinels.nodes.len();
    let advice = "a dead primary is replaced only while most Sentinels live and agree";
    let clients = match sentinels.clients() {
        Ok(clients) => clients,
        Err(error) => return Check::bad(CHECK, error.to_string(), advice),
    };
    let (mut answered, mut last) = (0, String::new());
    for client in clients {
        let ask = async {
            let mut redis: MultiplexedConnection = client.get_multiplexed_async_connection().await?;
            let mut command = redis::cmd("SENTINEL");
            command.arg("CKQUORUM").arg(&sentinels.primary).query_async::<String>(&mut redis).await
        };
        match tokio::time::timeout(PATIENCE, ask).await {
            Ok(Ok(_)) => answered += 1,
            Ok(Err(error)) => last = format!(" ({})", said(&error)),
            Err(_) => last = " (no answer)".to_owned(),
        }
    }
    let found = format!("{answered} of {all} see a quorum for {}{last}", sentinels.primary);
    if answered * 2 <= all {
        Check::bad(CHECK, found, advice)
    } else if answered < all {
        Check::warning(CHECK, found, advice)
    } else if all < FEWEST_SENTINELS {
        Check::warning(CHECK, found, "name all Sentinels in redis.url, and run three or more")
    } else {
        Check::good(CHECK, found)
    }
}

fn said(error: &RedisError) -> String {
    error.detail().map_or_else(|| error.to_string(), str::to_owned)
}

/// Replicas that follow at this moment.
fn online(primary: &Primary) -> u32 {
    let replica = |number: u32| primary.info.get::<String>(&format!("slave{number}"));
    let mut count = 0;
    for number in 0..primary.info.get::<u32>("connected_slaves").unwrap_or_default() {
        count += u32::from(replica(number).is_some_and(|text| text.contains("state=online")));
    }
    count
}

fn replicas(primary: &Primary, wanted: u32) -> Check {
    let (check, online) = (primary.check("replicas"), online(primary));
    let found = format!("{online} follow, redis.replicas is {wanted}");
    if online < wanted {
        Check::bad(
            check,
            found,
            "every enqueue is answered with an error: start replicas, or lower redis.replicas",
        )
    } else if online == wanted {
        Check::warning(check, found, "if one dies every enqueue is answered with an error: start one more")
    } else {
        Check::good(check, found)
    }
}

fn min_replicas(primary: &Primary, setting: Result<&str, &str>, wanted: u32) -> Check {
    let check = primary.check("min-replicas-to-write");
    let advice = "a primary that is cut off from its replicas goes on leasing while another takes over, and limits may be overrun";
    match setting.map(|text| (text, text.parse::<u32>())) {
        Ok((text, Ok(fewest))) if fewest >= wanted => Check::good(check, text),
        Ok((text, _)) => Check::warning(check, text, format!("{advice}: set it to {wanted}")),
        Err(error) => Check::not_told(check, error, "min-replicas-to-write should be redis.replicas"),
    }
}

/// Where there are replicas, a failover is to be expected.
fn unreplicated(primary: &Primary) -> Option<Check> {
    let online = online(primary);
    (online > 0).then(|| {
        Check::warning(
            primary.check("replicas"),
            format!("{online} follow, and enqueue does not wait for them"),
            "a failover may lose the accepted jobs of its last moments: set redis.durability to \"replicated\"",
        )
    })
}
