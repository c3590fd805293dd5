//! A configuration of the cluster specifier.

use std::cell::RefCell;
use std::collections::BTreeMap;

use crate::hooks;
use crate::metrics::Metrics;
use crate::request::Request;

/// The endpoints of each cluster that a worker knows: how many there are of each priority.
pub type Endpoints = BTreeMap<Vec<u8>, Vec<usize>>;

/// A configuration of the cluster specifier, for all workers.
#[derive(Debug)]
pub struct Specifier {
    // The module's part ends first.
    module: hooks::SpecifierConfig,
    metrics: Metrics,
}

/// One pick of the route, while the module is asked.
pub(crate) struct Pick<'c> {
    pub(crate) request: Request,
    pub(crate) random_value: u64,
    pub(crate) endpoints: &'c Endpoints,
    pub(crate) chosen: RefCell<Option<Vec<u8>>>,
}

/// What is asked of the specifier.
#[derive(Clone, Debug)]
pub struct Choice<'c> {
    /// The request.
    pub request: &'c Request,
    /// The same number for every pick of this stream's route.
    pub random_value: u64,
    /// What the worker knows.
    pub endpoints: &'c Endpoints,
}

impl Specifier {
    /// Has the module take a configuration; `None` if it leaves it to Envoy to reject it.
    pub fn load(name: impl AsRef<[u8]>, configuration: impl AsRef<[u8]>) -> Option<Self> {
        let metrics = Metrics::default();
        let module =
            hooks::SpecifierConfig::new(metrics.owned(), name.as_ref(), configuration.as_ref())?;
        metrics.owned().freeze();
        Some(Self { module, metrics })
    }

    /// Picks the route: the cluster that the module has chosen.
    pub fn choose(&self, choice: &Choice<'_>) -> Option<Vec<u8>> {
        // In a box, so that a sanitizer sees who keeps a pointer.
        let pick = Box::new(Pick {
            request: choice.request.clone(),
            random_value: choice.random_value,
            endpoints: choice.endpoints,
            chosen: RefCell::default(),
        });
        let decided = self.module.select(&pick);
        let cluster = pick.chosen.take();
        assert_eq!(
            decided,
            cluster.is_some(),
            "a decision names a cluster, and without one Envoy keeps the one before"
        );
        cluster
    }

    /// Its metrics.
    pub fn metrics(&self) -> &Metrics {
        &self.metrics
    }
}
