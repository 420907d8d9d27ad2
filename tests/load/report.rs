//! The table, and the same as JSON in `target/bench.json`.

use serde::Serialize;
use std::path::Path;

#[derive(Clone, Serialize)]
pub struct Row {
    pub part: &'static str,
    /// Labels a second for `accept`, deliveries a second otherwise.
    pub rate: f64,
    /// Requests a second of the HTTP client alone, in the same round.
    pub ceiling: f64,
    pub server_cpu_us: f64,
    pub p50_ms: f64,
    pub p99_ms: f64,
    pub duplicates: usize,
    pub resident_mb: f64,
}

/// A number of a part that does not fit the table.
#[derive(Clone, Serialize)]
pub struct Figure {
    pub part: &'static str,
    pub name: String,
    pub value: f64,
}

impl Figure {
    pub fn new(part: &'static str, name: &str, value: f64) -> Self {
        Self {
            part,
            name: name.to_owned(),
            value,
        }
    }
}

/// Medians with their spread.
pub fn figures(figures: &[Figure]) {
    let mut names: Vec<(&str, &str)> = Vec::new();
    for figure in figures {
        if !names.contains(&(figure.part, &figure.name)) {
            names.push((figure.part, &figure.name));
        }
    }
    for (part, name) in names {
        let same = |figure: &&Figure| (figure.part, figure.name.as_str()) == (part, name);
        let (value, least, most) = median(figures.iter().filter(same).map(|figure| figure.value).collect());
        println!("{part:<12}  {name:<40}  {value:.2} ({least:.2}-{most:.2})");
    }
}

pub fn table(rows: &[Row]) {
    if rows.is_empty() {
        return;
    }
    println!("part          rate/s (min-max)            of ceiling  CPU us  p50 ms  p99 ms  RSS MB  duplicates");
    let mut names: Vec<&str> = rows.iter().map(|row| row.part).collect();
    names.dedup();
    for name in names {
        let rows: Vec<&Row> = rows.iter().filter(|row| row.part == name).collect();
        let of = |value: fn(&Row) -> f64| median(rows.iter().map(|row| value(row)).collect());
        let (rate, least, most) = of(|row| row.rate);
        let (ratio, ..) = of(|row| row.rate / row.ceiling);
        let spread = format!("{rate:.0} ({least:.0}-{most:.0})");
        println!(
            "{name:<12}  {spread:<26}  {ratio:>10.2}  {:>6.0}  {:>6.1}  {:>6.1}  {:>6.0}  {:>10}",
            of(|row| row.server_cpu_us).0,
            of(|row| row.p50_ms).0,
            of(|row| row.p99_ms).0,
            of(|row| row.resident_mb).2,
            rows.iter().map(|row| row.duplicates).sum::<usize>(),
        );
    }
}

pub fn write(rows: &[Row], figures: &[Figure]) -> anyhow::Result<()> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/bench.json");
    let report = serde_json::json!({ "rows": rows, "figures": figures });
    Ok(std::fs::write(path, serde_json::to_vec_pretty(&report)?)?)
}

/// Median, least and most.
fn median(mut values: Vec<f64>) -> (f64, f64, f64) {
    values.sort_by(f64::total_cmp);
    (values[values.len() / 2], values[0], values[values.len() - 1])
}
