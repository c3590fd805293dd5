//! Envoy's C ABI for dynamic modules, `source/extensions/dynamic_modules/abi/abi.h`, version v0.2.0 of Envoy 1.40.
//!
//! This is the one file with `unsafe`: the functions of Envoy that the module calls, each inside a safe method, and the
//! functions of the module that Envoy calls, each of which turns Envoy's pointers into references and catches panics.
//!
//! What holds everywhere: Envoy calls the hooks of one stream on one thread, one after the other; a configuration outlives
//! its streams, and its hooks come from all threads at once. A buffer of Envoy's is valid until the hook returns or the
//! module changes what it shows, so all bytes are copied at once. A buffer of the module's is read during the call only.

use std::ffi::{CStr, c_char, c_void};
use std::marker::PhantomData;
use std::slice;

use canary_filter::{Fields, Line};

use crate::guard::guarded;
use crate::metrics::Metric;
use crate::{filter, specifier};

/// A pointer of the other side's, of which this side only knows that it is handed back.
type Opaque = *const c_void;

/// `envoy_dynamic_module_type_envoy_buffer` and `envoy_dynamic_module_type_module_buffer`: the same layout.
#[repr(C)]
#[derive(Clone, Copy)]
struct Buffer {
    ptr: *const u8,
    length: usize,
}

/// `envoy_dynamic_module_type_envoy_http_header`.
#[repr(C)]
#[derive(Clone, Copy)]
struct Header {
    key: Buffer,
    value: Buffer,
}

/// `envoy_dynamic_module_type_http_header_type`.
#[repr(C)]
#[derive(Clone, Copy)]
enum Map {
    RequestHeaders,
    _RequestTrailers,
    ResponseHeaders,
    ResponseTrailers,
}

/// `envoy_dynamic_module_type_log_level`.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Level {
    /// Facts.
    Info = 2,
    /// What an operator should look at.
    Warn,
    /// What an operator must look at.
    Error,
}

// `envoy_dynamic_module_type_attribute_id`.
const RESPONSE_CODE_DETAILS: u32 = 16;
const SOURCE_ADDRESS: u32 = 24;

/// `envoy_dynamic_module_type_metrics_result_Success`.
const SUCCESS: u32 = 0;

/// `…_status_Continue` of every hook of the HTTP filter that has a status.
const CONTINUE: u32 = 0;

type Define = unsafe extern "C" fn(Opaque, Buffer, *mut Buffer, usize, *mut usize) -> u32;
type Change = unsafe extern "C" fn(Opaque, usize, *mut Buffer, usize, u64) -> u32;

