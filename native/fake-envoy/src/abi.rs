//! The types of the C ABI, `source/extensions/dynamic_modules/abi/abi.h` of Envoy 1.40, that both sides pass.

use std::ffi::c_void;

/// A pointer of the other side's, of which this side only knows that it is handed back.
pub(crate) type Opaque = *const c_void;

/// `envoy_dynamic_module_type_envoy_buffer` and `envoy_dynamic_module_type_module_buffer`: the same layout.
#[repr(C)]
#[derive(Clone, Copy)]
pub(crate) struct Buffer {
    pub(crate) ptr: *const u8,
    pub(crate) length: usize,
}

/// `envoy_dynamic_module_type_envoy_http_header`.
#[repr(C)]
#[derive(Clone, Copy)]
pub(crate) struct Header {
    pub(crate) key: Buffer,
    pub(crate) value: Buffer,
}

/// `envoy_dynamic_module_type_http_header_type`: the place of a header map.
pub(crate) type Map = u32;
pub(crate) const REQUEST_HEADERS: Map = 0;
pub(crate) const RESPONSE_HEADERS: Map = 2;
pub(crate) const RESPONSE_TRAILERS: Map = 3;
pub(crate) const MAPS: usize = 4;

// `envoy_dynamic_module_type_attribute_id`.
pub(crate) const RESPONSE_CODE_DETAILS: u32 = 16;
pub(crate) const SOURCE_ADDRESS: u32 = 24;

// `envoy_dynamic_module_type_metrics_result`.
pub(crate) const SUCCESS: u32 = 0;
pub(crate) const METRIC_NOT_FOUND: u32 = 1;
pub(crate) const INVALID_LABELS: u32 = 2;
pub(crate) const FROZEN: u32 = 3;

impl Buffer {
    /// No bytes, and nowhere.
    pub(crate) const ABSENT: Self = Self {
        ptr: std::ptr::null(),
        length: 0,
    };

    /// These bytes, as long as they stay where they are.
    pub(crate) fn of(bytes: &[u8]) -> Self {
        Self {
            ptr: bytes.as_ptr(),
            length: bytes.len(),
        }
    }
}
