//! RE2 in Envoy accepts every pattern that the filter accepts, and matches the same values.

use canary_filter::Policy;
use fastrand::Rng;

use crate::arena::{Arena, Site, refused};
use crate::pattern::{Pattern, edited, pattern};
use crate::request::Request;
use crate::rules::{Condition, Match, On, Rule, Text, policy};
use crate::{seed, setting};

/// The number of patterns that share an Envoy.
const AT_ONCE: usize = 800;
const VALUES: usize = 12;

#[test]
fn patterns_mean_what_they_mean_to_re2() {
    let pairs = setting("CANARY_ORACLE_PAIRS", 10_000) as usize;
    let mut rng = Rng::with_seed(seed());
    let (mut patterns, mut taken, mut hits) = (0, 0, 0);
    while taken * VALUES < pairs {
        let batch: Vec<_> = (0..AT_ONCE.min(pairs / VALUES * 2))
            .map(|_| pattern(&mut rng))
            .collect();
        patterns += batch.len();
        let batch: Vec<_> = batch.into_iter().filter(is_taken).collect();
        taken += batch.len();
        hits += compare(&batch, &mut rng);
    }
    let refused = patterns - taken;
    println!(
        "patterns: {taken} compared on {} values, {hits} of which match; {refused} refused",
        taken * VALUES
    );
    assert!(
        refused * 10 < patterns * 4,
        "{refused} of {patterns} patterns are refused"
    );
    assert!(
        hits * 10 > taken * VALUES,
        "only {hits} matches: the values are too wild to tell anything"
    );
}

#[test]
fn the_other_case_of_a_byte_is_what_it_is_to_re2() {
    let bytes: Vec<_> = (0x20..=0xff_u8).filter(|byte| *byte != 0x7f).collect();
    let (mut patterns, mut rng) = (Vec::new(), Rng::with_seed(seed()));
    for byte in bytes
        .iter()
        .filter(|byte| !byte.is_ascii_punctuation() && **byte != b' ')
    {
        let other = byte ^ 0x20;
        for text in [
            format!(r"(?i)\x{byte:02x}"),
            format!(r"(?i)[\x{byte:02x}]"),
            format!(r"(?i)[^\x{byte:02x}]"),
            format!(r"(?i)\x{byte:02x}|\x{other:02x}"),
            format!(r"(?i)[\x{byte:02x}-\xfe\x{other:02x}]"),
        ] {
            let samples = vec![vec![*byte], vec![other], bytes.clone()];
            patterns.push(Pattern { text, samples });
        }
    }
    patterns.retain(is_taken);
    for batch in patterns.chunks(AT_ONCE) {
        compare(batch, &mut rng);
    }
}

fn is_taken(pattern: &Pattern) -> bool {
    Policy::from_json(
        policy(&rules(std::slice::from_ref(pattern)))
            .to_string()
            .as_bytes(),
    )
    .is_ok()
}

/// Rule n matches when the header `x-pattern` is n and the header `x-value` matches the pattern n.
fn rules(patterns: &[Pattern]) -> Vec<Rule> {
    let rule = |(number, pattern): (usize, &Pattern)| {
        let condition = |name, text| Condition {
            on: On::Header(name),
            text,
        };
        let conditions = vec![
            condition("x-pattern", Text::Exact(number.to_string())),
            condition("x-value", Text::Regex(pattern.text.clone())),
        ];
        Rule {
            matches: vec![Match {
                conditions,
                ignore_uri_case: false,
            }],
        }
    };
    patterns.iter().enumerate().map(rule).collect()
}

/// The number of values that match.
fn compare(patterns: &[Pattern], rng: &mut Rng) -> usize {
    let sites = |patterns: &[Pattern]| vec![Site::new(&rules(patterns))];
    let arena =
        Arena::start(&sites(patterns)).unwrap_or_else(|_| match refused(patterns, &sites) {
            Some((pattern, log)) => {
                panic!(
                    "seed {}: the filter takes {:?}, Envoy does not:\n{log}",
                    seed(),
                    pattern.text
                )
            }
            None => panic!(
                "seed {}: Envoy accepts the parts, but not the whole",
                seed()
            ),
        });
    let mut client = arena.client(0);
    let mut ask = |number: usize, value: &[u8]| {
        let hex: String = value.iter().map(|byte| format!("{byte:02x}")).collect();
        let request = Request::get("/")
            .with("x-pattern", number.to_string())
            .with("x-hex", hex);
        client
            .ask(&request)
            .expect("nothing in this request is out of the ordinary")
    };
    let (mut hits, mut differences) = (0, Vec::new());
    for (number, pattern) in patterns.iter().enumerate() {
        for turn in 0..VALUES {
            let mut value = pattern.samples[turn % pattern.samples.len()].clone();
            for _ in 0..rng.usize(..3).min(turn) {
                value = edited(&value, rng);
            }
            let verdict = ask(number, &value);
            hits += usize::from(verdict.envoy.is_some());
            if !verdict.agree() {
                differences.push((pattern.text.as_str(), value, verdict));
            }
        }
    }
    let smallest = differences
        .iter()
        .min_by_key(|(text, value, _)| text.len() + value.len());
    if let Some((text, value, verdict)) = smallest {
        let value = value.escape_ascii();
        panic!(
            "seed {}: {} differences, the smallest: {text:?} on {value}: {verdict:?}",
            seed(),
            differences.len()
        );
    }
    arena.no_vm_restarted();
    hits
}
