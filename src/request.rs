//! What a rule can read from a request. Each field is read from the proxy only once, when the first rule needs it.

use std::cell::OnceCell;

/// One line of a header: its name in lower case, and its value.
pub type Line = (String, Vec<u8>);

/// The header fields of one request as the proxy holds them. Each read is a call to the proxy.
pub trait Fields {
    /// The value of the first line of this name, or `None` if there is none. The name is in lower case and may be that of a
    /// pseudo-header.
    fn first(&self, name: &str) -> Option<Vec<u8>>;

    /// Every line, in order.
    fn all(&self) -> Vec<Line>;

    /// The client's address that the proxy trusts: `192.0.2.1:4711` or `[2001:db8::1]:4711`.
    fn source_address(&self) -> Option<Vec<u8>>;
}

/// After this number of single reads, reading the whole map is cheaper (measured: 220 to 1100 ns each against 2600 ns).
const FEW: usize = 4;

/// A header and the value of its first line, if it has one.
type First<'r> = (&'r str, Option<Vec<u8>>);

/// A request as a list of lines, for tests and tools.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Lines {
    lines: Vec<Line>,
    source_address: Option<Vec<u8>>,
}

/// `:path`, and how much of it the router compares.
#[derive(Debug)]
struct Path {
    text: Vec<u8>,
    /// Where the query or the fragment begins. Every rule needs it, so it is searched for only once.
    uri_end: usize,
}

/// One request, as the rules see it.
#[derive(Debug)]
pub struct Request<'r, F> {
    fields: F,
    path: OnceCell<Option<Path>>,
    firsts: [OnceCell<First<'r>>; FEW],
    all: OnceCell<Vec<Line>>,
    source_address: OnceCell<Option<Vec<u8>>>,
}

impl Lines {
    /// A request with these lines in this order. The names are in lower case, and pseudo-headers are included.
    pub fn new<V: AsRef<[u8]>>(lines: &[(&str, V)]) -> Self {
        let line = |(name, value): &(&str, V)| ((*name).to_owned(), value.as_ref().to_vec());
        Self {
            lines: lines.iter().map(line).collect(),
            source_address: None,
        }
    }

    /// The same request from this client, such as `192.0.2.1:4711`.
    pub fn from_address(self, address: impl AsRef<[u8]>) -> Self {
        let source_address = Some(address.as_ref().to_vec());
        Self {
            source_address,
            ..self
        }
    }
}

impl Fields for &Lines {
    fn first(&self, name: &str) -> Option<Vec<u8>> {
        let mut lines = self.lines.iter();
        let found = lines.find(|(key, _)| key == name);
        found.map(|(_, value)| value.clone())
    }

    fn all(&self) -> Vec<Line> {
        self.lines.clone()
    }

    fn source_address(&self) -> Option<Vec<u8>> {
        self.source_address.clone()
    }
}

impl<'r, F: Fields> Request<'r, F> {
    /// A request of which nothing has been read yet.
    pub fn new(fields: F) -> Self {
        Self {
            fields,
            path: OnceCell::new(),
            firsts: Default::default(),
            all: OnceCell::new(),
            source_address: OnceCell::new(),
        }
    }

    /// The path without query and fragment, as Envoy's router compares it. A `CONNECT` request has none.
    pub(crate) fn uri(&self) -> Option<&[u8]> {
        let path = self.path()?;
        path.text.get(..path.uri_end)
    }

    /// The first value of a query parameter. As in Envoy's `QueryParamsMulti::parseQueryString`, the query follows the first
    /// `?`, is split only at `&`, and is not decoded.
    pub(crate) fn query_param(&self, name: &[u8]) -> Option<&[u8]> {
        let path = &self.path()?.text;
        let question = path.iter().position(|&b| b == b'?')?;
        let query = path.get(question + 1..)?;
        query
            .split(|&b| b == b'&')
            .map(split_at_equals)
            .find(|(key, _)| *key == name)
            .map(|(_, value)| value)
    }

    /// Whether any value of the header satisfies the condition, or `None` if the header is absent.
    pub(crate) fn header(&self, name: &'r str, satisfies: impl Fn(&[u8]) -> bool) -> Option<bool> {
        // One cheap read is enough if the header is absent or its first value satisfies the condition.
        match self.first(name) {
            Some(None) => return None,
            Some(Some(first)) if satisfies(first) => return Some(true),
            Some(Some(_)) if is_pseudo(name) => return Some(false),
            _ => {}
        }
        let mut values = self.values(name).peekable();
        values.peek()?;
        Some(values.any(satisfies))
    }

