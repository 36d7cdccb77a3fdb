//! A folder of manifests as a value: texts in, objects and problems out. No IO and no clock.
//!
//! A file whose text is no YAML leaves its former objects as they were; so does an object that becomes bad. A file
//! that is gone takes its objects with it, and so does a document that is taken out of a file that can be read.
//! When two files hold one object, the one that has had it keeps it; at first, that is the first by file name.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::{self, Write as _};
use std::sync::Arc;
use std::time::SystemTime;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use k8s_openapi::jiff::Timestamp;
use serde_json::Value;
use serde_saphyr::Spanned;

use super::digest::digest;
use super::unfinished::Before;
use super::validate::{Judge, Verdict};
use crate::desired::{Kind, Object, ObjectKey, Objects, Severity};

/// Something wrong in a file.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct FileProblem {
    /// The file, as a path that people can open.
    pub file: String,
    /// The object, as `kind/name`, when it is about one; where in the file it is when that does not tell.
    pub object: Option<String>,
    /// The field; empty for the object or file as a whole.
    pub field: String,
    /// What is wrong, and what would be right.
    pub message: String,
    /// Whether the object or file is refused.
    pub severity: Severity,
}

impl fmt::Display for FileProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // A problem is one line, whatever is written in the names and values it quotes.
        let f = &mut OneLine(f);
        write!(f, "{}: ", self.file)?;
        if let Some(object) = &self.object {
            write!(f, "{object}: ")?;
        }
        if !self.field.is_empty() {
            write!(f, "{}: ", self.field)?;
        }
        f.write_str(&self.message)
    }
}

/// Writes control characters, line breaks among them, in their escaped form.
struct OneLine<'a, 'f>(&'a mut fmt::Formatter<'f>);

impl fmt::Write for OneLine<'_, '_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for piece in text.split_inclusive(char::is_control) {
            match piece.chars().next_back().filter(|last| last.is_control()) {
                Some(last) => {
                    self.0.write_str(&piece[..piece.len() - last.len_utf8()])?;
                    write!(self.0, "{}", last.escape_default())?;
                }
                None => self.0.write_str(piece)?,
            }
        }
        Ok(())
    }
}

/// What a folder holds.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct SourceUpdate {
    /// The newest good form of every object.
    pub objects: Objects,
    /// Everything that is wrong in the files.
    pub problems: Vec<FileProblem>,
    /// The file of each object.
    pub files: BTreeMap<ObjectKey, String>,
}

/// A folder of manifests, remembered from reading to reading.
#[derive(Default, Debug)]
pub struct Folder {
    files: BTreeMap<String, File>,
    /// What was handed out last, and from which files.
    last: Objects,
    owners: BTreeMap<ObjectKey, String>,
    /// What was given to each object when it was first seen.
    births: BTreeMap<ObjectKey, Birth>,
}

#[derive(Debug, Default)]
struct File {
    /// Stands for what was read last.
    text: Option<u64>,
    /// Shared with what was handed out: a node may have a thousand peers.
    objects: Vec<Arc<Object>>,
    /// Objects that the file names and that are refused as they are there; and those that it may still mean.
    refused: Vec<ObjectKey>,
    /// Those of them that were never good.
    never_good: BTreeSet<ObjectKey>,
    /// Those that the file does not name any more, but may mean.
    unclear: BTreeSet<ObjectKey>,
    /// How many documents could be nobody's when it was last clear what became of every object.
    strangers: usize,
    problems: Vec<FileProblem>,
}

#[derive(Debug)]
struct Birth {
    created: SystemTime,
    generation: i64,
    /// Stands for what the object asks for.
    spec: u64,
}

/// An object as a process before this one had it in effect, with what it was given when it was first seen, and its file.
#[derive(Clone, PartialEq, Debug)]
pub struct Former {
    /// The file that had it.
    pub file: String,
    /// The object.
    pub object: Arc<Object>,
}

impl Before for Folder {
    fn has_file(&self, name: &str) -> bool {
        self.files.contains_key(name)
    }

    fn has_objects(&self, name: &str) -> bool {
        let file = self.files.get(name);
        file.is_some_and(|file| !file.objects.is_empty() || !file.refused.is_empty())
    }

    fn with_sessions(&self) -> impl Iterator<Item = &str> {
        let runs =
            |object: &Arc<Object>| matches!(object.key().kind, Kind::BgpRouter | Kind::BgpPeer);
        let files = self.files.iter();
        let files = files.filter(move |(_, file)| file.objects.iter().any(runs));
        files.map(|(name, _)| name.as_str())
    }
}

