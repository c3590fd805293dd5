//! The wall, `/color/wall`, in a real browser, and the demo's rules for its sliders.

mod controls;
mod faults;
mod looks;
mod model;
mod watch;

use harness::{Chromium, Color, Envoy, Filter, Setup, Tab};
use serde_json::{Value, json};

use crate::support::chromium;

/// The wall of the shipped demo in a browser.
struct Wall {
    tab: Tab,
    envoy: Envoy,
    colors: [Color; 2],
    _chromium: Chromium,
}

impl Wall {
    /// The shipped files, with faults; `None` if there is no browser.
    fn start(test: &str) -> Option<Self> {
        Self::with(
            test,
            &Setup::with(Filter::shipped()),
            ["blue", "green"],
            true,
        )
    }

    fn with(test: &str, setup: &Setup, colors: [&str; 2], faults: bool) -> Option<Self> {
        let chromium = chromium(test)?;
        let colors = colors.map(|color| Color::with_faults(color, faults));
        let envoy = Envoy::start(setup, colors[0].address(), colors[1].address());
        let mut tab = chromium.drive();
        tab.resize(1440, 1000, 1);
        tab.open(&format!("http://{}/color/wall", envoy.address()));
        Some(Self {
            tab,
            envoy,
            colors,
            _chromium: chromium,
        })
    }

    /// Moves the slider for the rate by its keys.
    fn rate(&mut self, key: &str) {
        self.tab.value("byId('rate').focus()");
        self.tab.press(key);
    }

    /// Waits until both versions have answered and this many answers count.
    fn answers(&mut self, count: u32) {
        self.tab.until(&format!(
            "model.versions.length === 2 && model.seen(performance.now()).total >= {count}"
        ));
    }

    /// A field of a version's card.
    fn card(&mut self, label: &str, field: &str) -> String {
        self.tab.text(&format!(
            "document.querySelector('[data-label={label}] [data-show={field}]').textContent"
        ))
    }

    /// Waits until a field of a version's card is this text.
    fn card_is(&mut self, label: &str, field: &str, text: &str) {
        self.tab.until(&format!(
            "document.querySelector('[data-label={label}] [data-show={field}]')?.textContent === '{text}'"
        ));
    }

    /// Moves the slider for a version's errors by its keys.
    fn errors(&mut self, label: &str, key: &str) {
        let slider = format!("[data-label={label}] [data-set=errorPercent]");
        self.tab.until(&format!(
            "document.querySelector('{slider}')?.checkVisibility()"
        ));
        self.tab
            .value(&format!("document.querySelector('{slider}').focus()"));
        self.tab.press(key);
    }

    /// What has happened, the newest first, as `kind: text`.
    fn events(&mut self) -> Vec<String> {
        let events = self
            .tab
            .value("model.events.map(({kind, text}) => `${kind}: ${text}`)");
        serde_json::from_value(events).unwrap()
    }

    /// Nothing is wrong in the console, and every request went to the gateway.
    fn is_clean(&mut self) {
        assert_eq!(self.tab.complaints(), [""; 0]);
        self.asks_only_the_gateway();
    }

    fn asks_only_the_gateway(&mut self) {
        let own = format!("http://{}/color", self.envoy.address());
        let requests = self.tab.reported("Network.requestWillBeSent");
        assert!(requests.len() > 1, "there were requests");
        for request in requests {
            let url = request["request"]["url"].as_str().unwrap();
            assert!(url.starts_with(&own) || url.starts_with("data:"), "{url}");
        }
    }
}

/// The shipped filter with other weights.
fn shipped(blue: u32, green: u32) -> Filter {
    let mut filter = Filter::shipped();
    let text = &mut filter.configuration.as_mut().unwrap()["value"];
    let mut policy: Value = serde_json::from_str(text.as_str().unwrap()).unwrap();
    for (at, weight) in [blue, green].into_iter().enumerate() {
        policy["http"][0]["route"][at]["weight"] = json!(weight);
    }
    *text = json!(policy.to_string());
    filter
}
