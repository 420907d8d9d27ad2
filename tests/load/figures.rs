//! The figures that parts measure, with their budgets, and their reduction over all rounds.

use serde::Serialize;
use std::fmt;

/// A figure of one round.
#[derive(Clone, Debug, Serialize)]
pub struct Figure {
    pub part: &'static str,
    pub name: String,
    pub value: f64,
    pub budget: Option<Budget>,
}

/// The bound of a figure's median.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Budget {
    AtLeast(f64),
    AtMost(f64),
}

impl Figure {
    pub fn new(part: &'static str, name: &str, value: f64) -> Self {
        Self {
            part,
            name: name.to_owned(),
            value,
            budget: None,
        }
    }

    /// Returns the figure without its budget, on which a short run has no bearing.
    pub fn unjudged(self) -> Self {
        Self { budget: None, ..self }
    }

    pub fn at_least(self, least: f64) -> Self {
        Self {
            budget: Some(Budget::AtLeast(least)),
            ..self
        }
    }

    pub fn at_most(self, most: f64) -> Self {
        Self {
            budget: Some(Budget::AtMost(most)),
            ..self
        }
    }
}

impl Budget {
    pub fn is_met(self, value: f64) -> bool {
        match self {
            Self::AtLeast(least) => value >= least,
            Self::AtMost(most) => value <= most,
        }
    }
}

impl fmt::Display for Budget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AtLeast(least) => write!(f, ">= {}", short(*least)),
            Self::AtMost(most) => write!(f, "<= {}", short(*most)),
        }
    }
}

/// A figure over all rounds of a run.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Line {
    pub part: &'static str,
    pub name: String,
    pub median: f64,
    pub least: f64,
    pub most: f64,
    pub rounds: usize,
    pub budget: Option<Budget>,
    pub met: Option<bool>,
}

/// Returns one line per figure, in the order of the first round.
pub fn lines(figures: &[Figure]) -> Vec<Line> {
    let mut lines: Vec<Line> = Vec::new();
    for figure in figures {
        let is_known = |line: &Line| (line.part, line.name.as_str()) == (figure.part, figure.name.as_str());
        if !lines.iter().any(is_known) {
            lines.push(line(figure, figures));
        }
    }
    lines
}

fn line(first: &Figure, figures: &[Figure]) -> Line {
    let same = |figure: &&Figure| (figure.part, &figure.name) == (first.part, &first.name);
    let mut values: Vec<f64> = figures.iter().filter(same).map(|figure| figure.value).collect();
    values.sort_by(f64::total_cmp);
    let median = median(&values);
    Line {
        part: first.part,
        name: first.name.clone(),
        median,
        least: values[0],
        most: values[values.len() - 1],
        rounds: values.len(),
        budget: first.budget,
        met: first.budget.map(|budget| budget.is_met(median)),
    }
}

/// Returns the median of sorted values: the middle one, or the mean of the two in the middle.
pub fn median(sorted: &[f64]) -> f64 {
    let half = sorted.len() / 2;
    match sorted.len() % 2 {
        0 => f64::midpoint(sorted[half - 1], sorted[half]),
        _ => sorted[half],
    }
}

/// Returns the value that this part of the sorted values does not exceed.
pub fn percentile(sorted: &[f64], part: f64) -> f64 {
    let rank = (sorted.len() as f64 * part).ceil() as usize;
    sorted[rank.clamp(1, sorted.len()) - 1]
}

/// Formats a value with its significant digits.
pub fn short(value: f64) -> String {
    match value.abs() {
        0.0 => "0".to_owned(),
        1000.0.. => format!("{value:.0}"),
        10.0.. => format!("{value:.1}"),
        0.1.. => format!("{value:.2}"),
        _ => format!("{value:.4}"),
    }
}
