//! A folder that changes is followed, and what is written half or taken away by mistake takes nothing with it.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::time::Duration;

use cosmos::source::directory::Directory;
use cosmos::source::folder::Folder;

use crate::scratch::*;

#[tokio::test]
async fn changes_are_seen_as_they_happen() {
    let scratch = Scratch::new("live");
    scratch.write("a.yaml", &router("a", 1));
    let directory = Directory::start(&scratch.0, &[]).expect("the folder is there");
    let mut updates = directory.updates();
    assert_eq!(
        asn_of(&updates.borrow(), "a"),
        Some(1),
        "the first state is there at once"
    );

    scratch.write("b.yml", &router("b", 2));
    until(&mut updates, "a new file", |u| asn_of(u, "b") == Some(2)).await;
    scratch.write("a.yaml", &router("a", 3));
    until(&mut updates, "a changed file", |u| {
        asn_of(u, "a") == Some(3)
    })
    .await;
    // As editors do it: another file takes the name.
    scratch.write("a.yaml.new", &router("a", 4));
    fs::rename(scratch.0.join("a.yaml.new"), scratch.0.join("a.yaml")).expect("renamed");
    until(&mut updates, "a replaced file", |u| {
        asn_of(u, "a") == Some(4)
    })
    .await;
    scratch.write("a.yaml", "kind: [\n");
    until(&mut updates, "what is wrong", |u| !u.problems.is_empty()).await;
    assert_eq!(
        asn_of(&updates.borrow(), "a"),
        Some(4),
        "the last good state stays"
    );
    scratch.remove("b.yml");
    until(&mut updates, "a file that is gone", |u| {
        asn_of(u, "b").is_none()
    })
    .await;
    scratch.write("a.yaml", &router("a", 5));
    until(&mut updates, "what was put right", |u| {
        u.problems.is_empty()
    })
    .await;
    assert_eq!(asn_of(&updates.borrow(), "a"), Some(5));
}

#[tokio::test]
async fn a_file_that_is_written_slowly_takes_nothing_away() {
    let scratch = Scratch::new("slow");
    written_slowly(&scratch, &scratch.0).await;
}

#[tokio::test]
async fn nor_does_it_where_the_folder_is_named_from_where_the_agent_runs() {
    let scratch = Scratch::new("relative");
    let here = std::env::current_dir().expect("a folder to be in");
    let up: PathBuf = here.components().skip(1).map(|_| "..").collect();
    let below = scratch.0.strip_prefix("/").expect("an absolute path");
    written_slowly(&scratch, &Path::new(".").join(up).join(below)).await;
}

/// The folder, and the name that the agent is given for it.
async fn written_slowly(scratch: &Scratch, name: &Path) {
    use std::io::Write;

    let both = format!("{}---\n{}", router("a", 1), router("b", 2));
    scratch.write("all.yaml", &both);
    let directory = Directory::start(name, &[]).expect("the folder is there");
    let mut updates = directory.updates();
    // The first reading after the start is over when something else has been seen.
    scratch.write("seen.yaml", &router("seen", 1));
    until(&mut updates, "a new file", |u| asn_of(u, "seen").is_some()).await;

    let path = scratch.0.join("all.yaml");
    let mut file = fs::File::create(&path).expect("emptied");
    let changed = format!("{}---\n{}", router("a", 3), router("b", 4));
    // Whole documents, but not all of them, and then a line of the next.
    let (one, rest) = changed.split_at(router("a", 3).len() + 30);
    for part in ["", one, rest] {
        file.write_all(part.as_bytes()).expect("written");
        let seen = updates.wait_for(|u| asn_of(u, "a") != Some(1) || asn_of(u, "b") != Some(2));
        let seen = tokio::time::timeout(Duration::from_millis(700), seen).await;
        assert!(seen.is_err(), "half a file was read after {part:?}");
    }
    drop(file);
    until(&mut updates, "the whole file", |u| {
        asn_of(u, "a") == Some(3) && asn_of(u, "b") == Some(4)
    })
    .await;

    // Closed empty and written again a little later, as `: > all.yaml; sleep 1; cat > all.yaml` does.
    scratch.write("all.yaml", "");
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(asn_of(&updates.borrow(), "a"), Some(3));
    scratch.write("all.yaml", &both);
    until(&mut updates, "the file as before", |u| {
        asn_of(u, "a") == Some(1)
    })
    .await;
    // Who leaves it empty means it.
    scratch.write("all.yaml", "");
    until(&mut updates, "an empty file", |u| asn_of(u, "a").is_none()).await;
}

