//! The objects that `kubectl apply -k` would send, with the settings of the repository and with others.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;

use manifests::Documents;
use serde_json::{Value, json};

use crate::alone::unnoticed;
use crate::repository::{faults, gateway, root, without};
use crate::schema;

/// The folders for `kubectl apply -k`, and `base`, on which most of them are built.
const FOLDERS: &[&str] = &[
    "base",
    "color",
    "overlays/canary",
    "overlays/rollback",
    "overlays/promotion",
    "subset-header",
    "mesh",
];

/// A folder such as `istio/`, or a copy of it, through kubectl's own kustomize.
pub(crate) struct Kustomize<'d>(&'d Path);

impl Kustomize<'_> {
    /// Runs the test, or prints why it cannot run.
    pub(crate) fn or_skip(folder: &Path, run: impl FnOnce(&Kustomize<'_>)) {
        let version = Command::new("kubectl")
            .args(["version", "--client", "--output=json"])
            .output()
            .ok();
        let missing = missing(version.as_ref().map(|output| output.stdout.as_slice()));
        or_say(missing, || run(&Kustomize(folder)));
    }

    pub(crate) fn build(&self, folder: &str) -> Documents {
        let output = Command::new("kubectl")
            .arg("kustomize")
            .arg(self.0.join(folder))
            .output()
            .unwrap();
        assert!(
            output.status.success(),
            "{folder}: {}",
            String::from_utf8_lossy(&output.stderr)
        );
        Documents::parse(std::str::from_utf8(&output.stdout).unwrap()).unwrap()
    }

    /// The objects of a cluster after the two commands of the documentation, for each folder other than `color`.
    fn deployed(&self, folder: &str) -> Documents {
        let color = self.build("color");
        match folder {
            "subset-header" => without(color, "VirtualService", "color"),
            "mesh" => without(
                without(color, "VirtualService", "color"),
                "Gateway",
                "color-gateway",
            ),
            _ => color,
        }
        .and(self.build(folder))
    }
}

/// Runs the test, or prints what it misses. It prints around the capture of output, so that the reason is seen.
#[allow(clippy::explicit_write, reason = "eprintln! would be captured")]
pub(crate) fn or_say(missing: Option<String>, run: impl FnOnce()) {
    match missing {
        None => run(),
        Some(reason) => {
            let test = thread::current().name().unwrap_or_default().to_owned();
            writeln!(io::stderr(), "skipped: {test}: {reason}").unwrap();
        }
    }
}

/// Why the kubectl with this version cannot build the folders, if it cannot. Before 1.27, its kustomize either does not
/// know components or removes the settings before `mesh/` has read them. docs/istio.md says the same.
fn missing(version: Option<&[u8]>) -> Option<String> {
    let Some(said) = version else {
        return Some("kubectl is not installed".to_owned());
    };
    let version: Value = serde_json::from_slice(said).unwrap_or_default();
    // Old versions do not report it.
    let kustomize = version["kustomizeVersion"]
        .as_str()
        .unwrap_or("a kustomize before v4.5");
    let major = kustomize
        .trim_start_matches('v')
        .split('.')
        .next()
        .and_then(|major| major.parse().ok());
    let known = major.is_some_and(|major: u32| major >= 5);
    (!known).then(|| {
        let kubectl = version["clientVersion"]["gitVersion"]
            .as_str()
            .unwrap_or("of an unknown version");
        format!("kubectl {kubectl} has {kustomize}, and v5 is needed (kubectl 1.27)")
    })
}

fn istio() -> PathBuf {
    root().join("istio")
}

pub(crate) fn sorted(documents: &Documents) -> Vec<String> {
    let mut texts: Vec<_> = documents.0.iter().map(Value::to_string).collect();
    texts.sort();
    texts
}

fn weights(documents: &Documents) -> [&Value; 2] {
    let route =
        &documents.named("WasmPlugin", "canary")["spec"]["pluginConfig"]["http"][0]["route"];
    [&route[0]["weight"], &route[1]["weight"]]
}

#[test]
fn every_folder_makes_valid_manifests_that_agree() {
    Kustomize::or_skip(&istio(), |kustomize| {
        for folder in FOLDERS {
            schema::check_all(&kustomize.build(folder));
        }
        for folder in FOLDERS.iter().filter(|folder| **folder != "color") {
            let faults = faults(&kustomize.deployed(folder));
            assert!(faults.is_empty(), "{folder}: {faults:#?}");
        }
    });
}

