//! The functions of Envoy that the module calls. They behave as Envoy's do.

use crate::abi::{Buffer, Header, Map, Opaque, SOURCE_ADDRESS, SUCCESS};
use crate::log;
use crate::metrics::{Kind, Owned};
use crate::request::Fields;
use crate::specifier::Pick;
use crate::stream::Host;

impl Buffer {
    /// Bytes of the module.
    ///
    /// # Safety
    /// The buffer is valid for this call of the module, and a null pointer has no length.
    unsafe fn bytes<'b>(self) -> &'b [u8] {
        if self.ptr.is_null() {
            assert_eq!(self.length, 0, "bytes at a null pointer");
            return &[];
        }
        // SAFETY: by this function's contract.
        unsafe { std::slice::from_raw_parts(self.ptr, self.length) }
    }

    /// # Safety
    /// As for [`bytes`](Self::bytes).
    unsafe fn text<'b>(self) -> &'b str {
        // SAFETY: by this function's contract.
        str::from_utf8(unsafe { self.bytes() }).expect("the module writes UTF-8 here")
    }

    /// Bytes of Envoy's.
    fn showing(bytes: &[u8], empty_is_null: bool) -> Self {
        if bytes.is_empty() && empty_is_null {
            Self::ABSENT
        } else {
            Self::of(bytes)
        }
    }
}

/// What Envoy keeps, by the pointer that the module hands back.
///
/// # Safety
/// The pointer is one that Envoy has given to the module for this purpose, and what is behind it lives.
unsafe fn own<'h, T>(pointer: Opaque) -> &'h T {
    // SAFETY: by this function's contract.
    unsafe { &*pointer.cast::<T>() }
}

/// Writes the value at `index` of this header, or nothing, and how many there are, if that is asked.
///
/// # Safety
/// `value` may be written to, and `count` too if it is not null.
unsafe fn write_value(
    fields: &Fields,
    key: &[u8],
    empty_is_null: bool,
    (value, index, count): (*mut Buffer, usize, *mut usize),
) -> bool {
    let values = || fields.iter().filter(|(name, _)| name == key);
    let found = values().nth(index);
    let shown = found.map(|(_, found)| Buffer::showing(found, empty_is_null));
    // SAFETY: by this function's contract.
    unsafe {
        *value = shown.unwrap_or(Buffer::ABSENT);
        if !count.is_null() {
            *count = values().count();
        }
    }
    found.is_some()
}

/// Writes all header fields.
///
/// # Safety
/// `headers` has room for all of them.
unsafe fn write_all(fields: &Fields, empty_is_null: bool, headers: *mut Header) {
    for (place, (key, value)) in fields.iter().enumerate() {
        let header = Header {
            key: Buffer::showing(key, empty_is_null),
            value: Buffer::showing(value, empty_is_null),
        };
        // SAFETY: by this function's contract.
        unsafe { headers.add(place).write(header) };
    }
}

/// # Safety
/// `value` may be written to.
unsafe fn write(found: Option<Buffer>, value: *mut Buffer) -> bool {
    // SAFETY: by this function's contract.
    unsafe { *value = found.unwrap_or(Buffer::ABSENT) };
    found.is_some()
}

macro_rules! callbacks {
    ($(fn $name:ident($($argument:ident: $type:ty),*) $(-> $result:ty)? $body:block)*) => {
        $(
            #[unsafe(no_mangle)]
            unsafe extern "C" fn $name($($argument: $type),*) $(-> $result)? {
                #[allow(unused_unsafe, reason = "not every body needs it")]
                // SAFETY: the module follows the ABI: the first argument is what Envoy has given to the hook or to the
                // configuration, buffers are valid for this call, and what the module wants to be written may be.
                unsafe { $body }
            }
        )*
    };
}

