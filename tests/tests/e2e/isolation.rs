//! A slow or dead target delays no other.

use purgeline_core::JobState;
use purgeline_sim::{CallKind, Sim, qiniu::QiniuSettings};
use purgeline_tests::{TestEnv, lifted_limits, merge, qiniu, target};
use serde_json::json;

#[tokio::test(flavor = "multi_thread")]
async fn a_target_whose_calls_all_hang_delays_no_other() {
    let settings = || QiniuSettings { processing_ms: 10, ..QiniuSettings::lifted() };
    let (stuck, fine) = (settings().start().await.unwrap(), settings().start().await.unwrap());
    let config = |sim: &Sim, host: &str| {
        let mut config = qiniu(sim.base_url(), lifted_limits());
        merge(&mut config, json!({"hosts": [host], "limits": {"max_urls": 5}}));
        config
    };
    let (stuck_config, fine_config) =
        (config(&stuck, "stuck.example.com"), config(&fine, "fine.example.com"));
    let env = TestEnv::new(vec![target("stuck", stuck_config), target("fine", fine_config)]).await;
    stuck.gate().close();
    let worker = env.worker("w1");

    let urls: Vec<_> = (0..80).map(|number| format!("https://stuck.example.com/{number}")).collect();
    let waiting = env.submit(&urls, &[]).await;
    // All calls that the target may have under way at once hang.
    stuck.wait_for(|log| log.stats().held == 8).await.unwrap();

    for round in 0..5 {
        let urls: Vec<_> =
            (0..100).map(|number| format!("https://fine.example.com/{round}/{number}")).collect();
        let job = env.ended(env.submit(&urls, &[]).await.job).await;
        assert_eq!(job.state, JobState::Succeeded);
    }
    // A job for both: its part at the target that works has ended, the job waits for the other.
    let both = env.submit(&["https://fine.example.com/both", "https://stuck.example.com/both"], &[]).await;
    fine.wait_for(|log| log.carrying("https://fine.example.com/both").count() == 1).await.unwrap();
    assert_eq!(stuck.log().of_kind(CallKind::Purge).count(), 8);
    assert_eq!(env.job(waiting.job).await.state, JobState::Active);
    assert_eq!(env.job(both.job).await.state, JobState::Active);

    stuck.gate().open();
    for job in [waiting.job, both.job] {
        assert_eq!(env.ended(job).await.state, JobState::Succeeded);
    }
    env.at_rest().await;
    worker.stop().await;
}
