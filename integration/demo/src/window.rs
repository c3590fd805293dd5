//! The recent answers.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// At 200 requests/s this is about 2 000 requests, so that a share of 75/25 varies by about 1 %.
const LENGTH: Duration = Duration::from_secs(10);
/// Envoy needs a moment to apply new weights; answers within this time may follow the old ones.
const SETTLE: Duration = Duration::from_millis(200);

/// Which version answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    Blue,
    Green,
    Error,
}

/// One of the demo's own requests.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sample {
    /// When it was sent.
    pub(crate) at: Instant,
    pub(crate) outcome: Outcome,
}

/// A sliding window over the answers since the last change of the weights.
#[derive(Debug, Default)]
pub(crate) struct Window {
    samples: VecDeque<Sample>,
    since: Option<Instant>,
}

impl Window {
    pub(crate) fn add(&mut self, sample: Sample) {
        if self.since.is_none_or(|since| sample.at >= since) {
            self.samples.push_back(sample);
        }
    }

    /// Starts again, because the weights have changed.
    pub(crate) fn restart(&mut self, now: Instant) {
        self.samples.clear();
        self.since = Some(now + SETTLE);
    }

    /// Drops samples that are too old and counts the others.
    pub(crate) fn tally(&mut self, now: Instant) -> Tally {
        while self
            .samples
            .front()
            .is_some_and(|sample| now.duration_since(sample.at) > LENGTH)
        {
            self.samples.pop_front();
        }
        let count = |outcome| {
            self.samples
                .iter()
                .filter(|sample| sample.outcome == outcome)
                .count()
        };
        Tally {
            blue: count(Outcome::Blue),
            green: count(Outcome::Green),
            errors: count(Outcome::Error),
        }
    }
}

/// Requests by outcome.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Tally {
    pub(crate) blue: usize,
    pub(crate) green: usize,
    pub(crate) errors: usize,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn old_answers_leave_the_window_and_a_change_of_weights_empties_it() {
        let start = Instant::now();
        let second = |n| start + Duration::from_secs(n);
        let mut window = Window::default();
        window.add(Sample {
            at: start,
            outcome: Outcome::Green,
        });
        window.add(Sample {
            at: second(5),
            outcome: Outcome::Blue,
        });
        window.add(Sample {
            at: second(6),
            outcome: Outcome::Error,
        });
        assert_eq!(
            window.tally(second(10)),
            Tally {
                blue: 1,
                green: 1,
                errors: 1
            }
        );
        assert_eq!(
            window.tally(second(11)),
            Tally {
                blue: 1,
                green: 0,
                errors: 1
            }
        );

        window.restart(second(12));
        window.add(Sample {
            at: second(12),
            outcome: Outcome::Blue,
        });
        window.add(Sample {
            at: second(13),
            outcome: Outcome::Green,
        });
        assert_eq!(
            window.tally(second(13)),
            Tally {
                blue: 0,
                green: 1,
                errors: 0
            }
        );
    }
}