#[rustfmt::skip]
unsafe extern "C" {
    // May be called on every thread.
    fn envoy_dynamic_module_callback_log(level: Level, message: Buffer);

    // The first argument is the stream that the hook was called for.
    fn envoy_dynamic_module_callback_http_get_header(stream: Opaque, map: Map, key: Buffer, value: *mut Buffer, index: usize, count: *mut usize) -> bool;
    fn envoy_dynamic_module_callback_http_get_headers_size(stream: Opaque, map: Map) -> usize;
    fn envoy_dynamic_module_callback_http_get_headers(stream: Opaque, map: Map, headers: *mut Header) -> bool;
    // A value without a pointer removes the header.
    fn envoy_dynamic_module_callback_http_set_header(stream: Opaque, map: Map, key: Buffer, value: Buffer) -> bool;
    fn envoy_dynamic_module_callback_http_add_header(stream: Opaque, map: Map, key: Buffer, value: Buffer) -> bool;
    fn envoy_dynamic_module_callback_http_clear_route_cache(stream: Opaque);
    fn envoy_dynamic_module_callback_http_get_cluster_name(stream: Opaque, name: *mut Buffer) -> bool;
    fn envoy_dynamic_module_callback_http_set_filter_state_bytes(stream: Opaque, key: Buffer, value: Buffer) -> bool;
    fn envoy_dynamic_module_callback_http_filter_get_attribute_string(stream: Opaque, attribute: u32, value: *mut Buffer) -> bool;

    // Metrics: they can be defined only while the configuration is made, and changed on every thread. An array of labels
    // may be absent if it is empty.
    fn envoy_dynamic_module_callback_http_filter_config_define_counter(config: Opaque, name: Buffer, labels: *mut Buffer, length: usize, id: *mut usize) -> u32;
    fn envoy_dynamic_module_callback_http_filter_config_define_gauge(config: Opaque, name: Buffer, labels: *mut Buffer, length: usize, id: *mut usize) -> u32;
    fn envoy_dynamic_module_callback_http_filter_config_increment_counter(config: Opaque, id: usize, labels: *mut Buffer, length: usize, by: u64) -> u32;
    fn envoy_dynamic_module_callback_http_filter_config_set_gauge(config: Opaque, id: usize, labels: *mut Buffer, length: usize, value: u64) -> u32;
    fn envoy_dynamic_module_callback_cluster_specifier_config_define_counter(config: Opaque, name: Buffer, labels: *mut Buffer, length: usize, id: *mut usize) -> u32;
    fn envoy_dynamic_module_callback_cluster_specifier_config_define_gauge(config: Opaque, name: Buffer, labels: *mut Buffer, length: usize, id: *mut usize) -> u32;
    fn envoy_dynamic_module_callback_cluster_specifier_config_increment_counter(config: Opaque, id: usize, labels: *mut Buffer, length: usize, by: u64) -> u32;
    fn envoy_dynamic_module_callback_cluster_specifier_config_set_gauge(config: Opaque, id: usize, labels: *mut Buffer, length: usize, value: u64) -> u32;

    // The first argument is the choice that the hook was called for.
    fn envoy_dynamic_module_callback_cluster_specifier_get_request_header_value(choice: Opaque, key: Buffer, value: *mut Buffer, index: usize, count: *mut usize) -> bool;
    fn envoy_dynamic_module_callback_cluster_specifier_get_request_headers_size(choice: Opaque) -> usize;
    fn envoy_dynamic_module_callback_cluster_specifier_get_request_headers(choice: Opaque, headers: *mut Header) -> bool;
    fn envoy_dynamic_module_callback_cluster_specifier_get_attribute_string(choice: Opaque, attribute: u32, value: *mut Buffer) -> bool;
    fn envoy_dynamic_module_callback_cluster_specifier_get_random_value(choice: Opaque) -> u64;
    fn envoy_dynamic_module_callback_cluster_specifier_get_cluster_host_count(choice: Opaque, cluster: Buffer, priority: u32, total: *mut usize, healthy: *mut usize, degraded: *mut usize) -> bool;
    fn envoy_dynamic_module_callback_cluster_specifier_set_cluster_name(choice: Opaque, cluster: Buffer);
}

impl Buffer {
    /// No bytes, and nowhere.
    const ABSENT: Self = Self {
        ptr: std::ptr::null(),
        length: 0,
    };

    fn of(bytes: &[u8]) -> Self {
        Self {
            ptr: bytes.as_ptr(),
            length: bytes.len(),
        }
    }

    fn each(texts: &[&str]) -> Vec<Self> {
        texts.iter().map(|text| Self::of(text.as_bytes())).collect()
    }

    /// The bytes.
    ///
    /// # Safety
    /// The buffer is Envoy's, and still valid.
    unsafe fn to_vec(self) -> Vec<u8> {
        if self.ptr.is_null() || self.length == 0 {
            return Vec::new();
        }
        // SAFETY: by this function's contract, `ptr` is the start of `length` bytes.
        unsafe { slice::from_raw_parts(self.ptr, self.length) }.to_vec()
    }

    /// What `read` writes into a buffer, if it succeeds.
    ///
    /// # Safety
    /// If `read` returns `true`, it has written a buffer that is valid.
    unsafe fn read(read: impl FnOnce(&mut Self) -> bool) -> Option<Vec<u8>> {
        let mut buffer = Self::ABSENT;
        // SAFETY: this function's contract is that of `to_vec`.
        read(&mut buffer).then(|| unsafe { buffer.to_vec() })
    }
}

