//! What the wall concludes from the answers, with times of the test's own.

use harness::{Chromium, Color, Tab};
use serde_json::{Value, json};

use crate::support::chromium;

/// Answers at 20 a second. Each word is a version's first letter, its share in percent, and `!` for an error; `+` and a
/// number pass that many seconds.
const RUN: &str = "(script => {
  const tested = new Model(0);
  let now = 0;
  for (const word of script.trim().split(/\\s+/)) {
    if (word.startsWith('+')) {
      now += 1000 * Number(word.slice(1));
      continue;
    }
    const [, letter, share, bad, times] = word.match(/^([a-z])([\\d.]+)(!?)(?:x(\\d+))?$/);
    for (let n = 0; n < Number(times ?? 1); n++) {
      now += 50;
      tested.answer({ sent: now - 5, done: now, label: letter, color: null, share: Math.round(100 * share), good: !bad });
    }
  }
  return { events: tested.events.map(({ kind, text }) => `${kind}: ${text}`).reverse(),
    shares: tested.sorted().map(version => tested.shares.of(version) / 100),
    waits: tested.versions.filter(({ out }) => out).map(({ out }) => Math.round((out.due - out.since) / 1000)) };
})";

struct Page {
    tab: Tab,
    _color: Color,
    _chromium: Chromium,
}

fn page(test: &str) -> Option<Page> {
    let chromium = chromium(test)?;
    let color = Color::start("blue");
    let mut tab = chromium.drive();
    tab.open(&format!("http://{}/color/wall", color.address()));
    Some(Page {
        tab,
        _color: color,
        _chromium: chromium,
    })
}

impl Page {
    fn run(&mut self, script: &str) -> Value {
        self.tab.value(&format!("{RUN}({})", json!(script)))
    }

    fn events(&mut self, script: &str) -> Vec<String> {
        serde_json::from_value(self.run(script)["events"].clone()).unwrap()
    }
}

#[test]
fn answers_that_agree_are_no_event() {
    let Some(mut page) = page("answers_that_agree_are_no_event") else {
        return;
    };
    for script in [
        "b75x40 g25x20 b75x40",
        "b100x40",
        "a33x9 b33x9 c33x9 a33 b33 c33",
    ] {
        assert_eq!(page.events(script), [""; 0], "{script}");
    }
}

#[test]
fn a_change_counts_once_no_worker_speaks_for_the_old_weights() {
    let Some(mut page) = page("a_change_counts_once_no_worker_speaks_for_the_old_weights") else {
        return;
    };
    let mixed = "b75x20 g25x20 b50 b75 g50 g25 b50 b75 b75x20";
    assert_eq!(
        page.events(mixed),
        [""; 0],
        "one worker is ahead for a moment"
    );
    let changed = "b75x20 g25x20 b50 b75 g50 g25 b50x20 g50x20";
    assert_eq!(
        page.events(changed),
        ["weights: The weights changed to b 50 % · g 50 %."]
    );
    // At one request in 3 s, a single answer is enough.
    let slow = page.run("b75 +3 g25 +3 b75 +3 b10");
    assert_eq!(slow["shares"], json!([10, 90]));
}

#[test]
fn a_ramp_is_one_event() {
    let Some(mut page) = page("a_ramp_is_one_event") else {
        return;
    };
    let steps: String = (1..50)
        .map(|step| format!("b{}x10 g{}x10 ", 100 - step, step))
        .collect();
    let events = page.events(&steps);
    assert_eq!(events, ["weights: The weights moved to b 51 % · g 49 %."]);
    let slow: String = (1..40)
        .map(|step| format!("b75.{step:02}x10 g24.{:02}x10 ", 100 - step))
        .collect();
    assert_eq!(page.events(&slow), [""; 0], "it moves less than is shown");
}

#[test]
fn errors_tell_a_rollback_from_a_weight_of_zero() {
    let Some(mut page) = page("errors_tell_a_rollback_from_a_weight_of_zero") else {
        return;
    };
    assert_eq!(
        page.events("b75x60 g25x20 b100x20"),
        ["weights: The weights changed to b 100 % · g 0 %."]
    );
    assert_eq!(
        page.events("b75x60 g25x20 g25!x4 b75x6 b100x20"),
        ["out: G was taken out: 4 of its last 4 answers were errors."]
    );
    // Where both fail alike, it is not for its errors.
    assert_eq!(
        page.events("b75!x60 g25!x20 b100!x20"),
        ["weights: The weights changed to b 100 % · g 0 %."]
    );
}

#[test]
fn the_waits_are_learnt_and_double() {
    let Some(mut page) = page("the_waits_are_learnt_and_double") else {
        return;
    };
    let good = "b75x60 g25x20 ";
    let broken = "g25!x4 b75x6 b100x20 ";
    let returns = |seconds: f64| format!("+{} b75x9 g25!x4 b75x4 b100x20 ", seconds - 1.0);
    let first = page.run(&format!("{good}{broken}"));
    assert_eq!(first["waits"], json!([null]), "nothing is known yet");
    let second = page.run(&format!("{good}{broken}{}", returns(5.0)));
    assert_eq!(second["waits"], json!([10]), "{second}");
    let third = page.run(&format!("{good}{broken}{}{}", returns(5.0), returns(10.0)));
    assert_eq!(third["waits"], json!([20]), "{third}");
    // After a minute of good answers, the first wait is the next one.
    let well = "+4 b75x9 g25x9 +70 b75x60 g25x20 ";
    let again = page.run(&format!("{good}{broken}{well}{broken}"));
    assert_eq!(again["waits"], json!([5]), "{again}");
}

#[test]
fn of_three_versions_the_others_get_the_share_of_the_one_that_is_out() {
    let Some(mut page) = page("of_three_versions_the_others_get_the_share_of_the_one_that_is_out")
    else {
        return;
    };
    let seen = page.run("a60x30 b20x10 c20x10 c20!x4 a60x4 a75x12 b25 a75x12");
    assert_eq!(seen["shares"], json!([75, 25, 0]), "{seen}");
    let events: Vec<String> = serde_json::from_value(seen["events"].clone()).unwrap();
    let expected = "out: C was taken out: 4 of its last 4 answers were errors.";
    assert_eq!(events, [expected]);
}
