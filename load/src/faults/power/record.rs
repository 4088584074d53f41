//! What `strace -f -y -xx` writes down, as calls that change the files of one folder.

use std::{
    collections::HashMap,
    fs::File,
    io::{BufRead as _, BufReader, Lines},
    path::{Path, PathBuf},
};

use anyhow::Context as _;

use super::{FILES, Name};

/// A call that was made on a file of the folder.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Call {
    /// Bytes were written.
    Write { name: Name, at: usize, bytes: Vec<u8> },
    /// The file was cut, or made longer.
    Length { name: Name, length: usize },
    /// What was written is on disk, but for the last `unfinished` changes of the file, made after the sync began.
    Sync { name: Name, unfinished: usize },
    /// Something that is not understood here.
    Unexpected(String),
}

/// The calls of a record, in the order in which they ended.
#[derive(Debug)]
pub(super) struct Record {
    lines: Lines<BufReader<File>>,
    folder: PathBuf,
    /// By thread: what it has begun.
    begun: HashMap<String, Begun>,
    /// How many changes of each file have ended.
    changes: HashMap<Name, usize>,
}

#[derive(Debug)]
struct Begun {
    words: String,
    /// How many changes of the file had ended then.
    changes: usize,
}

impl Record {
    pub(super) fn open(record: &Path, folder: &Path) -> anyhow::Result<Self> {
        Ok(Self {
            lines: BufReader::new(File::open(record)?).lines(),
            folder: folder.to_owned(),
            begun: HashMap::new(),
            changes: HashMap::new(),
        })
    }

    /// What a line tells of our files, if anything.
    fn take(&mut self, line: &str) -> anyhow::Result<Option<Call>> {
        let Some((thread, words)) = line.split_once(' ') else { return Ok(None) };
        let words = words.trim_start();
        if let Some(words) = words.strip_suffix(" <unfinished ...>") {
            let changes = self.name(words).map_or(0, |name| self.changes_of(&name));
            self.begun.insert(thread.to_owned(), Begun { words: words.to_owned(), changes });
            return Ok(None);
        }
        let (call, result, changes) = if words.starts_with("<... ") {
            let begun = self.begun.remove(thread).with_context(|| format!("nothing was begun: {line}"))?;
            let (_, result) = words.rsplit_once(" = ").with_context(|| format!("no result: {line}"))?;
            (begun.words, result, Some(begun.changes))
        } else if let Some((call, result)) = words.rsplit_once(" = ") {
            (call.trim_end().strip_suffix(')').unwrap_or(call).to_owned(), result, None)
        } else {
            return Ok(None);
        };
        let Some(name) = self.name(&call) else { return Ok(self.of_path(&call)) };
        match result.trim_start().as_bytes().first() {
            // The power went meanwhile.
            Some(b'?') => self.broken_off(&call),
            Some(b'-') => Ok(None),
            _ => self.of_file(name, &call, result, changes).map(Some),
        }
    }

    fn of_file(
        &mut self,
        name: Name,
        call: &str,
        result: &str,
        changes: Option<usize>,
    ) -> anyhow::Result<Call> {
        let (what, arguments) = call.split_once('(').context("no call")?;
        let mut arguments = arguments.split(", ").skip(1);
        let mut argument = || arguments.next().with_context(|| format!("an argument is missing: {what}"));
        let known = match what {
            "pwrite64" => {
                let bytes = unescape(argument()?)?;
                let (_, at) = (argument()?, argument()?.parse()?);
                let written: usize = result.split(' ').next().unwrap_or_default().parse()?;
                Call::Write { name: name.clone(), at, bytes: bytes[..written].to_vec() }
            }
            "ftruncate" => Call::Length { name: name.clone(), length: argument()?.parse()? },
            "fsync" | "fdatasync" => {
                let now = self.changes_of(&name);
                return Ok(Call::Sync { unfinished: now - changes.unwrap_or(now), name });
            }
            _ => return Ok(Call::Unexpected(format!("{what} of {}", name.display()))),
        };
        *self.changes.entry(name).or_default() += 1;
        Ok(known)
    }

    /// A call that names a file by its path: none of ours is renamed or removed while the server runs.
    fn of_path(&self, call: &str) -> Option<Call> {
        let names = FILES.map(|name| escape(&self.folder.join(name)));
        let is_ours = |path: &String| call.contains(&format!("\"{path}\""));
        (call.contains("AT_FDCWD") || call.starts_with("unlink(") || call.starts_with("rename("))
            .then(|| names.iter().any(is_ours))
            .filter(|&is_ours| is_ours)
            .map(|_| Call::Unexpected(call.split('(').next().unwrap_or_default().to_owned()))
    }

    /// The file that a call is about, if it is one of ours: its first argument is `NUMBER<PATH>`.
    fn name(&self, call: &str) -> Option<Name> {
        let (_, arguments) = call.split_once('(')?;
        let (number, path) = arguments.split_once('<')?;
        if !number.bytes().all(|b| b.is_ascii_digit()) {
            return None;
        }
        let path = unescape(path.split('>').next()?).ok()?;
        let path = PathBuf::from(String::from_utf8(path).ok()?);
        let name = path.strip_prefix(&self.folder).ok()?;
        FILES.iter().any(|file| Path::new(file) == name).then(|| name.to_owned())
    }

