//! Requests and answers of both APIs: seed 001, and support.huaweicloud.com/api-cdn as the official
//! SDK has it.

use serde::{Deserialize, Serialize};

/// Which of the two ways to create a task.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Api {
    /// `POST /v1.0/cdn/refreshtasks` (seed 001).
    Legacy,
    /// `POST /v1.0/cdn/content/refresh-tasks`.
    Current,
}

#[derive(Debug, Deserialize)]
pub(super) struct LegacySubmission {
    #[serde(rename = "refreshTask")]
    pub(super) task: RefreshTask,
}

#[derive(Debug, Deserialize)]
pub(super) struct CurrentSubmission {
    #[serde(rename = "refresh_task")]
    pub(super) task: RefreshTask,
}

#[derive(Debug, Deserialize)]
pub(super) struct RefreshTask {
    #[serde(default, rename = "type")]
    pub(super) file_type: FileType,
    /// Current API, directories.
    #[serde(default)]
    pub(super) mode: Option<Mode>,
    /// Current API: refresh the percent-encoded form of Chinese characters.
    #[serde(default)]
    pub(super) zh_url_encode: Option<bool>,
    pub(super) urls: Vec<String>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum FileType {
    #[default]
    File,
    Directory,
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Mode {
    All,
    DetectModifyRefresh,
}

/// What the seed's API answers.
#[derive(Debug, Serialize)]
pub(super) struct LegacyCreated {
    #[serde(rename = "refreshTask")]
    pub(super) task: LegacyTask,
}

#[derive(Debug, Serialize)]
pub(super) struct LegacyTask {
    pub(super) id: String,
    pub(super) status: &'static str,
    pub(super) processing: u64,
    pub(super) succeed: u64,
    pub(super) failed: u64,
    pub(super) urls: Vec<String>,
    pub(super) task_type: &'static str,
    pub(super) total: u64,
    pub(super) create_time: i64,
}

/// What the current API answers.
#[derive(Debug, Serialize)]
pub(super) struct CurrentCreated {
    pub(super) refresh_task: String,
}

/// A task in a list, and the head of its detail.
#[derive(Clone, Debug, Serialize)]
pub(super) struct TaskSummary {
    pub(super) id: String,
    pub(super) task_type: &'static str,
    /// `task_done` means that it ended, not that it succeeded.
    pub(super) status: &'static str,
    pub(super) processing: u64,
    pub(super) succeed: u64,
    pub(super) failed: u64,
    pub(super) total: u64,
    /// Wall clock, ms.
    pub(super) create_time: i64,
    pub(super) file_type: FileType,
}

#[derive(Debug, Serialize)]
pub(super) struct TaskDetail {
    #[serde(flatten)]
    pub(super) summary: TaskSummary,
    pub(super) urls: Vec<UrlDetail>,
}

#[derive(Debug, Serialize)]
pub(super) struct UrlDetail {
    pub(super) id: String,
    pub(super) url: String,
    pub(super) status: &'static str,
    pub(super) create_time: i64,
    pub(super) task_id: String,
    pub(super) task_type: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) fail_classify: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) fail_desc: Option<String>,
}

#[derive(Debug, Serialize)]
pub(super) struct TaskList {
    pub(super) total: u64,
    pub(super) tasks: Vec<TaskSummary>,
}

#[derive(Debug, Serialize)]
pub(super) struct Quotas {
    pub(super) quotas: Vec<Quota>,
}

#[derive(Debug, Serialize)]
pub(super) struct Quota {
    #[serde(rename = "type")]
    pub(super) kind: &'static str,
    pub(super) quota_limit: u64,
    pub(super) used: u64,
    pub(super) user_domain_id: String,
}

/// The query of a task's detail.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct DetailQuery {
    pub(super) page_size: Option<u64>,
    pub(super) page_number: Option<u64>,
    pub(super) status: Option<String>,
    pub(super) url: Option<String>,
    pub(super) create_time: Option<i64>,
}

/// The query of the list of tasks.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct ListQuery {
    pub(super) page_size: Option<u64>,
    pub(super) page_number: Option<u64>,
    pub(super) status: Option<String>,
    pub(super) start_date: Option<i64>,
    pub(super) end_date: Option<i64>,
    pub(super) order_field: Option<String>,
    pub(super) order_type: Option<String>,
    pub(super) task_type: Option<String>,
    pub(super) file_type: Option<String>,
}