impl Folder {
    /// A folder whose files had these objects when another process read them last: what is bad at the first reading leaves them as
    /// they were, as at any other.
    #[must_use]
    pub fn after(former: &[Former]) -> Self {
        let mut folder = Self::default();
        for Former { file, object } in former {
            let key = object.key();
            let meta = object.meta();
            if let (Some(generation), Some(created)) = (meta.generation, &meta.creation_timestamp) {
                let birth = Birth {
                    created: created.0.into(),
                    generation,
                    spec: spec_of(object),
                };
                folder.births.insert(key.clone(), birth);
            }
            let files = folder.files.entry(file.clone()).or_default();
            files.objects.push(Arc::clone(object));
            folder.last.apply(Arc::clone(object));
            folder.owners.insert(key, file.clone());
        }
        folder
    }

    /// Takes in what the files of the folder are now: by path, the text or why it cannot be read.
    ///
    /// Gives the whole content when anything is different from the reading before.
    pub fn read(
        &mut self,
        files: BTreeMap<String, Result<String, String>>,
        now: SystemTime,
    ) -> Option<SourceUpdate> {
        self.read_but(files, &BTreeSet::new(), now)
    }

    /// As [`Folder::read`], except that the files of `held` are as they were.
    pub fn read_but(
        &mut self,
        files: BTreeMap<String, Result<String, String>>,
        held: &BTreeSet<String>,
        now: SystemTime,
    ) -> Option<SourceUpdate> {
        let before = self.files.len();
        self.files
            .retain(|name, _| files.contains_key(name) || held.contains(name));
        let mut judge = Judge::default();
        let mut changed = before != self.files.len();
        for (name, text) in files {
            let file = self.files.entry(name.clone()).or_default();
            let read = Some(digest(&text));
            if file.text == read {
                continue;
            }
            changed = true;
            file.take(&name, &text, &mut judge);
            file.text = read;
        }
        changed.then(|| self.content(now))
    }

    /// Makes the next reading count as new, whatever it finds.
    pub fn forget_texts(&mut self) {
        self.files.values_mut().for_each(|file| file.text = None);
    }

    /// All files put together.
    fn content(&mut self, now: SystemTime) -> SourceUpdate {
        let mut update = SourceUpdate::default();
        for (name, file) in &self.files {
            update.problems.extend(file.problems.iter().cloned());
            for object in &file.objects {
                let key = object.key();
                let owner = match self.owners.get(&key) {
                    Some(owner) if owner == name => name,
                    _ => self.owner(&key).unwrap_or(name),
                };
                if owner == name && !update.files.contains_key(&key) {
                    update.files.insert(key.clone(), name.clone());
                    update.objects.apply(Arc::clone(object));
                    continue;
                }
                let owner = update.files.get(&key).unwrap_or(owner);
                let message = if owner == name {
                    "is in this file twice; the first one counts, remove the other".to_owned()
                } else {
                    format!("is in {owner} too, which had it first and counts; remove one of them")
                };
                update.problems.push(FileProblem {
                    file: name.clone(),
                    object: Some(key.to_string()),
                    field: String::new(),
                    message,
                    severity: Severity::Rejected,
                });
            }
        }
        self.keep_last_good(&mut update);
        self.births.retain(|key, _| update.files.contains_key(key));
        for object in self.files.values_mut().flat_map(|file| &mut file.objects) {
            let key = object.key();
            // Of those with the same name one counts.
            let counts = |one: &Arc<Object>| Arc::ptr_eq(one, object);
            if update.objects.shared(&key).is_some_and(counts) {
                bear(object, &mut self.births, now);
                update.objects.apply(Arc::clone(object));
            }
        }
        self.last = update.objects.clone();
        self.owners = update.files.clone();
        update
    }

    /// The file that has had an object, if it still names it: a copy elsewhere must not take its place.
    fn owner(&self, key: &ObjectKey) -> Option<&String> {
        let owner = self.owners.get(key)?;
        let file = self.files.get(owner)?;
        let names_it =
            file.refused.contains(key) || file.objects.iter().any(|object| object.key() == *key);
        names_it.then_some(owner)
    }

    /// What is refused, wherever it is now, stays as it was when it was good.
    fn keep_last_good(&self, update: &mut SourceUpdate) {
        for (name, file) in &self.files {
            for key in &file.refused {
                if update.files.contains_key(key) {
                    continue;
                }
                match self.last.shared(key) {
                    Some(good) => {
                        update.files.insert(key.clone(), name.clone());
                        update.objects.apply(Arc::clone(good));
                        if let Some(generation) = good.meta().generation {
                            tell_what_stays(&mut update.problems, name, key, generation);
                        }
                    }
                    None => update.objects.refuse(key.clone()),
                }
            }
        }
    }
}

