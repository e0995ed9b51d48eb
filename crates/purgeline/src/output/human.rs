use serde::Serialize;

/// An answer of purgeline-ops with a text for people: each command says there how its answer
/// reads. As JSON it is the answer itself.
#[derive(Debug, Serialize)]
#[serde(transparent)]
pub(crate) struct Human<'a, T>(pub(crate) &'a T);
