use super::check::Check;
use crate::output::table;
use serde::Serialize;
use std::{collections::BTreeMap, fmt};

/// What the demonstration has shown.
#[derive(Debug, Default, Serialize)]
pub(super) struct Report {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) varnish: Option<VarnishReport>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) qiniu: Option<QiniuReport>,
}

/// A real Varnish.
#[derive(Debug, Serialize)]
pub(super) struct VarnishReport {
    pub(super) pages: usize,
    pub(super) pages_in_dir: usize,
    pub(super) jobs: usize,
    pub(super) hook_median_ms: f64,
    pub(super) hook_p99_ms: f64,
    pub(super) purged_in_s: f64,
    pub(super) checks: Vec<Check>,
}

/// A simulated Qiniu.
#[derive(Debug, Serialize)]
pub(super) struct QiniuReport {
    pub(super) jobs: usize,
    pub(super) states: BTreeMap<&'static str, usize>,
    pub(super) items_asked: usize,
    pub(super) items_distinct: usize,
    pub(super) items_purged: usize,
    pub(super) calls: usize,
    pub(super) least_calls: usize,
    pub(super) refused_calls: usize,
    pub(super) hook_median_ms: f64,
    pub(super) hook_p99_ms: f64,
    pub(super) submitted_in_s: f64,
    pub(super) took_s: f64,
    pub(super) checks: Vec<Check>,
}

impl Report {
    fn checks(&self) -> impl Iterator<Item = &Check> {
        let varnish = self.varnish.iter().flat_map(|report| &report.checks);
        varnish.chain(self.qiniu.iter().flat_map(|report| &report.checks))
    }

    /// Whether everything held that must.
    pub(super) fn holds(&self) -> bool {
        self.checks().all(|check| check.holds)
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(report) = &self.varnish {
            writeln!(
                f,
                "A real Varnish: pages are published anew, and the cache must forget the old ones\n"
            )?;
            let mut rows = table(&["", ""]);
            rows.add_row(["pages purged by URL", &report.pages.to_string()]);
            rows.add_row(["pages purged with their dir", &report.pages_in_dir.to_string()]);
            rows.add_row(["jobs", &report.jobs.to_string()]);
            rows.add_row(["a hook waited (median, 99 %)", &hook(report.hook_median_ms, report.hook_p99_ms)]);
            rows.add_row(["all purged in", &format!("{:.2} s", report.purged_in_s)]);
            body(f, &rows)?;
            checks(f, &report.checks)?;
        }
        if let Some(report) = &self.qiniu {
            writeln!(f, "A simulated Qiniu: jobs repeat URLs, and each URL that waits is purged once\n")?;
            let mut rows = table(&["", ""]);
            rows.add_row(["jobs", &report.jobs.to_string()]);
            for (state, jobs) in &report.states {
                rows.add_row([format!("  {state}"), jobs.to_string()]);
            }
            rows.add_row(["items asked for", &report.items_asked.to_string()]);
            rows.add_row(["  distinct", &report.items_distinct.to_string()]);
            rows.add_row([
                "  purged (again when asked for after their call went out)",
                &report.items_purged.to_string(),
            ]);
            rows.add_row(["provider calls", &report.calls.to_string()]);
            rows.add_row(["  least possible for the items purged", &report.least_calls.to_string()]);
            rows.add_row(["  refused by the provider", &report.refused_calls.to_string()]);
            rows.add_row(["a hook waited (median, 99 %)", &hook(report.hook_median_ms, report.hook_p99_ms)]);
            rows.add_row(["all submitted in", &format!("{:.1} s", report.submitted_in_s)]);
            rows.add_row(["all ended in", &format!("{:.1} s", report.took_s)]);
            body(f, &rows)?;
            checks(f, &report.checks)?;
        }
        Ok(())
    }
}

fn hook(median_ms: f64, p99_ms: f64) -> String {
    format!("{median_ms:.2} ms, {p99_ms:.2} ms")
}

/// A table without its heading.
fn body(f: &mut fmt::Formatter<'_>, rows: &comfy_table::Table) -> fmt::Result {
    for line in rows.to_string().lines().skip(1) {
        writeln!(f, "  {}", line.trim_end())?;
    }
    writeln!(f)
}

fn checks(f: &mut fmt::Formatter<'_>, checks: &[Check]) -> fmt::Result {
    for check in checks {
        let mark = if check.holds { "ok  " } else { "FAIL" };
        writeln!(f, "  {mark}  {}: expected {}, seen {}", check.claim, check.expected, check.seen)?;
    }
    writeln!(f)
}
