//! The program's code in memory: what a reading of the manifests needed is let go after it.
//!
//! Most of the code reads and checks manifests (YAML, schemas, CEL, regular expressions) and runs again only when one
//! changes; what runs for each message and prefix is a small part. Linux maps 16 pages around each one that is touched, so
//! that a start leaves nearly all of the code resident. Taking the mapping away leaves the pages in the page cache, where
//! they are clean and go first when memory is short, and what does run comes back page by page without reading the file.

use std::{fs, io, ptr};

/// Takes the mapping of the program's code away; each page comes back when it is run.
///
/// # Errors
/// When `/proc` does not say where the code is, or the kernel refuses. Nothing is changed then.
pub(crate) fn let_go() -> io::Result<()> {
    let maps = fs::read_to_string("/proc/self/maps")?;
    let here = let_go as *const () as usize;
    let (start, end) =
        mapping_of(&maps, here).ok_or_else(|| io::Error::other("no mapping holds the code"))?;
    #[expect(unsafe_code, reason = "rustix has it as Linux has it")]
    // SAFETY: the range is the mapping of the program file that this function runs in. It is not writable, so it has nothing
    // that is not in the file, and Linux reads a page again when it is touched (madvise(2), MADV_DONTNEED).
    unsafe {
        rustix::mm::madvise(
            ptr::with_exposed_provenance_mut(start),
            end - start,
            rustix::mm::Advice::LinuxDontNeed,
        )?;
    }
    Ok(())
}

/// The borders of the private mapping around an address that can be run but not written, from the lines of `/proc/PID/maps`.
fn mapping_of(maps: &str, address: usize) -> Option<(usize, usize)> {
    maps.lines().find_map(|line| {
        let (range, rest) = line.split_once(' ')?;
        let (start, end) = range.split_once('-')?;
        let start = usize::from_str_radix(start, 16).ok()?;
        let end = usize::from_str_radix(end, 16).ok()?;
        (rest.starts_with("r-xp ") && (start..end).contains(&address)).then_some((start, end))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Kilobytes of the code that are mapped, from `/proc/self/smaps`.
    fn resident() -> u64 {
        let smaps = fs::read_to_string("/proc/self/smaps").unwrap();
        let here = let_go as *const () as usize;
        let (start, end) = mapping_of(&smaps, here).unwrap();
        let first = format!("{start:x}-{end:x} ");
        let mut lines = smaps.lines().skip_while(|line| !line.starts_with(&first));
        let rss = lines.find_map(|line| line.strip_prefix("Rss:")).unwrap();
        rss.trim_end_matches("kB").trim().parse().unwrap()
    }

    #[test]
    fn the_code_is_no_longer_mapped_and_still_runs() {
        let before = resident();
        let_go().unwrap();
        let after = resident();
        assert!(after < before, "{before} kB before, {after} kB after");
    }

    #[test]
    fn only_code_that_cannot_be_written_is_let_go() {
        let maps = "00200000-004d2000 r--p 00000000 fe:00 9 /cosmos\n004d2000-00c52000 r-xp 002d1000 fe:00 9 /cosmos\n\
                    00c52000-00d52000 rwxp 00000000 00:00 0\n";
        assert_eq!(mapping_of(maps, 0x4d_2000), Some((0x4d_2000, 0xc5_2000)));
        assert_eq!(mapping_of(maps, 0x20_0000), None, "not code");
        assert_eq!(mapping_of(maps, 0xc5_2000), None, "may be written");
    }
}
