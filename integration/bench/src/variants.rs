//! The rows of the table. To add one, add an entry to [`all`].

use std::env;
use std::path::{Path, PathBuf};

use launch::{Binary, root, target};
use serde_json::{Value, json};

use crate::Trouble;

/// The name of the row with which the others are compared.
pub(crate) const FLOOR: &str = "floor module";

/// The names of the rows of the shipped filter begin with this.
pub(crate) const SHIPPED: &str = "filter";

const FLOOR_COUNTER: &str = include_str!("../floor_counter.wat");

/// The number of rules of the largest list; few proxies have more.
pub(crate) const MANY: usize = 10_000;

/// Additions to a module's text: each pair is a text of the module and what is inserted in front of it.
type Additions = [(&'static str, &'static str)];

/// A response callback that does nothing, to measure the cost of having one.
const CALLBACK: &Additions = &[(
    r#"(func (export "proxy_on_delete")"#,
    r#"(func (export "proxy_on_response_headers") (param i32 i32 i32) (result i32) (i32.const 0))"#,
)];

/// Writes a text into filter state, as the filter does.
const FILTER_STATE: &Additions = &[
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

const LUA: &str = r#"
function envoy_on_request(handle)
  local headers = handle:headers()
  if string.sub(headers:get(":path"), 1, 6) == "/color" then
    headers:replace("x-canary-cluster", math.random(0, 99) < 75 and "blue" or "green")
  end
end
"#;

/// One row.
#[derive(Clone, Debug)]
pub(crate) struct Variant {
    pub(crate) name: String,
    pub(crate) route: Route,
    pub(crate) job: Job,
    /// Whether it splits 75 to 25; otherwise everything goes to blue.
    pub(crate) splits: bool,
    /// Whether the answers are gRPC's, with trailers.
    pub(crate) grpc: bool,
}

/// How Envoy selects the cluster.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Route {
    Plain,
    Weighted,
    ByHeader,
    /// By the native module's cluster specifier, alone or beside its HTTP filter.
    Specified,
}

/// The HTTP filter.
#[derive(Clone, Debug)]
pub(crate) enum Job {
    None,
    Lua(&'static str),
    /// A module as WebAssembly text.
    Text(String),
    /// This filter and its configuration.
    Filter {
        module: PathBuf,
        policy: String,
    },
    /// The native module in this form, and its configuration.
    Native(Form, String),
}

/// A form of the native module.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    Filter,
    Specifier,
    Both,
}

impl Variant {
    pub(crate) fn plain() -> Self {
        Self {
            name: "plain route".to_owned(),
            route: Route::Plain,
            job: Job::None,
            splits: false,
            grpc: false,
        }
    }

    /// The same with gRPC answers.
    fn grpc(self) -> Self {
        Self {
            name: format!("{}, gRPC answer", self.name),
            grpc: true,
            ..self
        }
    }

    fn filter(name: impl Into<String>, module: &Path, policy: &Value) -> Self {
        Self::by_header(
            name,
            Job::Filter {
                module: module.to_path_buf(),
                policy: policy.to_string(),
            },
        )
    }

    /// The native module in this form.
    fn native(name: impl Into<String>, form: Form, policy: &Value) -> Self {
        let own = Self::by_header(name, Job::Native(form, policy.to_string()));
        let route = match form {
            Form::Filter => own.route,
            Form::Specifier | Form::Both => Route::Specified,
        };
        Self { route, ..own }
    }

    fn by_header(name: impl Into<String>, job: Job) -> Self {
        Self {
            name: name.into(),
            route: Route::ByHeader,
            job,
            splits: true,
            grpc: false,
        }
    }
}

