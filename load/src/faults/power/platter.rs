//! A disk as it could be when the power goes: what was synced is there; of every later change nothing, all, or some of its
//! sectors.

use std::{collections::BTreeMap, fs, path::Path};

use fastrand::Rng;

use super::{Name, record::Call};

/// What a disk writes whole or not at all, in bytes.
const SECTOR_BYTES: usize = 512;

/// The files of one folder.
#[derive(Debug, Default)]
pub(super) struct Platter(BTreeMap<Name, File>);

#[derive(Debug, Default)]
struct File {
    /// What would be there even now.
    safe: Vec<u8>,
    /// What was changed since, in order.
    pending: Vec<Change>,
}

#[derive(Debug)]
enum Change {
    Write { at: usize, bytes: Vec<u8> },
    Length(usize),
}

/// What a power loss did.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Losses {
    /// Changes of which nothing is left.
    pub(super) lost: usize,
    /// Changes of which a part is left.
    pub(super) torn: usize,
}

impl Platter {
    /// The files of `folder` with these names, all of them safe.
    pub(super) fn read(folder: &Path, names: &[&str]) -> anyhow::Result<Self> {
        let mut platter = Self::default();
        for name in names {
            let file = folder.join(name);
            if file.exists() {
                platter.0.insert(name.into(), File { safe: fs::read(file)?, pending: Vec::new() });
            }
        }
        Ok(platter)
    }

    /// Takes in one call. Answers how many changes it made safe.
    pub(super) fn apply(&mut self, call: Call) -> anyhow::Result<usize> {
        match call {
            Call::Write { name, at, bytes } => {
                self.0.entry(name).or_default().pending.push(Change::Write { at, bytes });
            }
            Call::Length { name, length } => {
                self.0.entry(name).or_default().pending.push(Change::Length(length));
            }
            Call::Sync { name, unfinished } => {
                let file = self.0.entry(name).or_default();
                // What was begun after the sync was is not covered by it.
                let covered = file.pending.len().saturating_sub(unfinished);
                for change in file.pending.drain(..covered) {
                    change.apply(&mut file.safe, |_| true);
                }
                return Ok(covered);
            }
            Call::Unexpected(line) => anyhow::bail!("the server did what this disk cannot do: {line}"),
        }
        Ok(0)
    }

    /// The power goes: what is not safe is there as `random` has it. What is left is safe.
    pub(super) fn lose_power(&mut self, random: &mut Rng) -> Losses {
        let mut losses = Losses::default();
        for file in self.0.values_mut() {
            // Most disks keep the order of most writes; none promises it.
            let (mode, kept) = (random.u8(..4), random.usize(..=file.pending.len()));
            for (index, change) in file.pending.drain(..).enumerate() {
                let whole = match mode {
                    0 => Some(false),
                    1 => Some(true),
                    2 => Some(index < kept),
                    _ => None,
                };
                let (mut written, mut left) = (0, 0);
                change.apply(&mut file.safe, |_| {
                    let stays = whole.unwrap_or_else(|| random.bool());
                    *(if stays { &mut written } else { &mut left }) += 1;
                    stays
                });
                match (written, left) {
                    (_, 0) => {}
                    (0, _) => losses.lost += 1,
                    _ => losses.torn += 1,
                }
            }
        }
        losses
    }

    /// Writes the files into a new folder.
    pub(super) fn write(&self, folder: &Path) -> anyhow::Result<()> {
        fs::create_dir(folder)?;
        for (name, file) in &self.0 {
            fs::write(folder.join(name), &file.safe)?;
        }
        Ok(())
    }
}

impl Change {
    /// Does to `content` what of this change `stays`, asked for each sector.
    fn apply(self, content: &mut Vec<u8>, mut stays: impl FnMut(usize) -> bool) {
        match self {
            Self::Length(length) => {
                if stays(0) {
                    content.resize(length, 0);
                }
            }
            Self::Write { at, bytes } => {
                let mut done = 0;
                while done < bytes.len() {
                    let from = at + done;
                    let sector_end = (from / SECTOR_BYTES + 1) * SECTOR_BYTES;
                    let length = (sector_end - from).min(bytes.len() - done);
                    if stays(from / SECTOR_BYTES) {
                        if content.len() < from + length {
                            content.resize(from + length, 0);
                        }
                        content[from..from + length].copy_from_slice(&bytes[done..done + length]);
                    }
                    done += length;
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn write(at: usize, bytes: &[u8]) -> Call {
        Call::Write { name: "a".into(), at, bytes: bytes.to_vec() }
    }

    fn sync(unfinished: usize) -> Call {
        Call::Sync { name: "a".into(), unfinished }
    }

    fn platter(calls: Vec<Call>) -> Platter {
        let mut platter = Platter::default();
        for call in calls {
            platter.apply(call).unwrap();
        }
        platter
    }

    /// What may be there after a power loss.
    fn outcomes(calls: impl Fn() -> Vec<Call>) -> Vec<Vec<u8>> {
        let mut outcomes: Vec<Vec<u8>> = (0..200)
            .map(|seed| {
                let mut platter = platter(calls());
                platter.lose_power(&mut Rng::with_seed(seed));
                platter.0[Path::new("a")].safe.clone()
            })
            .collect();
        outcomes.sort();
        outcomes.dedup();
        outcomes
    }

    #[test]
    fn what_was_synced_stays_and_what_was_not_may_go() {
        let calls = || vec![write(0, b"one"), sync(0), write(1, b"XX")];
        assert_eq!(outcomes(calls), [b"oXX".to_vec(), b"one".to_vec()]);
        let calls = || vec![write(0, b"one"), write(1, b"XX"), sync(0)];
        assert_eq!(outcomes(calls), [b"oXX".to_vec()]);
    }

    #[test]
    fn a_sync_does_not_cover_what_was_written_after_it_began() {
        let calls = || vec![write(0, b"one"), write(1, b"XX"), sync(1)];
        assert_eq!(outcomes(calls), [b"oXX".to_vec(), b"one".to_vec()]);
    }

    #[test]
    fn writes_are_torn_at_sectors_and_come_in_any_order() {
        let calls = || vec![write(0, &[1; 1_024]), sync(0), write(256, &[2; 512])];
        let states = outcomes(calls);
        assert_eq!(states.len(), 4, "each of two sectors, by itself");
        let calls = || vec![write(0, b"a"), sync(0), write(0, b"b"), write(600, b"c")];
        assert!(outcomes(calls).contains(&[&b"a"[..], &[0; 599], b"c"].concat()), "the later one alone");
    }

    #[test]
    fn losses_are_counted() {
        let mut platter = platter(vec![write(0, &[1; 1_024]), Call::Length { name: "a".into(), length: 3 }]);
        let losses = (0..50).map(|seed| platter.lose_power(&mut Rng::with_seed(seed))).next().unwrap();
        assert!(losses.lost + losses.torn <= 2);
        assert_eq!(
            platter.lose_power(&mut Rng::with_seed(1)),
            Losses::default(),
            "nothing is pending any more"
        );
    }
}
