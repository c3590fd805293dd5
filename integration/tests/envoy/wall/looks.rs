//! Whether everybody can read the wall.

use std::path::Path;
use std::thread;
use std::time::Duration;

use harness::{Filter, Setup, root};

use super::{Wall, shipped};

/// The least contrast of any text with what is behind it (WCAG 2.2, definition of contrast ratio), and that text.
const CONTRAST: &str = "(() => {
  const numbers = color => color.match(/[\\d.]+/g).map(Number);
  const light = ([r, g, b]) => [r, g, b].map(part => part / 255)
    .map(part => part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4)
    .reduce((sum, part, at) => sum + part * [0.2126, 0.7152, 0.0722][at], 0);
  const behind = at => {
    const color = numbers(getComputedStyle(at).backgroundColor);
    return color[3] === 0 && at.parentElement ? behind(at.parentElement) : color;
  };
  let least = [99, ''];
  for (const at of document.querySelectorAll('body *')) {
    const own = [...at.childNodes].some(node => node.nodeType === 3 && node.data.trim());
    if (!own || !at.checkVisibility()) continue;
    const [low, high] = [light(numbers(getComputedStyle(at).color)), light(behind(at))].sort((a, b) => a - b);
    const ratio = (high + 0.05) / (low + 0.05);
    if (ratio < least[0]) least = [ratio, at.textContent];
  }
  return least;
})()";

fn fits(wall: &mut Wall) {
    let sizes = "[document.documentElement.scrollWidth, document.documentElement.clientWidth]";
    let sizes = wall.tab.value(sizes);
    assert!(sizes[0].as_u64() <= sizes[1].as_u64(), "{sizes}");
}

#[test]
fn text_has_a_contrast_of_seven_in_light_and_dark() {
    let Some(mut wall) = Wall::start("text_has_a_contrast_of_seven_in_light_and_dark") else {
        return;
    };
    wall.rate("End");
    wall.answers(20);
    wall.errors("green-sub", "End");
    wall.tab.until("document.querySelector('article.out')");
    for scheme in ["light", "dark"] {
        wall.tab.prefer("prefers-color-scheme", scheme);
        let least = wall.tab.value(CONTRAST);
        assert!(least[0].as_f64().unwrap() >= 7.0, "{scheme}: {least}");
    }
}

#[test]
fn at_320_pixels_nothing_is_cut_off_whatever_the_colours_are() {
    let test = "at_320_pixels_nothing_is_cut_off_whatever_the_colours_are";
    let long = "x".repeat(128);
    let setup = Setup::with(Filter::shipped());
    let colors = ["rgb(120 0 120 / 100%)", &long];
    let Some(mut wall) = Wall::with(test, &setup, colors, true) else {
        return;
    };
    wall.answers(30);
    for width in [320, 640, 1440] {
        wall.tab.resize(width, 800, 1);
        fits(&mut wall);
    }
    // A text that is not a colour is painted in the neutral one.
    let painted = wall.tab.value(
        "[...document.querySelectorAll('article .swatch')].map(at => getComputedStyle(at).backgroundColor)",
    );
    assert_eq!(
        painted,
        serde_json::json!(["rgb(120, 0, 120)", "rgb(112, 128, 144)"])
    );
    wall.is_clean();
}

#[test]
fn without_colours_the_versions_differ_by_their_patterns() {
    let Some(mut wall) = Wall::start("without_colours_the_versions_differ_by_their_patterns")
    else {
        return;
    };
    wall.answers(20);
    wall.tab.value(
        "for (let n = 0; n < 4; n++) take(performance.now(), performance.now(), 200, \
         new Headers({'x-color': 'tan', 'x-canary': `route=color;subset=v${n}`})); draw()",
    );
    let patterns = wall.tab.value(
        "new Set([...document.querySelectorAll('article .swatch')].map(at => getComputedStyle(at).backgroundImage)).size",
    );
    assert_eq!(patterns, 6);
}

#[test]
fn with_reduced_motion_nothing_moves() {
    let Some(mut wall) = Wall::start("with_reduced_motion_nothing_moves") else {
        return;
    };
    wall.answers(5);
    let moving = "document.getAnimations().length > 0";
    wall.tab.until(moving);
    wall.tab.prefer("prefers-reduced-motion", "reduce");
    for _ in 0..5 {
        thread::sleep(Duration::from_millis(50));
        assert_eq!(wall.tab.value(moving), false);
    }
}

/// `make picture` runs it.
#[test]
#[ignore = "it takes two minutes and writes docs/wall.png"]
fn the_picture_of_the_readme() {
    let Some(mut wall) = Wall::start("the_picture_of_the_readme") else {
        return;
    };
    wall.tab.resize(1280, 1060, 2);
    let hidden = serde_json::json!({"hidden": true});
    wall.tab.call("Emulation.setScrollbarsHidden", hidden);
    wall.answers(5);
    thread::sleep(Duration::from_secs(30));
    wall.envoy.update(&shipped(50, 50));
    thread::sleep(Duration::from_secs(25));
    wall.errors("green-sub", "End");
    wall.tab.until("model.events[0].kind === 'out'");
    wall.tab.until("model.events[0].kind === 'back'");
    wall.tab.until("model.events[0].kind === 'out'");
    wall.errors("green-sub", "Home");
    wall.tab.until("model.events[0].kind === 'back'");
    thread::sleep(Duration::from_secs(20));
    wall.errors("green-sub", "End");
    wall.tab.until("model.events[0].kind === 'out'");
    wall.tab.value("document.activeElement.blur()");
    thread::sleep(Duration::from_secs(3));
    wall.tab
        .screenshot(&root().join(Path::new("docs/wall.png")));
}
