//! Every provider to the letter: a real worker and a real redis-server against each provider's
//! simulator. What is known of a provider stands in `subjects`, one file each; the tests are the
//! same for all.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test that cannot go on should stop where it stands"
)]

mod again;
mod deadline;
mod load;
mod outage;
mod scene;
mod several;
mod subject;
mod subjects;
mod volume;
mod walk;