/// Gives the object what an API server would have put into its metadata.
fn bear(object: &mut Arc<Object>, births: &mut BTreeMap<ObjectKey, Birth>, now: SystemTime) {
    let spec = spec_of(object);
    let birth = births.entry(object.key()).or_insert_with(|| Birth {
        created: now,
        generation: 1,
        spec,
    });
    if birth.spec != spec {
        birth.generation += 1;
        birth.spec = spec;
    }
    let generation = Some(birth.generation);
    let created = Timestamp::try_from(birth.created).ok().map(Time);
    let meta = object.meta();
    if (meta.generation, &meta.creation_timestamp) != (generation, &created) {
        let meta = Arc::make_mut(object).meta_mut();
        meta.generation = generation;
        meta.creation_timestamp = created;
    }
}

/// Stands for what the object asks for.
fn spec_of(object: &Object) -> u64 {
    let mut spec = object.to_value();
    if let Some(spec) = spec.as_object_mut() {
        spec.remove("metadata");
    }
    digest(&spec)
}

/// A status cannot tell: it is that of the object that stays.
fn tell_what_stays(problems: &mut [FileProblem], file: &str, key: &ObjectKey, generation: i64) {
    let name = key.to_string();
    let here = |problem: &&mut FileProblem| {
        problem.file == file
            && problem.object.as_ref() == Some(&name)
            && problem.severity == Severity::Rejected
    };
    for problem in problems.iter_mut().filter(here) {
        let stays = format!("; its last valid spec (generation {generation}) stays");
        problem.message.push_str(&stays);
    }
}

impl File {
    /// Takes in a new text, and keeps what was good of what is bad now.
    fn take(&mut self, name: &str, text: &Result<String, String>, judge: &mut Judge) {
        self.problems.clear();
        let problem =
            |object: Option<String>, field: &str, message: String, severity| FileProblem {
                file: name.to_owned(),
                object,
                field: field.to_owned(),
                message,
                severity,
            };
        let documents = match text
            .as_ref()
            .map_err(Clone::clone)
            .and_then(|text| documents(text))
        {
            Ok(documents) => documents,
            Err(mut why) => {
                if !self.objects.is_empty() {
                    why.push_str("; its objects stay as they were");
                }
                self.problems
                    .push(problem(None, "", why, Severity::Rejected));
                return;
            }
        };
        let before = self.keys();
        self.objects.clear();
        self.refused.clear();
        let mut nameless = 0;
        for document in documents {
            let Verdict {
                named,
                key,
                object,
                findings,
            } = judge.admit(document.value);
            let named = match (named, &key) {
                (named, Some(_)) => named,
                (Some(named), None) => Some(format!("{named}, {}", document.place)),
                (None, None) => Some(document.place),
            };
            for finding in findings {
                self.problems.push(problem(
                    named.clone(),
                    &finding.field,
                    finding.message,
                    finding.severity,
                ));
            }
            match (object, key) {
                (Some(object), _) => self.objects.push(Arc::new(object)),
                (None, Some(key)) => self.refused.push(key),
                (None, None) => nameless += 1,
            }
        }
        self.keep_what_it_may_mean(&before, nameless);
        if !self.unclear.is_empty() {
            let message = format!(
                "does not name {} any more, and not all that it has can be told; what it had stays as it was until the \
                 rest is corrected or removed",
                self.unclear
                    .iter()
                    .map(ToString::to_string)
                    .collect::<Vec<_>>()
                    .join(", ")
            );
            self.problems
                .push(problem(None, "", message, Severity::Warning));
        }
        if self.keys().is_empty() && self.problems.is_empty() && !before.is_empty() {
            let before: Vec<String> = before.iter().map(ToString::to_string).collect();
            let message = format!(
                "has no objects any more, so what it had goes, unless another file has it: {}; put it back, or remove \
                 the file if that is what you want",
                before.join(", ")
            );
            self.problems
                .push(problem(None, "", message, Severity::Warning));
        }
    }

    /// A document whose kind or name is misspelt is one object less and one document more of which it cannot be told what it is:
    /// while that is so, what the file named before stays.
    fn keep_what_it_may_mean(&mut self, before: &BTreeSet<ObjectKey>, nameless: usize) {
        let were = std::mem::take(&mut self.never_good);
        let new = |key: &&ObjectKey| !before.contains(*key) || were.contains(*key);
        self.never_good = self.refused.iter().filter(new).cloned().collect();
        let strangers = nameless + self.never_good.len();
        let named = self.keys();
        self.unclear = before
            .iter()
            .filter(|key| !named.contains(*key) && !were.contains(*key))
            .filter(|_| strangers > self.strangers)
            .cloned()
            .collect();
        if self.unclear.is_empty() {
            self.strangers = strangers;
        }
        self.refused.extend(self.unclear.iter().cloned());
    }

