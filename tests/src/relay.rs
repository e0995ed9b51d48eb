use std::{net::Ipv4Addr, path::Path, sync::Arc};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream, UnixStream},
    sync::Semaphore,
    task::JoinSet,
};
use tokio_util::sync::CancellationToken;

/// A way to a redis-server's socket that is blocked at some point, in the middle of a command if
/// that is where it is, until it is opened. Answers come back all the time. Dropped, it breaks
/// off every connection.
pub struct Relay {
    url: String,
    shared: Arc<Shared>,
    serving: JoinSet<()>,
}

struct Shared {
    blocks: Block,
    blocked: Semaphore,
    open: CancellationToken,
}

enum Block {
    /// Past so many bytes of a connection.
    Past(usize),
    /// Where a command with this text would end.
    At(&'static str),
}

impl Relay {
    /// Lets so many bytes of each connection through to the server.
    pub async fn past(redis_dir: &Path, bytes: usize) -> Self {
        Self::start(redis_dir, Block::Past(bytes)).await
    }

    /// Lets no command with this text through to the server, nor what follows it.
    pub async fn at(redis_dir: &Path, text: &'static str) -> Self {
        Self::start(redis_dir, Block::At(text)).await
    }

    async fn start(redis_dir: &Path, blocks: Block) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let url = format!("redis://{}/", listener.local_addr().unwrap());
        let socket = redis_dir.join("redis.sock");
        let shared = Arc::new(Shared { blocks, blocked: Semaphore::new(0), open: CancellationToken::new() });
        let mut serving = JoinSet::new();
        let accepting = Arc::clone(&shared);
        serving.spawn(async move {
            let mut connections = JoinSet::new();
            while let Ok((client, _)) = listener.accept().await {
                let server = UnixStream::connect(&socket).await.unwrap();
                connections.spawn(relay(client, server, Arc::clone(&accepting)));
            }
        });
        Self { url, shared, serving }
    }

    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Waits until a client wants more through than is let through.
    pub async fn blocked(&self) {
        tokio::time::timeout(crate::PATIENCE, self.shared.blocked.acquire())
            .await
            .expect("the client sends more than the relay lets through")
            .unwrap()
            .forget();
    }

    /// Lets everything through from now on.
    pub fn open(&self) {
        self.shared.open.cancel();
    }

    /// Breaks off every connection, and returns when that is done.
    pub async fn cut(mut self) {
        self.serving.shutdown().await;
    }
}

/// Serves a connection until either side closes it.
async fn relay(client: TcpStream, server: UnixStream, shared: Arc<Shared>) {
    let (mut from_client, mut to_client) = client.into_split();
    let (mut from_server, mut to_server) = server.into_split();
    let mut answers = JoinSet::new();
    answers.spawn(async move { tokio::io::copy(&mut from_server, &mut to_client).await });
    let (mut passed, mut buffer) = (Vec::new(), vec![0; 16 * 1024]);
    while let Ok(read) = from_client.read(&mut buffer).await
        && read > 0
    {
        let through =
            if shared.open.is_cancelled() { read } else { shared.lets_through(&passed, &buffer[..read]) };
        if to_server.write_all(&buffer[..through]).await.is_err() {
            break;
        }
        if through < read {
            shared.blocked.add_permits(1);
            shared.open.cancelled().await;
            if to_server.write_all(&buffer[through..read]).await.is_err() {
                break;
            }
        }
        passed.extend_from_slice(&buffer[..read]);
    }
}

impl Shared {
    /// How many of the next bytes may pass, after those that have.
    fn lets_through(&self, passed: &[u8], next: &[u8]) -> usize {
        match self.blocks {
            Block::Past(bytes) => bytes.saturating_sub(passed.len()).min(next.len()),
            Block::At(text) => {
                // The text may begin in what has passed: without its end that is no command.
                let tail = passed.len().saturating_sub(text.len());
                let seen = [&passed[tail..], next].concat();
                let found = seen.windows(text.len()).any(|window| window == text.as_bytes());
                if found { 0 } else { next.len() }
            }
        }
    }
}