#[tokio::test]
async fn a_mounted_config_map_is_followed_when_it_is_swapped() {
    let scratch = Scratch::new("configmap");
    for (version, asn) in [("..v1", 1), ("..v2", 2)] {
        fs::create_dir(scratch.0.join(version)).expect("a folder");
        scratch.write(&format!("{version}/a.yaml"), &router("a", asn));
    }
    symlink("..v1", scratch.0.join("..data")).expect("a link");
    symlink("..data/a.yaml", scratch.0.join("a.yaml")).expect("a link");
    let directory = Directory::start(&scratch.0, &[]).expect("the folder is there");
    let mut updates = directory.updates();
    assert_eq!(asn_of(&updates.borrow(), "a"), Some(1));
    symlink("..v2", scratch.0.join("..data_tmp")).expect("a link");
    fs::rename(scratch.0.join("..data_tmp"), scratch.0.join("..data")).expect("swapped");
    until(&mut updates, "the new version", |u| {
        asn_of(u, "a") == Some(2)
    })
    .await;
}

#[tokio::test]
async fn a_folder_that_vanishes_leaves_everything_in_force() {
    let scratch = Scratch::new("vanishing");
    scratch.write("a.yaml", &router("a", 1));
    let directory = Directory::start(&scratch.0, &[]).expect("the folder is there");
    let mut updates = directory.updates();
    let away = scratch.0.with_extension("away");
    fs::rename(&scratch.0, &away).expect("moved away");
    let (now, before) = (away.clone(), scratch.0.clone());
    until(&mut updates, "the folder is missing", |u| {
        u.problems
            .iter()
            .any(|problem| problem.message.contains("what was read last stays"))
    })
    .await;
    assert_eq!(asn_of(&updates.borrow(), "a"), Some(1));
    fs::rename(now, before).expect("moved back");
    let limit = Duration::from_secs(15);
    let seen = tokio::time::timeout(limit, updates.wait_for(|u| u.problems.is_empty())).await;
    assert!(
        matches!(&seen, Ok(Ok(_))),
        "the folder is read again when it is back"
    );
}

#[tokio::test]
async fn a_link_that_leads_nowhere_any_more_takes_nothing_away() {
    let scratch = Scratch::new("broken-link");
    scratch.write("text", &router("a", 1));
    symlink("text", scratch.0.join("a.yaml")).expect("a link");
    let directory = Directory::start(&scratch.0, &[]).expect("the folder is there");
    let mut updates = directory.updates();
    assert_eq!(asn_of(&updates.borrow(), "a"), Some(1));
    scratch.remove("text");
    until(&mut updates, "the link leads nowhere", |u| {
        let mut problems = u.problems.iter().map(ToString::to_string);
        problems.any(|text| text.contains("a.yaml: is a link to text, which is not there"))
    })
    .await;
    assert_eq!(asn_of(&updates.borrow(), "a"), Some(1));
    scratch.remove("a.yaml");
    until(&mut updates, "the link is gone", |u| {
        asn_of(u, "a").is_none() && u.problems.is_empty()
    })
    .await;
}

#[test]
fn a_file_that_is_emptied_is_named_with_what_it_had() {
    use std::time::SystemTime;

    let mut folder = Folder::default();
    let mut read = |text: &str| {
        let files = [("a.yaml".to_owned(), Ok(text.to_owned()))].into();
        let content = folder.read(files, SystemTime::UNIX_EPOCH).expect("new");
        let problems = content.problems.iter().map(ToString::to_string);
        problems.collect::<Vec<_>>()
    };
    assert_eq!(read("# nothing yet\n"), [""; 0]);
    assert_eq!(read(&router("a", 1)), [""; 0]);
    let told = read("");
    assert_eq!(told.len(), 1, "{told:?}");
    assert!(
        told[0].starts_with("a.yaml: has no objects any more") && told[0].contains("BGPRouter/a;"),
        "{told:?}"
    );
    assert_eq!(read(&router("a", 1)), [""; 0]);
}
