use std::thread;

use canary_filter::{Lines, Reason, Request};

use super::*;

const WORKERS: usize = 8;
const ANSWERS: usize = 400;

fn serving(plugin: &Plugin, rule: &str) -> Arc<Serving> {
    let text = format!(
        r#"{{"http": [{{"name": "r", {rule} "route": [
            {{"cluster": "stable", "weight": 50}}, {{"cluster": "canary", "weight": 50}}]}}]}}"#
    );
    let policy = Policy::from_json(text.as_bytes()).unwrap();
    Arc::new(Serving::new(policy, text.as_bytes(), Form::Filter, plugin))
}

const ROLLBACK: &str = r#""rollback": {"stable": "stable"},"#;

/// Counts an answer of this destination of the first rule.
fn answer(serving: &Serving, destination: u32, bad: bool) {
    let decision = Decision {
        rule: 0,
        destination,
        reason: Reason::Weighted,
        key: None,
        cookie: None,
        user: None,
        share: 5_000,
    };
    let status: &[u8] = if bad { b"503" } else { b"200" };
    let mut awaited = serving.policy().awaits(&decision, host::instant);
    let credit = awaited.headers(true, |_| Some(status.to_vec()), host::instant);
    serving.take(&decision, credit.unwrap());
}

/// Has a judgement made by the next request.
fn make_due(serving: &Serving) {
    serving.judged_ms.store(0, Ordering::Relaxed);
}

#[test]
fn workers_that_count_and_judge_at_once_roll_a_bad_canary_back_exactly_once() {
    let plugin = Plugin::named("workers");
    let serving = serving(&plugin, ROLLBACK);
    let rollbacks: usize = thread::scope(|scope| {
        let workers: Vec<_> = (0..WORKERS)
            .map(|_| {
                scope.spawn(|| {
                    let mut rollbacks = 0;
                    for number in 0..ANSWERS {
                        answer(&serving, 0, false);
                        answer(&serving, 1, number % 2 == 0);
                        make_due(&serving);
                        if let Some(outcome) = serving.pass(&plugin) {
                            rollbacks += outcome.rollbacks.len();
                        }
                        // What is in force is whole at every moment.
                        let in_force = serving.in_force().unwrap();
                        let weights = in_force.of(0).map(|split| split.weights().to_vec());
                        assert!(weights.is_none_or(|weights| weights == [50, 0]));
                    }
                    rollbacks
                })
            })
            .collect();
        workers
            .into_iter()
            .map(|worker| worker.join().unwrap())
            .sum()
    });
    assert_eq!(rollbacks, 1);
    assert_eq!(plugin.transitions(), 1);
    let in_force = serving.in_force().unwrap();
    assert_eq!(in_force.of(0).unwrap().weights(), [50, 0]);
}

#[test]
fn no_answer_is_lost_between_workers_and_judgements() {
    let plugin = Plugin::named("answers");
    let serving = serving(&plugin, ROLLBACK);
    // All judgements are at one time, so that all answers fall into one window however long the test takes.
    let now = host::now();
    thread::scope(|scope| {
        for _ in 0..WORKERS {
            scope.spawn(|| {
                for _ in 0..ANSWERS {
                    answer(&serving, 0, false);
                    if let Ok(mut judge) = serving.judge.try_lock() {
                        serving.judge(&mut judge, &plugin, now);
                    }
                }
            });
        }
    });
    // Twenty bad answers of a canary against all these good ones: the line that reports it has both numbers.
    for _ in 0..20 {
        answer(&serving, 1, true);
    }
    let outcome = serving.judge(&mut serving.judge.lock().unwrap(), &plugin, now);
    let (_, line) = &outcome.lines[0];
    let expected = format!(
        "20 of 20 answers were errors (100.0 %), stable stable 0 of {}",
        WORKERS * ANSWERS
    );
    assert!(line.contains(&expected), "{line}");
}

#[test]
fn a_rollback_holds_in_the_next_configuration_from_the_first_request_on() {
    let plugin = Plugin::named("next");
    let before = serving(&plugin, ROLLBACK);
    for _ in 0..30 {
        answer(&before, 0, false);
        answer(&before, 1, true);
    }
    assert_eq!(before.pass(&plugin).unwrap().rollbacks, [(0, 1)]);
    let next = serving(
        &plugin,
        &format!(r#""salt": "s", "consistentHash": [{{"useSourceIp": true}}], {ROLLBACK}"#),
    );
    assert_eq!(next.in_force().unwrap().of(0).unwrap().weights(), [50, 0]);
    let lines = Lines::new(&[(":path", "/")]).from_address("192.0.2.1:1");
    let in_force = next.in_force().unwrap();
    let mut random = fastrand::Rng::with_seed(1);
    let decision = next
        .policy()
        .decide(&Request::new(&lines), &in_force, &mut random);
    assert_eq!(decision.unwrap().destination, 0);
    // Another configuration that serves beside it follows without a judgement of its own.
    let beside = serving(
        &plugin,
        r#""rollback": {"stable": "stable", "retry": "mended"},"#,
    );
    assert!(beside.in_force().unwrap().of(0).is_none());
}

#[test]
fn only_one_request_judges_when_a_judgement_is_due() {
    let plugin = Plugin::named("due");
    let serving = serving(&plugin, ROLLBACK);
    assert!(serving.pass(&plugin).is_some());
    assert!(
        serving.pass(&plugin).is_none(),
        "the next one is due in 250 ms"
    );
    make_due(&serving);
    let held = serving.judge.lock().unwrap();
    assert!(serving.pass(&plugin).is_none(), "another worker is at it");
    drop(held);
    assert!(serving.pass(&plugin).is_some());
}

#[test]
fn without_rollback_and_ramp_nothing_is_judged() {
    let plugin = Plugin::named("still");
    let serving = serving(&plugin, "");
    assert!(serving.pass(&plugin).is_none());
    assert!(serving.in_force().is_none());
}
