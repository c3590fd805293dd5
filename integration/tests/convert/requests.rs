//! Requests made from the conditions of VirtualServices: some that satisfy an entry, and near misses of it.

use std::fmt;

use fastrand::Rng;
use serde_json::Value;

use crate::istiod::{fields, list, text};

/// A request without a body.
#[derive(Clone)]
pub(crate) struct Request {
    pub(crate) method: String,
    path: String,
    host: String,
    headers: Vec<(String, String)>,
}

/// What requests are made from: the hosts and entries of some VirtualServices.
#[derive(Debug)]
pub(crate) struct Source {
    hosts: Vec<String>,
    routes: Vec<Route>,
}

/// A route of a VirtualService with these hosts.
#[derive(Debug)]
struct Route {
    hosts: Vec<String>,
    entries: Vec<Value>,
    is_split: bool,
}

/// Texts that a regex of the VirtualServices matches, and some that it just does not.
const PATTERNS: &[(&str, &[&str], &[&str])] = &[
    (
        r"^(.*?;)?\s*(beta=yes)(;.*)?$",
        &["beta=yes", "a=b; beta=yes", "a=b;beta=yes;c=d"],
        &["beta=no", "beta=yess", "xbeta=yes", "a=b, beta=yes"],
    ),
    (
        ".*(Android|iPhone).*",
        &["Mozilla/5.0 (iPhone)", "Android"],
        &["android", "iPad", "iPhon"],
    ),
    (
        "(?i).*mobile.*",
        &["Mobile", "x MOBILE y"],
        &["mobil", "m obile"],
    ),
    (
        "/(de|fr)/shop(/.*)?",
        &["/de/shop", "/fr/shop/", "/de/shop/a/b"],
        &[
            "/en/shop",
            "/de/shops",
            "/de/shop?/",
            "/x/de/shop",
            "/DE/shop",
        ],
    ),
    (
        r"2(\.[0-9]+)?",
        &["2", "2.5", "2.10"],
        &["2.", "3", "22", "2.x", ""],
    ),
    (
        "(de|at)[.]example[.]com(:[0-9]+)?",
        &["de.example.com", "at.example.com:80"],
        &[
            "ch.example.com",
            "De.example.com",
            "de.example.org",
            "de-example.com",
        ],
    ),
    (
        ".+@partner[.]example",
        &["a@partner.example", "b.c@partner.example"],
        &[
            "@partner.example",
            "a@partner.examples",
            "a@partnerxexample",
        ],
    ),
];

impl Source {
    pub(crate) fn of(services: &[Value]) -> Self {
        let mut source = Self {
            hosts: Vec::new(),
            routes: Vec::new(),
        };
        // One without hosts is the delegate of another one.
        for service in services.iter().filter(|it| it["spec"]["hosts"].is_array()) {
            let spec = &service["spec"];
            let hosts: Vec<_> = list(&spec["hosts"])
                .iter()
                .map(|it| text(it).to_owned())
                .collect();
            for http in list(&spec["http"]) {
                let entries = match list(&http["match"]) {
                    [] => vec![Value::Null],
                    entries => entries.to_vec(),
                };
                source.routes.push(Route {
                    hosts: hosts.clone(),
                    entries,
                    is_split: list(&http["route"]).len() > 1 || http["delegate"].is_object(),
                });
            }
            source.hosts.extend(hosts);
        }
        source
    }

    /// A random request of any route, often with changes after which it may take another one.
    pub(crate) fn any_request(&self, rng: &mut Rng) -> Request {
        let mut request = made_for(rng.choice(&self.routes).unwrap(), rng);
        // Conditions of others, so that several routes may match.
        if rng.u8(..4) == 0 {
            let other = rng.choice(&self.routes).unwrap();
            request.satisfy(rng.choice(&other.entries).unwrap(), rng);
        }
        for _ in 0..[0, 0, 1, 1, 2][rng.usize(..5)] {
            self.miss(&mut request, rng);
        }
        request
    }

    /// A random request of a route that splits.
    pub(crate) fn split_request(&self, rng: &mut Rng) -> Request {
        let splits: Vec<_> = self.routes.iter().filter(|it| it.is_split).collect();
        made_for(rng.choice(splits).unwrap(), rng)
    }

