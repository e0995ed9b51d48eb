//! The `http` provider against a real Varnish in front of a small origin.

use nix::{
    sys::signal::{Signal as Kill, kill},
    unistd::Pid,
};
use purgeline_core::{Outcome, Signal};
use purgeline_providers::http::VARNISH_VCL;
use purgeline_tests::{
    HttpReply, HttpServer, PATIENCE, unreachable_address,
    wire::{client, dir, outcomes, submit, url},
};
use serde_json::json;
use std::{
    io::{BufRead, BufReader},
    process::{Child, Command, Stdio},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};
use tempfile::TempDir;

/// An origin whose pages say which edition of the site they are of, and a Varnish in front of it.
struct CachedSite {
    edition: Arc<AtomicU64>,
    _origin: HttpServer,
    varnish: Varnish,
    browser: reqwest::Client,
}

/// A varnishd with its own directory, on a port that it chose. Ends when dropped.
struct Varnish {
    child: Child,
    address: String,
    _directory: TempDir,
}

impl Varnish {
    fn start(vcl: &str) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let name = directory.path().join("varnish");
        let file = directory.path().join("purgeline.vcl");
        std::fs::write(&file, vcl).unwrap();
        let mut child = Command::new("varnishd")
            .args(["-F", "-j", "none", "-a", "127.0.0.1:0", "-s", "malloc,16m", "-f"])
            .arg(&file)
            .arg("-n")
            .arg(&name)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .expect("varnishd cannot be started: is Varnish installed?");
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let mut said = Vec::new();
        for line in lines.by_ref() {
            said.push(line.unwrap());
            if said.last().is_some_and(|line| line.contains("Child starts")) {
                break;
            }
        }
        // Nobody may be left to write to a pipe that is full or closed.
        std::thread::spawn(move || lines.for_each(drop));
        // It answers only when the child is up.
        let listens = Command::new("varnishadm")
            .arg("-n")
            .arg(&name)
            .args(["-t", "60", "debug.listen_address"])
            .output()
            .unwrap();
        let listens = String::from_utf8(listens.stdout).unwrap();
        // "a0 127.0.0.1 39203"
        let mut words = listens.split_whitespace().skip(1);
        let (Some(host), Some(port)) = (words.next(), words.next()) else {
            panic!("varnishd does not listen: {listens}\n{}", said.join("\n"));
        };
        Self { child, address: format!("http://{host}:{port}"), _directory: directory }
    }
}

impl Drop for Varnish {
    fn drop(&mut self) {
        // Asked to, it ends its own child too.
        let pid = Pid::from_raw(i32::try_from(self.child.id()).unwrap());
        kill(pid, Kill::SIGTERM).unwrap();
        self.child.wait().unwrap();
    }
}

impl CachedSite {
    async fn start(allowed: &str) -> Self {
        let edition = Arc::new(AtomicU64::new(1));
        let printed = Arc::clone(&edition);
        let origin = HttpServer::start(move |seen| {
            let edition = printed.load(Ordering::SeqCst);
            HttpReply::status(200)
                .with("cache-control", "public, max-age=3600")
                .saying(format!("{edition} of {}", seen.uri))
        })
        .await;
        let vcl = VARNISH_VCL
            .replace("\"8080\"", &format!("\"{}\"", origin.address.port()))
            .replace("    \"127.0.0.1\";\n    \"::1\";\n", &format!("    \"{allowed}\";\n"));
        assert!(vcl.contains(&origin.address.port().to_string()) && vcl.contains(allowed), "{vcl}");
        let varnish = tokio::task::spawn_blocking(move || Varnish::start(&vcl)).await.unwrap();
        // The client of a provider installs the TLS library's provider; this one may be first.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let browser = reqwest::Client::builder().no_proxy().tls_certs_only([]).build().unwrap();
        Self { edition, _origin: origin, varnish, browser }
    }

    fn publish(&self) {
        self.edition.fetch_add(1, Ordering::SeqCst);
    }

    /// The edition that a visitor sees.
    async fn visit(&self, host: &str, path: &str) -> u64 {
        let request = self.browser.get(format!("{}{path}", self.varnish.address)).header("host", host);
        let response = request.send().await.unwrap();
        assert_eq!(response.status(), 200, "{host}{path}");
        assert!(response.headers().get("x-url").is_none());
        response.text().await.unwrap().split(' ').next().unwrap().parse().unwrap()
    }