callbacks! {
    fn envoy_dynamic_module_callback_log(level: u32, message: Buffer) {
        log::write(level, message.text().to_owned());
    }

    fn envoy_dynamic_module_callback_http_get_header(
        stream: Opaque, map: Map, key: Buffer, value: *mut Buffer, index: usize, count: *mut usize
    ) -> bool {
        let host = own::<Host>(stream);
        let into = (value, index, count);
        match host.read(map, |fields| write_value(fields, key.bytes(), host.empty_is_null, into)) {
            Some(found) => found,
            None => write_value(&Fields::new(), &[], false, into),
        }
    }

    fn envoy_dynamic_module_callback_http_get_headers_size(stream: Opaque, map: Map) -> usize {
        own::<Host>(stream).read(map, Vec::len).unwrap_or(0)
    }

    fn envoy_dynamic_module_callback_http_get_headers(stream: Opaque, map: Map, headers: *mut Header) -> bool {
        let host = own::<Host>(stream);
        host.read(map, |fields| write_all(fields, host.empty_is_null, headers)).is_some()
    }

    fn envoy_dynamic_module_callback_http_set_header(stream: Opaque, map: Map, key: Buffer, value: Buffer) -> bool {
        let (key, value) = (key.bytes().to_vec(), (!value.ptr.is_null()).then(|| value.bytes().to_vec()));
        own::<Host>(stream).change(map, |fields| {
            fields.retain(|(name, _)| *name != key);
            fields.extend(value.map(|value| (key, value)));
        })
    }

    fn envoy_dynamic_module_callback_http_add_header(stream: Opaque, map: Map, key: Buffer, value: Buffer) -> bool {
        let field = (key.bytes().to_vec(), value.bytes().to_vec());
        own::<Host>(stream).change(map, |fields| fields.push(field))
    }

    fn envoy_dynamic_module_callback_http_clear_route_cache(stream: Opaque) {
        let host = own::<Host>(stream);
        host.picks.set(host.picks.get() + 1);
    }

    fn envoy_dynamic_module_callback_http_get_cluster_name(stream: Opaque, name: *mut Buffer) -> bool {
        let cluster = own::<Host>(stream).cluster.borrow();
        write(cluster.as_deref().map(Buffer::of), name)
    }

    fn envoy_dynamic_module_callback_http_set_filter_state_bytes(stream: Opaque, key: Buffer, value: Buffer) -> bool {
        let (key, value) = (key.bytes().to_vec(), value.bytes().to_vec());
        own::<Host>(stream).filter_state.borrow_mut().insert(key, value);
        true
    }

    fn envoy_dynamic_module_callback_http_filter_get_attribute_string(stream: Opaque, attribute: u32, value: *mut Buffer) -> bool {
        let host = own::<Host>(stream);
        write(host.attribute(attribute, |found| Buffer::showing(found, host.empty_is_null)), value)
    }

    fn envoy_dynamic_module_callback_http_filter_config_define_counter(config: Opaque, name: Buffer, labels: *mut Buffer, length: usize, id: *mut usize) -> u32 {
        define(Kind::Counter, (config, name, labels, length), id)
    }

    fn envoy_dynamic_module_callback_http_filter_config_define_gauge(config: Opaque, name: Buffer, labels: *mut Buffer, length: usize, id: *mut usize) -> u32 {
        define(Kind::Gauge, (config, name, labels, length), id)
    }

    fn envoy_dynamic_module_callback_http_filter_config_increment_counter(config: Opaque, id: usize, labels: *mut Buffer, length: usize, by: u64) -> u32 {
        change(Kind::Counter, (config, id, labels, length), by)
    }

    fn envoy_dynamic_module_callback_http_filter_config_set_gauge(config: Opaque, id: usize, labels: *mut Buffer, length: usize, value: u64) -> u32 {
        change(Kind::Gauge, (config, id, labels, length), value)
    }

    fn envoy_dynamic_module_callback_cluster_specifier_config_define_counter(config: Opaque, name: Buffer, labels: *mut Buffer, length: usize, id: *mut usize) -> u32 {
        define(Kind::Counter, (config, name, labels, length), id)
    }

    fn envoy_dynamic_module_callback_cluster_specifier_config_define_gauge(config: Opaque, name: Buffer, labels: *mut Buffer, length: usize, id: *mut usize) -> u32 {
        define(Kind::Gauge, (config, name, labels, length), id)
    }

    fn envoy_dynamic_module_callback_cluster_specifier_config_increment_counter(config: Opaque, id: usize, labels: *mut Buffer, length: usize, by: u64) -> u32 {
        change(Kind::Counter, (config, id, labels, length), by)
    }

    fn envoy_dynamic_module_callback_cluster_specifier_config_set_gauge(config: Opaque, id: usize, labels: *mut Buffer, length: usize, value: u64) -> u32 {
        change(Kind::Gauge, (config, id, labels, length), value)
    }

    fn envoy_dynamic_module_callback_cluster_specifier_get_request_header_value(
        choice: Opaque, key: Buffer, value: *mut Buffer, index: usize, count: *mut usize
    ) -> bool {
        let request = &own::<Pick<'_>>(choice).request;
        write_value(&request.headers, key.bytes(), request.empty_is_null, (value, index, count))
    }

    fn envoy_dynamic_module_callback_cluster_specifier_get_request_headers_size(choice: Opaque) -> usize {
        own::<Pick<'_>>(choice).request.headers.len()
    }

    fn envoy_dynamic_module_callback_cluster_specifier_get_request_headers(choice: Opaque, headers: *mut Header) -> bool {
        let request = &own::<Pick<'_>>(choice).request;
        write_all(&request.headers, request.empty_is_null, headers);
        true
    }

    fn envoy_dynamic_module_callback_cluster_specifier_get_attribute_string(choice: Opaque, attribute: u32, value: *mut Buffer) -> bool {
        let request = &own::<Pick<'_>>(choice).request;
        let address = request.source_address.as_deref().filter(|_| attribute == SOURCE_ADDRESS);
        write(address.map(|address| Buffer::showing(address, request.empty_is_null)), value)
    }

    fn envoy_dynamic_module_callback_cluster_specifier_get_random_value(choice: Opaque) -> u64 {
        own::<Pick<'_>>(choice).random_value
    }

    fn envoy_dynamic_module_callback_cluster_specifier_get_cluster_host_count(
        choice: Opaque, cluster: Buffer, priority: u32, total: *mut usize, healthy: *mut usize, degraded: *mut usize
    ) -> bool {
        let known = own::<Pick<'_>>(choice).endpoints.get(cluster.bytes());
        let count = known.and_then(|priorities| priorities.get(priority as usize)).copied();
        for (place, value) in [(total, count), (healthy, count), (degraded, count.map(|_| 0))] {
            if !place.is_null() {
                *place = value.unwrap_or(0);
            }
        }
        count.is_some()
    }

    fn envoy_dynamic_module_callback_cluster_specifier_set_cluster_name(choice: Opaque, cluster: Buffer) {
        own::<Pick<'_>>(choice).chosen.replace(Some(cluster.bytes().to_vec()));
    }
}

