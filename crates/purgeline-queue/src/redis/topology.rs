use redis::{Client, ConnectionInfo, IntoConnectionInfo, RedisConnectionInfo, TlsMode};
use thiserror::Error;
use url::Url;

/// Where Sentinels listen if the URL does not say.
const SENTINEL_PORT: u16 = 26_379;

/// How Redis is set up and where it is, as `redis.url` says.
#[derive(Clone)]
pub enum Topology {
    /// One server: `redis://`, `rediss://`, `unix://`.
    Standalone(Box<ConnectionInfo>),
    /// A primary that Sentinels watch over and name: `redis+sentinel://`, `rediss+sentinel://`.
    Sentinel(Sentinels),
    /// A Redis Cluster, of which some nodes are known: `redis+cluster://`, `rediss+cluster://`.
    Cluster(Vec<ConnectionInfo>),
}

/// The Sentinels of one primary.
#[derive(Clone)]
pub struct Sentinels {
    /// Where they are, with their own credentials.
    pub nodes: Vec<ConnectionInfo>,
    /// The name under which they know the primary.
    pub primary: String,
    /// User, password and database at the primary.
    pub settings: RedisConnectionInfo,
    /// Whether the primary is spoken to by TLS, as the Sentinels are.
    pub tls: Option<TlsMode>,
}

/// Why a text is no address of a Redis. Never quotes it: it may hold a password.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum TopologyError {
    /// No scheme that is known, or what follows it cannot be read.
    #[error(
        "not a Redis address: expected redis://HOST[:PORT][/DB], rediss://…, unix:///PATH, redis+sentinel://HOST[:PORT],…/NAME or redis+cluster://HOST[:PORT],…"
    )]
    Unknown,
    /// An address of Sentinels.
    #[error(
        "not an address of Sentinels ({0}): expected redis+sentinel://[USER:PASSWORD@]HOST[:PORT],…/NAME[/DB][?sentinel_username=…&sentinel_password=…]"
    )]
    Sentinel(&'static str),
    /// An address of a cluster.
    #[error(
        "not an address of a Redis Cluster ({0}): expected redis+cluster://[USER:PASSWORD@]HOST[:PORT],…"
    )]
    Cluster(&'static str),
}

impl Topology {
    /// Reads a `redis.url`.
    ///
    /// # Errors
    /// When it is none; says which form was expected.
    pub fn parse(url: &str) -> Result<Self, TopologyError> {
        let (scheme, rest) = url.split_once("://").ok_or(TopologyError::Unknown)?;
        match scheme {
            "redis+sentinel" => Parts::of("redis", rest).sentinel().map_err(TopologyError::Sentinel),
            "rediss+sentinel" => Parts::of("rediss", rest).sentinel().map_err(TopologyError::Sentinel),
            "redis+cluster" => Parts::of("redis", rest).cluster().map_err(TopologyError::Cluster),
            "rediss+cluster" => Parts::of("rediss", rest).cluster().map_err(TopologyError::Cluster),
            _ => {
                let info = url.into_connection_info().map_err(|_| TopologyError::Unknown)?;
                Ok(Self::Standalone(Box::new(info)))
            }
        }
    }

    /// What it is, for people.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Standalone(_) => "standalone",
            Self::Sentinel(_) => "Sentinel",
            Self::Cluster(_) => "Cluster",
        }
    }
}

/// Their addresses, and no more: the rest may be secret.
impl std::fmt::Debug for Topology {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let nodes = match self {
            Self::Standalone(node) => std::slice::from_ref(&**node),
            Self::Sentinel(sentinels) => &sentinels.nodes,
            Self::Cluster(nodes) => nodes,
        };
        f.debug_tuple(self.name()).field(&addresses(nodes)).finish()
    }
}

impl std::fmt::Debug for Sentinels {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Sentinels")
            .field("nodes", &addresses(&self.nodes))
            .field("primary", &self.primary)
            .finish_non_exhaustive()
    }
}

