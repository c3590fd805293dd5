//! The wall's controls, by keyboard alone, and its memory.

use std::thread;
use std::time::Duration;

use serde_json::json;

use super::Wall;

#[test]
fn everything_works_by_keyboard_alone() {
    let Some(mut wall) = Wall::start("everything_works_by_keyboard_alone") else {
        return;
    };
    wall.tab.until(
        "document.querySelectorAll('.faults:not([hidden])').length === 2 && model.versions.length === 2",
    );
    let focused = "(() => { const at = document.activeElement; \
        if (getComputedStyle(at).outlineStyle === 'none') return 'nothing shows the focus'; \
        return at.id || at.dataset.set || at.textContent; })()";
    let mut reached = Vec::new();
    let visit = |wall: &mut Wall, reached: &mut Vec<String>| {
        wall.tab.press("Tab");
        reached.push(wall.tab.text(focused));
    };
    for _ in 0..3 {
        visit(&mut wall, &mut reached);
    }
    wall.tab.press("ArrowRight");
    assert_eq!(wall.tab.text("byId('rate').value"), "21");
    for _ in 0..4 {
        visit(&mut wall, &mut reached);
    }
    // Space presses the button that has the focus.
    wall.tab.press(" ");
    wall.card_is("green-sub", "errorPercent", "100 %");
    wall.tab
        .until("model.events.some(({kind}) => kind === 'fault')");
    for _ in 0..3 {
        visit(&mut wall, &mut reached);
    }
    let expected = [
        "pause",
        "one",
        "rate",
        "Break blue",
        "errorPercent",
        "latencyMs",
        "Break green",
        "errorPercent",
        "latencyMs",
        "events",
    ];
    assert_eq!(reached, expected);
    wall.asks_only_the_gateway();
}

#[test]
fn a_paused_wall_asks_for_nothing_and_says_so() {
    let Some(mut wall) = Wall::start("a_paused_wall_asks_for_nothing_and_says_so") else {
        return;
    };
    wall.answers(10);
    wall.tab.press("Tab");
    wall.tab.press(" ");
    wall.tab
        .until("inFlight === 0 && byId('say').textContent.startsWith('Paused')");
    let before = wall.tab.value("model.answers.count");
    thread::sleep(Duration::from_millis(700));
    assert_eq!(wall.tab.value("model.answers.count"), before);
    wall.tab.press(" ");
    wall.answers(10);
    wall.is_clean();
}

/// Answers are taken in without a server, because 10,000 real ones would take minutes.
#[test]
fn memory_stays_flat_over_ten_thousand_tiles() {
    let Some(mut wall) = Wall::start("memory_stays_flat_over_ten_thousand_tiles") else {
        return;
    };
    wall.answers(10);
    wall.tab.value("byId('pause').click()");
    wall.tab.until("inFlight === 0");
    let mut took = |count: u32| {
        wall.tab.value(&format!(
            "for (let n = 0; n < {count}; n++) {{ \
               const green = n % 4 === 0, share = n % 1000 < 500 ? [7500, 2500] : [6000, 4000]; \
               const headers = new Headers({{'x-color': green ? 'green' : 'blue', 'x-canary': \
                 `route=color;subset=${{green ? 'green' : 'blue'}}-sub;reason=sticky;share=${{share[+green]}}`}}); \
               const sent = performance.now() + n * 20; \
               take(sent, sent + 5, n % 50 ? 200 : 503, headers); \
               if (n % 5 === 0) {{ headline.draw(model, sent, mode); cards.draw(model, sent); timeline.draw(model, sent); }} \
             }}"
        ));
        wall.tab.memory()
    };
    let (heap, nodes) = took(2_000);
    let (heap_after, nodes_after) = took(10_000);
    assert!(
        heap_after < heap + 400_000,
        "{heap} bytes became {heap_after}"
    );
    // A column of the time line has a few nodes per version.
    assert!(
        nodes_after < nodes + 500,
        "{nodes} nodes became {nodes_after}"
    );
    let tiles = wall
        .tab
        .value("document.querySelectorAll('#tiles .fill').length");
    assert!(tiles.as_u64().unwrap() >= 200, "{tiles}");
    assert_eq!(wall.tab.complaints(), [""; 0]);
    assert_eq!(
        wall.tab.value("byId('events').children.length <= 12"),
        json!(true)
    );
}
