//! A page of a list, as a query asks for it.

/// Which part of a list is asked for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Page {
    size: u64,
    /// Entries of the pages before it.
    before: u64,
}

impl Page {
    /// Pages are counted from 0.
    pub(crate) const fn from_zero(size: u64, number: u64) -> Self {
        Self { size, before: number.saturating_mul(size) }
    }

    /// Pages are counted from 1.
    pub(crate) const fn from_one(size: u64, number: u64) -> Self {
        Self::from_zero(size, number.saturating_sub(1))
    }

    pub(crate) fn cut<I: Iterator>(self, all: I) -> impl Iterator<Item = I::Item> {
        all.skip(usize::try_from(self.before).unwrap_or(usize::MAX))
            .take(usize::try_from(self.size).unwrap_or(usize::MAX))
    }
}