fn addresses(nodes: &[ConnectionInfo]) -> Vec<String> {
    nodes.iter().map(|node| node.addr().to_string()).collect()
}

impl Sentinels {
    /// A client for each Sentinel.
    ///
    /// # Errors
    /// As for [`Client::open`].
    pub fn clients(&self) -> redis::RedisResult<Vec<Client>> {
        self.nodes.iter().map(|node| Client::open(node.clone())).collect()
    }
}

/// A URL of several hosts, which the `url` crate does not read: it is taken apart, and each host
/// is read as a URL of its own.
struct Parts<'a> {
    /// The scheme of one host.
    scheme: &'static str,
    /// `USER:PASSWORD@`, or nothing.
    user: &'a str,
    hosts: &'a str,
    path: &'a str,
    query: Option<&'a str>,
}

const NO_HOST: &str = "a host is missing or cannot be read";

impl<'a> Parts<'a> {
    fn of(scheme: &'static str, rest: &'a str) -> Self {
        let (rest, query) = match rest.split_once('?') {
            Some((rest, query)) => (rest, Some(query)),
            None => (rest, None),
        };
        let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
        let at = authority.rfind('@').map_or(0, |at| at + 1);
        let (user, hosts) = authority.split_at(at);
        Self { scheme, user, hosts, path, query }
    }

