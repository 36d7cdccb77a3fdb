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

#[test]
fn the_image_knows_every_crate_of_the_workspace_before_it_copies_the_rest() {
    let read = |name: &str| std::fs::read_to_string(root().join(name)).unwrap();
    let (workspace, image) = (read("Cargo.toml"), read("Dockerfile"));
    let members = workspace.split("members = [").nth(1).unwrap();
    let members = members.split(']').next().unwrap().split(',');
    let members: Vec<_> = members
        .map(|member| member.trim().trim_matches('"'))
        .filter(|member| !member.is_empty())
        .collect();
    assert!(members.len() > 5, "{members:?}");
    let stand_ins = image.split("for crate in ").nth(1).unwrap();
    let stand_ins: Vec<_> = stand_ins.split(';').next().unwrap().split(' ').collect();
    for member in members {
        let copy = format!("COPY {member}/Cargo.toml {member}/\n");
        assert!(image.contains(&copy), "the image lacks {copy}");
        assert!(stand_ins.contains(&member), "no stand-in for {member}");
    }
}
