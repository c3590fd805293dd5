//! A configuration of the HTTP filter.

use std::sync::Arc;

use crate::hooks;
use crate::metrics::Metrics;
use crate::request::Request;
use crate::stream::Stream;

/// A configuration of the HTTP filter, for all workers. It ends with its last stream.
#[derive(Debug)]
pub struct Filter {
    // The module's part ends first.
    pub(crate) module: hooks::FilterConfig,
    metrics: Metrics,
}

impl Filter {
    /// Has the module take a configuration; `None` if it leaves it to Envoy to reject it.
    pub fn load(name: impl AsRef<[u8]>, configuration: impl AsRef<[u8]>) -> Option<Arc<Self>> {
        let metrics = Metrics::default();
        let module =
            hooks::FilterConfig::new(metrics.owned(), name.as_ref(), configuration.as_ref())?;
        metrics.owned().freeze();
        Some(Arc::new(Self { module, metrics }))
    }

    /// A request comes to a worker, after this cluster was chosen for it, if one was.
    pub fn stream(self: &Arc<Self>, request: Request, cluster: Option<&[u8]>) -> Stream {
        Stream::new(Arc::clone(self), request, cluster)
    }

    /// Its metrics.
    pub fn metrics(&self) -> &Metrics {
        &self.metrics
    }
}
