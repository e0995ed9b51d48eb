//! A TCP proxy between a process of ours and what it talks to, whose connections are cut or
//! stalled.

use std::{net::SocketAddr, sync::Arc};

use anyhow::{Context, Result};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream, tcp::OwnedReadHalf, tcp::OwnedWriteHalf},
    sync::watch,
    task::JoinHandle,
};

/// What becomes of a request that arrives while the proxy is stalled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Late {
    /// It goes on when the stall has ended.
    Deliver,
    /// Its connection is closed when the stall has ended. Towards a provider: a wire that hoards
    /// calls and delivers them at once would break any limit over time, whoever sends.
    Lose,
}

/// A proxy in this process. It ends when it is dropped.
#[derive(Debug)]
pub(crate) struct Proxy {
    address: SocketAddr,
    state: Arc<State>,
    accepting: JoinHandle<()>,
}

#[derive(Debug)]
struct State {
    upstream: SocketAddr,
    late: Late,
    stalled: watch::Sender<bool>,
    /// Counts the cuts: a connection lives until the next.
    cuts: watch::Sender<u64>,
}

// === impl Proxy ===

impl Proxy {
    /// Listens at a free port for connections to `upstream`.
    pub(crate) async fn start(upstream: SocketAddr, late: Late) -> Result<Self> {
        let listener =
            TcpListener::bind(("127.0.0.1", 0)).await.context("cannot listen at a free port of 127.0.0.1")?;
        let address = listener.local_addr()?;
        let state = Arc::new(State {
            upstream,
            late,
            stalled: watch::Sender::new(false),
            cuts: watch::Sender::new(0),
        });
        let accepting = tokio::spawn(accept(listener, Arc::clone(&state)));
        Ok(Self { address, state, accepting })
    }

    /// Where it listens.
    pub(crate) const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Closes every connection there is.
    pub(crate) fn cut(&self) {
        self.state.cuts.send_modify(|cuts| *cuts += 1);
    }

    /// Holds back everything, in both directions, until it is told to go on.
    pub(crate) fn stall(&self, stalled: bool) {
        self.state.stalled.send_replace(stalled);
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.accepting.abort();
        self.cut();
    }
}

async fn accept(listener: TcpListener, state: Arc<State>) {
    loop {
        match listener.accept().await {
            Ok((client, _)) => {
                tokio::spawn(serve(client, Arc::clone(&state)));
            }
            // Out of descriptors, or a client that left at once: the next may fare better.
            Err(_) => tokio::task::yield_now().await,
        }
    }
}

/// Serves a connection until either side closes it, or it is cut.
async fn serve(client: TcpStream, state: Arc<State>) {
    let mut cuts = state.cuts.subscribe();
    cuts.mark_unchanged();
    let relaying = async {
        // Where nobody listens, the client's connection is closed: that is what it would see.
        let Ok(server) = TcpStream::connect(state.upstream).await else { return };
        let _ = (client.set_nodelay(true), server.set_nodelay(true));
        let ((from_client, to_client), (from_server, to_server)) = (client.into_split(), server.into_split());
        tokio::select! {
            () = forward(from_client, to_server, &state, state.late) => {}
            () = forward(from_server, to_client, &state, Late::Deliver) => {}
        }
    };
    tokio::select! {
        () = relaying => {}
        _ = cuts.changed() => {}
    }
}

/// Carries bytes one way until that side is closed.
async fn forward(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, state: &State, late: Late) {
    let mut stalled = state.stalled.subscribe();
    let mut buffer = vec![0; 64 * 1024];
    while let Ok(read) = from.read(&mut buffer).await
        && read > 0
    {
        let held = *stalled.borrow_and_update();
        // An error means that the proxy is gone.
        if stalled.wait_for(|stalled| !stalled).await.is_err() || (held && late == Late::Lose) {
            return;
        }
        if to.write_all(&buffer[..read]).await.is_err() {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Answers each byte with the next one.
    async fn server() -> SocketAddr {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                tokio::spawn(async move {
                    while let Ok(byte) = stream.read_u8().await {
                        stream.write_u8(byte + 1).await.unwrap();
                    }
                });
            }
        });
        address
    }

    async fn ask(stream: &mut TcpStream, byte: u8) -> std::io::Result<u8> {
        stream.write_u8(byte).await?;
        stream.read_u8().await
    }

    #[tokio::test]
    async fn it_carries_cuts_and_carries_again() {
        let proxy = Proxy::start(server().await, Late::Deliver).await.unwrap();
        let mut stream = TcpStream::connect(proxy.address()).await.unwrap();
        assert_eq!(ask(&mut stream, 1).await.unwrap(), 2);
        proxy.cut();
        assert!(ask(&mut stream, 1).await.is_err());
        let mut stream = TcpStream::connect(proxy.address()).await.unwrap();
        assert_eq!(ask(&mut stream, 5).await.unwrap(), 6);
    }

    #[tokio::test]
    async fn a_stall_delays_or_loses_what_comes_in_it() {
        let server = server().await;
        for (late, survives) in [(Late::Deliver, true), (Late::Lose, false)] {
            let proxy = Proxy::start(server, late).await.unwrap();
            let mut stream = TcpStream::connect(proxy.address()).await.unwrap();
            assert_eq!(ask(&mut stream, 1).await.unwrap(), 2);
            proxy.stall(true);
            stream.write_u8(7).await.unwrap();
            {
                let mut answer = std::pin::pin!(stream.read_u8());
                let early = tokio::time::timeout(std::time::Duration::from_millis(50), answer.as_mut());
                assert!(early.await.is_err(), "nothing passes while it is stalled");
                proxy.stall(false);
                assert_eq!(answer.await.is_ok(), survives);
            }
        }
    }
}
