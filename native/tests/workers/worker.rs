//! One worker: its streams, several of which are open at any time.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::Receiver;

use fake_envoy::{Choice, Endpoints, Fields, Request, Stream, fields};
use fastrand::Rng;

use crate::configuration::Configuration;

/// How many streams a worker has open. They outlive the configuration that a newer one has replaced.
const OPEN: usize = 8;

const PATHS: [&str; 4] = ["/judged", "/both", "/ramped", "/plain"];

/// What a worker has done.
#[derive(Default)]
pub(crate) struct Done {
    /// How often, by the place of the configuration and the name of what it counts.
    pub(crate) counts: BTreeMap<(usize, &'static str), u64>,
}

/// A stream whose answer is still to come.
struct Open {
    stream: Stream,
    place: usize,
    cluster: Vec<u8>,
    /// What its answer counts as, if its rule is watched.
    responses: Option<&'static str>,
}

/// The configuration that a worker has now, and the place of it among all.
struct Current {
    place: usize,
    configuration: Arc<Configuration>,
}

impl Done {
    fn count(&mut self, place: usize, name: &'static str) {
        *self.counts.entry((place, name)).or_insert(0) += 1;
    }
}

/// Works until it is told to stop. Nothing here orders what the workers do: an empty channel is only looked at.
pub(crate) fn work(
    worker: usize,
    configurations: &Receiver<Arc<Configuration>>,
    stop: &AtomicBool,
) -> Done {
    let mut done = Done::default();
    let mut random = Rng::with_seed(worker as u64);
    let endpoints = [[1, 1], [1, 1], [1, 0], [0, 0]].map(endpoints);
    let mut open = VecDeque::new();
    let mut current = Current {
        place: 0,
        configuration: configurations.recv().unwrap(),
    };
    while !stop.load(Ordering::Relaxed) {
        if let Ok(configuration) = configurations.try_recv() {
            let place = current.place + 1;
            current = Current {
                place,
                configuration,
            };
        }
        let endpoints = &endpoints[random.usize(..endpoints.len())];
        open.extend(begin(&current, endpoints, &mut random, &mut done));
        if open.len() > OPEN {
            let oldest = open.pop_front().unwrap();
            end(oldest, &mut random, &mut done);
        }
    }
    for open in open {
        end(open, &mut random, &mut done);
    }
    done
}

fn endpoints([blue, green]: [usize; 2]) -> Endpoints {
    // A cluster may have its endpoints in a lower priority.
    let of = |name: &[u8], endpoints| (name.to_vec(), vec![0, endpoints]);
    [of(b"blue", blue), of(b"green", green)].into()
}

/// A request comes, and is decided in one of the forms.
fn begin(
    current: &Current,
    endpoints: &Endpoints,
    random: &mut Rng,
    done: &mut Done,
) -> Option<Open> {
    let (place, configuration) = (current.place, &current.configuration);
    let path = PATHS[random.usize(..PATHS.len())];
    let user = random.u16(..).to_string();
    let request = Request::new(&[
        (":path", path),
        ("x-user", &user),
        ("x-canary-cluster", "own"),
    ]);
    let choice = Choice {
        request: &request,
        random_value: random.u64(1..),
        endpoints,
    };
    let watched = matches!(path, "/judged" | "/both");
    let (mut stream, chosen, requests, responses) = match random.u8(..3) {
        0 => {
            let cluster = configuration.alone.choose(&choice).unwrap();
            assert!(matches!(&*cluster, b"blue" | b"green"));
            done.count(place, "alone requests");
            return None;
        }
        1 => {
            let cluster = configuration.chooser.choose(&choice).unwrap();
            let stream = configuration.beside.stream(request, Some(&cluster));
            (stream, Some(cluster), "beside requests", "beside responses")
        }
        _ => {
            let stream = configuration.filter.stream(request, None);
            (stream, None, "filter requests", "filter responses")
        }
    };
    stream.request();
    done.count(place, requests);
    let cluster = chosen.unwrap_or_else(|| written(&stream.sent()));
    Some(Open {
        stream,
        place,
        cluster,
        responses: watched.then_some(responses),
    })
}

/// The only value of the header by which the filter alone sends a request on.
fn written(sent: &Fields) -> Vec<u8> {
    let mut values = sent.iter().filter(|(name, _)| name == b"x-canary-cluster");
    let (_, value) = values.next().unwrap();
    assert!(matches!(&**value, b"blue" | b"green") && values.next().is_none());
    value.clone()
}

/// The answer of a stream: the canary is bad, in one of the ways that the filter sees.
fn end(open: Open, random: &mut Rng, done: &mut Done) {
    let Open { mut stream, .. } = open;
    let way = random.u8(..4);
    let is_bad = open.cluster == b"green";
    let status = if is_bad && way == 0 { "503" } else { "200" };
    stream.answer(fields(&[(":status", status)]), way == 0);
    if way == 1 {
        let status = if is_bad { "14" } else { "0" };
        stream.trailers(fields(&[("grpc-status", status)]));
    }
    let details = if is_bad && way == 2 {
        "upstream_reset_after_response_started{connection_termination}"
    } else {
        "via_upstream"
    };
    stream.complete(Some(details.as_bytes()));
    if let Some(responses) = open.responses {
        done.count(open.place, responses);
    }
}
