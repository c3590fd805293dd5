//! The rows of the table. To add one, add an entry to one of the lists.

use std::env;

use launch::{Binary, root, target};
use serde_json::{Value, json};

use crate::Trouble;
use crate::floor::{CALLBACK, FILTER_STATE, FLOOR_COUNTER, FLOOR_METRICS, FLOOR_MODULE, LUA, with};
use crate::parts::is_wanted;
use crate::policies::{MANY, moving, ramp, rules, sticky};
use crate::variant::{Form, Job, Route, Variant};

/// The name of the row with which the others are compared.
pub(crate) const FLOOR: &str = "floor module";

/// The names of the rows of the shipped filter begin with this.
pub(crate) const SHIPPED: &str = "filter";

/// Every row of the table, the plain route first. `BENCH_MODULES="name=file ..."` adds rows for other builds of the
/// filter.
pub(crate) fn all() -> Result<Vec<Variant>, Trouble> {
    let mut all = alternatives();
    all.extend(wasm_rows()?);
    all.extend(grpc_rows()?);
    all.push(Variant::filter(
        "filter, 1 rule, unused exports left in",
        &target().join("wasm32-wasip1/wasm/canary_filter.wasm"),
        &json!({"http": rules(1)}),
    ));
    all.extend(native_rows());
    all.extend(other_builds(
        &env::var("BENCH_MODULES").unwrap_or_default(),
    )?);
    let always = [Variant::plain().name, FLOOR.to_owned()];
    all.retain(|variant| always.contains(&variant.name) || is_wanted(&variant.name));
    Ok(all)
}

/// What does without the filter.
fn alternatives() -> Vec<Variant> {
    let weighted = Variant {
        name: "weighted_clusters".into(),
        route: Route::Weighted,
        splits: true,
        ..Variant::plain()
    };
    let text = |name: &str, text: &str| Variant::by_header(name, Job::Text(text.to_owned()));
    let with_callback = with(FLOOR_COUNTER, CALLBACK);
    vec![
        Variant::plain(),
        weighted,
        Variant::by_header("Lua filter", Job::Lua(LUA)),
        text(FLOOR, FLOOR_MODULE),
        text("floor module with a request counter", FLOOR_COUNTER),
        text(
            "floor module with that and an empty response callback",
            &with_callback,
        ),
        text(
            "floor module with both and filter state",
            &with(&with_callback, FILTER_STATE),
        ),
        text("floor module with response counters", FLOOR_METRICS),
    ]
}

/// The shipped wasm module.
fn wasm_rows() -> Result<Vec<Variant>, Trouble> {
    let shipped = Binary::Plugin.find()?;
    let filter = |name: &str, policy: Value| Variant::filter(name, &shipped, &policy);
    Ok(vec![
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
            json!({"http": sticky(&cookie())}),
        ),
        with_rollback()?,
        filter(
            "filter, 1 rule, rollback with slowerThan",
            json!({"http": moving(&json!({"rollback": {"stable": "blue", "slowerThan": "1m"}}))}),
        ),
        filter(
            "filter, 1 rule, running ramp",
            json!({"http": moving(&json!({"ramp": ramp()}))}),
        ),
    ])
}

/// What gRPC answers cost Envoy itself, and what the filter adds to them.
fn grpc_rows() -> Result<[Variant; 3], Trouble> {
    Ok([
        Variant::plain().grpc(),
        with_rules(1)?.grpc(),
        with_rollback()?.grpc(),
    ])
}

/// The forms of the native module.
fn native_rows() -> Vec<Variant> {
    let whole = json!({"responseHeader": "x-canary", "http": sticky(&cookie())});
    let mut all = Vec::new();
    for form in [Form::Filter, Form::Specifier, Form::Both] {
        all.extend([1, MANY].map(|count| native_with_rules(form, count)));
    }
    all.extend([Form::Both, Form::Filter].map(|form| {
        let name = format!("{}, key in a cookie, responseHeader", form.name());
        Variant::native(name, form, &whole)
    }));
    all
}

/// Other builds of the wasm module: `name=file name=file`.
fn other_builds(builds: &str) -> Result<Vec<Variant>, Trouble> {
    let mut all = Vec::new();
    for build in builds.split_whitespace() {
        let (name, path) = build
            .split_once('=')
            .ok_or("BENCH_MODULES must be `name=path name=path`")?;
        let module = root().join(path);
        for count in [1, MANY] {
            all.push(Variant::filter(
                row(name, count),
                &module,
                &json!({"http": rules(count)}),
            ));
        }
        all.push(Variant::filter(
            format!("{name}, 1 rule, key in a cookie"),
            &module,
            &json!({"http": sticky(&cookie())}),
        ));
    }
    Ok(all)
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

/// This form of the native module with `count` rules.
pub(crate) fn native_with_rules(form: Form, count: usize) -> Variant {
    Variant::native(
        row(form.name(), count),
        form,
        &json!({"http": rules(count)}),
    )
}

fn with_rollback() -> Result<Variant, Trouble> {
    Ok(Variant::filter(
        "filter, 1 rule, rollback",
        &Binary::Plugin.find()?,
        &json!({"http": moving(&json!({"rollback": {"stable": "blue"}}))}),
    ))
}

fn cookie() -> Value {
    json!({"httpCookie": {"name": "canary-id", "ttl": "720h"}})
}
