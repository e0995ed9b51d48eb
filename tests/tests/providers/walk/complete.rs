//! No code and no provider is forgotten.

use super::WALKED;
use crate::subject::Way;
use purgeline_providers::REGISTRY;
use purgeline_sim::Options;
use std::collections::BTreeSet;

#[test]
fn every_provider_is_walked() {
    for entry in REGISTRY {
        let walked = WALKED.iter().any(|subject| subject.provider == entry.name);
        assert!(walked, "{} is in the registry and not among the subjects", entry.name);
    }
}

#[test]
fn every_declared_code_has_a_row_and_every_row_a_code() {
    for subject in WALKED {
        let declared: BTreeSet<_> = subject.descriptor().codes.iter().map(|code| code.code).collect();
        let rows: BTreeSet<_> = subject.rows.iter().map(|row| row.code).collect();
        assert_eq!(rows, declared, "{}", subject.name);
        assert_eq!(rows.len(), subject.rows.len(), "{}: a code has two rows", subject.name);
        for row in subject.rows {
            let ways = row.purge.iter().chain(row.poll);
            let never = ways.filter(|way| matches!(way, Way::Never(why) if !why.is_empty())).count();
            assert!(!row.purge.is_empty() && !row.poll.is_empty(), "{} {}", subject.name, row.code);
            assert!(row.purge.len() + row.poll.len() > never, "{} {} never comes", subject.name, row.code);
        }
    }
}

/// What the simulator knows of its provider's documents, a row provokes.
#[tokio::test]
async fn every_code_of_a_simulator_is_walked() {
    for subject in WALKED.iter().filter(|subject| subject.sim == subject.provider) {
        let sim = purgeline_sim::start(subject.sim, Options::default(), (subject.account)()).await.unwrap();
        let used = |code: &str| {
            let ways = || subject.rows.iter().flat_map(|row| row.purge.iter().chain(row.poll));
            ways().any(|way| matches!(way, Way::Refuse(refused) if *refused == code))
        };
        for code in sim.codes() {
            let unused = subject.unused.iter().any(|(unused, _)| unused == code);
            assert!(used(code) != unused, "{}: no row refuses with {code:?}, or says why not", subject.name);
        }
    }
}
