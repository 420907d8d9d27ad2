//! The report: a table, and the same as JSON in `target/bench.json`.

use crate::{
    figures::{Figure, Line, lines, short},
    machine::Machine,
};
use serde::Serialize;
use std::path::{Path, PathBuf};

/// The result of a part.
#[derive(Serialize)]
pub struct PartReport {
    pub part: &'static str,
    pub rounds: usize,
    pub seconds: f64,
    /// The share of the machine's cores that other processes took meanwhile, from 0 to 1.
    pub others: f64,
    /// The reason that it was not measured, or not to its end.
    pub skipped: Option<String>,
    pub failed: Option<String>,
    #[serde(skip)]
    pub figures: Vec<Figure>,
}

pub fn table(machine: &Machine, parts: &[PartReport]) {
    println!("{machine}");
    for part in parts {
        let others = part.others * 100.0;
        let (rounds, seconds) = (part.rounds, part.seconds);
        println!(
            "\n{} ({rounds} rounds in {seconds:.0} s, others took {others:.0} % of the machine)",
            part.part
        );
        if let Some(why) = &part.skipped {
            println!("  not measured: {why}");
        }
        if let Some(why) = &part.failed {
            println!("  FAILED: {why}");
        }
        lines(&part.figures).iter().for_each(print);
    }
}

fn print(line: &Line) {
    let spread = match line.rounds {
        1 => String::new(),
        _ => format!("({} - {})", short(line.least), short(line.most)),
    };
    let verdict = match (line.budget, line.met) {
        (Some(budget), Some(true)) => format!("{budget:<9} met"),
        (Some(budget), _) => format!("{budget:<9} NOT MET"),
        _ => String::new(),
    };
    let text = format!("  {:<58} {:>9}  {spread:<20}  {verdict}", line.name, short(line.median));
    println!("{}", text.trim_end());
}

/// Writes the JSON and returns its path.
pub fn write(machine: &Machine, parts: &[PartReport]) -> anyhow::Result<PathBuf> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/bench.json");
    let figures: Vec<Line> = parts.iter().flat_map(|part| lines(&part.figures)).collect();
    let rounds: Vec<&Figure> = parts.iter().flat_map(|part| &part.figures).collect();
    let report = serde_json::json!({ "machine": machine, "parts": parts, "figures": figures, "rounds": rounds });
    std::fs::write(&path, serde_json::to_vec_pretty(&report)?)?;
    Ok(path)
}
