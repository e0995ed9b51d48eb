//! What reads of an operator cost in round trips: a screen that is far from Redis must stay quick.

use crate::bed::{Bed, url};
use purgeline_core::Priority;
use purgeline_queue::Queue;
use purgeline_redis_server::RedisServer;
use std::{
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream, UnixStream},
};

/// Passes one connection on, and counts how often the client spoke after the server had.
async fn relay(mut client: TcpStream, socket: PathBuf, trips: Arc<AtomicUsize>) {
    let mut server = UnixStream::connect(socket).await.unwrap();
    let (mut asked, mut answered) = ([0; 65_536], [0; 65_536]);
    let mut server_spoke_last = true;
    loop {
        tokio::select! {
            read = client.read(&mut asked) => {
                let Ok(bytes @ 1..) = read else { return };
                if std::mem::take(&mut server_spoke_last) {
                    trips.fetch_add(1, Ordering::Relaxed);
                }
                server.write_all(&asked[..bytes]).await.unwrap();
            }
            read = server.read(&mut answered) => {
                let Ok(bytes @ 1..) = read else { return };
                server_spoke_last = true;
                if client.write_all(&answered[..bytes]).await.is_err() {
                    return;
                }
            }
        }
    }
}

#[tokio::test]
async fn stats_takes_three_round_trips_however_many_lanes_there_are() {
    let server = RedisServer::for_test().option("appendonly", "no").start().await.unwrap();
    let socket = server.dir().join("redis.sock");
    let bed = Bed::on(server);
    for number in 0..20 {
        let item = url(number);
        let lane = format!("normal/url@host{number}");
        bed.ask_lanes(Priority::Normal, &format!("j{number}"), &[(item, lane)]).await;
    }
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let trips = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&trips);
    tokio::spawn(async move {
        while let Ok((client, _)) = listener.accept().await {
            tokio::spawn(relay(client, socket.clone(), Arc::clone(&counted)));
        }
    });
    let far = Queue::open(&format!("redis://{address}")).unwrap();
    far.ping().await.unwrap();
    let before = trips.load(Ordering::Relaxed);
    let stats = far.inspect().stats(&bed.target).await.unwrap();
    assert_eq!((stats.pending, stats.lanes.len(), stats.oldest_ms), (20, 20, Some(bed.now())));
    let taken = trips.load(Ordering::Relaxed) - before;
    assert!(taken <= 3, "{taken} round trips");
    assert_eq!(stats, bed.queue.inspect().stats(&bed.target).await.unwrap());
}
