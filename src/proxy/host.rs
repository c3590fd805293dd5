//! Every call to the proxy, bytes in and bytes out.
//!
//! The SDK's getters for text unwrap UTF-8, and its calls panic on a status that they do not expect; a panic costs the
//! worker its VM. So the edge uses only the byte calls, and reads request headers only while the request comes in.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use proxy_wasm::hostcalls;
use proxy_wasm::types::{BufferType, MapType, MetricType};

use crate::proxy::metrics::MetricId;
use crate::request::{Fields, Line};

/// The headers of the request that the proxy is handling right now.
pub(crate) struct RequestHeaders;

impl Fields for RequestHeaders {
    fn first(&self, name: &str) -> Option<Vec<u8>> {
        header(MapType::HttpRequestHeaders, name)
    }

    fn all(&self) -> Vec<(String, Vec<u8>)> {
        headers(MapType::HttpRequestHeaders)
    }

    fn source_address(&self) -> Option<Vec<u8>> {
        hostcalls::get_property(vec!["source", "address"])
            .ok()
            .flatten()
    }
}

/// Replaces every line of this name by one. Envoy forgets the route it had picked and picks again.
pub(crate) fn set_request_header(name: &str, value: &[u8]) {
    set_header(MapType::HttpRequestHeaders, name, Some(value));
}

/// Removes every line of this name. Removing a header clears the route cache even if it is absent, so check first.
pub(crate) fn remove_request_header(name: &str) {
    if header(MapType::HttpRequestHeaders, name).is_some() {
        set_header(MapType::HttpRequestHeaders, name, None);
    }
}

/// Replaces every line of this name by one, or removes them all.
pub(crate) fn set_response_header(name: &str, value: Option<&str>) {
    set_header(MapType::HttpResponseHeaders, name, value.map(str::as_bytes));
}

/// Every line of the answer's headers.
pub(crate) fn response_headers() -> Vec<Line> {
    headers(MapType::HttpResponseHeaders)
}

/// Adds a line beside those of the same name.
pub(crate) fn add_response_header(name: &str, value: &str) {
    // As with the others, the SDK panics on the only error there is.
    let _ = hostcalls::add_map_value_bytes(MapType::HttpResponseHeaders, name, value.as_bytes());
}

/// Writes `wasm.<name>` into the filter state of the request.
pub(crate) fn set_filter_state(name: &str, value: &str) {
    // The only error is a request without stream state, which has no access log to miss the value either.
    let _ = hostcalls::set_property(vec![name], Some(value.as_bytes()));
}

/// The configuration of the plugin that is being configured.
pub(crate) fn plugin_configuration() -> Vec<u8> {
    hostcalls::get_buffer(BufferType::PluginConfiguration, 0, usize::MAX)
        .ok()
        .flatten()
        .unwrap_or_default()
}

/// The name of the plugin. Plugins share one namespace of shared data, so it is a part of every key.
pub(crate) fn plugin_name() -> String {
    let name = hostcalls::get_property(vec!["plugin_name"])
        .ok()
        .flatten()
        .unwrap_or_default();
    String::from_utf8_lossy(&name).into_owned()
}

/// A value that all threads of the proxy share.
#[derive(Default)]
pub(crate) struct Shared {
    /// `None` if nobody has written it yet.
    pub(crate) value: Option<Vec<u8>>,
    version: Version,
}

/// The host's number for what was read, which a write compares with.
#[derive(Clone, Copy)]
struct Version(u32);

/// Another thread wrote the value first.
#[derive(Debug)]
pub(crate) struct Overtaken;

impl Default for Version {
    fn default() -> Self {
        // Of a value that nobody has written. The host compares only numbers other than 0, and its own begin at 1.
        Self(u32::MAX)
    }
}

/// The value under this key.
pub(crate) fn shared_data(key: &str) -> Shared {
    let (value, version) = hostcalls::get_shared_data(key).unwrap_or_default();
    Shared {
        value,
        version: version.map(Version).unwrap_or_default(),
    }
}

/// Shares a value in place of the one that was read.
///
/// # Errors
/// The value is no longer the one that was read.
pub(crate) fn replace_shared_data(key: &str, read: &Shared, value: &[u8]) -> Result<(), Overtaken> {
    hostcalls::set_shared_data(key, Some(value), Some(read.version.0)).map_err(|_| Overtaken)
}

