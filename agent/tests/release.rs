//! The binary of `make release` and the binary of the image are made alike.

use std::path::PathBuf;
use std::process::Command;

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("..")
}

#[test]
fn the_makefile_and_the_image_take_their_flags_from_one_place() {
    let builds = |name: &str| {
        let text = std::fs::read_to_string(root().join(name)).unwrap();
        // Lines that are continued are one.
        let text = text.replace("\\\n", " ").replace("$$", "$");
        let builds: Vec<String> = text
            .lines()
            .filter(|line| !line.starts_with('#') && line.contains("cargo build --release"))
            .map(str::to_owned)
            .collect();
        assert!(!builds.is_empty(), "{name} builds nothing");
        builds
    };
    for line in [builds("Makefile"), builds("Dockerfile")].concat() {
        let flags = line.split("RUSTFLAGS=").nth(1).unwrap_or_default();
        let flags = flags.trim_start_matches('"');
        assert!(flags.starts_with("$(scripts/release-flags)"), "{line}");
        assert!(!line.contains("-C "), "a flag of its own: {line}");
    }
    let flags = Command::new(root().join("scripts/release-flags"))
        .output()
        .unwrap();
    let flags = String::from_utf8(flags.stdout).unwrap();
    let decided =
        std::fs::read_to_string(root().join("docs/adr/0015-allocator-and-static-build.md"))
            .unwrap();
    assert!(decided.contains(&format!("`{}`", flags.trim())), "{flags}");
}
