//! What an update of many rules costs the requests that come meanwhile: their latency at a fixed rate, with updates and
//! without. Envoy has one worker and the files of the demo, and the updates come by extension config discovery.

use std::fs;
use std::io;
use std::net::SocketAddr;
use std::ops::Range;
use std::path::PathBuf;
use std::time::Duration;

use harness::{BLUE, Envoy, Filter, GREEN, Kind, Setup};
use serde_json::{Value, json};

use crate::Trouble;
use crate::open_loop::{self, Answer, Schedule, sleep_until};
use crate::parts::is_wanted;
use crate::policies::{MANY, rules};
use crate::rounds::shuffle;
use crate::server::settle;
use crate::upstream;

mod table;

/// Requests a second: few enough that client, upstream, worker and main thread together leave most of two cores idle.
const RATE: u32 = 500;

/// The number of updates of one subject until it is another one's turn.
const TURN: usize = 2;

/// What is updated. Without a filter, Envoy reads a file of the same size all the same, which shows what the machine and
/// Envoy itself take of this.
const SUBJECTS: [(&str, Option<Kind>); 4] = [
    ("no filter", None),
    ("filter", Some(Kind::Wasm)),
    ("native filter", Some(Kind::Native)),
    ("native specifier and filter", Some(Kind::Both)),
];

const UPDATES: &str = "extension_config_discovery.http_filter.canary.update_success";

/// One Envoy, and what was measured of it.
struct Subject {
    name: &'static str,
    kind: Option<Kind>,
    envoy: Envoy,
    /// The number of the configuration in force.
    generation: u32,
    without: Latencies,
    with: Latencies,
    /// ms from the change of the file to the first answer by the new configuration, or a whole period if none came in it.
    in_force: Vec<f64>,
}

/// Latencies in ms.
#[derive(Clone, Debug, Default)]
struct Latencies {
    all: Vec<f64>,
    /// The longest of each period.
    worst: Vec<f64>,
}

/// Makes `updates` updates of each subject under load, one in each period. Returns the table.
pub(crate) fn measure(updates: usize, period: Duration) -> Result<String, Trouble> {
    let upstreams = [upstream::start("blue")?, upstream::start("green")?];
    let mut subjects: Vec<Subject> = SUBJECTS
        .into_iter()
        .filter(|(name, kind)| kind.is_none() || is_wanted(name))
        .map(|(name, kind)| Subject::start(name, kind, upstreams))
        .collect();
    for subject in &mut subjects {
        subject.warm_up(period)?;
    }
    let mut order: Vec<usize> = (0..subjects.len()).collect();
    let mut random = 0x2545_F491_4F6C_DD1D;
    let mut done = 0;
    while done < updates {
        let turn = TURN.min(updates - done);
        shuffle(&mut order, &mut random);
        for &at in &order {
            subjects[at].take_turn(turn, period)?;
        }
        done += turn;
        eprint!("\rupdates: {done} of {updates}");
    }
    eprintln!();
    table::render(&mut subjects, updates, period)
}

impl Subject {
    fn start(name: &'static str, kind: Option<Kind>, [blue, green]: [SocketAddr; 2]) -> Self {
        let generation = 1;
        let filter = match kind {
            Some(kind) => Filter::new(policy(generation)).of(kind),
            // Envoy rejects it and uses the default, which does nothing.
            None => Filter {
                module: PathBuf::from("no-such-module.wasm"),
                ..Filter::new("{}").of(Kind::Wasm)
            },
        };
        let setup = Setup {
            concurrency: 1,
            clusters: [("blue", 0), ("green", 1), (BLUE, 0), (GREEN, 1)]
                .map(|(name, version)| (name.to_owned(), version))
                .to_vec(),
            ..Setup::with(filter)
        };
        Self {
            name,
            kind,
            envoy: Envoy::start(&setup, blue, green),
            generation,
            without: Latencies::default(),
            with: Latencies::default(),
            in_force: Vec::new(),
        }
    }

    /// Makes one update that is not measured, so that the worker has used both clusters: its first use of a cluster creates
    /// metrics, for which it waits while the main thread creates those of the filter.
    fn warm_up(&mut self, period: Duration) -> Result<(), Trouble> {
        self.take_turn(1, period)?;
        (self.without, self.with) = Default::default();
        self.in_force.clear();
        Ok(())
    }

