//! Listings of names with marker, prefix, delimiter and direction (swift-v1-wire.md section 5).

use bytes::Bytes;
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

/// One row of names.
pub(super) enum NameRow<T> {
    /// A name and what its record is.
    Name(String, T),
    /// What several names begin with, up to and including the delimiter.
    Group(String),
}

/// What happens to one name.
enum Step {
    Show,
    Skip,
    /// It and all names that begin so are over; the text is a row itself if `shown`.
    Over {
        group: String,
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

    fn step(&self, prefix: &str, name: &str) -> Step {
        let rest = name.get(prefix.len()..).unwrap_or_default();
        let through = |at: usize, delimiter: &str| {
            name.get(..prefix.len() + at + delimiter.len())
                .unwrap_or(name)
                .to_owned()
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

/// The rows of a listing over the keys behind `base`, which end in names. `read` makes of a record what a row tells, and
/// nothing of what is not to be seen. The cost grows with the rows, and not with the names inside a group.
pub(super) async fn list_names<T>(
    reader: &dyn Reader,
    base: &[u8],
    query: &ListQuery,
    read: impl Fn(&Bytes) -> Result<Option<T>, Error>,
) -> Result<Vec<NameRow<T>>, Error> {
    let prefix = query.effective_prefix();
    let (start, end) = query.bounds(base, &prefix);
    let collapses = query.path.is_some() || !query.delimiter.is_empty();
    let mut rows = Vec::new();
    let mut scan = Scan {
        start,
        end,
        limit: 0,
        reverse: query.reverse,
    };
    while rows.len() < query.limit && scan.start < scan.end {
        scan.limit = if collapses {
            STEP
        } else {
            query.limit - rows.len()
        };
        let page = reader.scan(&scan).await?;
        let more = page.len() == scan.limit;
        if let Some(last) = page.last() {
            advance(&mut scan, &last.key);
        }
        let mut over: Option<Vec<u8>> = None;
        for entry in page {
            if rows.len() == query.limit {
                return Ok(rows);
            }
            let is_over = |group: &Vec<u8>| entry.key.starts_with(group);
            if over.as_ref().is_some_and(is_over) {
                continue;
            }
            let Some(record) = read(&entry.value)? else {
                continue;
            };
            let name = name_of(base, &entry.key)?;
            match query.step(&prefix, name) {
                Step::Show => rows.push(NameRow::Name(name.to_owned(), record)),
                Step::Skip => {}
                Step::Over { group, shown } => {
                    over = Some([base, group.as_bytes()].concat());
                    if shown {
                        rows.push(NameRow::Group(group));
                    }
                }
            }
        }
        if !more {
            break;
        }
        if let Some(group) = over.filter(|group| scan_edge(&scan).starts_with(group)) {
            match query.reverse {
                false => scan.start = keys::after_prefix(&group),
                true => scan.end = group,
            }
        }
    }
    Ok(rows)
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
