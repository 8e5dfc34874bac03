//! Tables of requests, as text. A section begins with `== TITLE`, with both accounts empty; `#` begins a comment. A request
//! is a line `STATUS METHOD TARGET [@USER]` with indented lines below it:
//!
//! | line | meaning |
//! |---|---|
//! | `Name: value` | a header |
//! | `> text` | a piece of the body, with escapes |
//! | `* what` | a body by its description |
//! | `- Content-Length` | this header is not added |
//! | `= name header` | the answer's header is called so from now on |
//! | `? unordered` | the order of lines, or of items in JSON, does not count |
//! | `! status 412: why` | the second server answers with this status instead |
//! | `! header NAME: why`, `! body: why` | the second server's differs |
//! | `! header NAME = value: why` | only the second server has this header, with this value |
//! | `~ header NAME: why`, `~ body: why` | the second server's may differ, by chance |
//! | `! course: why` | only one says `100 Continue`, or breaks off |
//!
//! STATUS is that of the first server; with `~` behind it the request is repeated until both answer so. TARGET may begin
//! with `~` for the path of the account. Without a USER it is the account's administrator; `@none` sends no token.
//! `! everywhere header ...` outside a request holds for all of them. `settle` on a line of its own lets the first
//! server's account counters catch up.

use super::fill::{described_body, unescaped};

/// One table.
#[derive(Debug, Default)]
pub(super) struct Table {
    pub(super) steps: Vec<Step>,
    pub(super) everywhere: Vec<Excuse>,
}

/// A line of a table.
#[derive(Debug)]
pub(super) enum Step {
    Section(String),
    Settle,
    Row(Box<Row>),
}

/// A request, and what is known of its answers.
#[derive(Debug)]
pub(super) struct Row {
    /// Counted from 1.
    pub(super) line: usize,
    pub(super) status: u16,
    pub(super) repeated: bool,
    pub(super) method: String,
    pub(super) target: String,
    /// None: no token.
    pub(super) user: Option<String>,
    /// With values that are still to be filled in.
    pub(super) headers: Vec<(String, String)>,
    /// Likewise; escapes are still to be read.
    pub(super) body: String,
    pub(super) described: Option<Vec<u8>>,
    pub(super) without: Vec<String>,
    pub(super) captures: Vec<(String, String)>,
    pub(super) unordered: bool,
    pub(super) excuses: Vec<Excuse>,
}

/// A difference that is meant to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Excuse {
    pub(super) line: usize,
    pub(super) what: What,
    /// Whether it is there each time.
    pub(super) always: bool,
}

/// In what two answers differ.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum What {
    /// The second server's status.
    Status(u16),
    /// A header, by its lower-case name.
    Header(String),
    /// A header that only the second server has, and its value.
    Added(String, String),
    Body,
    /// `100 Continue`, or an answer that breaks off.
    Course,
}

impl Table {
    /// Parses; the error names the line.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let mut table = Self::default();
        for (index, line) in text.lines().enumerate() {
            let line_number = index + 1;
            table
                .add(line, line_number)
                .map_err(|error| format!("line {line_number}: {error}"))?;
        }
        Ok(table)
    }

    fn add(&mut self, line: &str, number: usize) -> Result<(), String> {
        let trimmed = line.trim();
        if trimmed.is_empty() || trimmed.starts_with('#') {
            return Ok(());
        }
        if line.starts_with(' ') {
            let Some(Step::Row(row)) = self.steps.last_mut() else {
                return Err("an indented line without a request".to_owned());
            };
            return row.add(line.trim_start(), number);
        }
        if let Some(title) = line.strip_prefix("== ") {
            self.steps.push(Step::Section(title.to_owned()));
        } else if trimmed == "settle" {
            self.steps.push(Step::Settle);
        } else if let Some(excuse) = line.strip_prefix("! everywhere ") {
            self.everywhere.push(Excuse::parse(excuse, number)?);
        } else {
            self.steps
                .push(Step::Row(Box::new(Row::parse(trimmed, number)?)));
        }
        Ok(())
    }
}