/// The lines that `fill` writes, of which there are `size`.
///
/// # Safety
/// If `fill` returns `true`, it has written `size` headers whose buffers are valid.
unsafe fn lines(size: usize, fill: impl FnOnce(*mut Header) -> bool) -> Vec<Line> {
    let absent = Header {
        key: Buffer::ABSENT,
        value: Buffer::ABSENT,
    };
    let mut headers = vec![absent; size];
    if !fill(headers.as_mut_ptr()) {
        return Vec::new();
    }
    // SAFETY: this function's contract is that of `to_vec`.
    let line = |header: &Header| unsafe { (header.key.to_vec(), header.value.to_vec()) };
    let lines = headers.iter().map(line);
    lines
        .map(|(name, value)| (String::from_utf8_lossy(&name).into_owned(), value))
        .collect()
}

/// Writes a line to Envoy's log.
pub(crate) fn log(level: Level, line: &str) {
    // SAFETY: Envoy copies the message.
    unsafe { envoy_dynamic_module_callback_log(level, Buffer::of(line.as_bytes())) }
}

/// A stream of the HTTP filter, while one of its hooks runs.
pub(crate) struct Stream<'h> {
    stream: Opaque,
    hook: PhantomData<&'h ()>,
}

// SAFETY, of all calls below: the stream is the one whose hook runs, on the thread of the hook; the buffers that Envoy
// writes are valid then, and it keeps no pointer of the module's.
#[rustfmt::skip]
impl Stream<'_> {
    fn header(&self, map: Map, name: &str) -> Option<Vec<u8>> {
        let key = Buffer::of(name.as_bytes());
        unsafe { Buffer::read(|value| envoy_dynamic_module_callback_http_get_header(self.stream, map, key, value, 0, std::ptr::null_mut())) }
    }

    fn headers(&self, map: Map) -> Vec<Line> {
        unsafe {
            let size = envoy_dynamic_module_callback_http_get_headers_size(self.stream, map);
            lines(size, |headers| envoy_dynamic_module_callback_http_get_headers(self.stream, map, headers))
        }
    }

    fn set_header(&self, map: Map, name: &str, value: Buffer) {
        unsafe { envoy_dynamic_module_callback_http_set_header(self.stream, map, Buffer::of(name.as_bytes()), value) };
    }

    /// Replaces every line of this name by one. The route is not picked again.
    pub(crate) fn set_request_header(&self, name: &str, value: &[u8]) {
        self.set_header(Map::RequestHeaders, name, Buffer::of(value));
    }

    /// Removes every line of this name, and says whether there was one.
    pub(crate) fn remove_request_header(&self, name: &str) -> bool {
        let present = self.header(Map::RequestHeaders, name).is_some();
        if present {
            self.set_header(Map::RequestHeaders, name, Buffer::ABSENT);
        }
        present
    }

    /// Has Envoy pick the route again.
    pub(crate) fn clear_route_cache(&self) {
        unsafe { envoy_dynamic_module_callback_http_clear_route_cache(self.stream) };
    }

    /// The name of the cluster that the route has, if it is known.
    pub(crate) fn cluster(&self) -> Option<Vec<u8>> {
        unsafe { Buffer::read(|name| envoy_dynamic_module_callback_http_get_cluster_name(self.stream, name)) }
    }

    /// The first value of a header of the answer.
    pub(crate) fn response_header(&self, name: &str) -> Option<Vec<u8>> {
        self.header(Map::ResponseHeaders, name)
    }

    /// Every line of the answer's headers.
    pub(crate) fn response_headers(&self) -> Vec<Line> {
        self.headers(Map::ResponseHeaders)
    }

    /// Replaces every line of this name by one, or removes them all.
    pub(crate) fn set_response_header(&self, name: &str, value: Option<&str>) {
        let value = value.map_or(Buffer::ABSENT, |value| Buffer::of(value.as_bytes()));
        self.set_header(Map::ResponseHeaders, name, value);
    }

    /// Adds a line beside those of the same name.
    pub(crate) fn add_response_header(&self, name: &str, value: &str) {
        let (name, value) = (Buffer::of(name.as_bytes()), Buffer::of(value.as_bytes()));
        unsafe { envoy_dynamic_module_callback_http_add_header(self.stream, Map::ResponseHeaders, name, value) };
    }

    /// The first value of a trailer of the answer.
    pub(crate) fn response_trailer(&self, name: &str) -> Option<Vec<u8>> {
        self.header(Map::ResponseTrailers, name)
    }

    /// How the answer ended, in Envoy's words.
    pub(crate) fn response_code_details(&self) -> Option<Vec<u8>> {
        self.attribute(RESPONSE_CODE_DETAILS)
    }

    /// Writes the stream's filter state.
    pub(crate) fn set_filter_state(&self, key: &str, value: &str) {
        let (key, value) = (Buffer::of(key.as_bytes()), Buffer::of(value.as_bytes()));
        unsafe { envoy_dynamic_module_callback_http_set_filter_state_bytes(self.stream, key, value) };
    }

    fn attribute(&self, id: u32) -> Option<Vec<u8>> {
        unsafe { Buffer::read(|value| envoy_dynamic_module_callback_http_filter_get_attribute_string(self.stream, id, value)) }
    }
}

