//! The policies of Envoy Gateway. It enables the filters of a policy by route, and Envoy settles by the first route that
//! matches which of them run, before the filter has chosen.

use super::Facts;
use crate::commands::check::subject::Subject;
use crate::document::tree::Node;
use crate::fault::Fault;

const OF_FILTERS: &str = "EnvoyExtensionPolicy";

/// What a policy is for.
#[derive(Debug)]
pub(super) struct Policy<'d> {
    kind: &'d str,
    object: &'d Node,
    targets: Vec<Target<'d>>,
    /// Whether it is merged with the policy of the Gateway and does not replace it.
    merges: bool,
}

#[derive(Debug)]
struct Target<'d> {
    kind: &'d str,
    name: &'d str,
    /// A rule of the route.
    section: Option<&'d str>,
}

impl<'d> Policy<'d> {
    pub(super) fn of(kind: &'d str, object: &'d Node) -> Self {
        let spec = object.get("spec");
        let field = |name| spec.and_then(|spec| spec.get(name));
        let list = field("targetRefs").map(Node::items).unwrap_or_default();
        let targets = list.iter().chain(field("targetRef"));
        Self {
            kind,
            object,
            targets: targets.map(Target::of).collect(),
            merges: field("mergeType").is_some(),
        }
    }

    fn name(&self) -> &'d str {
        let name = |object: &'d Node| object.get("metadata")?.get("name")?.text();
        name(self.object).unwrap_or_default()
    }

    fn is_on_gateway(&self) -> bool {
        self.targets.iter().any(|target| target.kind == "Gateway")
    }

    /// The rules of routes that it is for.
    fn sections(&self) -> impl Iterator<Item = &'d str> {
        let routes = self.targets.iter().filter(|target| target.is_route());
        routes.filter_map(|target| target.section)
    }
}

impl<'d> Target<'d> {
    fn of(target: &'d Node) -> Self {
        let text = |field| target.get(field).and_then(Node::text);
        Self {
            kind: text("kind").unwrap_or_default(),
            name: text("name").unwrap_or_default(),
            section: text("sectionName"),
        }
    }

    fn is_route(&self) -> bool {
        self.kind.ends_with("Route")
    }
}

impl Facts<'_> {
    /// What the policies around do to a configuration in an EnvoyExtensionPolicy.
    pub(super) fn traps(&self, subject: &Subject<'_>) -> Vec<Fault> {
        let carries = |policy: &&Policy<'_>| {
            policy.kind == OF_FILTERS && subject.configuration.lies_in(policy.object)
        };
        let Some(own) = self.policies.iter().find(carries) else {
            return Vec::new();
        };
        let place = subject.configuration.place();
        let warning =
            |reason: String, hint: &str| Fault::at(place, reason).into_warning().and(hint);
        let mut warnings = Vec::new();
        if let Some(section) = own.sections().next().filter(|_| !own.is_on_gateway()) {
            let reason = format!(
                "the policy is for the rule `{section}` only: requests that first match another route never reach the filter, because the header is not there yet"
            );
            let hint = "put the policy on the Gateway, or on the whole HTTPRoute";
            warnings.push(warning(reason, hint));
        }
        for other in &self.policies {
            let is_own = std::ptr::eq(other.object, own.object);
            let replaces = other.kind == OF_FILTERS && own.is_on_gateway() && !other.merges;
            let route = other.targets.iter().find(|target| target.is_route());
            if let Some(route) = route.filter(|_| replaces && !is_own) {
                let reason = format!(
                    "the EnvoyExtensionPolicy `{}` replaces this one on the {} `{}`, so the filter does not run there",
                    other.name(),
                    route.kind,
                    route.name
                );
                warnings.push(warning(reason, "give the other policy a `mergeType`"));
            }
            if other.kind != OF_FILTERS {
                warnings.extend(self.unprotected(subject, other).map(|section| {
                    let reason = format!(
                        "the {} `{}` is for the rule `{section}` only: which policies apply is decided by the first route that matches, before the filter has chosen, so requests reach that version without it",
                        other.kind,
                        other.name()
                    );
                    warning(reason, "put it on the whole HTTPRoute or on the Gateway")
                }));
            }
        }
        warnings
    }

    /// A rule that only requests with the filter's header take, and that is all that the policy is for.
    fn unprotected<'p>(&self, subject: &Subject<'_>, policy: &Policy<'p>) -> Option<&'p str> {
        policy.sections().find(|section| {
            let mut routes = self.routes.iter();
            routes.any(|route| {
                route.name == Some(section)
                    && subject.headers().any(|header| route.requires(&header))
            })
        })
    }
}
