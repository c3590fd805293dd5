//! Many workers and rules that share records by compare-and-swap.

use super::*;
use crate::rollback::Change;

const WORKERS: usize = 64;
const RULES: usize = 1_000;

/// The host's shared data: one value, and a number that changes with every write.
#[derive(Clone, Default)]
struct Shared {
    bytes: Vec<u8>,
    cas: u32,
}

impl Shared {
    fn write(&mut self, bytes: Vec<u8>, cas: u32) -> bool {
        let fresh = cas == self.cas;
        if fresh {
            *self = Self {
                bytes,
                cas: cas + 1,
            };
        }
        fresh
    }
}

/// One worker's tick; `seen` is what it has read, which others may have replaced since.
fn tick(
    shared: &mut Shared,
    seen: &Shared,
    settings: &Settings,
    answers: &mut Answers,
    now_ms: u64,
) -> Option<Vec<Transition>> {
    let mut record = Record::read(&seen.bytes, settings);
    record.add(settings, answers, now_ms);
    let transitions = record.step(settings, &[75, 25], now_ms, 0);
    shared.write(record.write(settings), seen.cas).then(|| {
        answers.clear();
        transitions
    })
}

#[test]
fn every_answer_of_64_workers_and_1000_rules_is_counted_once_and_every_rollback_reported_once() {
    let mut rng = Rng::with_seed(8);
    for rule in 0..RULES {
        let settings = settings(|given| {
            given.fingerprint = rule as u64;
            given.interval_ms = 10_000;
        });
        let mut shared = Shared::default();
        let mut waiting: Vec<(Answers, Shared)> = Vec::new();
        let mut reported = Vec::new();
        for worker in 0..WORKERS {
            let mut answers = Answers::new(2);
            answers.add_many(0, 10, 0);
            answers.add_many(1, 3, u32::from(rule % 2 == 0));
            // The clocks of the workers differ by a tick.
            let now_ms = 90_000 + rng.u64(0..250) + worker as u64;
            let seen = shared.clone();
            if rng.u32(0..4) == 0 {
                waiting.push((answers, seen));
                continue;
            }
            reported.extend(tick(&mut shared, &seen, &settings, &mut answers, now_ms).unwrap());
        }
        for (mut answers, stale) in waiting {
            if stale.cas != shared.cas {
                assert!(tick(&mut shared, &stale, &settings, &mut answers, 90_400).is_none());
            }
            let seen = shared.clone();
            reported.extend(tick(&mut shared, &seen, &settings, &mut answers, 90_400).unwrap());
        }
        assert_eq!(reported.len(), usize::from(rule % 2 == 0));
        assert!(
            reported
                .iter()
                .all(|it| matches!(it.change, Change::RolledBack(_)))
        );
        let record = Record::read(&shared.bytes, &settings);
        let errors = if rule % 2 == 0 { WORKERS as u64 } else { 0 };
        assert_eq!(counted(&record, &settings, 0), (10 * WORKERS as u64, 0));
        assert_eq!(counted(&record, &settings, 1), (3 * WORKERS as u64, errors));
    }
}

/// The requests and errors of a destination in all slots of one second.
fn counted(record: &Record, settings: &Settings, destination: usize) -> (u64, u64) {
    let ring = settings.rings[1];
    let slots = &record.windows().columns[destination].slots;
    let slots = &slots[ring.first..ring.first + ring.slots];
    let requests = slots.iter().map(|slot| u64::from(slot.requests)).sum();
    (
        requests,
        slots.iter().map(|slot| u64::from(slot.errors)).sum(),
    )
}
