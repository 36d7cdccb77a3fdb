//! The examples of docs/reference/policy.md do what the page says.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

const PAGE: &str = "../docs/reference/policy.md";

/// The blocks of a page that begin with this line, without the fences.
fn blocks<'p>(page: &'p str, begin: &str) -> Vec<&'p str> {
    let after = page.split(begin).skip(1);
    after
        .filter_map(|rest| rest.split("\n```").next())
        .collect()
}

#[test]
fn each_example_says_what_the_page_says() {
    let page = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(PAGE)).unwrap();
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("policy-page");
    fs::create_dir_all(&folder).unwrap();
    let manifests = blocks(&page, "\n```yaml\n").join("\n---\n");
    fs::write(folder.join("node.yaml"), manifests).unwrap();
    let mut tried = 0;
    for block in blocks(&page, "\n```console\n") {
        for example in block.split("$ cosmos ").skip(1) {
            let (line, expected) = example.split_once('\n').unwrap();
            let mut command = Command::new(env!("CARGO_BIN_EXE_cosmos"));
            // The quotes of the page hold no others.
            for (place, part) in line.split('\'').enumerate() {
                match place % 2 {
                    0 => command.args(part.split_whitespace()),
                    _ => command.arg(part),
                };
            }
            command.arg("--manifests").arg(&folder);
            let output = command.stdin(Stdio::null()).output().unwrap();
            let said = String::from_utf8(output.stdout).unwrap();
            let error = String::from_utf8(output.stderr).unwrap();
            assert_eq!(said.trim_end(), expected.trim_end(), "{line}: {error}");
            let denied = said.contains("does not pass");
            assert_eq!(output.status.code(), Some(i32::from(denied)), "{line}");
            tried += 1;
        }
    }
    assert!(tried >= 4, "the page has examples");
}
