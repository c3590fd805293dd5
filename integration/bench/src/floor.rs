//! The alternatives that are written by hand: the floor, what is added to it, and Lua.

/// It does the least that a module can do.
pub(crate) const FLOOR_MODULE: &str = include_str!("../floor.wat");

/// The same with a counter of requests.
pub(crate) const FLOOR_COUNTER: &str = include_str!("../floor_counter.wat");

/// Additions to a module's text: each pair is a text of the module and what is inserted in front of it.
pub(crate) type Additions = [(&'static str, &'static str)];

/// A response callback that does nothing, to measure the cost of having one.
pub(crate) const CALLBACK: &Additions = &[(
    r#"(func (export "proxy_on_delete")"#,
    r#"(func (export "proxy_on_response_headers") (param i32 i32 i32) (result i32) (i32.const 0))"#,
)];

/// Writes a text into filter state, as the filter does.
pub(crate) const FILTER_STATE: &Additions = &[
    (
        r#"(memory (export "memory")"#,
        r#"(import "env" "proxy_set_property" (func $prop (param i32 i32 i32 i32) (result i32)))
 (data (i32.const 512) "canary")
 (data (i32.const 528) "color/blue/weighted")"#,
    ),
    (
        r#"(local.set $x (global.get $s))"#,
        r#"(drop (call $prop (i32.const 512) (i32.const 6) (i32.const 528) (i32.const 19)))"#,
    ),
];

/// The same with counters of answers.
pub(crate) const FLOOR_METRICS: &str = include_str!("../floor_metrics.wat");

/// The same as a script.
pub(crate) const LUA: &str = r#"
function envoy_on_request(handle)
  local headers = handle:headers()
  if string.sub(headers:get(":path"), 1, 6) == "/color" then
    headers:replace("x-canary-cluster", math.random(0, 99) < 75 and "blue" or "green")
  end
end
"#;

/// Returns the module's text with the additions.
pub(crate) fn with(text: &str, additions: &Additions) -> String {
    additions
        .iter()
        .fold(text.to_owned(), |text, (before, added)| {
            text.replace(before, &format!("{added}\n {before}"))
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_callback_is_added_to_the_floor_once() {
        let text = with(FLOOR_COUNTER, CALLBACK);
        assert_eq!(text.matches("proxy_on_response_headers").count(), 1);
        assert!(wat::parse_str(text).is_ok());
    }

    #[test]
    fn the_floor_writes_filter_state_once() {
        let text = with(FLOOR_COUNTER, FILTER_STATE);
        assert_eq!(
            (
                text.matches("proxy_set_property").count(),
                text.matches("call $prop").count()
            ),
            (1, 1)
        );
        assert!(wat::parse_str(text).is_ok());
    }
}