impl Fields for &Stream<'_> {
    fn first(&self, name: &str) -> Option<Vec<u8>> {
        self.header(Map::RequestHeaders, name)
    }

    fn all(&self) -> Vec<Line> {
        self.headers(Map::RequestHeaders)
    }

    fn source_address(&self) -> Option<Vec<u8>> {
        self.attribute(SOURCE_ADDRESS)
    }
}

/// A choice of the cluster specifier, while its hook runs.
pub(crate) struct Choice<'h> {
    choice: Opaque,
    hook: PhantomData<&'h ()>,
}

// SAFETY, of all calls below: as for a stream.
#[rustfmt::skip]
impl Choice<'_> {
    /// A number that is the same whenever the route of this stream is picked.
    pub(crate) fn random_value(&self) -> u64 {
        unsafe { envoy_dynamic_module_callback_cluster_specifier_get_random_value(self.choice) }
    }

    /// Whether this worker knows the cluster and an endpoint of it, in any state.
    pub(crate) fn has_endpoint(&self, cluster: &str) -> bool {
        let cluster = Buffer::of(cluster.as_bytes());
        for priority in 0.. {
            let [mut total, mut healthy, mut degraded] = [0; 3];
            let known = unsafe { envoy_dynamic_module_callback_cluster_specifier_get_cluster_host_count(self.choice, cluster, priority, &raw mut total, &raw mut healthy, &raw mut degraded) };
            if !known || total > 0 {
                return known;
            }
        }
        false
    }

    /// Sends the request to this cluster.
    pub(crate) fn set_cluster(&self, cluster: &str) {
        unsafe { envoy_dynamic_module_callback_cluster_specifier_set_cluster_name(self.choice, Buffer::of(cluster.as_bytes())) };
    }
}

#[rustfmt::skip]
impl Fields for &Choice<'_> {
    fn first(&self, name: &str) -> Option<Vec<u8>> {
        let key = Buffer::of(name.as_bytes());
        unsafe { Buffer::read(|value| envoy_dynamic_module_callback_cluster_specifier_get_request_header_value(self.choice, key, value, 0, std::ptr::null_mut())) }
    }

    fn all(&self) -> Vec<Line> {
        unsafe {
            let size = envoy_dynamic_module_callback_cluster_specifier_get_request_headers_size(self.choice);
            lines(size, |headers| envoy_dynamic_module_callback_cluster_specifier_get_request_headers(self.choice, headers))
        }
    }

    fn source_address(&self) -> Option<Vec<u8>> {
        unsafe { Buffer::read(|value| envoy_dynamic_module_callback_cluster_specifier_get_attribute_string(self.choice, SOURCE_ADDRESS, value)) }
    }
}

