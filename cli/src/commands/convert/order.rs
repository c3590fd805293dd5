//! Several VirtualServices on one gateway: their order, and what keeps the rules of one from the requests of another.
//!
//! Envoy looks for the virtual host first, so a request for `a.example.com` never reaches the routes of `*.example.com` if
//! another VirtualService has `a.example.com`. The rules of the wider one exclude the narrower hosts, and come after them.
//! Two VirtualServices with the same host are one virtual host: Istio puts their routes one after the other by the time at
//! which they were created, and moves routes that match everything to the end. Their rules have to be independent of that.

use std::collections::BTreeSet;

use super::host::Host;
use super::object::{Refusal, Spot};
use super::rules::Rule;
use super::service::VirtualService;

/// Sorts them so that the more specific hosts come first.
pub(super) fn sort(services: &mut [VirtualService<'_>]) {
    let width = |host: &Host| match host {
        Host::Exact(_) => 0,
        Host::Suffix(name) => usize::MAX - name.len(),
        Host::Every => usize::MAX,
    };
    services.sort_by_key(|service| service.hosts.iter().map(width).max());
}

/// The hosts of other VirtualServices that are more specific than those of this one, wherever this one is in force.
pub(super) fn narrower(services: &[VirtualService<'_>], number: usize) -> Vec<Host> {
    let Some(own) = services.get(number) else {
        return Vec::new();
    };
    let mut hosts: Vec<Host> = Vec::new();
    for other in services.iter().filter(|other| covers(other, own)) {
        for host in &other.hosts {
            if is_narrower(host, own) && !hosts.contains(host) {
                hosts.push(host.clone());
            }
        }
    }
    hosts
}

/// Whether Envoy gives a request for the host to another virtual host than those of the service, although one of its hosts
/// includes it.
fn is_narrower(host: &Host, service: &VirtualService<'_>) -> bool {
    let covering = service.hosts.iter().any(|wide| wide.covers(host));
    covering && !service.hosts.contains(host)
}

/// The gateways with their full names.
fn gateways(service: &VirtualService<'_>) -> BTreeSet<String> {
    service
        .gateways
        .iter()
        .map(|name| super::entry::gateway(service.object, name))
        .collect()
}

/// Whether the one is in force at all gateways of the other.
fn covers(one: &VirtualService<'_>, other: &VirtualService<'_>) -> bool {
    gateways(one).is_superset(&gateways(other))
}

/// Whether their routes are in one virtual host.
pub(super) fn share_a_host(one: &VirtualService<'_>, other: &VirtualService<'_>) -> bool {
    one.hosts.iter().any(|host| other.hosts.contains(host))
        && !gateways(one).is_disjoint(&gateways(other))
}

/// Removes the shields that could take what belongs to a rule after them, and checks that no rule can.
///
/// # Errors
/// A rule could take requests that belong to another one.
pub(super) fn settle(
    rules: &mut Vec<Rule>,
    services: &[VirtualService<'_>],
) -> Result<(), Refusal> {
    let mut harmful = BTreeSet::new();
    for (place, later) in rules
        .iter()
        .enumerate()
        .filter(|(_, rule)| rule.form.is_read())
    {
        for (earlier_place, earlier) in rules.iter().enumerate() {
            // Between two VirtualServices of one host, the order of the routes is not that of the rules.
            let conflict = if earlier.service == later.service {
                (earlier_place < place)
                    .then(|| within(earlier, later, services))
                    .flatten()
            } else {
                let counts = earlier_place < place || !earlier.form.is_read();
                counts.then(|| between(earlier, later, services)).flatten()
            };
            match conflict {
                Some(_) if !earlier.form.is_read() => {
                    harmful.insert(earlier_place);
                }
                Some((at, reason)) => {
                    if let Some(service) = services.get(later.service) {
                        return Err(service.object.refuse(&at, &reason));
                    }
                }
                None => {}
            }
        }
    }
    let mut place = 0..;
    rules.retain(|_| place.next().is_none_or(|place| !harmful.contains(&place)));
    catch_alls(rules, services)
}

/// An earlier route of the same VirtualService that is not in force everywhere, while its rule is.
fn within(earlier: &Rule, later: &Rule, services: &[VirtualService<'_>]) -> Option<(Spot, String)> {
    let clash = earlier.entries_of(services).any(|one| {
        later
            .entries_of(services)
            .any(|other| !one.excludes(other) && !one.is_wherever(other))
    });
    clash.then(|| {
        let reason = format!(
            "may match requests of http[{}], which Istio keeps from it by `port` or `gateways` alone: the filter cannot check these",
            earlier.http
        );
        (Spot::http(later.http), reason)
    })
}

/// Rules of two VirtualServices that may match the same request.
fn between(
    earlier: &Rule,
    later: &Rule,
    services: &[VirtualService<'_>],
) -> Option<(Spot, String)> {
    let (one, other) = (services.get(earlier.service)?, services.get(later.service)?);
    let overlap = |a: &Host, b: &Host| a.covers(b) || b.covers(a);
    let mut pairs = one
        .hosts
        .iter()
        .flat_map(|a| other.hosts.iter().map(move |b| (a, b)))
        .filter(|(a, b)| overlap(a, b));
    // The wider one excludes the narrower hosts, if the narrower one is in force at all of its gateways.
    let settled = |(a, b): (&Host, &Host)| {
        a != b
            && if a.covers(b) {
                covers(other, one)
            } else {
                covers(one, other)
            }
    };
    if pairs.all(settled) {
        return None;
    }
    let clash = earlier
        .entries_of(services)
        .any(|a| later.entries_of(services).any(|b| !a.excludes(b)));
    clash.then(|| {
        let reason = format!(
            "may match the requests of http[{}] of {}, which has an overlapping host: which one Istio takes depends on their gateways and on when they were created, so put both routes into one VirtualService, or convert them for different plugins",
            earlier.http,
            one.object.title()
        );
        (Spot::http(later.http), reason)
    })
}

/// Istio moves a route that takes every request after those of the other VirtualService; a condition on the header would
/// keep it where it is.
fn catch_alls(rules: &[Rule], services: &[VirtualService<'_>]) -> Result<(), Refusal> {
    for rule in rules.iter().filter(|rule| rule.form.is_read()) {
        let Some(own) = services.get(rule.service) else {
            continue;
        };
        let shares =
            |other: &VirtualService<'_>| share_a_host(own, other) && !other.http.is_empty();
        let mut others = services.iter().enumerate();
        let other = others.find(|(number, other)| *number != rule.service && shares(other));
        if let Some((_, other)) = other
            && rule
                .entries_of(services)
                .any(super::entry::Entry::is_catch_all)
        {
            let reason = format!(
                "matches every request, and {} has the same host: Istio puts it after the routes of that one, which a condition on the header would change, so put both into one VirtualService",
                other.object.title()
            );
            return Err(own.object.refuse(&Spot::http(rule.http), &reason));
        }
    }
    Ok(())
}
