//! What the bytes of one run mean.

use canary_filter::{Line, Lines};
use fake_envoy::{Endpoints, Fields, Request};
use fastrand::Rng;

use crate::{head, rules};

/// One run: a configuration, a request and its answer.
pub(crate) struct Input {
    /// Part of the plugin's name, so that there are not more plugins than the module can keep.
    pub(crate) name: u8,
    pub(crate) configuration: Vec<u8>,
    pub(crate) request: Request,
    /// Whether an earlier filter answers, so that the filter never sees the request.
    pub(crate) is_answered_before: bool,
    pub(crate) answer: Option<Answer>,
    /// How the stream ended.
    pub(crate) details: Option<Vec<u8>>,
    /// What the stream's picks of the route get.
    pub(crate) random_value: u64,
    /// The cluster at each place is known with an endpoint, known without one, or unknown.
    endpoints: [Option<usize>; 4],
}

/// An answer.
pub(crate) struct Answer {
    pub(crate) headers: Fields,
    pub(crate) rest: Rest,
}

/// What follows the headers of an answer.
pub(crate) enum Rest {
    Nothing,
    Body,
    Trailers(Fields),
}

impl Input {
    /// Four bytes (the plugin's name, what the rest is, outputs, endpoints), and parts that are separated by an empty line:
    /// the configuration or a seed for random rules, the request, the answer's headers, its trailers, and the details. An
    /// answer with no trailers but details has a body.
    pub(crate) fn read(bytes: &[u8]) -> Self {
        let ([name, kind, outputs, endpoints], rest) = match bytes {
            [name, kind, outputs, endpoints, rest @ ..] => {
                ([*name, *kind, *outputs, *endpoints], rest)
            }
            short => ([0; 4], short),
        };
        let is = |bit: u8| kind & 1 << bit != 0;
        let mut parts = parts(rest);
        let configuration = parts.next().unwrap_or_default();
        let configuration = if is(0) {
            random(configuration, outputs).into_bytes()
        } else {
            configuration.to_vec()
        };
        let request = request(parts.next().unwrap_or_default(), is(1));
        let headers = parts.next().map(|part| fields(part, b":status"));
        let rest = match parts.next() {
            None => Rest::Nothing,
            Some([]) => Rest::Body,
            Some(part) => Rest::Trailers(fields(part, b"grpc-status")),
        };
        let details = parts.next().map(<[u8]>::to_vec);
        let seed = u64::from_be_bytes([0, 0, 0, 0, name, kind, outputs, endpoints]);
        Self {
            name,
            configuration,
            request,
            is_answered_before: is(2),
            answer: headers.map(|headers| Answer { headers, rest }),
            details,
            random_value: Rng::with_seed(seed).u64(..),
            endpoints: [0, 2, 4, 6].map(|bit| match endpoints >> bit & 3 {
                0 | 1 => Some(1),
                2 => Some(0),
                _ => None,
            }),
        }
    }

    /// The request as the core has it.
    pub(crate) fn lines(&self) -> Lines {
        lines(&self.request)
    }

    /// The endpoints of these clusters.
    pub(crate) fn endpoints<'c>(&self, clusters: impl Iterator<Item = &'c str>) -> Endpoints {
        let of = |(place, name): (usize, &str)| {
            // The first priority has none.
            let count = self.endpoints[place % self.endpoints.len()]?;
            Some((name.as_bytes().to_vec(), vec![0, count]))
        };
        clusters.enumerate().filter_map(of).collect()
    }
}

/// A request as the core has it.
pub(crate) fn lines(request: &Request) -> Lines {
    let headers = named(&request.headers);
    let headers: Vec<_> = headers
        .iter()
        .map(|(name, value)| (&**name, value))
        .collect();
    let lines = Lines::new(&headers);
    match &request.source_address {
        Some(address) => lines.from_address(address),
        None => lines,
    }
}

/// Header fields as the core has them.
pub(crate) fn named(fields: &Fields) -> Vec<Line> {
    let line = |(name, value): &(Vec<u8>, Vec<u8>)| {
        (String::from_utf8_lossy(name).into_owned(), value.clone())
    };
    fields.iter().map(line).collect()
}

fn parts(mut rest: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut is_over = false;
    std::iter::from_fn(move || {
        if is_over {
            return None;
        }
        let end = rest.windows(2).position(|bytes| bytes == b"\n\n");
        let part = rest.get(..end.unwrap_or(rest.len()))?;
        rest = rest
            .get(end.unwrap_or(rest.len()) + 2..)
            .unwrap_or_default();
        is_over = end.is_none();
        Some(part)
    })
}

/// The first line is the value of this field, unless it is empty; each further line is a field.
fn fields(part: &[u8], first: &[u8]) -> Fields {
    let (value, rest) = head::split(part);
    let first = (!value.is_empty()).then(|| (first.to_vec(), value.to_vec()));
    // Envoy's names are in lower case, and so are those of its header maps.
    let rest = rest.map(|(name, value)| (name.to_ascii_lowercase(), value.to_vec()));
    first.into_iter().chain(rest).collect()
}

fn request(part: &[u8], empty_is_null: bool) -> Request {
    let headers = fields(part, b":path");
    let source = headers.iter().find(|(name, _)| name == b"source");
    Request {
        source_address: source.map(|(_, address)| address.clone()),
        headers,
        empty_is_null,
    }
}

/// Random rules, written to what the bits of `outputs` say.
fn random(seed: &[u8], outputs: u8) -> String {
    let seed = seed.iter().take(2);
    let seed = seed.fold(0, |seed, byte| seed << 8 | u64::from(*byte));
    let members = [
        r#""clusterHeader": "x-c","#,
        r#""subsetHeader": "x-s","#,
        r#""responseHeader": "x-r","#,
        r#""filterState": true,"#,
    ];
    let chosen = |members: &[&'static str], from: usize| -> String {
        let bits = members.iter().enumerate();
        bits.filter(|(bit, _)| outputs & 1 << (from + bit) != 0)
            .map(|(_, member)| *member)
            .collect()
    };
    let of_rules = [
        r#""rollback": {"stable": "blue", "slowerThan": "1h"},"#,
        r#""ramp": {"start": "2020-01-01T00:00:00Z", "steps": [{"after": "1h", "weights": [1, 3]}]},"#,
    ];
    let of_rule = chosen(&of_rules, members.len());
    let rules: Vec<_> = rules::random(seed)
        .iter()
        .map(|rule| rule.replacen('{', &format!("{{{of_rule}"), 1))
        .collect();
    format!(
        r#"{{{}"http": [{}]}}"#,
        chosen(&members, 0),
        rules.join(",")
    )
}
