//! Tables of results, as text or markdown.

use std::fs;

use crate::Result;
use crate::contest::{Round, Rounds, Spread, median};

/// What a rate is counted in.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Unit {
    Requests,
    /// Payload bytes, this many for each request.
    Bytes(u64),
}

/// What a result must reach.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Target {
    /// Subject's rate by the reference's, at least.
    RateRatio(f64),
    /// The subject's CPU per request in microseconds, at most.
    CpuUs(f64),
    /// How many times the reference's cost a request may cost, in CPU and in inverse rate.
    Cost(f64),
    /// A measured value, below.
    Below(f64),
    /// Shown for comparison only.
    None,
}

/// One benchmark's line.
#[derive(Clone, Debug)]
pub(crate) struct Row {
    cells: Vec<String>,
    /// Whether the target is met; `None` without a target.
    pub(crate) met: Option<bool>,
}

/// Rows under one heading.
#[derive(Clone, Debug)]
pub(crate) struct Table {
    heading: String,
    columns: Vec<String>,
    rows: Vec<Row>,
}

impl Row {
    /// A contest's line.
    pub(crate) fn contest(name: &str, unit: Unit, rounds: &Rounds, target: Target) -> Self {
        let rate = |rounds: &[Round]| rate_text(unit, median(rounds, |r| r.requests_per_sec));
        let cpu = |rounds: &[Round]| micros(median(rounds, |r| r.cpu_us));
        let generator = |rounds: &[Round]| micros(median(rounds, |r| r.generator_us));
        let ratio = rounds.ratio(|r| r.requests_per_sec);
        let cpu_ratio = rounds.ratio(|r| r.cpu_us);
        let (target, met) = match target {
            Target::RateRatio(least) => (
                format!("rate ratio >= {least}"),
                Some(ratio.median >= least),
            ),
            Target::CpuUs(most) => (
                format!("CPU <= {most} us"),
                Some(median(&rounds.subject, |r| r.cpu_us) <= most),
            ),
            Target::Cost(most) => {
                let met = 1.0 / ratio.median <= most && cpu_ratio.median <= most;
                (format!("cost <= {most} in rate and CPU"), Some(met))
            }
            Target::Below(_) | Target::None => ("-".to_owned(), None),
        };
        let cells = vec![
            name.to_owned(),
            rate(&rounds.subject),
            rate(&rounds.reference),
            spread_text(ratio),
            cpu(&rounds.subject),
            cpu(&rounds.reference),
            spread_text(cpu_ratio),
            format!(
                "{} / {}",
                generator(&rounds.subject),
                generator(&rounds.reference)
            ),
            target,
        ];
        Self { cells, met }
    }

    /// The line of something measured on one server alone.
    pub(crate) fn single(name: &str, unit: &str, value: Spread, target: Target) -> Self {
        let text = match value.min < value.max {
            true => format!(
                "{:.1} ({:.1}..{:.1}) {unit}",
                value.median, value.min, value.max
            ),
            false => format!("{:.1} {unit}", value.median),
        };
        let (target, met) = match target {
            Target::Below(limit) => (format!("< {limit} {unit}"), Some(value.median < limit)),
            _ => ("-".to_owned(), None),
        };
        Self {
            cells: vec![name.to_owned(), text, target],
            met,
        }
    }

    fn cells(&self) -> Vec<String> {
        let verdict = match self.met {
            Some(true) => "met",
            Some(false) => "MISSED",
            None => "-",
        };
        self.cells
            .iter()
            .cloned()
            .chain([verdict.to_owned()])
            .collect()
    }
}

impl Table {
    /// A table of contests between these two.
    pub(crate) fn contests(heading: &str, subject: &str, reference: &str, rows: Vec<Row>) -> Self {
        let columns = vec![
            "benchmark".to_owned(),
            subject.to_owned(),
            reference.to_owned(),
            "rate ratio (min..max)".to_owned(),
            format!("CPU us/request, {subject}"),
            reference.to_owned(),
            "CPU ratio (min..max)".to_owned(),
            "generator us/request".to_owned(),
            "target".to_owned(),
            "verdict".to_owned(),
        ];
        Self {
            heading: heading.to_owned(),
            columns,
            rows,
        }
    }

    /// A table of single measurements.
    pub(crate) fn singles(heading: &str, rows: Vec<Row>) -> Self {
        let columns = ["measurement", "median (min..max)", "target", "verdict"]
            .map(str::to_owned)
            .to_vec();
        Self {
            heading: heading.to_owned(),
            columns,
            rows,
        }
    }

