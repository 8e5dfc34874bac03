//! One fixed state of a backend, read synchronously, and the range reads that such backends share.

use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::iter::Peekable;
use std::ops::Bound;

use bytes::Bytes;

use crate::{Entry, Error, GroupScan, Row, Scan};

/// The writes of one transaction: the last one of each key; `None` removes.
pub(crate) type WriteSet = BTreeMap<Vec<u8>, Option<Bytes>>;

/// Entries of a range in the order asked for, read as they are taken.
pub(crate) type Entries<'a> = Box<dyn Iterator<Item = Result<Entry, Error>> + 'a>;

/// A fixed state. Nothing that commits later changes an answer.
pub(crate) trait View: Send + Sync {
    /// The value of `key`.
    fn value(&self, key: &[u8]) -> Result<Option<Bytes>, Error>;

    /// The entries of `range`, which is not empty.
    fn entries<'a>(&'a self, range: &KeyRange, reverse: bool) -> Entries<'a>;
}

/// Keys from `start` (inclusive) to `end` (exclusive).
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct KeyRange {
    pub(crate) start: Vec<u8>,
    pub(crate) end: Vec<u8>,
}

impl KeyRange {
    /// Keys from `start` to `last`, both inclusive.
    pub(crate) fn through(start: &[u8], last: &[u8]) -> Self {
        // The first key above `last` is `last` with a zero byte behind it.
        Self {
            start: start.to_vec(),
            end: [last, &[0]].concat(),
        }
    }

    /// Whether no key lies in the range.
    pub(crate) fn is_empty(&self) -> bool {
        self.start >= self.end
    }

    /// The bounds for a `BTreeMap` with keys `K`; the range must not be empty.
    pub(crate) fn bounds(&self) -> (Bound<&[u8]>, Bound<&[u8]>) {
        (Bound::Included(&self.start), Bound::Excluded(&self.end))
    }
}

/// An answer with the ranges that it depends on: no change outside them can alter it.
pub(crate) struct Examined<T> {
    pub(crate) answer: T,
    pub(crate) ranges: Vec<KeyRange>,
}

/// Runs `scan` on `view`.
pub(crate) fn scan(view: &dyn View, scan: &Scan) -> Result<Examined<Vec<Entry>>, Error> {
    let range = KeyRange {
        start: scan.start.clone(),
        end: scan.end.clone(),
    };
    if range.is_empty() || scan.limit == 0 {
        return Ok(Examined {
            answer: Vec::new(),
            ranges: Vec::new(),
        });
    }
    let answer = view
        .entries(&range, scan.reverse)
        .take(scan.limit)
        .collect::<Result<Vec<_>, _>>()?;
    let covered = match answer.last() {
        // A full page says nothing about the keys behind its last one.
        Some(last) if answer.len() == scan.limit && scan.reverse => KeyRange {
            start: last.key.to_vec(),
            end: range.end,
        },
        Some(last) if answer.len() == scan.limit => KeyRange::through(&range.start, &last.key),
        _ => range,
    };
    Ok(Examined {
        answer,
        ranges: vec![covered],
    })
}

/// Runs `scan` on `view`, with one seek per group.
pub(crate) fn scan_groups(view: &dyn View, scan: &GroupScan) -> Result<Examined<Vec<Row>>, Error> {
    let mut answer = Vec::new();
    let mut ranges = Vec::new();
    let mut start = scan.start.clone();
    while answer.len() < scan.limit && start < scan.end {
        let rest = KeyRange {
            start,
            end: scan.end.clone(),
        };
        match read_to_group(view, &rest, scan, &mut answer)? {
            Stop::End => {
                ranges.push(rest);
                break;
            }
            Stop::Limit { last } => {
                ranges.push(KeyRange::through(&rest.start, &last));
                break;
            }
            Stop::Group { group, witness } => {
                // The group's other keys do not matter as long as this one shows that it is there.
                ranges.push(KeyRange::through(&rest.start, &witness));
                let behind = first_key_behind(&group);
                answer.push(Row::Group(group));
                match behind {
                    Some(behind) => start = behind,
                    None => break,
                }
            }
        }
    }
    Ok(Examined { answer, ranges })
}

/// Where [`read_to_group`] stopped.
enum Stop {
    /// The range is exhausted.
    End,
    /// The answer is full; `last` is the last key taken.
    Limit { last: Bytes },
    /// `witness` is the first key of `group`, which is not in the answer yet.
    Group { group: Bytes, witness: Bytes },
}

/// Takes entries of `range` into `rows` up to the first key that belongs to a group.
fn read_to_group(
    view: &dyn View,
    range: &KeyRange,
    scan: &GroupScan,
    rows: &mut Vec<Row>,
) -> Result<Stop, Error> {
    for entry in view.entries(range, false) {
        let entry = entry?;
        if let Some(group_len) = group_len(&entry.key, scan) {
            return Ok(Stop::Group {
                group: entry.key.slice(..group_len),
                witness: entry.key,
            });
        }
        let last = entry.key.clone();
        rows.push(Row::Entry(entry));
        if rows.len() == scan.limit {
            return Ok(Stop::Limit { last });
        }
    }
    Ok(Stop::End)
}