    /// Visits every value of the header. Only the whole map shows whether there is more than one.
    pub fn each_value(&self, name: &'r str, visit: impl FnMut(&[u8])) {
        match self.first(name) {
            Some(None) => {}
            Some(Some(first)) if is_pseudo(name) => [first].into_iter().for_each(visit),
            _ => self.values(name).for_each(visit),
        }
    }

    /// The value of the header's first line.
    pub(crate) fn first_value(&self, name: &'r str) -> Option<&[u8]> {
        self.first(name).unwrap_or_else(|| self.values(name).next())
    }

    /// Applies `read` to each line of the header, and returns the first value that it finds.
    pub(crate) fn find_value(
        &self,
        name: &'r str,
        read: impl Fn(&[u8]) -> Option<&[u8]>,
    ) -> Option<&[u8]> {
        // Most requests have at most one line, and for those one cheap read is enough if `read` finds its value.
        let first = match self.first(name) {
            Some(first) => read(first?),
            None => None,
        };
        first.or_else(|| self.values(name).find_map(read))
    }

    /// Whether the request is a CORS preflight (Fetch standard, "CORS-preflight request"). A browser sends it without
    /// cookies and drops those of the response.
    pub(crate) fn is_preflight(&self) -> bool {
        let present = |name| self.first_value(name).is_some();
        self.first_value(":method") == Some(b"OPTIONS")
            && present("origin")
            && present("access-control-request-method")
    }

    /// The client's address without the port. An IPv6 address loses its brackets, and an IPv4-mapped one (RFC 4291, 2.5.5.2)
    /// becomes the IPv4 address. A client on a Unix domain socket has no address.
    pub(crate) fn source_ip(&self) -> Option<&[u8]> {
        let address = self
            .source_address
            .get_or_init(|| self.fields.source_address())
            .as_deref()?;
        let port = address.iter().rposition(|b| *b == b':')?;
        let ip = address.get(..port)?;
        let bare = ip.strip_prefix(b"[").and_then(|ip| ip.strip_suffix(b"]"));
        let ip = bare.unwrap_or(ip);
        let mapped = |prefix: &[u8; 7]| {
            let is_mapped = ip
                .get(..7)
                .is_some_and(|start| start.eq_ignore_ascii_case(prefix));
            ip.get(7..)
                .filter(|ipv4| is_mapped && ipv4.contains(&b'.') && !ipv4.contains(&b':'))
        };
        Some(mapped(b"::ffff:").unwrap_or(ip))
    }

    /// Whether the request came over HTTPS, according to the scheme that the proxy trusts.
    pub(crate) fn is_https(&self) -> bool {
        self.first_value(":scheme")
            .is_some_and(|scheme| scheme.eq_ignore_ascii_case(b"https"))
    }

    /// The header's first value, or `Some(None)` if the header is absent. Returns `None` if the whole map has been read, or
    /// should be read now because there were enough single reads.
    fn first(&self, name: &'r str) -> Option<Option<&[u8]>> {
        if self.all.get().is_some() {
            return None;
        }
        let read = |cell: &'_ OnceCell<First<'r>>| -> bool {
            cell.get_or_init(|| (name, self.fields.first(name))).0 == name
        };
        let (_, value) = self.firsts.iter().find(|cell| read(cell))?.get()?;
        Some(value.as_deref())
    }

    fn values(&self, name: &'r str) -> impl Iterator<Item = &[u8]> {
        let lines = self.all.get_or_init(|| self.fields.all());
        lines
            .iter()
            .filter(move |(key, _)| key == name)
            .map(|(_, value)| &**value)
    }

    fn path(&self) -> Option<&Path> {
        let read = || {
            let text = self.fields.first(":path")?;
            let end = text.iter().position(|b| matches!(b, b'?' | b'#'));
            Some(Path {
                uri_end: end.unwrap_or(text.len()),
                text,
            })
        };
        self.path.get_or_init(read).as_ref()
    }
}

/// A pseudo-header has one line at most.
fn is_pseudo(name: &str) -> bool {
    name.starts_with(':')
}

fn split_at_equals(pair: &[u8]) -> (&[u8], &[u8]) {
    let mut halves = pair.splitn(2, |&b| b == b'=');
    (
        halves.next().unwrap_or_default(),
        halves.next().unwrap_or_default(),
    )
}

#[cfg(test)]
pub(crate) mod tests;
