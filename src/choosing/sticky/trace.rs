//! Which keys a request carries, and how they score. Only tools ask this, so the module does not contain it.

use super::{Key, Sticky};
use crate::choosing::decision::KeyKind;
use crate::choosing::rendezvous;
use crate::request::{Fields, Request};

/// A key that the filter has looked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LookedUp {
    /// Its kind.
    pub kind: KeyKind,
    /// The name of the header, the cookie or the query parameter; an address has none.
    pub name: Option<String>,
    /// The value. An empty one counts as absent.
    pub value: Option<Vec<u8>>,
}

impl LookedUp {
    /// Whether this key identifies the user.
    pub fn is_found(&self) -> bool {
        self.value.as_ref().is_some_and(|value| !value.is_empty())
    }
}

impl Sticky {
    /// The keys in their order, up to the first one that the request carries.
    pub(crate) fn looked_up<'r, F: Fields>(&'r self, request: &Request<'r, F>) -> Vec<LookedUp> {
        let mut looked_up = Vec::new();
        for key in &self.keys {
            let key = LookedUp {
                kind: key.kind(),
                name: key.name(),
                value: key.read(request).map(<[u8]>::to_vec),
            };
            let is_found = key.is_found();
            looked_up.push(key);
            if is_found {
                break;
            }
        }
        looked_up
    }

    /// The kinds and the names of the keys, in their order.
    pub(crate) fn names(&self) -> Vec<(KeyKind, Option<String>)> {
        let keys = self.keys.iter();
        keys.map(|key| (key.kind(), key.name())).collect()
    }

    /// The score of each destination for this key at these weights; none at a weight of 0.
    pub(crate) fn scores(&self, key: &[u8], weights: &[u32]) -> Vec<Option<f64>> {
        let mut all = vec![None; weights.len()];
        let seeds = self.seeds.iter().copied();
        for (index, score) in rendezvous::scores(key, seeds.zip(weights.iter().copied())) {
            if let Some(place) = all.get_mut(index) {
                *place = Some(score);
            }
        }
        all
    }
}

impl Key {
    fn name(&self) -> Option<String> {
        match self {
            Self::Header(name) => Some(name.to_string()),
            Self::Cookie(cookie) => Some(cookie.name().to_owned()),
            Self::QueryParam(name) => Some(String::from_utf8_lossy(name).into_owned()),
            Self::SourceIp => None,
        }
    }
}