/// Asks for a tick of the root context that is being configured, again and again after this time.
pub(crate) fn set_tick_period(period: Duration) {
    // The SDK panics on the only error there is.
    let _ = hostcalls::set_tick_period(period);
}

/// The first value of a header of the answer, while it comes.
pub(crate) fn response_header(name: &str) -> Option<Vec<u8>> {
    header(MapType::HttpResponseHeaders, name)
}

/// The first value of a trailer of the answer, while they come.
pub(crate) fn response_trailer(name: &str) -> Option<Vec<u8>> {
    header(MapType::HttpResponseTrailers, name)
}

/// How the answer ended, in Envoy's words; also when the stream has ended.
pub(crate) fn response_code_details() -> Option<Vec<u8>> {
    hostcalls::get_property(vec!["response", "code_details"])
        .ok()
        .flatten()
}

/// Defines a counter; the same name gives the same counter.
pub(crate) fn define_counter(name: &str) -> Option<MetricId> {
    hostcalls::define_metric(MetricType::Counter, name).ok()
}

/// Defines a gauge; the same name gives the same gauge.
pub(crate) fn define_gauge(name: &str) -> Option<MetricId> {
    hostcalls::define_metric(MetricType::Gauge, name).ok()
}

/// Adds to a counter.
pub(crate) fn increment(counter: MetricId, by: u32) {
    // An unknown id is the only error, and the ids come from the two functions above.
    let _ = hostcalls::increment_metric(counter, by.into());
}

/// Sets a gauge.
pub(crate) fn record(gauge: MetricId, value: u64) {
    let _ = hostcalls::record_metric(gauge, value);
}

/// Random bytes, or `None` if the host provides none.
#[allow(
    clippy::disallowed_methods,
    reason = "the edge's one source of randomness"
)]
pub(crate) fn random<const N: usize>() -> Option<[u8; N]> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).ok().map(|()| bytes)
}

/// Now, on a clock that does not jump.
#[allow(clippy::disallowed_methods, reason = "the edge's one clock")]
pub(crate) fn instant() -> Instant {
    Instant::now()
}

/// Milliseconds of a clock that does not jump, and that all VMs of the proxy share.
#[allow(clippy::disallowed_methods, reason = "the edge's one clock")]
pub(crate) fn monotonic_ms() -> u64 {
    let since = zero().elapsed();
    since.as_secs() * 1_000 + u64::from(since.subsec_millis())
}

/// The zero of the host's monotonic clock. On this target an `Instant` is the host's number, and none is before its zero, so
/// the longest time that can be subtracted from now leads there.
#[cfg(target_family = "wasm")]
#[allow(clippy::disallowed_methods, reason = "the edge's one clock")]
fn zero() -> Instant {
    thread_local! {
        static ZERO: Instant = {
            let now = Instant::now();
            let mut since = Duration::ZERO;
            for bit in (0..64).rev() {
                let longer = since.saturating_add(Duration::from_nanos(1 << bit));
                if now.checked_sub(longer).is_some() {
                    since = longer;
                }
            }
            now.checked_sub(since).unwrap_or(now)
        };
    }
    ZERO.with(|zero| *zero)
}

/// In tests, all VMs are threads of one process.
#[cfg(not(target_family = "wasm"))]
#[allow(clippy::disallowed_methods, reason = "the edge's one clock")]
fn zero() -> Instant {
    static ZERO: std::sync::LazyLock<Instant> = std::sync::LazyLock::new(Instant::now);
    *ZERO
}

/// Seconds since 1970 by the proxy's clock.
pub(crate) fn unix_seconds() -> i64 {
    i64::try_from(since_1970().as_secs()).unwrap_or(i64::MAX)
}

/// The proxy's clock.
pub(crate) fn since_1970() -> Duration {
    let now = hostcalls::get_current_time().unwrap_or(SystemTime::UNIX_EPOCH);
    now.duration_since(UNIX_EPOCH).unwrap_or_default()
}

fn header(map: MapType, name: &str) -> Option<Vec<u8>> {
    hostcalls::get_map_value_bytes(map, name).ok().flatten()
}

fn headers(map: MapType) -> Vec<Line> {
    hostcalls::get_map_bytes(map).unwrap_or_default()
}

fn set_header(map: MapType, name: &str, value: Option<&[u8]>) {
    // The SDK returns no error here: it panics on the one that Envoy has, a map of another phase.
    let _ = hostcalls::set_map_value_bytes(map, name, value);
}
