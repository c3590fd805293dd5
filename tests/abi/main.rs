//! The filter natively, through the exports that Envoy calls.

#![cfg(feature = "proxy")]
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests and their support: what goes wrong here ends the test, with the line where it did"
)]

use canary_filter as _;

mod configuration;
mod cookie;
mod decision;
mod host;
mod hostile;
mod reads;
mod rollback;
#[path = "../support/mod.rs"]
mod support;

/// One rule for `/color`, everybody to green, and these members at the top.
fn color(members: &str) -> String {
    rule(
        members,
        r#""match": [{"uri": {"prefix": "/color"}}],"#,
        [0, 1],
    )
}

/// One rule with these members and weights, and these members at the top.
fn rule(top: &str, members: &str, [blue, green]: [u32; 2]) -> String {
    format!(
        r#"{{{top} "http": [{{"name": "color", {members} "route": [
            {{"destination": {{"host": "c.d", "subset": "blue-sub", "port": {{"number": 80}}}}, "weight": {blue}}},
            {{"destination": {{"host": "c.d", "subset": "green-sub", "port": {{"number": 80}}}}, "weight": {green}}}
        ]}}]}}"#
    )
}
