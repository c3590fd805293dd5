//! What one worker has counted since its last successful write.

use super::keys::{Keys, Seen};

/// Answers of one rule that one worker has seen and not yet written to the record.
///
/// They are kept until a write has succeeded: [`Record::add`](super::Record::add) leaves them as they are, and the
/// edge clears them after the compare-and-swap.
#[derive(Clone, Debug)]
pub struct Answers {
    tallies: Box<[Tally]>,
    empty: bool,
}

/// The answers of one destination. The counts stop at their largest value.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Tally {
    pub(super) requests: u32,
    pub(super) errors: u32,
    /// At time 0, since the record gives them the time of the tick.
    pub(super) keys: Keys,
}

impl Answers {
    /// Nothing yet, for a rule with this number of destinations.
    pub fn new(destinations: usize) -> Self {
        Self {
            tallies: vec![Tally::default(); destinations].into(),
            empty: true,
        }
    }

    /// Counts an answer of the destination at this position. `bad` says whether it is an error, and `key` is the hash
    /// of the request's key; both the key of a good answer and an unknown destination are ignored.
    pub fn add(&mut self, destination: usize, bad: bool, key: Option<u64>) {
        if let Some(tally) = self.tallies.get_mut(destination) {
            tally.requests = tally.requests.saturating_add(1);
            self.empty = false;
        }
        if bad {
            self.worsen(destination, key);
        }
    }

    /// Turns an answer that [`Answers::add`] has counted as good into an error, also if it was written long ago: one
    /// more error, and no more request.
    pub fn worsen(&mut self, destination: usize, key: Option<u64>) {
        if let Some(tally) = self.tallies.get_mut(destination) {
            tally.errors = tally.errors.saturating_add(1);
            tally.keys.insert(Seen::new(key, 0));
            self.empty = false;
        }
    }

    /// Whether there is nothing to write.
    pub fn is_empty(&self) -> bool {
        self.empty
    }

    /// Forgets everything, after a write has succeeded.
    #[inline(never)] // Its code is large for how seldom it runs.
    pub fn clear(&mut self) {
        self.tallies.fill(Tally::default());
        self.empty = true;
    }

    /// Counts many good answers at once.
    #[cfg(any(test, not(feature = "proxy")))]
    pub(super) fn add_good(&mut self, destination: usize, requests: u32) {
        if let Some(tally) = self.tallies.get_mut(destination)
            && requests > 0
        {
            tally.requests = tally.requests.saturating_add(requests);
            self.empty = false;
        }
    }

    /// Counts many answers at once, all errors without a key.
    #[cfg(test)]
    pub(super) fn add_many(&mut self, destination: usize, requests: u32, errors: u32) {
        self.add_good(destination, requests - errors);
        for _ in 0..errors {
            self.add(destination, true, None);
        }
    }

    /// How many answers and errors of the destination at this position are counted.
    #[cfg(test)]
    pub(crate) fn sums(&self, destination: usize) -> (u32, u32) {
        let tally = self.tallies.get(destination);
        tally.map_or((0, 0), |tally| (tally.requests, tally.errors))
    }

    /// The destinations' answers, in their order.
    pub(super) fn tallies(&self) -> &[Tally] {
        &self.tallies
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_that_turns_out_bad_is_an_error_and_no_further_request() {
        let mut answers = Answers::new(2);
        assert!(answers.is_empty());
        answers.add(1, false, Some(7));
        answers.worsen(1, Some(7));
        answers.add(1, true, Some(8));
        let tally = answers.tallies()[1];
        assert_eq!((tally.requests, tally.errors), (2, 2));
        assert_eq!(tally.keys.iter().count(), 2);
        assert!(!answers.is_empty());
        answers.clear();
        assert!(answers.is_empty());
        assert_eq!(answers.tallies()[1].requests, 0);
    }

    #[test]
    fn counts_stop_at_their_largest_value_and_unknown_destinations_are_ignored() {
        let mut answers = Answers::new(1);
        answers.add(1, true, None);
        assert!(answers.is_empty());
        answers.tallies[0].requests = u32::MAX;
        answers.tallies[0].errors = u32::MAX;
        answers.add(0, true, None);
        let tally = answers.tallies()[0];
        assert_eq!((tally.requests, tally.errors), (u32::MAX, u32::MAX));
    }
}
