//! Requests against what the official SDK sent, and what each answer means.
