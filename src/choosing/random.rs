//! Randomness is an argument: the proxy's at the edge, a seeded generator elsewhere.

/// Where the core gets its randomness from.
pub trait Random {
    /// An even point in `0..total`; `total` is above 0.
    fn below(&mut self, total: u64) -> u64;

    /// 128 random bits, for the key of a new user.
    fn key(&mut self) -> u128;
}

/// For tests, tools and simulations, which want to repeat themselves: seed the generator.
impl Random for fastrand::Rng {
    fn below(&mut self, total: u64) -> u64 {
        self.u64(0..total.max(1))
    }

    fn key(&mut self) -> u128 {
        self.u128(..)
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::Random;

    /// Gives the same point and key for ever.
    pub(crate) struct Fixed(pub(crate) u64);

    impl Random for Fixed {
        fn below(&mut self, _: u64) -> u64 {
            self.0
        }

        fn key(&mut self) -> u128 {
            self.0.into()
        }
    }
}
