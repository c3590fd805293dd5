//! Runs the filter natively, through the exports that Envoy calls.

#![cfg(feature = "proxy")]
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests and their support: a panic ends the test and shows the line"
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

/// A configuration whose only rule sends all requests for `/color` to green, with these members at the top level.
fn color(members: &str) -> String {
    rule(
        members,
        r#""match": [{"uri": {"prefix": "/color"}}],"#,
        [0, 1],
    )
}

/// A configuration whose only rule has these members and weights, with the members `top` at the top level.
fn rule(top: &str, members: &str, [blue, green]: [u32; 2]) -> String {
    format!(
        r#"{{{top} "http": [{{"name": "color", {members} "route": [
            {{"destination": {{"host": "c.d", "subset": "blue-sub", "port": {{"number": 80}}}}, "weight": {blue}}},
            {{"destination": {{"host": "c.d", "subset": "green-sub", "port": {{"number": 80}}}}, "weight": {green}}}
        ]}}]}}"#
    )
}
