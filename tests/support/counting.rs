//! Counts what the filter allocates, and not what the proxy around it does.

#![allow(unsafe_code, reason = "an allocator is unsafe by its trait")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

thread_local! {
    static IN_FILTER: Cell<bool> = const { Cell::new(false) };
    static ALLOCATIONS: Cell<usize> = const { Cell::new(0) };
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

struct Counting;

// SAFETY: every call is passed on to the system's allocator unchanged.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // A thread that ends has no thread-locals any more.
        if IN_FILTER.try_with(Cell::get).unwrap_or(false) {
            ALLOCATIONS.set(ALLOCATIONS.get() + 1);
        }
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        unsafe { System.dealloc(pointer, layout) }
    }
}

/// Runs code of the filter, whose allocations count.
pub(super) fn filter<T>(call: impl FnOnce() -> T) -> T {
    switched(true, call)
}

/// Runs code of the proxy, whose allocations do not count.
pub(super) fn proxy<T>(call: impl FnOnce() -> T) -> T {
    switched(false, call)
}

/// How many allocations the filter has made on this thread.
pub(super) fn allocations() -> usize {
    ALLOCATIONS.get()
}

fn switched<T>(in_filter: bool, call: impl FnOnce() -> T) -> T {
    let before = IN_FILTER.replace(in_filter);
    let result = call();
    IN_FILTER.set(before);
    result
}
