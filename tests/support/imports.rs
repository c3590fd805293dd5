//! The functions that the ABI requires from a proxy. They behave as Envoy's do.

#![allow(unsafe_code, reason = "the ABI passes pointers")]

use std::slice;

use super::counting;
use super::proxy::Map;
use super::{CasMismatch, Lines, Proxy};

const OK: u32 = 0;
const NOT_FOUND: u32 = 1;
const BAD_ARGUMENT: u32 = 2;
const CAS_MISMATCH: u32 = 8;

/// Bytes that belong to the filter.
///
/// # Safety
/// The filter passes a pointer to `size` bytes that are valid for this call. If `size` is 0, any pointer is allowed.
unsafe fn bytes<'b>(data: *const u8, size: usize) -> &'b [u8] {
    if size == 0 {
        &[]
    } else {
        unsafe { slice::from_raw_parts(data, size) }
    }
}

/// # Safety
/// As for [`bytes`].
unsafe fn text(data: *const u8, size: usize) -> String {
    String::from_utf8_lossy(unsafe { bytes(data, size) }).into_owned()
}

/// Gives the filter a copy, which it frees as a `Vec` of exactly this capacity. An empty copy is a null pointer.
///
/// # Safety
/// The filter passes pointers that may be written to.
unsafe fn give(value: &[u8], data: *mut *mut u8, size: *mut usize) -> u32 {
    let copy = Box::leak(value.to_vec().into_boxed_slice());
    unsafe {
        *data = if copy.is_empty() {
            std::ptr::null_mut()
        } else {
            copy.as_mut_ptr()
        };
        *size = copy.len();
    }
    OK
}

/// Runs the proxy's side of a call, and records the call.
fn host<T>(call: &str, key: &str, answer: impl FnOnce(&mut Proxy) -> T) -> T {
    Proxy::with(|proxy| {
        proxy.called(&format!("{call} {key}"));
        answer(proxy)
    })
}

/// Changes a header map, if it is available.
fn change(call: &str, key: &str, map: u32, change: impl FnOnce(&mut Lines)) -> u32 {
    host(call, key, |proxy| match proxy.write(Map(map)) {
        Some(lines) => {
            change(lines);
            OK
        }
        None => BAD_ARGUMENT,
    })
}

/// Changes the value of a metric, for this virtual machine and for the whole proxy.
fn update(call: &str, id: u32, change: impl Fn(u64) -> u64) {
    host(call, "", |proxy| {
        let (name, value) = &mut proxy.metrics[id as usize];
        *value = change(*value);
        proxy.shared.update_metric(name, change);
    });
}

macro_rules! imports {
    ($(fn $name:ident($($argument:ident: $type:ty),*) $body:block)*) => {
        $(
            #[unsafe(no_mangle)]
            extern "C" fn $name($($argument: $type),*) -> u32 {
                #[allow(unused_unsafe, reason = "not every body needs it")]
                // SAFETY: the SDK follows the ABI: pointers are valid for the call, and their lengths are correct.
                counting::proxy(|| unsafe { $body })
            }
        )*
    };
}