impl Row {
    fn parse(line: &str, number: usize) -> Result<Self, String> {
        let mut words = line.splitn(3, ' ');
        let mut next = || words.next().ok_or("a request is STATUS METHOD TARGET");
        let (status, method, target) = (next()?, next()?, next()?);
        let (target, user) = target.rsplit_once(" @").unwrap_or((target, "admin"));
        let bare = status.trim_end_matches('~');
        Ok(Self {
            line: number,
            status: bare.parse().map_err(|_| format!("no status {status:?}"))?,
            repeated: bare != status,
            method: method.to_owned(),
            target: target.to_owned(),
            user: (user != "none").then(|| user.to_owned()),
            headers: Vec::new(),
            body: String::new(),
            described: None,
            without: Vec::new(),
            captures: Vec::new(),
            unordered: false,
            excuses: Vec::new(),
        })
    }

    fn add(&mut self, line: &str, number: usize) -> Result<(), String> {
        let (mark, rest) = line.split_once(' ').unwrap_or((line, ""));
        match mark {
            ">" => {
                unescaped(rest)?;
                self.body.push_str(rest);
            }
            "*" => self.described = Some(described_body(rest)?),
            "-" => self.without.push(rest.to_lowercase()),
            "=" => {
                let (name, header) = rest.split_once(' ').ok_or("a capture is NAME HEADER")?;
                self.captures.push((name.to_owned(), header.to_lowercase()));
            }
            "?" if rest == "unordered" => self.unordered = true,
            "!" => self.excuses.push(Excuse::parse(rest, number)?),
            "~" => self.excuses.push(Excuse {
                always: false,
                ..Excuse::parse(rest, number)?
            }),
            _ => {
                let (name, value) = line.split_once(':').ok_or("neither a header nor a mark")?;
                self.headers
                    .push((name.to_owned(), value.trim().to_owned()));
            }
        }
        Ok(())
    }
}

impl Excuse {
    fn parse(text: &str, line: usize) -> Result<Self, String> {
        let (what, why) = text.split_once(": ").ok_or("a difference needs a reason")?;
        if why.trim().is_empty() {
            return Err("a difference needs a reason".to_owned());
        }
        let what = match what.split_once(' ') {
            Some(("status", status)) => What::Status(
                status
                    .parse()
                    .map_err(|_| format!("no status {status:?}"))?,
            ),
            Some(("header", header)) => match header.split_once(" = ") {
                Some((name, value)) => What::Added(name.to_lowercase(), value.to_owned()),
                None => What::Header(header.to_lowercase()),
            },
            None if what == "body" => What::Body,
            None if what == "course" => What::Course,
            _ => return Err(format!("no kind of difference {what:?}")),
        };
        Ok(Self {
            line,
            what,
            always: true,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_is_read_with_all_its_lines() {
        let text = "== One\n# why\n201 PUT ~/c/o @joe\n  X-A: b: c\n  > x\\n\n  > y\n  - Content-Length\n  \
                    = e Etag\n  ! status 412: because\n";
        let table = Table::parse(text).unwrap();
        let [Step::Section(title), Step::Row(row)] = &table.steps[..] else {
            panic!("{table:?}")
        };
        assert_eq!((title.as_str(), row.line, row.status), ("One", 3, 201));
        assert_eq!(
            (row.target.as_str(), row.user.as_deref()),
            ("~/c/o", Some("joe"))
        );
        assert_eq!(row.headers, [("X-A".to_owned(), "b: c".to_owned())]);
        assert_eq!(
            (row.body.as_str(), &row.without[0][..]),
            (r"x\ny", "content-length")
        );
        assert_eq!(row.captures, [("e".to_owned(), "etag".to_owned())]);
        assert_eq!(row.excuses[0].what, What::Status(412));
    }

    #[test]
    fn a_difference_without_a_reason_is_refused() {
        let error = Table::parse("200 GET /info\n  ! body\n").unwrap_err();
        assert!(error.starts_with("line 2:"), "{error}");
    }
}
