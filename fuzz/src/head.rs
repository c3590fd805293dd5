//! The requests that the properties use.

use canary_filter::Lines;

/// A request with a path and an authority, and nothing else.
pub(crate) fn plain() -> Lines {
    Lines::new(&[(":path", "/"), (":authority", "a")])
}

/// The path is the first line, and each further line is a header; `source` is the client's address.
pub(crate) fn read(bytes: &[u8]) -> Lines {
    let mut texts = bytes.split(|byte| *byte == b'\n');
    let path = texts.next().unwrap_or_default();
    let headers: Vec<_> = texts.map(header).collect();
    let lines: Vec<_> = std::iter::once((":path", path))
        .chain(headers.iter().map(|(name, value)| (&**name, *value)))
        .collect();
    let request = Lines::new(&lines);
    match headers.iter().find(|(name, _)| name == "source") {
        Some((_, address)) => request.from_address(address),
        None => request,
    }
}

fn header(line: &[u8]) -> (String, &[u8]) {
    // The colon of a pseudo-header is part of its name.
    let colon = line
        .iter()
        .skip(1)
        .position(|byte| *byte == b':')
        .map_or(line.len(), |at| at + 1);
    let (name, value) = line.split_at(colon);
    (
        String::from_utf8_lossy(name).to_lowercase(),
        value.get(1..).unwrap_or_default(),
    )
}