/// Every row of the table, the plain route first. `BENCH_MODULES="name=file ..."` adds rows for other builds of the
/// filter; `BENCH_ONLY="text; ..."` keeps only the rows whose name contains one of the texts.
pub(crate) fn all() -> Result<Vec<Variant>, Trouble> {
    let weighted = Variant {
        name: "weighted_clusters".into(),
        route: Route::Weighted,
        ..Variant::plain()
    };
    let text = |name: &str, text: &str| Variant::by_header(name, Job::Text(text.to_owned()));
    let shipped = Binary::Plugin.find()?;
    let filter = |name: &str, policy: Value| Variant::filter(name, &shipped, &policy);
    let with_callback = with(FLOOR_COUNTER, CALLBACK);
    let mut all = vec![
        Variant::plain(),
        Variant {
            splits: true,
            ..weighted
        },
        Variant::by_header("Lua filter", Job::Lua(LUA)),
        text(FLOOR, include_str!("../floor.wat")),
        text("floor module with a request counter", FLOOR_COUNTER),
        text(
            "floor module with that and an empty response callback",
            &with_callback,
        ),
        text(
            "floor module with both and filter state",
            &with(&with_callback, FILTER_STATE),
        ),
        text(
            "floor module with response counters",
            include_str!("../floor_metrics.wat"),
        ),
        with_rules(1)?,
        with_rules(100)?,
        with_rules(MANY)?,
        filter(
            "filter, 1 rule, filterState",
            json!({"filterState": true, "http": rules(1)}),
        ),
        filter(
            "filter, 1 rule, responseHeader",
            json!({"responseHeader": "x-canary", "http": rules(1)}),
        ),
        filter(
            "filter, 1 rule, key in a header",
            json!({"http": sticky(&json!({"httpHeaderName": "x-user-id"}))}),
        ),
        filter(
            "filter, 1 rule, key in a cookie",
            json!({"http": sticky(&json!({"httpCookie": {"name": "canary-id", "ttl": "720h"}}))}),
        ),
        filter(
            "filter, 1 rule, rollback",
            json!({"http": moving(&json!({"rollback": {"stable": "blue"}}))}),
        ),
        filter(
            "filter, 1 rule, rollback with slowerThan",
            json!({"http": moving(&json!({"rollback": {"stable": "blue", "slowerThan": "1m"}}))}),
        ),
        filter(
            "filter, 1 rule, running ramp",
            json!({"http": moving(&json!({"ramp": ramp()}))}),
        ),
        // What gRPC answers cost Envoy itself, and what the filter adds to them.
        Variant::plain().grpc(),
        with_rules(1)?.grpc(),
        filter(
            "filter, 1 rule, rollback",
            json!({"http": moving(&json!({"rollback": {"stable": "blue"}}))}),
        )
        .grpc(),
        Variant::filter(
            "filter, 1 rule, unused exports left in",
            &target().join("wasm32-wasip1/wasm/canary_filter.wasm"),
            &json!({"http": rules(1)}),
        ),
    ];
    all.extend(native_rows());
    for module in env::var("BENCH_MODULES")
        .unwrap_or_default()
        .split_whitespace()
    {
        let (name, path) = module
            .split_once('=')
            .ok_or("BENCH_MODULES must be `name=path name=path`")?;
        for count in [1, MANY] {
            all.push(Variant::filter(
                row(name, count),
                &root().join(path),
                &json!({"http": rules(count)}),
            ));
        }
        let cookie = json!({"httpCookie": {"name": "canary-id", "ttl": "720h"}});
        all.push(Variant::filter(
            format!("{name}, 1 rule, key in a cookie"),
            &root().join(path),
            &json!({"http": sticky(&cookie)}),
        ));
    }
    let wanted = env::var("BENCH_ONLY").unwrap_or_default();
    let wanted: Vec<&str> = wanted
        .split(';')
        .map(str::trim)
        .filter(|name| !name.is_empty())
        .collect();
    let always = [Variant::plain().name, FLOOR.to_owned()];
    all.retain(|variant| {
        wanted.is_empty()
            || always.contains(&variant.name)
            || wanted.iter().any(|name| variant.name.contains(name))
    });
    Ok(all)
}

/// The forms of the native module.
fn native_rows() -> Vec<Variant> {
    let cookie = json!({"httpCookie": {"name": "canary-id", "ttl": "720h"}});
    let whole = json!({"responseHeader": "x-canary", "http": sticky(&cookie)});
    let one = json!({"http": rules(1)});
    let many = json!({"http": rules(MANY)});
    vec![
        Variant::native("native filter, 1 rule", Form::Filter, &one),
        Variant::native("native filter, 10000 rules", Form::Filter, &many),
        Variant::native("native specifier, 1 rule", Form::Specifier, &one),
        Variant::native("native specifier, 10000 rules", Form::Specifier, &many),
        Variant::native("native specifier and filter, 1 rule", Form::Both, &one),
        Variant::native(
            "native specifier and filter, key in a cookie, responseHeader",
            Form::Both,
            &whole,
        ),
        Variant::native(
            "native filter, key in a cookie, responseHeader",
            Form::Filter,
            &whole,
        ),
    ]
}

/// Returns the module's text with the additions.
fn with(text: &str, additions: &Additions) -> String {
    additions
        .iter()
        .fold(text.to_owned(), |text, (before, added)| {
            text.replace(before, &format!("{added}\n {before}"))
        })
}

/// The name of the row for a build of the filter with `count` rules.
pub(crate) fn row(build: &str, count: usize) -> String {
    if count == 1 {
        format!("{build}, 1 rule")
    } else {
        format!("{build}, {count} rules")
    }
}

/// The shipped filter with `count` rules.
pub(crate) fn with_rules(count: usize) -> Result<Variant, Trouble> {
    Ok(Variant::filter(
        row(SHIPPED, count),
        &Binary::Plugin.find()?,
        &json!({"http": rules(count)}),
    ))
}

/// `count` rules with different prefixes; each request matches at most one of them.
pub(crate) fn rules(count: usize) -> Value {
    let digits = count.ilog10() as usize;
    let rule = |number: usize| {
        let prefix = if count == 1 {
            "/color".to_owned()
        } else {
            format!("/color/{number:0digits$}")
        };
        json!({
            "name": format!("color-{number}"),
            "match": [{"uri": {"prefix": prefix}}],
            "route": [{"cluster": "blue", "weight": 75}, {"cluster": "green", "weight": 25}],
        })
    };
    (0..count).map(rule).collect()
}

/// One rule with these members.
fn moving(members: &Value) -> Value {
    let mut rules = rules(1);
    for (name, value) in members.as_object().into_iter().flatten() {
        rules[0][name] = value.clone();
    }
    rules
}

/// From 2020 to 2120, with shares that stay near those of the other rows.
fn ramp() -> Value {
    json!({
        "start": "2020-01-01T00:00:00Z",
        "linear": true,
        "steps": [{"after": "0s", "weights": [75, 25]}, {"after": "876000h", "weights": [74, 26]}]
    })
}

/// One rule that is sticky by this key.
fn sticky(key: &Value) -> Value {
    let mut rules = rules(1);
    rules[0]["consistentHash"] = json!([key]);
    rules
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
