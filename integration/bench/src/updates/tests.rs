use super::*;

const PERIOD: Duration = Duration::from_secs(3);

fn answer(due_ms: u64, latency_ms: u64, blue: bool) -> Answer {
    Answer {
        due: Duration::from_millis(due_ms),
        received: Duration::from_millis(due_ms + latency_ms),
        blue,
    }
}

#[test]
fn the_longest_of_a_period_is_that_of_the_requests_due_in_it() {
    let mut latencies = Latencies::default();
    let answers = [
        answer(0, 5, true),
        answer(2_998, 300, true),
        answer(3_000, 1, true),
        answer(5_998, 2, true),
        answer(6_000, 7, true),
    ];
    latencies.add(&answers, PERIOD);
    latencies.add(&answers[..1], PERIOD);
    assert_eq!(latencies.all, [5.0, 300.0, 1.0, 2.0, 7.0, 5.0]);
    assert_eq!(latencies.worst, [300.0, 2.0, 7.0, 5.0]);
}

#[test]
fn an_update_is_in_force_with_the_first_answer_of_the_other_version() {
    let answers = [
        answer(5_000, 1, true),
        answer(5_998, 90, true),
        answer(6_100, 400, false),
        answer(6_102, 396, false),
        answer(6_104, 10, true),
    ];
    let [before, changed] = [PERIOD..PERIOD * 2, PERIOD * 2..PERIOD * 3];
    assert_eq!(in_force(&answers, changed.clone(), false), Some(498.0));
    assert_eq!(in_force(&answers, before, false), None);
    assert_eq!(in_force(&answers[..2], changed, false), None);
}

#[test]
fn generations_take_turns_and_never_have_the_same_text() {
    let [one, two, three] = [1, 2, 3].map(policy);
    assert!(
        one.contains(r#""route":[{"cluster":"blue","weight":0},{"cluster":"green","weight":1}]"#)
    );
    assert!(
        two.contains(r#""route":[{"cluster":"blue","weight":2},{"cluster":"green","weight":0}]"#)
    );
    assert_ne!(one, three);
    assert_eq!((is_blue(1), is_blue(2), is_blue(3)), (false, true, false));
}

#[test]
fn without_a_filter_envoy_reads_the_whole_text() {
    let text = policy(1);
    let resource = without_filter(&text);
    let mutations = &resource["resources"][0]["typed_config"]["mutations"];
    let parts = mutations["request_trailers_mutations"].as_array().unwrap();
    let whole: String = parts
        .iter()
        .filter_map(|part| part["append"]["header"]["value"].as_str())
        .collect();
    assert_eq!(whole, text);
}