/// # Safety
/// As for a callback.
unsafe fn define(
    kind: Kind,
    (config, name, labels, length): (Opaque, Buffer, *mut Buffer, usize),
    id: *mut usize,
) -> u32 {
    // SAFETY: by this function's contract.
    unsafe {
        let owned = own::<Owned>(config);
        let defined = match (length, kind) {
            (0, _) => owned.define(kind, name.text()),
            (_, Kind::Gauge) => owned.define_labelled(name.text(), texts(labels, length).len()),
            (_, Kind::Counter) => panic!("the labels of counters are in the name"),
        };
        match defined {
            Ok(number) => {
                *id = number;
                SUCCESS
            }
            Err(reason) => reason,
        }
    }
}

/// # Safety
/// As for a callback.
unsafe fn change(
    kind: Kind,
    (config, id, labels, length): (Opaque, usize, *mut Buffer, usize),
    value: u64,
) -> u32 {
    // SAFETY: by this function's contract.
    unsafe {
        let owned = own::<Owned>(config);
        match length {
            0 => owned.change(kind, id, value),
            _ => owned.set_labelled(id, &texts(labels, length), value),
        }
    }
}

/// The texts in an array of the module's buffers.
///
/// # Safety
/// There are so many of them, and they are valid.
unsafe fn texts<'a>(first: *const Buffer, length: usize) -> Vec<&'a str> {
    // SAFETY: by this function's contract.
    let buffers = unsafe { std::slice::from_raw_parts(first, length) };
    // SAFETY: as above.
    let text = |buffer: &Buffer| unsafe { buffer.text() };
    buffers.iter().map(text).collect()
}
