//! What is around the filter: the routes that read its headers, and the services and listeners of the proxy.
//!
//! ```text
//! reads       EnvoyFilter, Envoy's routes: cluster_header    VirtualService, HTTPRoute: a match on the header
//! strips      EnvoyFilter, HttpConnectionManager: early_header_mutation_extensions    ClientTrafficPolicy
//! subsets     DestinationRule      ports     Service      clusters     Envoy's clusters
//! listeners   Gateway of Istio and of the Gateway API, Envoy's listeners
//! policies    of Envoy Gateway, which it enables by route
//! ```
//!
//! Each question is asked only if the files have an object that could answer it: without a DestinationRule, no subset is
//! missing.

mod answers;
mod collect;
mod policies;
mod routes;

use std::collections::{BTreeMap, BTreeSet};

use crate::commands::check::subject::Subject;
use crate::document::Document;
use crate::fault::Fault;
use policies::Policy;
use routes::Route;

/// The files around the filter.
#[derive(Debug, Default)]
pub struct Surroundings<'t> {
    /// In the order in which they were added; none for a file that cannot be read.
    documents: Vec<Option<Document<'t>>>,
}

/// What the objects say, by file.
#[derive(Debug, Default)]
struct Facts<'d> {
    routes: Vec<Route<'d>>,
    readers: Vec<Reader<'d>>,
    /// The headers that are removed before every filter, in lower case.
    stripped: BTreeSet<String>,
    /// Whether headers are removed in a way that this does not understand.
    strips_others: bool,
    /// By the full name of the host; a wildcard stays as it is.
    subsets: BTreeMap<String, BTreeSet<&'d str>>,
    /// By the full name of the service.
    ports: BTreeMap<String, BTreeSet<&'d str>>,
    clusters: BTreeSet<&'d str>,
    /// The listeners without TLS, in words.
    plain_listeners: Vec<String>,
    policies: Vec<Policy<'d>>,
}

/// Something that takes the cluster from a header.
#[derive(Debug)]
struct Reader<'d> {
    header: String,
    /// The name of the routes that it is for, if it is an EnvoyFilter.
    route: Option<&'d str>,
}

impl<'t> Surroundings<'t> {
    /// Adds a file. `must_be_json`: its name says that it is JSON.
    ///
    /// # Errors
    /// It cannot be read. It still has a number for [`problems`](Self::problems).
    pub fn add(&mut self, file: &'t [u8], must_be_json: bool) -> Result<(), Fault> {
        let (document, outcome) = match Document::parse(file, must_be_json) {
            Ok(document) => (Some(document), Ok(())),
            Err(fault) => (None, Err(fault)),
        };
        self.documents.push(document);
        outcome
    }

    /// What is wrong with the routes that read one of these headers, by the number of the file that has them, from 0.
    pub fn problems<'h>(&self, headers: impl IntoIterator<Item = &'h str>) -> Vec<(usize, Fault)> {
        let documents: Vec<_> = self.documents.iter().map(Option::as_ref).collect();
        let facts = Facts::of(&documents);
        let headers: BTreeSet<_> = headers.into_iter().collect();
        let found = headers
            .into_iter()
            .flat_map(|header| facts.routes_of(header));
        let mut problems: Vec<_> = found.collect();
        problems.sort_by_key(|(file, fault)| (*file, fault.place()));
        problems
    }

    /// The same with the file that has the configuration, which may have such objects beside it.
    pub(super) fn with<'d>(&'d self, file: &'d Document<'t>) -> Around<'d> {
        let around = self.documents.iter().map(Option::as_ref);
        Around(Facts::of(&around.chain([Some(file)]).collect::<Vec<_>>()))
    }
}

/// The surroundings of the configurations of one file.
pub(super) struct Around<'d>(Facts<'d>);

impl Around<'_> {
    /// What does not fit a configuration, which is one of all these.
    pub(super) fn warnings(&self, subject: &Subject<'_>, all: &[Subject<'_>]) -> Vec<Fault> {
        [
            self.0.warnings(subject),
            self.0.unknown_labels(subject, all),
            self.0.traps(subject),
        ]
        .concat()
    }
}