    /// Each host with this user.
    fn nodes(&self, user: &str, port: Option<u16>) -> Result<Vec<ConnectionInfo>, &'static str> {
        if self.path.contains('@') {
            return Err("a / in a password is written %2F");
        }
        let node = |host: &str| {
            let mut url = Url::parse(&format!("{}://{user}{host}", self.scheme)).ok()?;
            url.host_str().filter(|host| !host.is_empty())?;
            if url.port().is_none() && port.is_some() {
                url.set_port(port).ok()?;
            }
            url.into_connection_info().ok()
        };
        self.hosts.split(',').map(|host| node(host).ok_or(NO_HOST)).collect()
    }

    fn cluster(&self) -> Result<Topology, &'static str> {
        if !matches!(self.path, "" | "0") {
            return Err("a cluster has the database 0 alone");
        }
        if self.query.is_some() {
            return Err("there is nothing to be said after a ?");
        }
        Ok(Topology::Cluster(self.nodes(self.user, None)?))
    }

    fn sentinel(&self) -> Result<Topology, &'static str> {
        let (primary, db) = self.path.split_once('/').unwrap_or((self.path, ""));
        if primary.is_empty() {
            return Err("the name of the primary is missing");
        }
        let db = if db.is_empty() { 0 } else { db.parse().map_err(|_| "the database is no number")? };
        let with_user = self.nodes(self.user, None)?;
        let settings = with_user.first().ok_or(NO_HOST)?.redis_settings().clone().set_db(db);
        let mut own = RedisConnectionInfo::default();
        for (name, value) in url::form_urlencoded::parse(self.query.unwrap_or_default().as_bytes()) {
            own = match &*name {
                "sentinel_username" => own.set_username(value),
                "sentinel_password" => own.set_password(value),
                _ => return Err("an unknown word after the ?"),
            };
        }
        let nodes = self.nodes("", Some(SENTINEL_PORT))?;
        let nodes = nodes.into_iter().map(|node| node.set_redis_settings(own.clone())).collect();
        let tls = (self.scheme == "rediss").then_some(TlsMode::Secure);
        Ok(Topology::Sentinel(Sentinels { nodes, primary: primary.to_owned(), settings, tls }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use redis::ConnectionAddr;

    fn nodes(url: &str) -> Vec<String> {
        match Topology::parse(url).unwrap() {
            Topology::Standalone(node) => addresses(&[*node]),
            Topology::Sentinel(sentinels) => addresses(&sentinels.nodes),
            Topology::Cluster(nodes) => addresses(&nodes),
        }
    }

    #[test]
    fn each_way_to_name_a_redis_is_read() {
        assert_eq!(nodes("redis://h"), ["h:6379"]);
        assert_eq!(nodes("unix:///run/redis.sock"), ["/run/redis.sock"]);
        assert_eq!(nodes("redis+cluster://a:7000,b"), ["a:7000", "b:6379"]);
        assert_eq!(nodes("redis+cluster://a:7000/"), ["a:7000"]);
        assert_eq!(nodes("redis+sentinel://a,b:1,[::1]:2/main"), ["a:26379", "b:1", "::1:2"]);
    }

    #[test]
    fn credentials_go_to_whom_they_are_for() {
        let url =
            "rediss+sentinel://app:p%40ss@a,b/main/3?sentinel_username=watch&sentinel_password=s%26cret";
        let Topology::Sentinel(sentinels) = Topology::parse(url).unwrap() else { panic!("sentinels") };
        assert_eq!(sentinels.primary, "main");
        let at_primary = &sentinels.settings;
        assert_eq!(
            (at_primary.username(), at_primary.password(), at_primary.db()),
            (Some("app"), Some("p@ss"), 3)
        );
        for node in &sentinels.nodes {
            let own = node.redis_settings();
            assert_eq!((own.username(), own.password(), own.db()), (Some("watch"), Some("s&cret"), 0));
            assert!(matches!(node.addr(), ConnectionAddr::TcpTls { .. }));
        }
        let Topology::Cluster(nodes) = Topology::parse("rediss+cluster://u:p@a,b").unwrap() else {
            panic!("a cluster")
        };
        for node in nodes {
            assert_eq!(
                (node.redis_settings().username(), node.redis_settings().password()),
                (Some("u"), Some("p"))
            );
            assert!(matches!(node.addr(), ConnectionAddr::TcpTls { .. }));
        }
    }

    #[test]
    fn what_cannot_be_meant_is_refused_and_never_quoted() {
        for (url, problem) in [
            ("hunter2", "not a Redis address: expected redis://"),
            ("http://u:hunter2@h", "not a Redis address: expected redis://"),
            ("redis+sentinel://u:hunter2@h", "(the name of the primary is missing)"),
            ("redis+sentinel://u:hunter2@h/main/x", "(the database is no number)"),
            ("redis+sentinel://u:hunter2@h/main?password=hunter2", "(an unknown word after the ?)"),
            ("redis+sentinel://u:hunter2@a,,b/main", "(a host is missing or cannot be read)"),
            ("redis+cluster://u:hunter2@a:70000", "(a host is missing or cannot be read)"),
            ("redis+cluster://u:12/hunter2@a", "(a cluster has the database 0 alone)"),
            ("redis+sentinel://u:12/hunter2@a/main", "(the database is no number)"),
            ("redis+sentinel://u:12/hunter2@a", "(a / in a password is written %2F)"),
            ("redis+cluster://u:hunter2@/", "(a host is missing or cannot be read)"),
            ("redis+cluster://u:hunter2@a/4", "(a cluster has the database 0 alone)"),
            ("redis+cluster://u:hunter2@a?x=hunter2", "(there is nothing to be said after a ?)"),
        ] {
            let error = Topology::parse(url).expect_err(url).to_string();
            assert!(error.contains(problem), "{url}: {error}");
            assert!(!error.contains("hunter2"), "{url}: {error}");
        }
    }

    #[test]
    fn what_is_shown_holds_no_password() {
        for url in [
            "redis://u:hunter2@h",
            "redis+sentinel://u:hunter2@h/main?sentinel_password=hunter2",
            "redis+cluster://u:hunter2@h",
        ] {
            let topology = Topology::parse(url).unwrap();
            let shown = format!("{topology:?}");
            assert!(shown.contains("h:") && !shown.contains("hunter2"), "{shown}");
            if let Topology::Sentinel(sentinels) = topology {
                assert!(!format!("{sentinels:?}").contains("hunter2"));
            }
        }
    }
}