    /// Whether it has no rows.
    pub(crate) fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// The table as aligned text, or as markdown.
    pub(crate) fn render(&self, markdown: bool) -> String {
        let mut lines = vec![self.columns.clone()];
        lines.extend(self.rows.iter().map(Row::cells));
        let widths: Vec<usize> = (0..self.columns.len())
            .map(|column| {
                lines
                    .iter()
                    .map(|cells| cells[column].chars().count())
                    .max()
                    .unwrap_or_default()
            })
            .collect();
        lines.insert(1, widths.iter().map(|width| "-".repeat(*width)).collect());
        let (open, between, close) = if markdown {
            ("| ", " | ", " |")
        } else {
            ("", "  ", "")
        };
        let mut text = if markdown {
            format!("### {}\n\n", self.heading)
        } else {
            format!("{}\n", self.heading)
        };
        for cells in lines {
            let padded: Vec<String> = cells
                .iter()
                .zip(&widths)
                .map(|(cell, width)| format!("{cell:<width$}"))
                .collect();
            text.push_str(format!("{open}{}{close}", padded.join(between)).trim_end());
            text.push('\n');
        }
        text
    }
}

/// Cores, CPU model, memory and kernel of this machine.
pub(crate) fn machine() -> Result<String> {
    let cpu = fs::read_to_string("/proc/cpuinfo")?;
    let model = cpu
        .lines()
        .find_map(|line| line.strip_prefix("model name"))
        .unwrap_or("unknown");
    let memory = fs::read_to_string("/proc/meminfo")?;
    let memory = memory
        .lines()
        .find_map(|line| line.strip_prefix("MemTotal:"))
        .unwrap_or("0 kB");
    let kib: u64 = memory.trim().trim_end_matches("kB").trim().parse()?;
    let kernel = fs::read_to_string("/proc/sys/kernel/osrelease")?;
    let cores = std::thread::available_parallelism()?;
    let model = model.trim_start_matches([' ', '\t', ':']);
    Ok(format!(
        "{cores} cores ({model}), {:.1} GiB memory, Linux {}",
        kib as f64 / 1048576.0,
        kernel.trim()
    ))
}

fn rate_text(unit: Unit, requests_per_sec: f64) -> String {
    match unit {
        Unit::Requests if requests_per_sec < 1000.0 => format!("{requests_per_sec:.0} req/s"),
        Unit::Requests => format!("{:.1} k req/s", requests_per_sec / 1e3),
        Unit::Bytes(size) => format!("{:.2} GB/s", requests_per_sec * size as f64 / 1e9),
    }
}

fn spread_text(spread: Spread) -> String {
    format!(
        "{:.2} ({:.2}..{:.2})",
        spread.median, spread.min, spread.max
    )
}

fn micros(value: f64) -> String {
    if value < 100.0 {
        format!("{value:.1}")
    } else {
        format!("{value:.0}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rounds(subject: (f64, f64), reference: (f64, f64)) -> Rounds {
        let round = |(rate, cpu)| Round {
            requests_per_sec: rate,
            cpu_us: cpu,
            generator_us: 1.0,
        };
        Rounds {
            subject: vec![round(subject)],
            reference: vec![round(reference)],
        }
    }

    #[test]
    fn a_rate_target_compares_the_ratio() {
        let met = |subject| {
            let rounds = rounds((subject, 1.0), (100.0, 1.0));
            Row::contest("x", Unit::Requests, &rounds, Target::RateRatio(0.7)).met
        };
        assert_eq!((met(70.0), met(69.0)), (Some(true), Some(false)));
    }

    #[test]
    fn a_cost_target_needs_both_rate_and_cpu() {
        let met = |subject| {
            let rounds = rounds(subject, (100.0, 10.0));
            Row::contest("x", Unit::Requests, &rounds, Target::Cost(1.2)).met
        };
        assert_eq!(met((84.0, 12.0)), Some(true));
        assert_eq!(met((80.0, 12.0)), Some(false));
        assert_eq!(met((100.0, 13.0)), Some(false));
    }

    #[test]
    fn markdown_rows_have_a_bar_at_both_ends() {
        let row = Row::single(
            "x",
            "ms",
            Spread {
                median: 2.0,
                min: 1.0,
                max: 3.0,
            },
            Target::Below(100.0),
        );
        let text = Table::singles("Start", vec![row]).render(true);
        assert!(
            text.contains("| x           | 2.0 (1.0..3.0) ms | < 100 ms | met     |\n"),
            "{text}"
        );
    }
}
