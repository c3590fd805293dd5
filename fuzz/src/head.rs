//! A request as the properties see it.

use canary_filter::{Fields, Line};

/// A request's head.
#[derive(Debug)]
pub(crate) struct Head {
    path: Vec<u8>,
    lines: Vec<Line>,
}

impl Head {
    /// A request with nothing in it that a rule would look for.
    pub(crate) fn plain() -> Self {
        Self {
            path: b"/".to_vec(),
            lines: vec![(":authority".to_owned(), b"a".to_vec())],
        }
    }

    /// The path is the first line, and each further line is a header.
    pub(crate) fn read(bytes: &[u8]) -> Self {
        let mut lines = bytes.split(|byte| *byte == b'\n');
        let path = lines.next().unwrap_or_default().to_vec();
        let line = |line: &[u8]| {
            // The colon of a pseudo-header is part of its name.
            let colon = line
                .iter()
                .skip(1)
                .position(|byte| *byte == b':')
                .map_or(line.len(), |at| at + 1);
            let (name, value) = line.split_at(colon);
            (
                String::from_utf8_lossy(name).to_lowercase(),
                value.get(1..).unwrap_or_default().to_vec(),
            )
        };
        Self {
            path,
            lines: lines.map(line).collect(),
        }
    }
}

impl Fields for &Head {
    fn first(&self, name: &str) -> Option<Vec<u8>> {
        if name == ":path" {
            return Some(self.path.clone());
        }
        self.lines
            .iter()
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.clone())
    }

    fn all(&self) -> Vec<Line> {
        self.lines.clone()
    }

    fn source_address(&self) -> Option<Vec<u8>> {
        self.first("source")
    }
}
