//! How the allocator of glibc is set up, by measurement (docs/adr/0015).
//!
//! Tables are a few large arrays that double. With a fixed threshold they are mappings of their own, which grow by moving
//! pages, not bytes, and leave no hole in a heap behind; by default the threshold rises with every large array that is
//! freed. One arena is enough, as what runs for each message and prefix does not allocate; each further one keeps
//! memory that others could use.

/// From this size on, an allocation is a mapping of its own.
#[cfg(target_env = "gnu")]
const OWN_MAPPING: libc::c_int = 128 * 1024;

/// Sets up the allocator. To be called before the first thread is started.
pub fn set_up() {
    #[cfg(target_env = "gnu")]
    for (parameter, value) in [
        (libc::M_ARENA_MAX, 1),
        (libc::M_MMAP_THRESHOLD, OWN_MAPPING),
        (libc::M_TRIM_THRESHOLD, OWN_MAPPING),
    ] {
        #[expect(unsafe_code, reason = "the allocator's settings have no safe wrapper")]
        // SAFETY: sets a number inside the allocator; no other thread runs yet.
        let taken = unsafe { libc::mallopt(parameter, value) };
        debug_assert_eq!(taken, 1, "mallopt takes parameter {parameter}");
    }
}

/// Gives the kernel the pages that are free inside the heap: to be called after work that held much for a moment.
pub fn give_back() {
    #[cfg(target_env = "gnu")]
    #[expect(unsafe_code, reason = "the allocator's functions have no safe wrapper")]
    // SAFETY: may be called at any time; the allocator locks what it looks at.
    unsafe {
        libc::malloc_trim(0);
    }
}
