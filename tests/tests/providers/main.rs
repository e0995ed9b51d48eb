//! Every provider to the letter. `alone`: its client against servers that answer as the test says. The
//! rest: a real worker and a real redis-server against the provider's simulator. What is known of a
//! provider stands in `purgeline_tests::provider_case`, one file each; the tests are the same for all.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test that cannot go on should stop where it stands"
)]

mod again;
mod alone;
mod deadline;
mod load;
mod outage;
mod several;
mod sim_fixture;
mod walk;
