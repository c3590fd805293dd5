use super::*;
use std::cell::Cell;

/// A request that counts how often it is read.
#[derive(Debug, Default)]
pub(crate) struct Counted {
    lines: Lines,
    pub(crate) reads: Cell<usize>,
    pub(crate) maps: Cell<usize>,
}

impl Counted {
    pub(crate) fn new<V: AsRef<[u8]>>(lines: &[(&str, V)]) -> Self {
        Self {
            lines: Lines::new(lines),
            ..Self::default()
        }
    }
}

impl Fields for &Counted {
    fn first(&self, name: &str) -> Option<Vec<u8>> {
        self.reads.set(self.reads.get() + 1);
        (&self.lines).first(name)
    }

    fn all(&self) -> Vec<Line> {
        self.maps.set(self.maps.get() + 1);
        (&self.lines).all()
    }

    fn source_address(&self) -> Option<Vec<u8>> {
        (&self.lines).source_address()
    }
}

fn param(path: &str, name: &str) -> Option<String> {
    let lines = Lines::new(&[(":path", path)]);
    let request = Request::new(&lines);
    request
        .query_param(name.as_bytes())
        .map(|value| String::from_utf8_lossy(value).into_owned())
}

#[test]
fn query_parameters_are_read_as_envoy_reads_them() {
    for (path, name, value) in [
        ("/a?q=1", "q", Some("1")),
        ("/a?q", "q", Some("")),
        ("/a?q=", "q", Some("")),
        ("/a?q=1&q=2", "q", Some("1")),
        ("/a?x=1&q=2", "q", Some("2")),
        ("/a?q=a=b", "q", Some("a=b")),
        ("/a?q=a;r=b", "r", None),
        ("/a?q=1?r=2", "q", Some("1?r=2")),
        ("/a?Q=1", "q", None),
        ("/a?%71=1", "q", None),
        ("/a?q=%31", "q", Some("%31")),
        ("/a?&&q=1", "q", Some("1")),
        ("/a", "q", None),
        ("/a?", "q", None),
    ] {
        assert_eq!(param(path, name).as_deref(), value, "{path} {name}");
    }
}

#[test]
fn the_uri_ends_at_query_or_fragment() {
    for (path, uri) in [
        ("/a?b", "/a"),
        ("/a#b?c", "/a"),
        ("/a", "/a"),
        ("/?", "/"),
        ("*", "*"),
    ] {
        let lines = Lines::new(&[(":path", path)]);
        assert_eq!(Request::new(&lines).uri(), Some(uri.as_bytes()));
    }
    assert_eq!(Request::new(&Lines::default()).uri(), None);
}

#[test]
fn fields_are_read_only_when_needed_and_only_once() {
    let lines = Counted::new(&[(":path", "/a?b=c"), ("x-a", "1"), ("x-a", "2")]);
    let request = Request::new(&lines);
    assert_eq!(lines.reads.get(), 0);
    assert_eq!(
        (request.uri(), request.query_param(b"b")),
        (Some(&b"/a"[..]), Some(&b"c"[..]))
    );
    assert_eq!(lines.reads.get(), 1);
    assert_eq!(request.header("x-a", |value| value == b"1"), Some(true));
    assert_eq!(request.header("x-none", |_| true), None);
    assert_eq!((lines.reads.get(), lines.maps.get()), (3, 0));
    assert_eq!(
        request.header("x-a", |value| value == b"2"),
        Some(true),
        "the second line counts"
    );
    assert_eq!(request.header("x-a", |value| value == b"3"), Some(false));
    assert_eq!(request.header("x-none", |_| true), None);
    assert_eq!((lines.reads.get(), lines.maps.get()), (3, 1));
}

#[test]
fn a_single_read_and_the_map_give_the_same_first_value() {
    let lines = Counted::new(&[("x-a", "1"), ("x-a", "2")]);
    let request = Request::new(&lines);
    assert_eq!(request.first_value("x-a"), Some(&b"1"[..]));
    assert_eq!(request.header("x-a", |value| value == b"2"), Some(true));
    assert_eq!(
        (lines.maps.get(), request.first_value("x-a")),
        (1, Some(&b"1"[..]))
    );
}

#[test]
fn every_line_is_visited_however_it_is_read() {
    let lines = Counted::new(&[(":path", "/"), ("x-a", "1"), ("x-b", "2"), ("x-a", "3")]);
    let request = Request::new(&lines);
    let values = |name| {
        let mut values = Vec::new();
        request.each_value(name, |value| values.push(value.to_vec()));
        values.concat()
    };
    assert_eq!(
        (values("x-none"), values(":path")),
        (b"".to_vec(), b"/".to_vec())
    );
    assert_eq!(lines.maps.get(), 0, "at most one line needs no map");
    assert_eq!(
        (values("x-a"), values("x-b"), lines.maps.get()),
        (b"13".to_vec(), b"2".to_vec(), 1)
    );
    assert_eq!(values("x-none"), b"");
}

#[test]
fn the_source_address_loses_its_port() {
    for (address, ip) in [
        ("192.0.2.1:80", Some("192.0.2.1")),
        ("[2001:db8::1]:80", Some("2001:db8::1")),
        ("[::ffff:192.0.2.1]:80", Some("192.0.2.1")),
        ("[::FFFF:192.0.2.1]:80", Some("192.0.2.1")),
        ("[::ffff:c000:201]:80", Some("::ffff:c000:201")),
        ("[::ffff:0:192.0.2.1]:80", Some("::ffff:0:192.0.2.1")),
        ("[64:ff9b::192.0.2.1]:80", Some("64:ff9b::192.0.2.1")),
        ("[::ffff:]:80", Some("::ffff:")),
        ("/socket", None),
        ("", None),
    ] {
        let lines = Lines::default().from_address(address);
        assert_eq!(Request::new(&lines).source_ip(), ip.map(str::as_bytes));
    }
}

#[test]
fn many_headers_are_read_with_one_call() {
    let lines = Counted::new(&[("h5", "1")]);
    let request = Request::new(&lines);
    for name in ["h0", "h1", "h2", "h3", "h4"] {
        assert_eq!(request.header(name, |_| true), None);
    }
    assert_eq!(request.header("h5", |_| true), Some(true));
    assert_eq!((lines.reads.get(), lines.maps.get()), (FEW, 1));
}
