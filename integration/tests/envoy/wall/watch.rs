//! What the wall shows of the traffic.

use std::thread;
use std::time::{Duration, Instant};

use super::{Wall, shipped};

#[test]
fn the_split_appears_in_tiles_words_and_title() {
    let Some(mut wall) = Wall::start("the_split_appears_in_tiles_words_and_title") else {
        return;
    };
    wall.rate("End");
    wall.answers(200);
    wall.card_is("blue-sub", "share", "75 %");
    wall.card_is("green-sub", "share", "25 %");
    // At least 200 at one in four, within five standard deviations (3 points each).
    let seen = wall.tab.value(
        "model.seen(performance.now()).share(model.versions.find(({color}) => color === 'green'))",
    );
    assert!((0.09..=0.41).contains(&seen.as_f64().unwrap()), "{seen}");
    let tiles = wall
        .tab
        .value("new Set([...document.querySelectorAll('#tiles .fill')].map(tile => tile.className.split(' ')[1])).size");
    assert_eq!(tiles, 2, "tiles of both versions");
    // Both at one moment, because the next answer may change the percentages.
    let both = "draw() ?? document.title + '|' + byId('split').textContent";
    let both = wall.tab.text(both);
    let (title, headline) = both.split_once('|').unwrap();
    assert_eq!(title, headline);
    let words: Vec<_> = title.split(' ').collect();
    let (blue, green): (u32, u32) = (words[1].parse().unwrap(), words[5].parse().unwrap());
    assert_eq!(title, format!("blue {blue} % · green {green} %"));
    assert!((99..=101).contains(&(blue + green)), "{title}");
    assert_eq!(wall.card("blue-sub", "errors"), "0 %");
    wall.is_clean();
}

#[test]
fn a_weight_change_shows_within_three_seconds() {
    let Some(mut wall) = Wall::start("a_weight_change_shows_within_three_seconds") else {
        return;
    };
    wall.answers(20);
    wall.card_is("green-sub", "share", "25 %");
    for (blue, green) in [(50, 50), (100, 0), (20, 80)] {
        wall.envoy.update(&shipped(blue, green));
        let start = Instant::now();
        wall.card_is("blue-sub", "share", &format!("{blue} %"));
        wall.card_is("green-sub", "share", &format!("{green} %"));
        let took = start.elapsed();
        assert!(took < Duration::from_secs(3), "{blue}/{green}: {took:?}");
        let event = format!("weights: The weights changed to blue {blue} % · green {green} %.");
        assert_eq!(wall.events()[0], event);
        // A change within 5 s of the last one counts as the same, as in a ramp.
        thread::sleep(Duration::from_millis(5200));
    }
    wall.is_clean();
}

#[test]
fn a_green_that_is_broken_disappears_and_comes_back_once_it_is_mended() {
    let test = "a_green_that_is_broken_disappears_and_comes_back_once_it_is_mended";
    let Some(mut wall) = Wall::start(test) else {
        return;
    };
    wall.rate("End");
    wall.answers(50);
    let start = Instant::now();
    wall.errors("green-sub", "End");
    wall.tab.until("model.events[0]?.kind === 'out'");
    let took = start.elapsed();
    assert!(took < Duration::from_secs(10), "{took:?}");
    wall.card_is("green-sub", "share", "0 %");
    let event = wall.events().remove(0);
    assert!(event.starts_with("out: Green was taken out: "), "{event}");
    let state = wall.card("green-sub", "state");
    assert!(state.starts_with("Rolled back: no user gets it"), "{state}");
    wall.tab
        .until("document.title === 'blue 100 % · green 0 %'");
    let bad = "document.querySelectorAll('#tiles .bad').length";
    assert!(wall.tab.value(bad).as_u64().unwrap() > 0, "errors are seen");

    // The first try fails, and from then on the wall knows when the next one is due.
    wall.tab
        .until("document.querySelector('[data-label=green-sub] .state').textContent.includes('next try in')");
    let waits = wall.tab.value(
        "model.versions.map(({out}) => out).filter(Boolean).map(({since, due}) => due - since)",
    );
    // Twice 5 s, or 6 s on a busy machine.
    let waits = waits[0].as_u64().unwrap();
    assert!([10_000, 12_000].contains(&waits), "{waits}");
    wall.errors("green-sub", "Home");
    wall.tab.until("model.events[0].kind === 'back'");
    wall.card_is("green-sub", "state", "");
    wall.card_is("green-sub", "share", "25 %");
    wall.answers(50);
    thread::sleep(Duration::from_secs(2));
    let events = wall.events();
    assert!(events[0].starts_with("back: "), "it stays: {events:?}");
    wall.asks_only_the_gateway();
}

#[test]
fn a_version_that_is_out_can_be_mended_after_a_reload() {
    let Some(mut wall) = Wall::start("a_version_that_is_out_can_be_mended_after_a_reload") else {
        return;
    };
    wall.rate("End");
    wall.answers(20);
    wall.errors("green-sub", "End");
    wall.tab.until("model.events[0]?.kind === 'out'");
    let url = format!("http://{}/color/wall?again", wall.envoy.address());
    wall.tab.open(&url);
    wall.card_is("blue-sub", "share", "100 %");
    wall.card_is("green-sub", "share", "0 %");
    wall.card_is("green-sub", "errorPercent", "100 %");
    wall.errors("green-sub", "Home");
    wall.card_is("green-sub", "share", "25 %");
    wall.asks_only_the_gateway();
}

#[test]
fn one_user_keeps_its_colour() {
    let Some(mut wall) = Wall::start("one_user_keeps_its_colour") else {
        return;
    };
    wall.rate("End");
    wall.answers(50);
    let shares = "(() => { const seen = model.seen(performance.now()); \
        return model.versions.map(seen.share).sort(); })()";
    wall.tab.value("byId('one').click()");
    wall.answers(60);
    assert_eq!(wall.tab.value(shares), serde_json::json!([0, 1]));
    wall.tab.value("byId('one').click()");
    wall.answers(60);
    assert_ne!(wall.tab.value(shares), serde_json::json!([0, 1]));
    wall.is_clean();
}

#[test]
fn a_hidden_wall_asks_for_nothing() {
    let Some(mut wall) = Wall::start("a_hidden_wall_asks_for_nothing") else {
        return;
    };
    wall.answers(20);
    let hide = |wall: &mut Wall, hidden| {
        wall.tab.value(&format!(
            "Object.defineProperty(document, 'hidden', {{value: {hidden}, configurable: true}}); \
             document.dispatchEvent(new Event('visibilitychange'))"
        ));
    };
    hide(&mut wall, true);
    wall.tab.until("inFlight === 0");
    let before = wall.tab.value("model.answers.count");
    thread::sleep(Duration::from_secs(1));
    assert_eq!(wall.tab.value("model.answers.count"), before);
    hide(&mut wall, false);
    wall.answers(20);
    let burst = wall.tab.value("model.answers.count").as_u64().unwrap();
    assert!(
        burst - before.as_u64().unwrap() < 60,
        "what was not sent is not made up for"
    );
    wall.is_clean();
}
