//! What the log says of problems in manifests: each once, when it appears, and once when it is gone.

use crate::desired::{Problem, Reason, Severity};
use crate::source::directory::SourceUpdate;

/// The problems that the log has told.
#[derive(Default)]
pub(super) struct Told(Vec<Line>);

#[derive(Clone, PartialEq, Debug)]
struct Line {
    /// What it is about: a file or an object, and the field.
    place: String,
    text: String,
    reason: Option<Reason>,
    severity: Severity,
}

impl Told {
    /// Tells what is new among the problems as they are now, and what is gone.
    pub(super) fn tell(&mut self, update: &SourceUpdate, problems: &[Problem]) {
        let files = update.problems.iter().map(|problem| Line {
            place: format!("{} {:?} {}", problem.file, problem.object, problem.field),
            text: problem.to_string(),
            reason: None,
            severity: problem.severity,
        });
        let objects = problems.iter().map(|problem| Line {
            place: format!("{} {:?} {}", problem.object, problem.router, problem.field),
            text: match update.files.get(&problem.object) {
                Some(file) => format!("{file}: {problem}"),
                None => problem.to_string(),
            },
            reason: Some(problem.reason),
            severity: problem.severity,
        });
        let now: Vec<Line> = files.chain(objects).collect();
        let (new, gone) = news(&self.0, &now);
        for line in new {
            let Line { text, severity, .. } = line;
            let reason = line.reason.map(Reason::as_str);
            match severity {
                Severity::Rejected => tracing::error!(reason, "{text}"),
                Severity::Warning => tracing::warn!(reason, "{text}"),
            }
        }
        for line in gone {
            tracing::info!("no longer so: {}", line.text);
        }
        self.0 = now;
    }
}

/// The lines that are new or different, and those of which the place is well now.
fn news<'a>(before: &'a [Line], now: &'a [Line]) -> (Vec<&'a Line>, Vec<&'a Line>) {
    let mut new: Vec<&Line> = Vec::new();
    for line in now {
        if !before.contains(line) && !new.contains(&line) {
            new.push(line);
        }
    }
    let well = |line: &&Line| !now.iter().any(|now| now.place == line.place);
    (new, before.iter().filter(well).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(place: &str, text: &str) -> Line {
        Line {
            place: place.to_owned(),
            text: text.to_owned(),
            reason: None,
            severity: Severity::Rejected,
        }
    }

    #[test]
    fn a_problem_is_told_when_it_appears_changes_or_is_gone_and_not_in_between() {
        let (a, b) = (line("a", "is bad"), line("b", "is bad"));
        let worse = line("a", "is worse");
        for (before, now, new, gone) in [
            (vec![], vec![&a, &a], vec![&a], vec![]),
            (vec![&a], vec![&a, &b], vec![&b], vec![]),
            (vec![&a, &b], vec![&a, &b], vec![], vec![]),
            (vec![&a, &b], vec![&worse, &b], vec![&worse], vec![]),
            (vec![&a, &b], vec![&b], vec![], vec![&a]),
        ] {
            let list = |lines: Vec<&Line>| lines.into_iter().cloned().collect::<Vec<_>>();
            let (before, now) = (list(before), list(now));
            assert_eq!(news(&before, &now), (new, gone));
        }
    }
}
