//! Listings of names with marker, prefix, delimiter and direction (swift-v1-wire.md section 5).

use std::ops::ControlFlow;

use parbuckle_kv::{Reader, Scan};

use crate::error::{Error, ErrorKind};
use crate::keys;

/// Most rows of a listing.
pub const LISTING_LIMIT_MAX: usize = 10_000;

/// Entries read at a time where names collapse.
const STEP: usize = 256;

/// What to list. Texts are compared as bytes; empty texts are as good as none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListQuery {
    /// Names begin with this.
    pub prefix: String,
    /// Names come after this one in the direction of the listing, exclusive.
    pub marker: String,
    /// Names come before this one in the direction of the listing, exclusive.
    pub end_marker: String,
    /// Names that share everything up to the first of these after the prefix become one row. One or more characters.
    pub delimiter: String,
    /// Objects directly below this path, with or without a slash at its end, and no rows for paths. An empty path is
    /// the top. Replaces prefix and delimiter. Only in containers.
    pub path: Option<String>,
    /// In descending order.
    pub reverse: bool,
    /// Most rows, up to [`LISTING_LIMIT_MAX`]; more is refused with [`ErrorKind::InvalidParameter`].
    pub limit: usize,
}

impl Default for ListQuery {
    fn default() -> Self {
        Self {
            prefix: String::new(),
            marker: String::new(),
            end_marker: String::new(),
            delimiter: String::new(),
            path: None,
            reverse: false,
            limit: LISTING_LIMIT_MAX,
        }
    }
}

/// What may become a row: a name, or what several names begin with, up to and including the delimiter.
pub(super) struct Candidate<'a> {
    pub(super) text: &'a str,
    pub(super) is_group: bool,
    /// The record under the name; of a group that of its first one in the order of the listing.
    pub(super) record: &'a [u8],
}

/// What happens to one name.
enum Step<'a> {
    Show,
    Skip,
    /// It and all names that begin so are over; the text is a row itself if `shown`.
    Over {
        group: &'a str,
        shown: bool,
    },
}

impl ListQuery {
    /// Refuses what no listing takes.
    pub(super) fn check(&self) -> Result<(), Error> {
        if self.limit > LISTING_LIMIT_MAX {
            let text = format!("Maximum limit is {LISTING_LIMIT_MAX}");
            return Err(ErrorKind::InvalidParameter(text).into());
        }
        Ok(())
    }

    /// The prefix that names must have.
    fn effective_prefix(&self) -> String {
        match self.path.as_deref() {
            None => self.prefix.clone(),
            Some("") => String::new(),
            Some(path) => format!("{}/", path.trim_end_matches('/')),
        }
    }

    /// The keys between all conditions: start inclusive, end exclusive.
    fn bounds(&self, base: &[u8], prefix: &str) -> (Vec<u8>, Vec<u8>) {
        let key = |name: &str| [base, name.as_bytes()].concat();
        let mut start = key(prefix);
        let mut end = keys::after_prefix(&start);
        let (after, before) = self.between();
        if !after.is_empty() {
            let mut next = key(after);
            next.push(0);
            start = start.max(next);
        }
        if !before.is_empty() {
            end = end.min(key(before));
        }
        (start, end)
    }

    /// The names that all are greater than, and less than.
    fn between(&self) -> (&str, &str) {
        match self.reverse {
            false => (&self.marker, &self.end_marker),
            true => (&self.end_marker, &self.marker),
        }
    }

    fn step<'a>(&self, prefix: &str, name: &'a str) -> Step<'a> {
        let rest = name.get(prefix.len()..).unwrap_or_default();
        let through = |at: usize, delimiter: &str| {
            name.get(..prefix.len() + at + delimiter.len())
                .unwrap_or(name)
        };
        if self.path.is_some() {
            return match rest.find('/') {
                _ if rest.is_empty() => Step::Skip,
                Some(at) if at + 1 < rest.len() => Step::Over {
                    group: through(at, "/"),
                    shown: false,
                },
                _ => Step::Show,
            };
        }
        if self.delimiter.is_empty() {
            return Step::Show;
        }
        match rest.find(&self.delimiter) {
            None => Step::Show,
            Some(at) => {
                let group = through(at, &self.delimiter);
                // A client goes on behind a group with the group itself as marker.
                let shown = group != self.between().0;
                Step::Over { group, shown }
            }
        }
    }
}