    /// Measures as long without updates as with this number of them.
    fn take_turn(&mut self, updates: usize, period: Duration) -> Result<(), Trouble> {
        let meter = self.envoy.meter();
        settle(&meter)?;
        let periods = u32::try_from(updates)?;
        let schedule = Schedule::new(RATE, period * periods);
        let answers = open_loop::run(self.envoy.address(), schedule, |_| Ok(()))?;
        self.without.add(&answers, period);

        let files = self.prepare(periods)?;
        let before = self.envoy.stat(UPDATES);
        settle(&meter)?;
        let answers = open_loop::run(self.envoy.address(), schedule, |start| {
            for (at, file) in (0..).zip(&files) {
                sleep_until(start, period * at);
                fs::rename(file, self.envoy.file("canary.yaml"))?;
            }
            Ok(())
        })?;
        // A busy main thread does not answer.
        settle(&meter)?;
        if self.envoy.stat(UPDATES) != before + u64::from(periods) {
            return Err(format!("{}: Envoy has not taken every update", self.name).into());
        }
        self.with.add(&answers, period);
        for at in 0..periods {
            self.generation += 1;
            if self.kind.is_some() {
                let changed = period * at..period * (at + 1);
                let taken = in_force(&answers, changed, is_blue(self.generation));
                let whole = period.as_secs_f64() * 1e3;
                if taken.is_none() {
                    eprintln!(
                        "\n{}: an update came too late: take a longer BENCH_PERIOD",
                        self.name
                    );
                }
                self.in_force.push(taken.unwrap_or(whole));
            }
        }
        Ok(())
    }

    /// Writes the files of the next generations, so that an update is only a rename.
    fn prepare(&self, number: u32) -> io::Result<Vec<PathBuf>> {
        let generations = self.generation + 1..=self.generation + number;
        let write = |generation| {
            let file = self.envoy.file(&format!("{generation}.json"));
            let policy = policy(generation);
            let resource = match self.kind {
                Some(kind) => Filter::new(policy).of(kind).resource(),
                None => without_filter(&policy),
            };
            fs::write(&file, resource.to_string())?;
            Ok(file)
        };
        generations.map(write).collect()
    }
}

impl Latencies {
    fn add(&mut self, answers: &[Answer], period: Duration) {
        let ms = |answer: &Answer| answer.latency().as_secs_f64() * 1e3;
        self.all.extend(answers.iter().map(ms));
        let number = |answer: &Answer| answer.due.as_nanos() / period.as_nanos();
        for period in answers.chunk_by(|one, next| number(one) == number(next)) {
            self.worst.push(period.iter().map(ms).fold(0.0, f64::max));
        }
    }
}

/// The ms from the change until the first answer by the new configuration, which sends everything to the other version. It
/// has to come before the next change, which is the end of the range.
fn in_force(answers: &[Answer], changed: Range<Duration>, blue: bool) -> Option<f64> {
    let new = answers
        .iter()
        .filter(|answer| answer.blue == blue)
        .map(|answer| answer.received)
        .filter(|received| changed.contains(received));
    Some((new.min()? - changed.start).as_secs_f64() * 1e3)
}

/// All rules send everything to the version that is this generation's. No two generations have the same text, because Envoy
/// remembers what it thought of a text.
fn policy(generation: u32) -> String {
    let weights = if is_blue(generation) {
        [generation, 0]
    } else {
        [0, generation]
    };
    let mut rules = rules(MANY);
    for rule in rules.as_array_mut().into_iter().flatten() {
        for (destination, weight) in rule["route"]
            .as_array_mut()
            .into_iter()
            .flatten()
            .zip(weights)
        {
            destination["weight"] = json!(weight);
        }
    }
    json!({ "http": rules }).to_string()
}

fn is_blue(generation: u32) -> bool {
    generation.is_multiple_of(2)
}

/// Envoy's own filter with the same text, in headers of a trailer that no request has. One header takes 16 KiB.
fn without_filter(text: &str) -> Value {
    let mutations: Vec<Value> = text
        .as_bytes()
        .chunks(16_000)
        .map(|part| {
            let header = json!({"key": "x-text", "value": String::from_utf8_lossy(part)});
            json!({"append": {"header": header}})
        })
        .collect();
    json!({"resources": [{
        "@type": "type.googleapis.com/envoy.config.core.v3.TypedExtensionConfig",
        "name": "canary",
        "typed_config": {
            "@type": "type.googleapis.com/envoy.extensions.filters.http.header_mutation.v3.HeaderMutation",
            "mutations": {"request_trailers_mutations": mutations},
        },
    }]})
}

#[cfg(test)]
mod tests;