#[test]
fn the_settings_of_the_repository_are_what_the_manifests_say() {
    Kustomize::or_skip(&istio(), |kustomize| {
        assert_eq!(
            sorted(&kustomize.deployed("overlays/canary")),
            sorted(&gateway())
        )
    });
}

#[test]
fn an_overlay_changes_two_weights_and_nothing_else() {
    Kustomize::or_skip(&istio(), |kustomize| {
        for (name, expected) in [
            ("canary", [75, 25]),
            ("rollback", [100, 0]),
            ("promotion", [0, 100]),
        ] {
            let mut overlay = kustomize.build(&format!("overlays/{name}"));
            assert_eq!(weights(&overlay), expected, "{name}");
            let plugin = overlay
                .0
                .iter_mut()
                .find(|document| document["kind"] == "WasmPlugin")
                .unwrap();
            for (index, weight) in [75, 25].into_iter().enumerate() {
                plugin["spec"]["pluginConfig"]["http"][0]["route"][index]["weight"] = weight.into();
            }
            assert_eq!(sorted(&overlay), sorted(&kustomize.build("base")), "{name}");
        }
    });
}

/// Between the two a client could choose any cluster of the gateway. kubectl installs them in this order.
#[test]
fn the_client_s_header_is_removed_before_a_route_trusts_it() {
    Kustomize::or_skip(&istio(), |kustomize| {
        for folder in ["overlays/canary", "mesh"] {
            let documents = kustomize.build(folder);
            let names: Vec<_> = documents
                .all("EnvoyFilter")
                .iter()
                .map(|f| f["metadata"]["name"].clone())
                .collect();
            assert_eq!(names, ["canary-header", "canary-route"], "{folder}");
        }
    });
}

#[test]
fn a_change_in_one_place_is_noticed_in_the_other_variants_too() {
    Kustomize::or_skip(&istio(), |kustomize| {
        let rule = "WasmPlugin/canary Value /spec/pluginConfig/http/0";
        let gone = "WasmPlugin/canary Gone /spec/pluginConfig";
        let free = |service: &str, own: &[&str]| {
            let mut free = vec![
                "DestinationRule/color Value /metadata/name".to_owned(),
                format!("{service} Value /metadata/name"),
                "WasmPlugin/canary Value /metadata/name".to_owned(),
                format!("{rule}/name"),
                format!("{rule}/route/0/weight"),
                format!("{rule}/route/1/weight"),
                "WasmPlugin/canary Value /spec/pluginConfig/responseHeader".to_owned(),
                format!("{gone}/http/0/consistentHash"),
                format!("{gone}/http/0/rollback"),
                format!("{gone}/http/0/route/0/weight"),
                format!("{gone}/http/0/route/1/weight"),
                format!("{gone}/responseHeader"),
            ];
            free.extend(own.iter().map(|own| (*own).to_owned()));
            free.sort();
            free
        };
        let cookie = format!("{rule}/consistentHash/0/httpCookie/name");
        // Without an EnvoyFilter, nothing else names the gateway's namespace.
        let namespace = "WasmPlugin/canary Value /metadata/namespace";
        let nowhere = "WasmPlugin/canary Gone /metadata/namespace";
        let ttl = format!("{gone}/http/0/consistentHash/0/httpCookie/ttl");
        let expected = free("VirtualService/color", &[&cookie, &ttl, namespace, nowhere]);
        assert_eq!(unnoticed(&kustomize.deployed("subset-header")), expected);

        let header = format!("{rule}/consistentHash/0/httpHeaderName");
        let cluster_header = format!("{gone}/clusterHeader");
        let expected = free("VirtualService/color-mesh", &[&header, &cluster_header]);
        assert_eq!(unnoticed(&kustomize.deployed("mesh")), expected);
    });
}

/// Each setting, its value in the repository, and another value.
const SETTINGS: &[(&str, &str, &str)] = &[
    (
        "pluginImage",
        "registry.example.com/canary-filter",
        "registry.test/team/canary-filter",
    ),
    (
        "host",
        "color-service.default.svc.cluster.local",
        "shop.prod.svc.example.org",
    ),
    ("port", "\"8000\"", "\"9090\""),
    ("gatewayNamespace", "istio-system", "ingress"),
    ("gatewayLabel", "ingressgateway", "edge"),
    ("callerNamespace", "default", "callers"),
    ("callerLabel", "color-client", "caller"),
    (
        "colorImage",
        "registry.example.com/color",
        "registry.test/team/color",
    ),
];

