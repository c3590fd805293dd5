//! What is known of one destination beside its counts: whether it is out, and how long it must wait.

use super::settings::{MAX_WAIT_MS, Settings};

/// A time that never comes.
pub(super) const NEVER: u64 = u64::MAX;

/// The frozen part of a record holds one of these per destination. Times and waits are in milliseconds of the shared
/// monotonic clock unless said otherwise.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct State {
    /// It is rolled back now.
    pub(super) out: bool,
    /// The last rollback was only observed.
    pub(super) observed: bool,
    /// When the last rollback began.
    pub(super) since_ms: u64,
    /// The same as wall-clock time in seconds, for reports only.
    pub(super) since_unix: u64,
    /// The wait of the last rollback; 0 if there was none, or none that ends by itself.
    pub(super) wait_ms: u64,
    /// When the wait is over, or [`NEVER`].
    pub(super) until_ms: u64,
    /// When it last came back after a wait, or [`NEVER`].
    pub(super) returned_ms: u64,
    /// Its weight in force when it was rolled back.
    pub(super) weight: u64,
    /// The sum of the others' weights at that time; its share was `weight / (weight + others)`.
    pub(super) others: u64,
}

impl Default for State {
    fn default() -> Self {
        Self {
            out: false,
            observed: false,
            since_ms: 0,
            since_unix: 0,
            wait_ms: 0,
            until_ms: NEVER,
            returned_ms: NEVER,
            weight: 0,
            others: 0,
        }
    }
}

impl State {
    /// Takes the destination out. `weights` are those in force until now.
    pub(super) fn roll_back(
        &mut self,
        settings: &Settings,
        destination: usize,
        weights: &[u32],
        now_ms: u64,
        now_unix: u64,
    ) {
        let wait_ms = settings
            .retry_after_ms
            .map(|first_ms| self.wait(settings, first_ms, now_ms));
        let sum: u64 = weights.iter().map(|&weight| u64::from(weight)).sum();
        let weight = weights
            .get(destination)
            .map_or(0, |&weight| u64::from(weight));
        *self = Self {
            out: true,
            observed: settings.observe,
            since_ms: now_ms,
            since_unix: now_unix,
            wait_ms: wait_ms.unwrap_or(0),
            until_ms: wait_ms.map_or(NEVER, |wait_ms| now_ms.saturating_add(wait_ms)),
            returned_ms: NEVER,
            weight,
            others: sum.saturating_sub(weight),
        };
    }

    /// CONFIG.md, "How long": if it has not served for as long as the last wait or one interval, whichever is longer,
    /// the next wait is twice the last, at most 1 h; otherwise it is `retryAfter` again.
    fn wait(&self, settings: &Settings, first_ms: u64, now_ms: u64) -> u64 {
        let proven_ms = self.wait_ms.max(settings.interval_ms);
        if self.returned_ms == NEVER || now_ms.saturating_sub(self.returned_ms) >= proven_ms {
            return first_ms;
        }
        let twice_ms = self.wait_ms.saturating_mul(2);
        // `first_ms` is at most the limit. `clamp` would bring code for the case that it is not.
        twice_ms.max(first_ms).min(MAX_WAIT_MS)
    }

    /// Gives its share back.
    pub(super) fn come_back(&mut self, now_ms: u64) {
        self.out = false;
        self.until_ms = NEVER;
        self.returned_ms = now_ms;
    }

    /// Whether it came back so recently that its share must not exceed the one at which it was rolled back.
    pub(super) fn is_capped(&self, settings: &Settings, now_ms: u64) -> bool {
        !self.out
            && self.returned_ms != NEVER
            && now_ms.saturating_sub(self.returned_ms) < settings.interval_ms
    }

    /// Whether it changes the weights now.
    pub(super) fn acts(&self, settings: &Settings, now_ms: u64) -> bool {
        !settings.observe && (self.out || self.is_capped(settings, now_ms))
    }

    /// When this changes next by time alone.
    pub(super) fn due_ms(&self, settings: &Settings, now_ms: u64) -> u64 {
        if self.out {
            self.until_ms
        } else if self.is_capped(settings, now_ms) {
            self.returned_ms.saturating_add(settings.interval_ms)
        } else {
            NEVER
        }
    }

    /// Times lie in the future only if the clock went back. Waits then begin anew instead of taking forever.
    pub(super) fn settle(&mut self, now_ms: u64) {
        self.since_ms = self.since_ms.min(now_ms);
        if self.until_ms != NEVER {
            self.until_ms = self.until_ms.min(now_ms.saturating_add(self.wait_ms));
        }
        if self.returned_ms != NEVER {
            self.returned_ms = self.returned_ms.min(now_ms);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rollback::settings::Given;

    const INTERVAL_MS: u64 = 10_000;
    const RETRY_MS: u64 = 1_000;

    fn settings() -> Settings {
        Settings::new(&Given {
            destinations: &[("blue-sub", true), ("green-sub", true)],
            stable: 0,
            threshold: 50,
            interval_ms: INTERVAL_MS,
            retry_after_ms: Some(RETRY_MS),
            observe: false,
            keyed: false,
            fingerprint: 1,
        })
        .unwrap()
    }

    #[test]
    fn where_the_last_wait_is_shorter_than_the_interval_it_must_serve_for_an_interval() {
        for (served_ms, wait_ms) in [
            (INTERVAL_MS - 1, 2 * RETRY_MS),
            (INTERVAL_MS, RETRY_MS),
            (INTERVAL_MS + 1, RETRY_MS),
        ] {
            let mut state = State::default();
            state.roll_back(&settings(), 1, &[75, 25], 100_000, 0);
            state.come_back(101_000);
            state.roll_back(&settings(), 1, &[75, 25], 101_000 + served_ms, 0);
            assert_eq!(state.wait_ms, wait_ms, "{served_ms}");
        }
    }

    #[test]
    fn if_the_clock_goes_back_the_cap_lasts_for_one_interval_more_and_not_forever() {
        let mut state = State::default();
        state.roll_back(&settings(), 1, &[75, 25], 1 << 50, 0);
        state.come_back((1 << 50) + RETRY_MS);
        state.settle(5_000);
        assert!(state.is_capped(&settings(), 5_000));
        assert!(!state.is_capped(&settings(), 5_000 + INTERVAL_MS));
    }
}
