//! The clocks and the random numbers of the machine.

use std::cell::RefCell;
use std::sync::LazyLock;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use canary_filter::Random;
use canary_filter::edge::Now;

thread_local! {
    static GENERATOR: RefCell<fastrand::Rng> = RefCell::new(fastrand::Rng::with_seed(seed()));
}

/// Now, on a clock that does not jump.
#[allow(clippy::disallowed_methods, reason = "the edge's one clock")]
pub(crate) fn instant() -> Instant {
    Instant::now()
}

/// Milliseconds since the module was loaded.
pub(crate) fn ms() -> u64 {
    static LOADED: LazyLock<Instant> = LazyLock::new(instant);
    let since = instant().saturating_duration_since(*LOADED);
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

/// Both clocks.
#[allow(clippy::disallowed_methods, reason = "the edge's one clock")]
pub(crate) fn now() -> Now {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    Now {
        ms: ms(),
        unix: since.map_or(0, |since| {
            i64::try_from(since.as_secs()).unwrap_or(i64::MAX)
        }),
    }
}

/// The small generator of the thread. A new user's key comes from the system itself, since it must be unique for ever.
pub(crate) struct ThreadRandom;

impl Random for ThreadRandom {
    fn below(&mut self, total: u64) -> u64 {
        GENERATOR.with_borrow_mut(|generator| generator.below(total))
    }

    fn key(&mut self) -> u128 {
        bytes().map_or_else(
            || GENERATOR.with_borrow_mut(|generator| generator.key()),
            u128::from_le_bytes,
        )
    }
}

#[allow(
    clippy::disallowed_methods,
    reason = "the edge's one source of randomness"
)]
fn bytes<const N: usize>() -> Option<[u8; N]> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).ok().map(|()| bytes)
}

/// Falls back to the clock if the system provides no randomness. The split stays even but becomes predictable.
fn seed() -> u64 {
    bytes().map_or_else(ms, u64::from_le_bytes)
}