imports! {
    fn proxy_log(level: u32, data: *const u8, size: usize) {
        let line = text(data, size);
        Proxy::with(|proxy| proxy.log.push((level, line)));
        OK
    }

    fn proxy_get_current_time_nanoseconds(time: *mut u64) {
        host("time", "", |proxy| *time = u64::try_from(proxy.shared.now().as_nanos()).unwrap());
        OK
    }

    fn proxy_get_buffer_bytes(
        _buffer: u32, start: usize, most: usize, data: *mut *mut u8, size: *mut usize
    ) {
        host("configuration", "", |proxy| {
            let end = start.saturating_add(most).min(proxy.configuration.len());
            match proxy.configuration.get(start..end) {
                // Envoy also gives nothing for an empty range.
                Some([]) | None => NOT_FOUND,
                Some(value) => give(value, data, size),
            }
        })
    }

    fn proxy_set_tick_period_milliseconds(period: u32) {
        host("tick every", &period.to_string(), |proxy| proxy.set_tick_period(period));
        OK
    }

    fn proxy_get_header_map_pairs(map: u32, data: *mut *mut u8, size: *mut usize) {
        host("all", "", |proxy| match proxy.read(Map(map)) {
            Some(lines) => give(&serialized(lines), data, size),
            None => BAD_ARGUMENT,
        })
    }

    fn proxy_get_header_map_value(
        map: u32, key: *const u8, key_size: usize, data: *mut *mut u8, size: *mut usize
    ) {
        let key = text(key, key_size);
        host("get", &key, |proxy| match proxy.read(Map(map)) {
            Some(lines) => match lines.iter().find(|(name, _)| *name == key) {
                Some((_, value)) => give(value, data, size),
                None => NOT_FOUND,
            },
            None => BAD_ARGUMENT,
        })
    }

    fn proxy_remove_header_map_value(map: u32, key: *const u8, key_size: usize) {
        let key = text(key, key_size);
        change("remove", &key, map, |lines| lines.retain(|(name, _)| *name != key))
    }

    fn proxy_replace_header_map_value(
        map: u32, key: *const u8, key_size: usize, value: *const u8, value_size: usize
    ) {
        let (key, value) = (text(key, key_size), bytes(value, value_size).to_vec());
        change("set", &key, map, |lines| {
            lines.retain(|(name, _)| *name != key);
            lines.push((key.clone(), value));
        })
    }

    fn proxy_add_header_map_value(
        map: u32, key: *const u8, key_size: usize, value: *const u8, value_size: usize
    ) {
        let (key, value) = (text(key, key_size), bytes(value, value_size).to_vec());
        change("add", &key, map, |lines| lines.push((key.clone(), value)))
    }

    fn proxy_get_property(path: *const u8, path_size: usize, data: *mut *mut u8, size: *mut usize) {
        let path = text(path, path_size).replace('\0', ".");
        host("property", &path, |proxy| match proxy.property(&path) {
            Some(value) => give(value, data, size),
            None => NOT_FOUND,
        })
    }

    fn proxy_set_property(path: *const u8, path_size: usize, value: *const u8, value_size: usize) {
        let (path, value) = (text(path, path_size), bytes(value, value_size).to_vec());
        host("set property", &path, |proxy| proxy.properties.insert(format!("wasm.{path}"), value));
        OK
    }

    fn proxy_get_shared_data(
        key: *const u8, key_size: usize, data: *mut *mut u8, size: *mut usize, cas: *mut u32
    ) {
        let key = text(key, key_size);
        host("get shared", &key, |proxy| match proxy.shared.get(&key) {
            Some((value, number)) => {
                *cas = number;
                give(&value, data, size)
            }
            None => NOT_FOUND,
        })
    }

    fn proxy_set_shared_data(key: *const u8, key_size: usize, value: *const u8, value_size: usize, cas: u32) {
        let (key, value) = (text(key, key_size), bytes(value, value_size));
        host("set shared", &key, |proxy| match proxy.shared.set(&key, value, cas) {
            Ok(()) => OK,
            Err(CasMismatch) => CAS_MISMATCH,
        })
    }

    fn proxy_define_metric(_kind: u32, name: *const u8, name_size: usize, id: *mut u32) {
        let name = text(name, name_size);
        host("define", &name, |proxy| {
            *id = u32::try_from(proxy.metrics.len()).unwrap();
            proxy.metrics.push((name.clone(), 0));
            proxy.shared.update_metric(&name, |value| value);
        });
        OK
    }

    fn proxy_record_metric(id: u32, value: u64) {
        update("record", id, |_| value);
        OK
    }

    fn proxy_increment_metric(id: u32, by: i64) {
        update("increment", id, |value| value.checked_add_signed(by).unwrap());
        OK
    }

    fn proxy_set_effective_context(_context: u32) {
        OK
    }
}

macro_rules! unused {
    ($($name:ident)*) => {
        $(
            #[unsafe(no_mangle)]
            extern "C" fn $name() -> u32 {
                unimplemented!("{}: the filter is not expected to call it", stringify!($name))
            }
        )*
    };
}

// The SDK needs these functions to link, but the filter does not use them.
unused! {
    proxy_get_log_level proxy_set_buffer_bytes proxy_set_header_map_pairs
    proxy_register_shared_queue proxy_resolve_shared_queue proxy_dequeue_shared_queue proxy_enqueue_shared_queue
    proxy_continue_stream proxy_close_stream proxy_send_local_response proxy_http_call proxy_grpc_call
    proxy_grpc_stream proxy_grpc_send proxy_grpc_cancel proxy_grpc_close proxy_get_status
    proxy_call_foreign_function proxy_done proxy_get_metric
}

/// The ABI's form of a header map: the number of lines, their sizes, then names and values, each followed by a zero.
fn serialized(lines: &[(String, Vec<u8>)]) -> Vec<u8> {
    let size = |bytes: &[u8]| u32::try_from(bytes.len()).unwrap().to_le_bytes();
    let mut map = u32::try_from(lines.len()).unwrap().to_le_bytes().to_vec();
    for (name, value) in lines {
        map.extend(size(name.as_bytes()));
        map.extend(size(value));
    }
    for (name, value) in lines {
        map.extend_from_slice(name.as_bytes());
        map.push(0);
        map.extend_from_slice(value);
        map.push(0);
    }
    map
}
