//! No code is forgotten.

use purgeline_sim::Options;
use purgeline_tests::{ProviderCase, provider_case::Way};
use std::collections::BTreeSet;

#[test]
fn every_declared_code_has_a_row_and_every_row_a_code() {
    for provider in ProviderCase::all() {
        let declared: BTreeSet<_> = provider.descriptor().codes.iter().map(|code| code.code).collect();
        let rows: BTreeSet<_> = provider.rows.iter().map(|row| row.code).collect();
        assert_eq!(rows, declared, "{}", provider.name);
        assert_eq!(rows.len(), provider.rows.len(), "{}: a code has two rows", provider.name);
        for row in provider.rows {
            let ways = row.purge.iter().chain(row.poll);
            let never = ways.filter(|way| matches!(way, Way::Never(why) if !why.is_empty())).count();
            assert!(!row.purge.is_empty() && !row.poll.is_empty(), "{} {}", provider.name, row.code);
            assert!(row.purge.len() + row.poll.len() > never, "{} {} never comes", provider.name, row.code);
        }
    }
}

/// What the simulator knows of its provider's documents, a row provokes.
#[tokio::test]
async fn every_code_of_a_simulator_is_walked() {
    for provider in ProviderCase::all().iter().filter(|provider| provider.sim == provider.registry_name) {
        let sim = purgeline_sim::start(provider.sim, Options::default(), (provider.account)()).await.unwrap();
        let used = |code: &str| {
            let ways = || provider.rows.iter().flat_map(|row| row.purge.iter().chain(row.poll));
            ways().any(|way| matches!(way, Way::Refuse(refused) if *refused == code))
        };
        for code in sim.codes() {
            let unused = provider.unused.iter().any(|(unused, _)| unused == code);
            assert!(used(code) != unused, "{}: no row refuses with {code:?}, or says why not", provider.name);
        }
    }
}