    fn changes_of(&self, name: &Name) -> usize {
        self.changes.get(name).copied().unwrap_or_default()
    }

    /// What was begun and never ended: the power went meanwhile, and it may have been done.
    fn cut_off(&mut self) -> anyhow::Result<Option<Call>> {
        let threads: Vec<String> = self.begun.keys().cloned().collect();
        for thread in threads {
            let Some(Begun { words, .. }) = self.begun.remove(&thread) else { continue };
            let call = self.broken_off(&words)?;
            if call.is_some() {
                return Ok(call);
            }
        }
        Ok(None)
    }

    /// A call that did not end: a write may have been made, a sync has made nothing safe.
    fn broken_off(&mut self, call: &str) -> anyhow::Result<Option<Call>> {
        let Some(name) = self.name(call) else { return Ok(None) };
        let Some(arguments) = call.strip_prefix("pwrite64(") else { return Ok(None) };
        let bytes = unescape(arguments.split(", ").nth(1).context("no bytes")?)?;
        self.of_file(name, call, &bytes.len().to_string(), None).map(Some)
    }
}

impl Iterator for Record {
    type Item = anyhow::Result<Call>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let Some(line) = self.lines.next() else { return self.cut_off().transpose() };
            match line.map_err(anyhow::Error::from).and_then(|line| self.take(&line)) {
                Ok(None) => {}
                Ok(Some(call)) => return Some(Ok(call)),
                Err(error) => return Some(Err(error)),
            }
        }
    }
}

/// The bytes of `\x61\x62`, in quotation marks or not.
fn unescape(text: &str) -> anyhow::Result<Vec<u8>> {
    let text = text.trim_matches('"');
    let codes = text.split("\\x").skip(1);
    let bytes = codes.map(|code| Ok(u8::from_str_radix(code, 16)?)).collect::<anyhow::Result<Vec<u8>>>()?;
    anyhow::ensure!(
        bytes.len() * 4 == text.len(),
        "cut short: {} of {} characters",
        bytes.len() * 4,
        text.len()
    );
    Ok(bytes)
}

fn escape(path: &Path) -> String {
    use std::fmt::Write as _;

    path.as_os_str().as_encoded_bytes().iter().fold(String::new(), |mut text, byte| {
        let _always_fits = write!(text, "\\x{byte:02x}");
        text
    })
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn calls(lines: &[String]) -> Vec<Call> {
        let folder = tempfile::tempdir().unwrap();
        let record = folder.path().join("record");
        fs::write(&record, lines.join("\n")).unwrap();
        Record::open(&record, Path::new("/d")).unwrap().collect::<anyhow::Result<_>>().unwrap()
    }

    fn db() -> String {
        format!("12<{}>", escape(Path::new("/d/hubbub.db")))
    }

    fn write(at: usize, bytes: &[u8]) -> Call {
        Call::Write { name: "hubbub.db".into(), at, bytes: bytes.to_vec() }
    }

    #[test]
    fn calls_are_read_from_the_record() {
        let other = format!("13<{}>", escape(Path::new("/d/other")));
        let found = calls(&[
            format!("7  pwrite64({}, \"\\x61\\x00\\xff\", 3, 5) = 3", db()),
            format!("7  pwrite64({other}, \"\\x61\", 1, 0) = 1"),
            format!("7  pwrite64({}, \"\\x61\\x62\", 2, 9) = 1", db()),
            format!("7  ftruncate({}, 3) = 0", db()),
            format!("7  pwrite64({}, \"\\x61\", 1, 0) = -1 ENOSPC (No space left on device)", db()),
            format!("7  fdatasync({}) = 0", db()),
            format!("7  fallocate({}, 0, 0, 10) = 0", db()),
            "7  +++ killed by SIGKILL +++".to_owned(),
        ]);
        assert_eq!(
            found,
            [
                write(5, b"a\x00\xff"),
                write(9, b"a"),
                Call::Length { name: "hubbub.db".into(), length: 3 },
                Call::Sync { name: "hubbub.db".into(), unfinished: 0 },
                Call::Unexpected("fallocate of hubbub.db".into()),
            ]
        );
    }

    #[test]
    fn a_sync_covers_what_had_ended_when_it_began() {
        let found = calls(&[
            format!("7  pwrite64({}, \"\\x61\", 1, 0) = 1", db()),
            format!("7  fdatasync({} <unfinished ...>", db()),
            format!("8  pwrite64({}, \"\\x62\", 1, 1 <unfinished ...>", db()),
            "8  <... pwrite64 resumed>) = 1".to_owned(),
            "7  <... fdatasync resumed>) = 0".to_owned(),
            format!("9  pwrite64({}, \"\\x63\", 1, 2 <unfinished ...>", db()),
            format!("9  fdatasync({} <unfinished ...>", db()),
        ]);
        let synced = Call::Sync { name: "hubbub.db".into(), unfinished: 1 };
        assert_eq!(found[..3], [write(0, b"a"), write(1, b"b"), synced]);
    }

    #[test]
    fn what_was_being_written_when_the_power_went_may_be_there() {
        for end in [" <unfinished ...>", ") = ?", ") = ? <unavailable>"] {
            let found = calls(&[
                format!("8  fsync({}{end}", db()),
                format!("9  pwrite64({}, \"\\x63\", 1, 2{end}", db()),
            ]);
            assert_eq!(found, [write(2, b"c")], "{end}");
        }
    }
}