    async fn editions(&self, pages: &[(&str, &str)]) -> Vec<u64> {
        let mut editions = Vec::new();
        for (host, path) in pages {
            editions.push(self.visit(host, path).await);
        }
        editions
    }
}

#[tokio::test]
async fn a_purge_drops_the_page_and_no_other() {
    let site = CachedSite::start("127.0.0.1").await;
    let (www, other) = ("www.example.com", "other.example.com");
    let odd = "/%C3%A9//(1)+[2]%20$x.html?b=2&a=1&a=%2F";
    let pages = [(www, "/a"), (www, "/a?page=2"), (www, odd), (other, "/a"), (www, "/b")];
    assert_eq!(site.editions(&pages).await, [1; 5]);
    site.publish();
    assert_eq!(site.editions(&pages).await, [1; 5], "cached");

    let cache = client("http", json!({"nodes": [site.varnish.address]}), PATIENCE);
    let items = [
        url("http://www.example.com/a"),
        url(&format!("https://www.example.com{odd}")),
        url("http://www.example.com/never-visited"),
    ];
    let submission = submit(&*cache, &items).await;
    assert_eq!(outcomes(&submission), [Outcome::Done, Outcome::Done, Outcome::Done]);
    assert_eq!(submission.signals, [], "the Retry-After of a success is none");
    assert_eq!(site.editions(&pages).await, [2, 1, 2, 1, 1]);
}

#[tokio::test]
async fn a_ban_drops_what_is_below_the_dir_and_nothing_else() {
    let site = CachedSite::start("127.0.0.1").await;
    let (www, other) = ("www.example.com", "other.example.com");
    let pages = [
        (www, "/v1.0/(a)+b/"),
        (www, "/v1.0/(a)+b/c/d.html?x=/y"),
        (www, "/v1x0/(a)+b/c"),
        (www, "/v1.0/(a)+bc"),
        (www, "/x/v1.0/(a)+b/c"),
        (other, "/v1.0/(a)+b/c"),
    ];
    assert_eq!(site.editions(&pages).await, [1; 6]);
    site.publish();
    let cache = client("http", json!({"nodes": [site.varnish.address], "ban": {}}), PATIENCE);
    let submission = submit(&*cache, &[dir("https://www.example.com/v1.0/(a)+b/")]).await;
    assert_eq!((outcomes(&submission), submission.signals.len()), (&[Outcome::Done][..], 0));
    assert_eq!(site.editions(&pages).await, [2, 2, 1, 1, 1, 1]);

    // The whole host, in one call with a url of another.
    let items = [dir("http://www.example.com/"), url("http://other.example.com/v1.0/(a)+b/c")];
    assert_eq!(outcomes(&submit(&*cache, &items).await), [Outcome::Done, Outcome::Done]);
    assert_eq!(site.editions(&pages).await, [2; 6]);
}

#[tokio::test]
async fn an_acl_that_refuses_holds_the_target() {
    let site = CachedSite::start("192.0.2.1").await;
    let page = [("www.example.com", "/a")];
    assert_eq!(site.editions(&page).await, [1]);
    site.publish();
    let cache = client("http", json!({"nodes": [site.varnish.address]}), PATIENCE);
    let submission = submit(&*cache, &[url("http://www.example.com/a")]).await;
    let [Outcome::Retry { after_ms: Some(0), cause }] = outcomes(&submission) else {
        panic!("{submission:?}")
    };
    let words = format!("node {}: 405 Method Not Allowed: 405 Not allowed", site.varnish.address);
    assert_eq!((cause.code.as_str(), &cause.message), ("http-405", &words));
    assert!(matches!(submission.signals[..], [Signal::Unauthorised { kind: None, .. }]));
    assert_eq!(site.editions(&page).await, [1], "nothing was purged");
}

#[tokio::test]
async fn an_item_waits_for_the_last_node() {
    let site = CachedSite::start("127.0.0.1").await;
    let page = [("www.example.com", "/a")];
    site.editions(&page).await;
    site.publish();
    let dead = unreachable_address().await;
    let cache = client("http", json!({"nodes": [dead, site.varnish.address]}), PATIENCE);
    let submission = submit(&*cache, &[url("http://www.example.com/a")]).await;
    let [Outcome::Retry { cause, .. }] = outcomes(&submission) else { panic!("{submission:?}") };
    assert!(cause.message.contains(&format!("node {dead}: no connection")), "{cause}");
    // The living one has dropped it already.
    assert_eq!(site.editions(&page).await, [2]);
}