    /// What the file names, good or refused.
    fn keys(&self) -> BTreeSet<ObjectKey> {
        let objects = self.objects.iter().map(|object| object.key());
        objects.chain(self.refused.iter().cloned()).collect()
    }
}

const TOO_DEEP: &str = "is not read: lists and mappings are nested too deep";

/// What is wrong with a text, in one line.
fn fault(error: &serde_saphyr::Error) -> String {
    use serde_saphyr::Error;
    use serde_saphyr::budget::BudgetBreach;
    let at = |location: &serde_saphyr::Location| {
        let (line, column) = (location.line(), location.column());
        format!("at line {line}, column {column}")
    };
    match error {
        Error::AliasError { error, .. } | Error::WithSnippet { error, .. } => fault(error),
        // The key is not named: where somebody forgot the key, it is the value of a secret.
        Error::DuplicateMappingKey { location, .. } => format!(
            "is not YAML: a key is there twice in one mapping, {}",
            at(location)
        ),
        Error::AliasReplayCounterOverflow { location }
        | Error::AliasReplayLimitExceeded { location, .. }
        | Error::AliasExpansionLimitExceeded { location, .. }
        | Error::AliasReplayStackDepthExceeded { location, .. }
        | Error::Budget {
            breach:
                BudgetBreach::Aliases { .. }
                | BudgetBreach::Anchors { .. }
                | BudgetBreach::AliasAnchorRatio { .. }
                | BudgetBreach::RecordedAnchorEvents { .. }
                | BudgetBreach::RecordedAnchorBytes { .. },
            location,
        } => format!(
            "is not read: it has too many aliases (*name), or they stand for too much, {}",
            at(location)
        ),
        Error::Budget {
            breach: BudgetBreach::Depth { .. },
            ..
        } => TOO_DEEP.to_owned(),
        // Where it was noticed says nothing: it may be in what an alias stands for.
        Error::Budget {
            breach:
                BudgetBreach::Events { .. }
                | BudgetBreach::Nodes { .. }
                | BudgetBreach::ScalarBytes { .. },
            ..
        } => "is not read: it has too many values; each alias (*name) counts as all that it stands for"
            .to_owned(),
        Error::Budget { location, .. } => {
            format!("is not read: it is too large, {}", at(location))
        }
        error => match error.to_string() {
            // What is in brackets is cut short by the scanner.
            text if text.starts_with("recursion limit") => TOO_DEEP.to_owned(),
            text => format!("is not YAML: {}", text.replace('\n', " ")),
        },
    }
}

/// What else may be wrong with a text that is no YAML: parsers tell a tab from what they had expected instead of it.
fn tab_in(text: &str) -> String {
    let tabbed = |line: &str| {
        let content = line.trim_start();
        !content.is_empty() && line[..line.len() - content.len()].contains('\t')
    };
    match (1..).zip(text.lines()).find(|(_, line)| tabbed(line)) {
        Some((n, _)) => {
            format!("; line {n} is indented with a tab, and YAML takes only spaces there")
        }
        None => String::new(),
    }
}

/// A document of a file.
struct Document {
    value: Value,
    /// Where it begins, as people are told.
    place: String,
}

/// The documents of a file; the items of a list count as documents.
fn documents(text: &str) -> Result<Vec<Document>, String> {
    // As YAML 1.2 has it, `n` and `yes` are texts: a node may be named n.
    let options = serde_saphyr::options! { with_snippet: false, strict_booleans: true };
    let documents: Vec<Spanned<Value>> = serde_saphyr::from_multiple_with_options(text, options)
        .map_err(|error| fault(&error) + &tab_in(text))?;
    let mut all = Vec::new();
    for document in documents {
        let line = document.referenced.line();
        let mut document = document.value;
        let is_list = document.get("kind").and_then(Value::as_str) == Some("List")
            && document.get("apiVersion").and_then(Value::as_str) == Some("v1");
        match document.get_mut("items") {
            Some(Value::Array(items)) if is_list => {
                let items = std::mem::take(items).into_iter().zip(1..);
                all.extend(items.map(|(value, n)| Document {
                    value,
                    place: format!("item {n} of the list at line {line}"),
                }));
            }
            _ => all.push(Document {
                value: document,
                place: format!("line {line}"),
            }),
        }
    }
    Ok(all)
}
