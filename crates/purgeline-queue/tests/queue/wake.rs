use crate::bed::{Bed, plain, url};
use purgeline_core::{Priority::Urgent, Target};
use purgeline_queue::{HoldName, Settlement, Wakeups};
use std::time::Duration;

/// Far longer than it takes; a lost wake-up ends the test instead of the test run.
const PATIENCE: Duration = Duration::from_secs(60);

async fn woken(wakeups: &mut Wakeups) -> Option<usize> {
    tokio::time::timeout(PATIENCE, wakeups.next()).await.expect("no wake-up came")
}

#[tokio::test]
async fn whoever_waits_is_woken_when_there_is_something_to_do() {
    let bed = Bed::new().await;
    let other = Target::alone("images".parse().unwrap());
    let mut wakeups = bed.queue.work().wakeups(&[other, bed.target.clone()]).await.unwrap();
    // Something new waits.
    bed.ask("j1", &[&url("a")]).await;
    assert_eq!(woken(&mut wakeups).await, Some(1));
    let batch = bed.batch(&plain()).await;
    // It returns.
    bed.settle(&batch, &Settlement::Done).await;
    assert_eq!(woken(&mut wakeups).await, Some(1));
    // Something may go again.
    bed.queue
        .operate()
        .hold(&bed.target, HoldName::Paused, None, &crate::bed::cause("x"), "me")
        .await
        .unwrap();
    bed.queue.operate().release(&bed.target, HoldName::Paused).await.unwrap();
    assert_eq!(woken(&mut wakeups).await, Some(1));
    // Something that waits has more haste than before.
    bed.ask("j2", &[&url("b")]).await;
    assert_eq!(woken(&mut wakeups).await, Some(1));
    bed.ask_as(Urgent, "j3", &[&url("b")]).await;
    assert_eq!(woken(&mut wakeups).await, Some(1));
    // A dead worker's items wait again.
    bed.batch(&plain()).await;
    bed.pass(60_000);
    bed.queue.work().reap(&bed.target, 1).await.unwrap();
    assert_eq!(woken(&mut wakeups).await, Some(1));
}