/// The length of the group that `key` belongs to, delimiter included.
fn group_len(key: &[u8], scan: &GroupScan) -> Option<usize> {
    let tail = key.get(scan.prefix_len..)?;
    let delimiter = tail.iter().position(|byte| *byte == scan.delimiter)?;
    Some(scan.prefix_len + delimiter + 1)
}

/// The first key above every key that starts with `prefix`; `None` when there is none.
fn first_key_behind(prefix: &[u8]) -> Option<Vec<u8>> {
    let last = prefix.iter().rposition(|byte| *byte != u8::MAX)?;
    let mut behind = prefix[..=last].to_vec();
    behind[last] += 1;
    Some(behind)
}

/// A view with a transaction's own writes laid over it.
pub(crate) struct Overlay<'v> {
    pub(crate) base: &'v dyn View,
    pub(crate) writes: &'v WriteSet,
}

impl View for Overlay<'_> {
    fn value(&self, key: &[u8]) -> Result<Option<Bytes>, Error> {
        match self.writes.get(key) {
            Some(written) => Ok(written.clone()),
            None => self.base.value(key),
        }
    }

    fn entries<'a>(&'a self, range: &KeyRange, reverse: bool) -> Entries<'a> {
        let base = self.base.entries(range, reverse);
        let mut own = self.writes.range::<[u8], _>(range.bounds()).peekable();
        if own.peek().is_none() {
            return base;
        }
        let own: OwnWrites<'a> = if reverse {
            Box::new(own.rev())
        } else {
            Box::new(own)
        };
        Box::new(Merge {
            base: base.peekable(),
            own: own.peekable(),
            reverse,
        })
    }
}

type OwnWrites<'a> = Box<dyn Iterator<Item = (&'a Vec<u8>, &'a Option<Bytes>)> + 'a>;

/// Merges the stored entries of a range with own writes of the same range and order; own writes win.
struct Merge<'a> {
    base: Peekable<Entries<'a>>,
    own: Peekable<OwnWrites<'a>>,
    reverse: bool,
}

impl Merge<'_> {
    /// How the next stored key stands to the next own key, in reading order.
    fn compare_heads(&mut self) -> Option<Ordering> {
        let order = match (self.base.peek(), self.own.peek()) {
            (None, None) => return None,
            (None, Some(_)) => return Some(Ordering::Greater),
            (Some(Err(_)), _) | (Some(Ok(_)), None) => return Some(Ordering::Less),
            (Some(Ok(stored)), Some((own, _))) => stored.key.as_ref().cmp(own.as_slice()),
        };
        Some(if self.reverse { order.reverse() } else { order })
    }
}

impl Iterator for Merge<'_> {
    type Item = Result<Entry, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            match self.compare_heads()? {
                Ordering::Less => return self.base.next(),
                Ordering::Equal => drop(self.base.next()),
                Ordering::Greater => {}
            }
            if let (key, Some(value)) = self.own.next()? {
                let key = Bytes::copy_from_slice(key);
                return Some(Ok(Entry {
                    key,
                    value: value.clone(),
                }));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    /// Keys of ten groups, and how many of them were read.
    struct Counting {
        keys: Vec<Bytes>,
        read: AtomicUsize,
    }

    impl View for Counting {
        fn value(&self, _: &[u8]) -> Result<Option<Bytes>, Error> {
            Ok(None)
        }

        fn entries<'a>(&'a self, range: &KeyRange, _: bool) -> Entries<'a> {
            let from = self.keys.partition_point(|key| key[..] < range.start[..]);
            let to = self.keys.partition_point(|key| key[..] < range.end[..]);
            Box::new(self.keys[from..to].iter().map(|key| {
                self.read.fetch_add(1, Ordering::Relaxed);
                let (key, value) = (key.clone(), Bytes::new());
                Ok(Entry { key, value })
            }))
        }
    }

    #[test]
    fn a_group_scan_reads_one_key_of_each_group_however_many_it_holds() {
        for in_group in [1, 100, 10_000] {
            let group = |group| (0..in_group).map(move |n| format!("{group}/{n:06}").into());
            let view = Counting {
                keys: (0..10).flat_map(group).collect(),
                read: AtomicUsize::new(0),
            };
            let scan = GroupScan {
                start: b"0".to_vec(),
                end: b":".to_vec(),
                prefix_len: 0,
                delimiter: b'/',
                limit: 1001,
            };
            assert_eq!(scan_groups(&view, &scan).unwrap().answer.len(), 10);
            assert_eq!(view.read.load(Ordering::Relaxed), 10, "{in_group} in each");
        }
    }

    #[test]
    fn the_key_behind_a_prefix_skips_trailing_ff_bytes() {
        assert_eq!(first_key_behind(b"a/"), Some(b"a0".to_vec()));
        assert_eq!(first_key_behind(b"a\xff\xff"), Some(b"b".to_vec()));
        assert_eq!(first_key_behind(b"\xff"), None);
    }

    #[test]
    fn a_range_through_a_key_ends_right_behind_it() {
        let range = KeyRange::through(b"a", b"b");
        assert!(range.end.as_slice() > b"b".as_slice());
        assert!(range.end.as_slice() <= b"b\0".as_slice());
    }
}
