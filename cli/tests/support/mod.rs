//! Runs the real binary on files in a temporary folder.

#![allow(dead_code, reason = "each test file uses a part of it")]
#![allow(clippy::unwrap_used, reason = "a test's support")]

pub(crate) mod admin;
#[cfg(unix)]
pub(crate) mod gitops;
#[cfg(unix)]
pub(crate) mod kubectl;

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use tempfile::TempDir;

/// The exit status and the output of a run.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Said {
    pub(crate) status: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Said {
    /// A success that prints this line.
    pub(crate) fn ok(line: &str) -> Self {
        Self {
            status: 0,
            stdout: format!("{line}\n"),
            stderr: String::new(),
        }
    }

    /// A failure with this line as its reason.
    pub(crate) fn refused(line: &str) -> Self {
        Self {
            status: 1,
            stdout: String::new(),
            stderr: format!("{line}\n"),
        }
    }
}

impl From<Output> for Said {
    fn from(output: Output) -> Self {
        Self {
            status: output.status.code().unwrap(),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }
}

pub(crate) struct Folder(TempDir);

impl Folder {
    pub(crate) fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    pub(crate) fn with(name: &str, content: impl AsRef<[u8]>) -> Self {
        let folder = Self::new();
        fs::write(folder.path(name), content).unwrap();
        folder
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    pub(crate) fn root(&self) -> &Path {
        self.0.path()
    }

    pub(crate) fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap()
    }

    /// The names of the files in the folder, hidden files included.
    pub(crate) fn names(&self) -> Vec<String> {
        let entries = fs::read_dir(self.0.path()).unwrap();
        let mut names: Vec<_> = entries
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    /// Runs `canary` in the folder.
    pub(crate) fn canary<A: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = A>) -> Said {
        self.command().args(arguments).output().unwrap().into()
    }

    pub(crate) fn command(&self) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_canary"));
        command.current_dir(self.0.path());
        command
    }
}

/// An ECDS file like `envoy/canary.yaml`, with `{BLUE}` and `{GREEN}` for the two weights.
pub(crate) const ECDS: &str = r#"# The weights: `make weights`. Übergabe an Jürgen.
resources:
- "@type": type.googleapis.com/envoy.config.core.v3.TypedExtensionConfig
  name: canary   # the filter's name
  typed_config:
    "@type": type.googleapis.com/envoy.extensions.filters.http.wasm.v3.Wasm
    config:
      name: canary
      configuration:
        "@type": type.googleapis.com/google.protobuf.StringValue
        # JSON
        value: |
          {
            "filterState": true,
            "http": [{
              "name": "color",
              "match": [{"uri": {"prefix": "/shop/"}}, {"headers": {"x-size": {"exact": "ä€😀"}}}],
              "route": [
                {"destination": {"host": "color.default.svc.cluster.local", "subset": "blue-sub", "port": {"number": 8000}}, "weight": {BLUE}},
                {"destination": {"host": "color.default.svc.cluster.local", "subset": "green-sub", "port": {"number": 8000}}, "weight": {GREEN}}
              ]
            }]
          }
      vm_config: {runtime: envoy.wasm.runtime.v8}   # after it
"#;

pub(crate) fn ecds(blue: &str, green: &str) -> String {
    ECDS.replace("{BLUE}", blue).replace("{GREEN}", green)
}

/// A WasmPlugin between two other documents.
pub(crate) const PLUGIN: &str = "\
apiVersion: v1
kind: ConfigMap
data: {http: none}
---
# the plugin
apiVersion: extensions.istio.io/v1alpha1
kind: WasmPlugin
metadata: {name: canary, namespace: istio-system}
spec:
  url: oci://registry/canary
  pluginConfig:
    http:
    - name: color
      match:
      - uri: {prefix: /größe/}
      route:
      - destination: {host: color.default.svc.cluster.local, subset: blue-sub, port: {number: 8000}}
        weight: {BLUE} # blue
      - destination:
          host: color.default.svc.cluster.local
          subset: green-sub
          port:
            number: 8000
        weight:   {GREEN}
    - route: [{cluster: rest}]
---
apiVersion: networking.istio.io/v1
kind: VirtualService
spec: {http: [{route: [{destination: {host: a}, weight: 75}]}]}
";

pub(crate) fn plugin(blue: &str, green: &str) -> String {
    PLUGIN.replace("{BLUE}", blue).replace("{GREEN}", green)
}
