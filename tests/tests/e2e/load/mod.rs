//! Tests that measure what only a machine of their own lets them measure, and so run alone.

mod limits;
