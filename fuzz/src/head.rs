//! The requests that the properties use.

use canary_filter::Lines;

/// A request with a path and an authority, and nothing else.
pub(crate) fn plain() -> Lines {
    Lines::new(&[(":path", "/"), (":authority", "a")])
}

/// The path is the first line, and each further line is a header; `source` is the client's address.
pub(crate) fn read(bytes: &[u8]) -> Lines {
    let (path, headers) = split(bytes);
    let headers: Vec<_> = headers
        .map(|(name, value)| (String::from_utf8_lossy(name).to_lowercase(), value))
        .collect();
    let lines: Vec<_> = std::iter::once((":path", path))
        .chain(headers.iter().map(|(name, value)| (&**name, *value)))
        .collect();
    let request = Lines::new(&lines);
    match headers.iter().find(|(name, _)| name == "source") {
        Some((_, address)) => request.from_address(address),
        None => request,
    }
}

/// The first line, and the names and values in the others.
pub(crate) fn split(bytes: &[u8]) -> (&[u8], impl Iterator<Item = (&[u8], &[u8])>) {
    let mut lines = bytes.split(|byte| *byte == b'\n');
    let first = lines.next().unwrap_or_default();
    (first, lines.map(header))
}

fn header(line: &[u8]) -> (&[u8], &[u8]) {
    // The colon of a pseudo-header is part of its name.
    let colon = line
        .iter()
        .skip(1)
        .position(|byte| *byte == b':')
        .map_or(line.len(), |at| at + 1);
    let (name, value) = line.split_at(colon);
    (name, value.get(1..).unwrap_or_default())
}
