//! EDGE: the files of the state folder, which the next process reads. Each is replaced as a whole, so that whoever is killed in
//! between leaves the old one.

use std::fs::{File, TryLockError};
use std::io::{BufWriter, Write};
use std::path::Path;
use std::{fs, io};

/// The folder is this process's alone while the result is held. The kernel lets go of it when the process ends, however it ends.
/// `None` when another process has it.
pub(crate) fn claim(folder: &Path) -> io::Result<Option<File>> {
    let lock = File::options()
        .create(true)
        .truncate(false)
        .write(true)
        .open(folder.join("lock"))?;
    match lock.try_lock() {
        Ok(()) => Ok(Some(lock)),
        Err(TryLockError::WouldBlock) => Ok(None),
        Err(TryLockError::Error(error)) => Err(error),
    }
}

/// What the file holds; `None` when there is no such file.
pub(crate) fn read(file: &Path) -> io::Result<Option<String>> {
    match fs::read_to_string(file) {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// Puts `text` in the place of what it holds.
pub(crate) fn replace(file: &Path, text: &str) -> io::Result<()> {
    replace_with(file, |out| out.write_all(text.as_bytes()))
}

/// Puts what `write` writes in the place of what it holds. Not forced to the disk: a file that the host's end has cut short is as
/// good as one that never was.
pub(crate) fn replace_with(
    file: &Path,
    write: impl FnOnce(&mut dyn Write) -> io::Result<()>,
) -> io::Result<()> {
    let draft = file.with_extension("draft");
    let mut out = BufWriter::new(File::create(&draft)?);
    write(&mut out)?;
    out.into_inner()?;
    fs::rename(&draft, file)
}