/// What Envoy keeps for one configuration. It is there as long as the module's own configuration is.
#[derive(Debug)]
pub(crate) struct Owner {
    config: Opaque,
    define_counter: Define,
    define_gauge: Define,
    increment: Change,
    set: Change,
}

// SAFETY: the functions may be called on every thread; Envoy's metrics are atomic, and their list no longer changes once
// the configuration is made, which happens on one thread.
unsafe impl Send for Owner {}
// SAFETY: as above.
unsafe impl Sync for Owner {}

impl Owner {
    fn of_filter(config: Opaque) -> Self {
        Self {
            config,
            define_counter: envoy_dynamic_module_callback_http_filter_config_define_counter,
            define_gauge: envoy_dynamic_module_callback_http_filter_config_define_gauge,
            increment: envoy_dynamic_module_callback_http_filter_config_increment_counter,
            set: envoy_dynamic_module_callback_http_filter_config_set_gauge,
        }
    }

    fn of_specifier(config: Opaque) -> Self {
        Self {
            config,
            define_counter: envoy_dynamic_module_callback_cluster_specifier_config_define_counter,
            define_gauge: envoy_dynamic_module_callback_cluster_specifier_config_define_gauge,
            increment: envoy_dynamic_module_callback_cluster_specifier_config_increment_counter,
            set: envoy_dynamic_module_callback_cluster_specifier_config_set_gauge,
        }
    }

    fn define(&self, define: Define, name: &str, labels: &[&str]) -> Option<Metric> {
        let mut id = 0;
        let name = Buffer::of(name.as_bytes());
        let mut labels = Buffer::each(labels);
        let (first, length) = (labels.as_mut_ptr(), labels.len());
        // SAFETY: the configuration lives, and is being made. The labels are there until the call returns.
        let result = unsafe { define(self.config, name, first, length, &raw mut id) };
        (result == SUCCESS).then_some(Metric(id))
    }
}

impl Owner {
    /// Defines a counter; only while the configuration is made.
    pub(crate) fn counter(&self, name: &str) -> Option<Metric> {
        self.define(self.define_counter, name, &[])
    }

    /// Defines a gauge; only while the configuration is made.
    pub(crate) fn gauge(&self, name: &str) -> Option<Metric> {
        self.define(self.define_gauge, name, &[])
    }

    /// Defines a gauge for each combination of values of these labels; only while the configuration is made.
    pub(crate) fn gauges(&self, name: &str, labels: &[&str]) -> Option<Metric> {
        self.define(self.define_gauge, name, labels)
    }

    /// Adds to a counter.
    pub(crate) fn increment(&self, counter: Metric, by: u64) {
        // SAFETY: the configuration lives. An unknown id is an error that changes nothing.
        unsafe { (self.increment)(self.config, counter.0, std::ptr::null_mut(), 0, by) };
    }

    /// Sets a gauge.
    pub(crate) fn set(&self, gauge: Metric, value: u64) {
        // SAFETY: as above.
        unsafe { (self.set)(self.config, gauge.0, std::ptr::null_mut(), 0, value) };
    }

    /// Sets the gauge with these values of its labels, which Envoy makes if it is the first time.
    pub(crate) fn set_labelled(&self, gauges: Metric, labels: &[&str], value: u64) {
        let mut labels = Buffer::each(labels);
        // SAFETY: as above. The labels are there until the call returns.
        unsafe {
            (self.set)(
                self.config,
                gauges.0,
                labels.as_mut_ptr(),
                labels.len(),
                value,
            )
        };
    }
}

/// What Envoy keeps of the module for one stream.
struct Held {
    config: *const filter::Config,
    stream: filter::Stream,
}