/// Walks over the keys behind `base`, which end in names, and offers each row of the listing to `take`, which says whether
/// the record behind it is to be seen: if not, it is no row. The cost grows with the rows, and not with the names inside
/// a group.
pub(super) async fn list_names(
    reader: &dyn Reader,
    base: &[u8],
    query: &ListQuery,
    take: impl FnMut(Candidate<'_>) -> Result<bool, Error> + Send,
) -> Result<(), Error> {
    let prefix = &query.effective_prefix();
    let (start, end) = query.bounds(base, prefix);
    let collapses = query.path.is_some() || !query.delimiter.is_empty();
    let mut scan = Scan {
        start,
        end,
        limit: 0,
        reverse: query.reverse,
    };
    let mut walk = Walk {
        base,
        prefix,
        query,
        take,
        rows_left: query.limit,
        over: None,
    };
    let mut last = Vec::new();
    while walk.rows_left > 0 && scan.start < scan.end {
        scan.limit = if collapses { STEP } else { walk.rows_left };
        let (mut read, mut failed) = (0, None);
        walk.over = None;
        let limit = scan.limit;
        let mut visit = |key: &[u8], value: &[u8]| {
            read += 1;
            if read == limit {
                last = key.to_vec();
            }
            failed = walk.pass(key, value).err();
            match failed.is_none() && walk.rows_left > 0 {
                true => ControlFlow::Continue(()),
                false => ControlFlow::Break(()),
            }
        };
        reader.visit(&scan, &mut visit).await?;
        failed.map_or(Ok(()), Err)?;
        if read < limit {
            break;
        }
        advance(&mut scan, &last);
        let over = walk.over.take();
        if let Some(group) = over.filter(|group| scan_edge(&scan).starts_with(group)) {
            match query.reverse {
                false => scan.start = keys::after_prefix(&group),
                true => scan.end = group,
            }
        }
    }
    Ok(())
}

/// A listing on its way over the keys.
struct Walk<'a, T> {
    base: &'a [u8],
    prefix: &'a str,
    query: &'a ListQuery,
    take: T,
    rows_left: usize,
    /// Keys that begin so are passed over.
    over: Option<Vec<u8>>,
}

impl<T: FnMut(Candidate<'_>) -> Result<bool, Error>> Walk<'_, T> {
    fn pass(&mut self, key: &[u8], record: &[u8]) -> Result<(), Error> {
        if self
            .over
            .as_ref()
            .is_some_and(|group| key.starts_with(group))
        {
            return Ok(());
        }
        let name = name_of(self.base, key)?;
        match self.query.step(self.prefix, name) {
            Step::Skip => {}
            Step::Show => {
                self.offer(name, false, record)?;
            }
            Step::Over { group, shown } => {
                if !shown || self.offer(group, true, record)? {
                    self.over = Some([self.base, group.as_bytes()].concat());
                }
            }
        }
        Ok(())
    }

    /// Whether it became a row.
    fn offer(&mut self, text: &str, is_group: bool, record: &[u8]) -> Result<bool, Error> {
        let is_row = (self.take)(Candidate {
            text,
            is_group,
            record,
        })?;
        self.rows_left -= usize::from(is_row);
        Ok(is_row)
    }
}

/// Goes on behind a key.
fn advance(scan: &mut Scan, key: &[u8]) {
    match scan.reverse {
        false => scan.start = [key, &[0]].concat(),
        true => scan.end = key.to_vec(),
    }
}

/// Where the rest of a scan begins.
fn scan_edge(scan: &Scan) -> &[u8] {
    if scan.reverse { &scan.end } else { &scan.start }
}

fn name_of<'a>(base: &[u8], key: &'a [u8]) -> Result<&'a str, Error> {
    let name = key
        .get(base.len()..)
        .and_then(|name| std::str::from_utf8(name).ok());
    name.ok_or_else(|| Error::from(ErrorKind::Internal).because("a stored name is not UTF-8"))
}
