//! Two servers under the same load in alternating rounds, and what each round used.

use std::time::Duration;

use crate::Result;
use crate::load::{self, Shape, Workload};
use crate::process::{Process, own_cpu};

/// How long housekeeping after a round may go on before the next one starts anyway.
const SETTLE: Duration = Duration::from_secs(5);
/// The share of a round's length that each side runs before the first counted round.
const WARM_UP: f64 = 0.2;

/// One server and the load on it.
pub(crate) struct Side<'a> {
    pub(crate) process: &'a Process,
    pub(crate) addr: std::net::SocketAddr,
    pub(crate) workload: Box<dyn Fn(usize) -> Box<dyn Workload> + Sync + 'a>,
    /// Runs after each round, uncounted: checks what the round wrote, and removes what would fill the disk.
    pub(crate) after_round: Option<Box<dyn Fn() -> Result<()> + 'a>>,
}

/// How many rounds, and how long.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Effort {
    pub(crate) rounds: usize,
    pub(crate) round: Duration,
}

/// One round on one side.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Round {
    pub(crate) requests_per_sec: f64,
    /// Server CPU per request, with the housekeeping that the round left behind.
    pub(crate) cpu_us: f64,
    /// The generator's own CPU per request.
    pub(crate) generator_us: f64,
}

/// The counted rounds of both sides; round `i` of one side ran next to round `i` of the other.
#[derive(Clone, Debug, Default)]
pub(crate) struct Rounds {
    pub(crate) subject: Vec<Round>,
    pub(crate) reference: Vec<Round>,
}

/// Middle value and extremes of several measurements.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Spread {
    pub(crate) median: f64,
    pub(crate) min: f64,
    pub(crate) max: f64,
}

/// Runs subject and reference in turn, the order swapping from round to round so that neither always goes first.
pub(crate) fn alternate(
    subject: &Side,
    reference: &Side,
    shape: Shape,
    effort: Effort,
) -> Result<Rounds> {
    for side in [subject, reference] {
        side.round(shape, effort.round.mul_f64(WARM_UP))?;
    }
    let mut rounds = Rounds::default();
    for index in 0..effort.rounds {
        if index % 2 == 0 {
            rounds.subject.push(subject.round(shape, effort.round)?);
            rounds.reference.push(reference.round(shape, effort.round)?);
        } else {
            rounds.reference.push(reference.round(shape, effort.round)?);
            rounds.subject.push(subject.round(shape, effort.round)?);
        }
    }
    Ok(rounds)
}

impl Side<'_> {
    fn round(&self, shape: Shape, duration: Duration) -> Result<Round> {
        let (server_before, own_before) = (self.process.cpu()?, own_cpu()?);
        let outcome = load::run(self.addr, shape, duration, &*self.workload)?;
        let generator = own_cpu()? - own_before;
        self.settle()?;
        let server = self.process.cpu()? - server_before;
        if let Some(after_round) = &self.after_round {
            after_round()?;
            self.settle()?;
        }
        let requests = outcome.requests as f64;
        Ok(Round {
            requests_per_sec: requests / outcome.elapsed.as_secs_f64(),
            cpu_us: server.as_secs_f64() * 1e6 / requests,
            generator_us: generator.as_secs_f64() * 1e6 / requests,
        })
    }

    /// Neither side may pay in its round for what the other wrote, or for what it deferred itself.
    fn settle(&self) -> Result<()> {
        rustix::fs::sync();
        self.process.settle(SETTLE)
    }
}

impl Rounds {
    /// Subject by reference of one quantity, round by round.
    pub(crate) fn ratio(&self, quantity: fn(&Round) -> f64) -> Spread {
        spread(
            self.subject
                .iter()
                .zip(&self.reference)
                .map(|(a, b)| quantity(a) / quantity(b)),
        )
    }
}

/// The median of one quantity over rounds.
pub(crate) fn median(rounds: &[Round], quantity: fn(&Round) -> f64) -> f64 {
    spread(rounds.iter().map(quantity)).median
}

/// Median (the mean of the two middle values for an even count), least and greatest; not-a-number for no values.
pub(crate) fn spread(values: impl Iterator<Item = f64>) -> Spread {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    let (Some(&min), Some(&max)) = (values.first(), values.last()) else {
        return Spread {
            median: f64::NAN,
            min: f64::NAN,
            max: f64::NAN,
        };
    };
    let median = f64::midpoint(values[(values.len() - 1) / 2], values[values.len() / 2]);
    Spread { median, min, max }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_of_an_even_count_is_the_mean_of_the_middle() {
        assert_eq!(
            spread([4.0, 1.0, 3.0, 2.0].into_iter()),
            Spread {
                median: 2.5,
                min: 1.0,
                max: 4.0
            }
        );
        assert_eq!(
            spread([9.0, 1.0, 5.0].into_iter()),
            Spread {
                median: 5.0,
                min: 1.0,
                max: 9.0
            }
        );
    }

    #[test]
    fn a_ratio_pairs_rounds_that_ran_next_to_each_other() {
        let round = |rate| Round {
            requests_per_sec: rate,
            cpu_us: 1.0,
            generator_us: 1.0,
        };
        let rounds = Rounds {
            subject: vec![round(10.0), round(100.0), round(30.0)],
            reference: vec![round(10.0), round(50.0), round(10.0)],
        };
        assert_eq!(
            rounds.ratio(|r| r.requests_per_sec),
            Spread {
                median: 2.0,
                min: 1.0,
                max: 3.0
            }
        );
    }
}
