use super::{redis::not_told, report::Check};
use purgeline_queue::{Mend, Queue, QueueError};
use std::fmt::Write;

/// Looks at the libraries of Redis Functions that other versions of purgeline have loaded.
pub(super) async fn check(queue: &Queue) -> Check {
    let check = "redis functions".to_owned();
    let old = match queue.old_libraries().await {
        Ok(old) => old,
        Err(error) => {
            let advice =
                "`FUNCTION LIST` names the libraries; each purgeline_* but this one is another version's";
            return not_told(check, &error.to_string(), advice);
        }
    };
    let mut found = Queue::library_name().to_owned();
    for library in &old {
        let users = if library.used_by.is_empty() {
            "no living worker uses it".to_owned()
        } else {
            format!("for {}", library.used_by.join(", "))
        };
        // Writing to a string cannot fail.
        let _ = write!(found, "; also {} at {} ({users})", library.name, library.at);
    }
    if old.iter().any(|library| library.used_by.is_empty()) {
        return Check::warning(
            check,
            found,
            "`purgeline doctor --repair` removes what no living worker uses",
        );
    }
    Check::good(check, found)
}

/// Removes the libraries that no living worker uses.
///
/// # Errors
/// When Redis cannot be asked.
pub(super) async fn repair(queue: &Queue) -> Result<Vec<Mend>, QueueError> {
    let removed = queue.remove_old_libraries().await?.into_iter().map(|library| Mend {
        target: "-".to_owned(),
        what: format!(
            "{} at {} is the library of another version, which no living worker uses",
            library.name, library.at
        ),
        mended: true,
        how: "it is removed".to_owned(),
    });
    Ok(removed.collect())
}