    /// Changes a request a little, so that it may no longer match.
    fn miss(&self, request: &mut Request, rng: &mut Rng) {
        match rng.u8(..14) {
            0 => request
                .path
                .push_str(["/x", "x", "?q=1", "/../x", "%2F", "/"][rng.usize(..6)]),
            1 => request.path = flip(&request.path, rng),
            2 if request.path.len() > 1 => {
                request.path.pop();
            }
            3 => {
                request.path =
                    ["/", "//", "/other", "/%2e/shop", "/SHOP"][rng.usize(..5)].to_owned()
            }
            4 => request.host = flip(&request.host, rng),
            5 => request
                .host
                .push_str([":80", ":8080", ":1"][rng.usize(..3)]),
            6 => request.host = host(rng.choice(&self.hosts).unwrap(), rng),
            7 => {
                request.host = [
                    "x.test",
                    "example.com",
                    "www.example.com",
                    "xshop.example.com",
                ][rng.usize(..4)]
                .to_owned();
            }
            8 => {
                request.method =
                    ["POST", "HEAD", "OPTIONS", "GET", "PUT"][rng.usize(..5)].to_owned()
            }
            9 if !request.headers.is_empty() => {
                let index = rng.usize(..request.headers.len());
                request.headers.remove(index);
            }
            10 | 11 if !request.headers.is_empty() => {
                let index = rng.usize(..request.headers.len());
                let (name, value) = request.headers[index].clone();
                let other = match rng.u8(..5) {
                    0 => String::new(),
                    1 => format!("{value}x"),
                    2 => format!("x{value}"),
                    _ => flip(&value, rng),
                };
                // A second line of the same name, or another value.
                if rng.bool() {
                    request.headers.insert(index, (name, other));
                } else {
                    request.headers[index].1 = other;
                }
            }
            12 => request.headers.push((
                "x-canary-cluster".to_owned(),
                "outbound|80|blue|web.shop.svc.cluster.local".to_owned(),
            )),
            _ => request.headers.push((
                ["x-debug", "origin", "x-internal", "x-opt-out", "end-user"][rng.usize(..5)]
                    .to_owned(),
                ["1", "https://app.example.org", "tester", ""][rng.usize(..4)].to_owned(),
            )),
        }
    }
}

fn made_for(route: &Route, rng: &mut Rng) -> Request {
    let host = host(rng.choice(&route.hosts).map_or("*", String::as_str), rng);
    let mut request = Request::to(&host);
    request.satisfy(rng.choice(&route.entries).unwrap(), rng);
    request
}

impl Request {
    pub(crate) fn to(host: &str) -> Self {
        Self {
            method: "GET".to_owned(),
            path: "/".to_owned(),
            host: host.to_owned(),
            headers: Vec::new(),
        }
    }

    pub(crate) fn bytes(&self) -> Vec<u8> {
        let mut text = format!(
            "{} {} HTTP/1.1\r\nhost: {}\r\n",
            self.method, self.path, self.host
        );
        for (name, value) in &self.headers {
            text += &format!("{name}: {value}\r\n");
        }
        // See `arena::head`.
        if self.method == "HEAD" {
            text += "connection: close\r\n";
        }
        (text + "\r\n").into_bytes()
    }

    pub(crate) fn has(&self, header: &str) -> bool {
        self.headers.iter().any(|(name, _)| name == header)
    }

    fn satisfy(&mut self, entry: &Value, rng: &mut Rng) {
        if entry["uri"].is_object() {
            self.path = sample(&entry["uri"], rng);
            if entry["ignoreUriCase"] == true {
                self.path = flip(&self.path, rng);
            }
        }
        if entry["method"].is_object() {
            self.method = sample(&entry["method"], rng);
        }
        if entry["authority"].is_object() {
            self.host = sample(&entry["authority"], rng);
        }
        for (name, value) in fields(&entry["headers"]) {
            self.headers.push((name.clone(), sample(value, rng)));
        }
        for (name, value) in fields(&entry["withoutHeaders"]) {
            match rng.u8(..3) {
                0 => self.headers.push((name.clone(), sample(value, rng))),
                1 => self.headers.push((name.clone(), "other".to_owned())),
                _ => {}
            }
        }
        for (name, value) in fields(&entry["queryParams"]) {
            let sign = if self.path.contains('?') { '&' } else { '?' };
            let value = sample(value, rng);
            self.path += &format!("{sign}{name}={value}");
            if rng.u8(..4) == 0 {
                self.path += &format!("&{name}=other");
            }
        }
    }
}

impl fmt::Debug for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(
            String::from_utf8_lossy(&self.bytes())
                .replace("\r\n", "; ")
                .trim(),
        )
    }
}

/// A text that satisfies a condition, or, if it is a regex, sometimes just does not.
fn sample(condition: &Value, rng: &mut Rng) -> String {
    if let Some(exact) = condition["exact"].as_str() {
        return exact.to_owned();
    }
    if let Some(prefix) = condition["prefix"].as_str() {
        return prefix.to_owned() + ["", "", "x", "/a", "?b=1"][rng.usize(..5)];
    }
    let Some(regex) = condition["regex"].as_str() else {
        return ["", "1", "any"][rng.usize(..3)].to_owned();
    };
    let known = PATTERNS.iter().find(|(pattern, ..)| *pattern == regex);
    let (_, good, bad) = known.unwrap_or_else(|| panic!("add samples of {regex} to PATTERNS"));
    let texts = if rng.u8(..4) == 0 { bad } else { good };
    (*rng.choice(*texts).unwrap()).to_owned()
}

/// A host name that a host of a VirtualService includes.
fn host(pattern: &str, rng: &mut Rng) -> String {
    match pattern.strip_prefix('*') {
        Some("") => ["shop.example.com", "any.test"][rng.usize(..2)].to_owned(),
        Some(rest) => ["a", "beta", "a.b"][rng.usize(..3)].to_owned() + rest,
        None if !pattern.contains('.') => format!("{pattern}.shop.svc.cluster.local"),
        None => pattern.to_owned(),
    }
}

/// Changes the case of one letter.
fn flip(text: &str, rng: &mut Rng) -> String {
    let at = rng.usize(..text.len().max(1));
    text.chars()
        .enumerate()
        .map(|(index, c)| match c {
            _ if index != at => c,
            c if c.is_ascii_lowercase() => c.to_ascii_uppercase(),
            c => c.to_ascii_lowercase(),
        })
        .collect()
}