/// Runs a hook of a stream.
///
/// # Safety
/// The pointers are those of a stream's hook.
unsafe fn hook(
    stream: Opaque,
    held: *mut c_void,
    run: fn(&filter::Config, &mut filter::Stream, &Stream<'_>, bool),
    end_of_stream: bool,
) {
    // SAFETY: Envoy got this pointer from `…_http_filter_new`, gives it to one hook at a time, and keeps the
    // configuration longer than its streams.
    let (config, held) = unsafe {
        let held = &mut *held.cast::<Held>();
        (&*held.config, held)
    };
    let host = Stream {
        stream,
        hook: PhantomData,
    };
    let panicked = guarded(|| run(config, &mut held.stream, &host, end_of_stream)).is_none();
    if panicked {
        guarded(|| config.give_up(&mut held.stream, &host));
    }
}

/// Called once when Envoy has loaded the module: the version of the ABI.
#[unsafe(no_mangle)]
extern "C" fn envoy_dynamic_module_on_program_init() -> *const c_char {
    const VERSION: &CStr = c"v0.2.0";
    match guarded(crate::start) {
        Some(()) => VERSION.as_ptr(),
        None => std::ptr::null(),
    }
}

/// A configuration of the HTTP filter. Without a result, Envoy rejects it.
#[unsafe(no_mangle)]
unsafe extern "C" fn envoy_dynamic_module_on_http_filter_config_new(
    config: Opaque,
    name: Buffer,
    bytes: Buffer,
) -> Opaque {
    let owner = Owner::of_filter(config);
    // SAFETY: both buffers are valid while the hook runs.
    let (name, bytes) = unsafe { (name.to_vec(), bytes.to_vec()) };
    let made = guarded(|| filter::Config::new(owner, &name, &bytes)).flatten();
    made.map_or(std::ptr::null(), |config| {
        Box::into_raw(Box::new(config)).cast_const().cast()
    })
}

/// The last stream of the configuration has ended.
#[unsafe(no_mangle)]
unsafe extern "C" fn envoy_dynamic_module_on_http_filter_config_destroy(config: Opaque) {
    // SAFETY: Envoy got the pointer from `…_config_new`, and gives it back once.
    let config = unsafe { Box::from_raw(config.cast::<filter::Config>().cast_mut()) };
    guarded(|| drop(config));
}

/// A stream begins.
#[unsafe(no_mangle)]
unsafe extern "C" fn envoy_dynamic_module_on_http_filter_new(config: Opaque, _: Opaque) -> Opaque {
    let held = Held {
        config: config.cast(),
        stream: filter::Stream::default(),
    };
    Box::into_raw(Box::new(held)).cast_const().cast()
}

/// A stream is gone.
#[unsafe(no_mangle)]
unsafe extern "C" fn envoy_dynamic_module_on_http_filter_destroy(held: *mut c_void) {
    // SAFETY: Envoy got the pointer from `…_filter_new`, and gives it back once.
    drop(unsafe { Box::from_raw(held.cast::<Held>()) });
}

/// The request's headers have come.
#[unsafe(no_mangle)]
unsafe extern "C" fn envoy_dynamic_module_on_http_filter_request_headers(
    stream: Opaque,
    held: *mut c_void,
    end_of_stream: bool,
) -> u32 {
    // SAFETY: the pointers are Envoy's.
    unsafe { hook(stream, held, filter::Config::request_headers, end_of_stream) };
    CONTINUE
}

/// The answer's headers have come.
#[unsafe(no_mangle)]
unsafe extern "C" fn envoy_dynamic_module_on_http_filter_response_headers(
    stream: Opaque,
    held: *mut c_void,
    end_of_stream: bool,
) -> u32 {
    // SAFETY: the pointers are Envoy's.
    unsafe {
        hook(
            stream,
            held,
            filter::Config::response_headers,
            end_of_stream,
        )
    };
    CONTINUE
}

/// The answer's trailers have come.
#[unsafe(no_mangle)]
unsafe extern "C" fn envoy_dynamic_module_on_http_filter_response_trailers(
    stream: Opaque,
    held: *mut c_void,
) -> u32 {
    // SAFETY: the pointers are Envoy's.
    unsafe { hook(stream, held, filter::Config::response_trailers, true) };
    CONTINUE
}

/// The stream has ended, however it did.
#[unsafe(no_mangle)]
unsafe extern "C" fn envoy_dynamic_module_on_http_filter_stream_complete(
    stream: Opaque,
    held: *mut c_void,
) {
    // SAFETY: the pointers are Envoy's.
    unsafe { hook(stream, held, filter::Config::end, true) };
}

/// Hooks that Envoy requires and the filter does not need.
macro_rules! unused {
    ($($name:ident($($argument:ty),*) $(-> $status:ident)?;)*) => {$(
        #[unsafe(no_mangle)]
        extern "C" fn $name($(_: $argument),*) $(-> $status)? {
            $(let status: $status = CONTINUE; status)?
        }
    )*};
}

#[rustfmt::skip]
unused! {
    envoy_dynamic_module_on_http_filter_request_body(Opaque, Opaque, bool) -> u32;
    envoy_dynamic_module_on_http_filter_request_trailers(Opaque, Opaque) -> u32;
    envoy_dynamic_module_on_http_filter_response_body(Opaque, Opaque, bool) -> u32;
    envoy_dynamic_module_on_http_filter_scheduled(Opaque, Opaque, u64);
    envoy_dynamic_module_on_http_filter_downstream_above_write_buffer_high_watermark(Opaque, Opaque);
    envoy_dynamic_module_on_http_filter_downstream_below_write_buffer_low_watermark(Opaque, Opaque);
    envoy_dynamic_module_on_http_filter_http_callout_done(Opaque, Opaque, u64, u32, Opaque, usize, Opaque, usize);
    envoy_dynamic_module_on_http_filter_http_stream_headers(Opaque, Opaque, u64, Opaque, usize, bool);
    envoy_dynamic_module_on_http_filter_http_stream_data(Opaque, Opaque, u64, Opaque, usize, bool);
    envoy_dynamic_module_on_http_filter_http_stream_trailers(Opaque, Opaque, u64, Opaque, usize);
    envoy_dynamic_module_on_http_filter_http_stream_complete(Opaque, Opaque, u64);
    envoy_dynamic_module_on_http_filter_http_stream_reset(Opaque, Opaque, u64, u32);
}

/// A configuration of the cluster specifier. Without a result, Envoy rejects it.
#[unsafe(no_mangle)]
unsafe extern "C" fn envoy_dynamic_module_on_cluster_specifier_config_new(
    config: Opaque,
    name: Buffer,
    bytes: Buffer,
) -> Opaque {
    let owner = Owner::of_specifier(config);
    // SAFETY: both buffers are valid while the hook runs.
    let (name, bytes) = unsafe { (name.to_vec(), bytes.to_vec()) };
    let made = guarded(|| specifier::Config::new(owner, &name, &bytes)).flatten();
    made.map_or(std::ptr::null(), |config| {
        Box::into_raw(Box::new(config)).cast_const().cast()
    })
}

/// No route has the configuration any longer.
#[unsafe(no_mangle)]
unsafe extern "C" fn envoy_dynamic_module_on_cluster_specifier_config_destroy(config: Opaque) {
    // SAFETY: Envoy got the pointer from `…_config_new`, and gives it back once.
    let config = unsafe { Box::from_raw(config.cast::<specifier::Config>().cast_mut()) };
    guarded(|| drop(config));
}

/// A route of the configuration is picked: `false` if the module chooses nothing.
#[unsafe(no_mangle)]
unsafe extern "C" fn envoy_dynamic_module_on_cluster_specifier_select(
    config: Opaque,
    choice: Opaque,
) -> bool {
    // SAFETY: Envoy got the pointer from `…_config_new`, and the configuration lives.
    let config = unsafe { &*config.cast::<specifier::Config>() };
    let host = Choice {
        choice,
        hook: PhantomData,
    };
    let chosen = guarded(|| config.choose(&host));
    chosen
        .or_else(|| guarded(|| config.give_up(&host)))
        .unwrap_or(false)
}
