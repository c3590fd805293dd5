//! What is refused, and where the refusal says it is.

use super::*;

/// Why a file is refused, without the column, which is long to count in a flow collection.
fn refused(content: &str) -> String {
    match convert(&[input(content)], None) {
        Ok(converted) => panic!("accepted: {}", converted.yaml()),
        Err(refusal) => without_column(&refusal),
    }
}

pub(super) fn without_column(refusal: &Refusal) -> String {
    let line = refusal.to_string();
    match line.splitn(4, ':').collect::<Vec<_>>()[..] {
        [file, line, column, reason] if column.parse::<u32>().is_ok() => {
            format!("{file}:{line}:{reason}")
        }
        _ => line,
    }
}

#[test]
fn a_refusal_has_the_position_of_what_it_names() {
    let file = service("web", "['*']", "[{route: [{destination: {host: a}}]}]");
    let line = convert(&[input(&file)], None).unwrap_err().to_string();
    let column = file.lines().nth(5).unwrap().find("destination").unwrap() + 1;
    assert!(
        line.starts_with(&format!(
            "f.yaml:6:{column}: spec.http[0].route[0].destination: "
        )),
        "{line}"
    );
}

#[test]
fn what_would_mean_something_else_is_refused_with_its_place() {
    let plain = |http: &str| service("web", "[a.example.com]", http);
    let every = format!("[{}]", split(""));
    let on_a = format!("[{}]", split("match: [{uri: {prefix: /a}}], "));
    let two = |first: &str, second: &str| {
        service("one", "[a.example.com]", first) + &service("two", "[a.example.com]", second)
    };
    for (file, start) in [
        (
            plain(&on_a.replace("weight: 1", "weight: -1")),
            "f.yaml:6: spec.http[0].route[0].weight: is not a whole number",
        ),
        (
            plain(
                &on_a
                    .replace("weight: 1", "weight: 0")
                    .replace("weight: 3", "weight: 0"),
            ),
            "f.yaml:6: spec.http[0].route: the weights sum to 0",
        ),
        (
            plain(&on_a.replace("uri: {", "url: {")),
            "f.yaml:6: spec.http[0].match[0].url: is not a field whose meaning",
        ),
        (
            plain(&on_a.replace("prefix: /a", "regex: '*'")),
            "f.yaml:6: spec.http[0].match[0].uri.regex: the filter refuses it: ",
        ),
        (
            plain(&on_a.replace("uri: {prefix: /a}", "headers: {X-Canary-Cluster: {}}")),
            "f.yaml:6: spec.http[0].match[0].headers: `x-canary-cluster` is the header",
        ),
        (
            plain(&on_a.replace("subset: b", "subset: a")),
            "f.yaml:6: spec.http[0].route[1]: names the same destination",
        ),
        (
            plain("[{timeout: 3s}]"),
            "f.yaml:6: spec.http[0]: has neither route",
        ),
        (
            plain(&every).replace("namespace: shop", "x: z"),
            "f.yaml:6: spec.http[0].route[0].destination.host: the short host `web` needs a namespace",
        ),
        (
            plain(&every).replace("a.example.com", "'a*'"),
            "f.yaml:4: spec.hosts[0]: `a*` is not a host name",
        ),
        (
            plain(&every).replace("istio-system/public", "mesh"),
            "f.yaml:5: spec.gateways: names no gateway",
        ),
        (
            plain(&every).replace("[a.example.com]", "[]"),
            "f.yaml:4: spec.hosts: is empty",
        ),
        (
            plain("[{match: [], redirect: {uri: /}}]"),
            "f.yaml:6: spec.http: has no route with a destination",
        ),
        (
            "kind: Service\n".to_owned(),
            "f.yaml: contains no VirtualService",
        ),
        (
            two(&on_a, &on_a),
            "f.yaml:13: spec.http[0]: may match the requests of http[0] of VirtualService shop/one",
        ),
        (
            two(
                &on_a,
                &every.replace("{route", "{match: [{uri: {prefix: /}}], route"),
            ),
            "f.yaml:13: spec.http[0]: may match the requests",
        ),
        (
            plain(&format!(
                "[{}, {}]",
                split("match: [{port: 80}], "),
                split("match: [{port: 443}], ")
            )),
            "f.yaml:6: spec.http[1]: may match requests of http[0], which Istio keeps from it by `port`",
        ),
    ] {
        let line = refused(&file);
        assert!(line.starts_with(start), "{line}\n{start}\n{file}");
        assert_eq!(line.lines().count(), 1);
    }
}

#[test]
fn a_header_that_route_and_destination_change_is_refused() {
    let http = "[{headers: {request: {set: {x-a: z}}}, route: [{destination: {host: a}, weight: 1, headers: {request: {remove: [X-A]}}}, {destination: {host: b}, weight: 1}]}]";
    let line = convert(&[input(&service("web", "['*']", http))], Some(80)).unwrap_err();
    assert!(
        line.to_string()
            .contains("spec.http[0].route[0].headers: changes `x-a`"),
        "{line}"
    );
}

#[test]
fn a_route_that_matches_everything_and_a_shared_host_do_not_go_together() {
    let every = format!("[{}]", split(""));
    let other = format!("[{{match: [{{uri: {{prefix: /a}}}}], {ONE}}}]");
    let file =
        service("one", "[a.example.com]", &every) + &service("two", "[a.example.com]", &other);
    let line = refused(&file);
    assert!(
        line.starts_with(
            "f.yaml:6: spec.http[0]: matches every request, and VirtualService shop/two"
        ),
        "{line}"
    );
    // On other gateways, they never meet, but the filter cannot tell the gateways apart.
    let elsewhere = file.replacen("istio-system/public", "other/gateway", 1);
    assert!(convert(&[input(&elsewhere)], None).is_ok());
}
