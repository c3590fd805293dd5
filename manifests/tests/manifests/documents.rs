//! YAML files as lists of documents.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

/// The repository's root.
pub(crate) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap()
}

/// A file of the repository.
pub(crate) fn text(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// Documents that are deployed together.
#[derive(Clone, Debug, Default)]
pub(crate) struct Documents(pub(crate) Vec<Value>);

impl Documents {
    /// Through `serde_yaml_ng`'s own value, which refuses a key that is given twice.
    pub(crate) fn parse(text: &str) -> Result<Self, serde_yaml_ng::Error> {
        use serde::Deserialize;
        let documents = serde_yaml_ng::Deserializer::from_str(text).map(|document| {
            let document = serde_yaml_ng::Value::deserialize(document)?;
            serde_yaml_ng::from_value(document)
        });
        documents.collect::<Result<_, _>>().map(Self)
    }

    /// Files below `istio/`, or whole folders of them without what is only for kustomize.
    pub(crate) fn read(paths: &[&str]) -> Self {
        let files = paths
            .iter()
            .flat_map(|path| match root().join("istio").join(path) {
                file if file.is_file() => vec![file],
                folder => manifests(&folder),
            });
        Self(files.flat_map(|file| Self::file(&file).0).collect())
    }

    fn file(path: &Path) -> Self {
        let text =
            fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        Self::parse(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
    }

    /// Together with others.
    pub(crate) fn and(mut self, others: Self) -> Self {
        self.0.extend(others.0);
        self
    }

    /// Without the objects of that kind and name; there has to be one.
    pub(crate) fn without(mut self, kind: &str, name: &str) -> Self {
        let before = self.0.len();
        self.0.retain(|document| !is(document, kind, name));
        assert_eq!(before, self.0.len() + 1, "{kind} {name}");
        self
    }

    /// All objects of a kind.
    pub(crate) fn all(&self, kind: &str) -> Vec<&Value> {
        self.0
            .iter()
            .filter(|document| document["kind"] == kind)
            .collect()
    }

    /// The object of that kind and name, or null.
    pub(crate) fn named(&self, kind: &str, name: &str) -> &Value {
        self.0
            .iter()
            .find(|document| is(document, kind, name))
            .unwrap_or(&Value::Null)
    }
}

fn is(document: &Value, kind: &str, name: &str) -> bool {
    document["kind"] == kind && document["metadata"]["name"] == name
}

/// The files of a folder, deeper ones included, that hold Kubernetes' objects.
pub(crate) fn manifests(folder: &Path) -> Vec<PathBuf> {
    let entries =
        fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut paths: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    let files = paths.into_iter().flat_map(|path| {
        if path.is_dir() {
            manifests(&path)
        } else {
            vec![path]
        }
    });
    let meant = |path: &PathBuf| {
        path.extension()
            .is_some_and(|extension| extension == "yaml")
            && !path.ends_with("kustomization.yaml")
            && !path.parent().unwrap().ends_with("telemetry")
    };
    files.filter(meant).collect()
}
