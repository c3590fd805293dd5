//! The translation of the tests is that of a real istiod, field by field, for every VirtualService that was recorded.

use serde_json::Value;

use crate::cases::all;
use crate::istiod::{list, text};

/// The routes of a domain, without what only traces and access logs show.
fn routes(configuration: &Value, domain: &str) -> Vec<Value> {
    let mut hosts = list(&configuration["virtual_hosts"]).iter();
    let host = hosts
        .find(|host| list(&host["domains"]).iter().any(|it| it == domain))
        .unwrap_or_else(|| panic!("{domain} is missing in {configuration}"));
    let mut routes = list(&host["routes"]).to_vec();
    for route in &mut routes {
        let route = route.as_object_mut().unwrap();
        route.remove("metadata");
        route.remove("decorator");
    }
    routes
}

#[test]
fn the_translation_of_the_tests_is_that_of_istiod() {
    let mut compared = 0;
    for case in all() {
        let Some(recorded) = &case.recorded else {
            continue;
        };
        let mut domains = 0;
        for host in list(&recorded["virtual_hosts"]) {
            for domain in list(&host["domains"]) {
                let own = routes(&case.translated, text(domain));
                assert_eq!(
                    own,
                    routes(recorded, text(domain)),
                    "{} {domain}",
                    case.name
                );
                domains += 1;
            }
        }
        assert_eq!(
            domains,
            list(&case.translated["virtual_hosts"]).len(),
            "{}",
            case.name
        );
        compared += 1;
    }
    assert_eq!(compared, 29);
}
