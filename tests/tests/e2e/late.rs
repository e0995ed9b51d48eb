//! Who is slow does not use a permit that the fleet's windows count no more.

use purgeline_sim::qiniu::QiniuSettings;
use purgeline_tests::{RunningWorker, TestEnv, qiniu, target, url};
use purgeline_worker::{CrashPoint, FaultHook};
use serde_json::json;
use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

/// Much longer than a permit is good for, which is half the head room.
const TOO_LONG: Duration = Duration::from_millis(200);

/// Is slow, once, between the leave to ask and the question.
#[derive(Default)]
struct SlowToAsk(AtomicU64);

impl FaultHook for SlowToAsk {
    fn reached(&self, point: CrashPoint) {
        if point == CrashPoint::PollTaken && self.0.fetch_add(1, Ordering::SeqCst) == 0 {
            // Not a wait for something: a machine that stands still.
            std::thread::sleep(TOO_LONG);
        }
    }
}

/// Its permit is older than the head room allows by then: at the provider it could be one too many.
#[tokio::test(flavor = "multi_thread")]
async fn a_question_that_comes_too_late_for_its_permit_is_not_asked_but_taken_again() {
    let sim = QiniuSettings { processing_ms: 10, ..QiniuSettings::lifted() }.start().await.unwrap();
    let polls = json!({"limits": {"rates": [{"unit": "polls", "max": 1_000, "window_ms": 1_000}]}});
    let env = TestEnv::new(vec![target("cdn", qiniu(sim.base_url(), polls))]).await;
    let slow = Arc::new(SlowToAsk::default());
    let worker = RunningWorker::run(env.new_worker(&env.targets, "w1").with_fault_hook(slow.clone()));
    let submitted = env.submit(&[url("a")], &[]).await;
    env.succeeded(submitted.job, &sim).await;
    env.at_rest().await;
    worker.stop().await;
    let (taken, asked) = (slow.0.load(Ordering::SeqCst), sim.log().stats().status_calls);
    assert!(asked < taken, "{asked} questions were asked, {taken} were taken");
}
