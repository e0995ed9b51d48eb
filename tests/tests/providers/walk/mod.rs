//! For each code that a provider declares, the simulator gives that answer to a real worker, and
//! the items end as the code's class says.

mod code_case;
mod complete;
mod fates;
mod polls;
mod purges;

use code_case::CodeCase;
use futures::{FutureExt, StreamExt, stream};
use purgeline_tests::ProviderCase;
use std::{any::Any, panic::AssertUnwindSafe};

/// Scenes at once, each with a redis-server of its own.
const AT_ONCE: usize = 4;

#[expect(clippy::print_stdout, reason = "shown by --no-capture: how long each case took")]
async fn walk(provider: &'static ProviderCase) {
    let mut cases: Vec<_> = CodeCase::all(provider);
    // `WALK=CDN.0110 cargo nextest run … walk::huawei` runs these alone.
    if let Ok(part) = std::env::var("WALK") {
        cases.retain(|case| case.to_string().contains(&part));
    }
    let count = cases.len();
    let run = |case: CodeCase| async move {
        let (name, begun) = (case.to_string(), std::time::Instant::now());
        let result = AssertUnwindSafe(case.run()).catch_unwind().await;
        println!("{:>6} ms  {name}", begun.elapsed().as_millis());
        result.err().map(|panic| (name, panic))
    };
    let failed: Vec<_> = stream::iter(cases)
        .map(run)
        .buffer_unordered(AT_ONCE)
        .filter_map(async |failure| failure)
        .map(|(name, panic)| format!("{name}: {}", words(&*panic)))
        .collect()
        .await;
    assert!(failed.is_empty(), "{} of {count} cases failed:\n{}", failed.len(), failed.join("\n"));
}

/// What a case panicked with.
fn words(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or_default()
}

macro_rules! walks {
    ($($name:ident = $case:path;)*) => {
        $(
            #[tokio::test(flavor = "multi_thread")]
            async fn $name() {
                walk(&$case).await;
            }
        )*
    };
}

purgeline_tests::each_provider_case!(walks);
