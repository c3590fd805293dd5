//! `canary convert` on files: what it prints, what it lists as left, and how it ends.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

mod support;

use std::fs;
use std::path::PathBuf;

use serde_json::Value;
use support::{Folder, Said};

/// The VirtualServices for which `integration/tests/convert` compares the routes.
fn corpus() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../integration/tests/virtualservices")
}

/// Their names.
fn names() -> Vec<String> {
    let files = fs::read_dir(corpus()).unwrap();
    let names = files.map(|file| file.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<_> = names
        .filter_map(|name| name.strip_suffix(".yaml").map(str::to_owned))
        .filter(|name| name != "services")
        .collect();
    names.sort();
    assert!(names.len() >= 39);
    names
}

fn convert(name: &str, arguments: &[&str]) -> Said {
    let file = corpus().join(format!("{name}.yaml"));
    let services = corpus().join("services.yaml");
    let files = [file.to_str().unwrap(), services.to_str().unwrap()];
    Folder::new().canary([&["convert"], &files[..], arguments].concat())
}

#[test]
fn what_is_left_is_listed_as_it_should_be() {
    for name in names() {
        let said = convert(&name, &["--output", "json"]);
        assert_eq!((said.status, said.stderr.as_str()), (0, ""), "{name}");
        let result: Value = serde_json::from_str(&said.stdout).unwrap();
        let left = result["left"].as_array().unwrap().iter().map(|left| {
            let text = |field: &str| left[field].as_str().unwrap();
            format!("{}: {}: {}\n", text("object"), text("path"), text("reason"))
        });
        let expected = fs::read_to_string(corpus().join(format!("{name}.left.txt")));
        assert_eq!(left.collect::<String>(), expected.unwrap(), "{name}");
    }
}

#[test]
fn what_is_printed_is_what_the_filter_accepts() {
    for name in names() {
        let said = convert(&name, &[]);
        assert_eq!(said.status, 0, "{name}");
        let folder = Folder::with("f.yaml", &said.stdout);
        let checked = folder.canary(["check", "f.yaml"]);
        assert_eq!(checked.status, 0, "{name}: {checked:?}");
        // What was converted is not converted again.
        let again = folder.canary(["convert", "f.yaml"]);
        assert_eq!((again.status, again.stdout.as_str()), (1, ""), "{name}");
        assert!(
            again.stderr.contains("converted already?"),
            "{name}: {again:?}"
        );
    }
}

#[test]
fn the_offered_key_is_valid_where_its_comment_stands() {
    let said = convert("33-other-hash-for-a-subset", &[]);
    let offered = "  # consistentHash: [{httpHeaderName: x-session}]\n";
    assert!(said.stdout.contains(offered), "{}", said.stdout);
    let taken = said.stdout.replace(offered, &offered.replace("# ", ""));
    let checked = Folder::with("f.yaml", taken).canary(["check", "f.yaml"]);
    assert_eq!(checked.status, 0, "{checked:?}");
}

#[test]
fn services_and_a_port_can_be_given_apart() {
    let folder = Folder::with(
        "vs.yaml",
        "kind: VirtualService\nmetadata: {name: a}\nspec:\n  hosts: [a.com]\n  gateways: [x/y]\n  http: [{route: [{destination: {host: a.b}}, {destination: {host: a.b, subset: v}, weight: 1}]}]\n",
    );
    fs::write(
        folder.path("entry.yaml"),
        "kind: ServiceEntry\nspec: {hosts: [a.b], ports: [{number: 7, name: http, protocol: HTTP}]}\n",
    )
    .unwrap();
    let port = |arguments: &[&str]| {
        let said = folder.canary([&["convert", "vs.yaml", "--output", "json"], arguments].concat());
        let result: Value = serde_json::from_str(&said.stdout).unwrap_or_default();
        let destination = &result["configuration"]["http"][0]["route"][0]["destination"];
        (
            said.status,
            destination["port"]["number"].as_u64(),
            said.stderr,
        )
    };
    assert_eq!(
        port(&["--service", "entry.yaml"]),
        (0, Some(7), String::new())
    );
    assert_eq!(port(&["--port", "8"]), (0, Some(8), String::new()));
    let (status, _, stderr) = port(&[]);
    assert_eq!(status, 1);
    assert_eq!(
        stderr,
        "vs.yaml:6:20: spec.http[0].route[0].destination: the port of `a.b` is not known: add port.number, the file of its Service, or --port\n"
    );
    assert_eq!(port(&["--port", "0"]).0, 2);
    assert_eq!(port(&["--service", "missing.yaml"]).0, 1);
}