#[test]
fn a_setting_reaches_every_place_that_uses_it() {
    let folder = tempfile::tempdir().unwrap();
    copy(&istio(), folder.path());
    let file = folder.path().join("settings/settings.yaml");
    let mut text = fs::read_to_string(&file).unwrap();
    for (name, old, new) in SETTINGS {
        let line = text
            .lines()
            .find(|line| line.trim_start().starts_with(&format!("{name}: ")))
            .unwrap();
        text = text.replace(line, &line.replace(old, new));
    }
    fs::write(file, text).unwrap();
    Kustomize::or_skip(folder.path(), |kustomize| {
        let mut all = String::new();
        for folder in FOLDERS
            .iter()
            .filter(|folder| !["base", "color"].contains(folder))
        {
            let deployed = kustomize.deployed(folder);
            schema::check_all(&deployed);
            let faults = faults(&deployed);
            assert!(faults.is_empty(), "{folder}: {faults:#?}");
            all += &sorted(&deployed).concat();
        }
        for (name, old, new) in SETTINGS {
            let (old, new) = (old.trim_matches('"'), new.trim_matches('"'));
            assert!(all.contains(new), "{name}: {new} is nowhere");
            assert!(
                !all.contains(&format!("\"{old}\"")),
                "{name}: {old} is still there"
            );
        }
        for old in ["color-service", "8000", "registry.example.com"] {
            assert!(!all.contains(old), "{old} is still there");
        }
    });
}

#[test]
fn a_setting_leaves_the_rules_of_other_teams_alone() {
    let folder = tempfile::tempdir().unwrap();
    copy(&istio(), folder.path());
    let plugin = folder.path().join("base/plugin.yaml");
    let other = "
    - name: shop
      route:
      - destination: {host: shop.shop.svc.cluster.local, subset: v1, port: {number: 80}}
";
    fs::write(&plugin, fs::read_to_string(&plugin).unwrap() + other).unwrap();
    let settings = folder.path().join("settings/settings.yaml");
    let text = fs::read_to_string(&settings).unwrap();
    fs::write(
        settings,
        text.replace("color-service.default", "paint.prod")
            .replace("8000", "9090"),
    )
    .unwrap();
    Kustomize::or_skip(folder.path(), |kustomize| {
        let overlay = kustomize.build("overlays/rollback");
        let rules = &overlay.named("WasmPlugin", "canary")["spec"]["pluginConfig"]["http"];
        let destination = |rule: usize| rules[rule]["route"][0]["destination"].clone();
        let made = |host: &str, subset: &str, port: u16| json!({"host": host, "subset": subset, "port": {"number": port}});
        assert_eq!(
            destination(0),
            made("paint.prod.svc.cluster.local", "blue-sub", 9090)
        );
        assert_eq!(
            destination(1),
            made("shop.shop.svc.cluster.local", "v1", 80)
        );
    });
}

fn copy(from: &Path, to: &Path) {
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            fs::create_dir(&target).unwrap();
            copy(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).unwrap();
        }
    }
}

#[test]
fn only_a_kubectl_that_is_too_old_is_skipped() {
    assert_eq!(missing(None).as_deref(), Some("kubectl is not installed"));
    let needed = "and v5 is needed (kubectl 1.27)";
    for (kubectl, kustomize, reason) in [
        (
            "v1.20.2",
            None,
            Some("kubectl v1.20.2 has a kustomize before v4.5, "),
        ),
        (
            "v1.26.0",
            Some("v4.5.7"),
            Some("kubectl v1.26.0 has v4.5.7, "),
        ),
        ("v1.27.0", Some("v5.0.1"), None),
        ("v1.99.0", Some("v10.0.0"), None),
    ] {
        let said = json!({"clientVersion": {"gitVersion": kubectl}, "kustomizeVersion": kustomize});
        let reason = reason.map(|reason| format!("{reason}{needed}"));
        assert_eq!(
            missing(Some(said.to_string().as_bytes())),
            reason,
            "{kubectl}"
        );
    }
}
