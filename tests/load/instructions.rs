//! `-- --instructions`: how many instructions the hot path takes, counted by valgrind and compared with `baseline.json`.
//! Instructions, unlike times, are the same on a machine that is busy. What starting takes is left out: each operation
//! is counted twice, with few groups and with more, and the difference is theirs alone. Valgrind's own processor has no
//! instructions for SHA, so signing weighs more than it does in earnest.

use crate::{Missing, hot, this_program};
use anyhow::{Context, bail, ensure};
use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

/// By how much a count may differ from the baseline.
const TOLERANCE: f64 = 0.1;
/// Groups of the two counts: so many that what differs from run to run (when a checkpoint falls, how threads meet) is
/// little of one operation.
const FEW: usize = 2;
const MORE: usize = 18;

type Counts = BTreeMap<String, u64>;

/// Counts, prints, and fails when an operation takes more or fewer instructions than it may.
pub fn compare() -> anyhow::Result<()> {
    let baseline: Counts = serde_json::from_slice(&fs::read(path())?).context("tests/load/baseline.json")?;
    let counted = count()?;
    let mut off = Vec::new();
    for (operation, count) in &counted {
        let known = *baseline
            .get(operation)
            .with_context(|| format!("the baseline has no {operation}"))?;
        let change = difference(known, *count);
        println!(
            "{operation:<18} {count:>10} instructions each, baseline {known:>10}: {:+.1} %",
            change * 100.0
        );
        if change.abs() > TOLERANCE {
            off.push(operation.as_str());
        }
    }
    ensure!(
        off.is_empty(),
        "{} differs from the baseline by more than {:.0} %. When that is meant to be, renew the baseline with \
         `cargo bench -p labelhook-tests -- --baseline` and say in the commit why.",
        off.join(", "),
        TOLERANCE * 100.0
    );
    Ok(())
}

/// Counts and keeps the counts as the new baseline.
pub fn renew() -> anyhow::Result<()> {
    let counted = count()?;
    for (operation, count) in &counted {
        println!("{operation:<18} {count:>10} instructions each");
    }
    fs::write(path(), serde_json::to_string_pretty(&counted)? + "\n")?;
    println!("{}", path().display());
    Ok(())
}

fn path() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("load/baseline.json")
}

fn difference(known: u64, count: u64) -> f64 {
    count as f64 / known as f64 - 1.0
}

fn count() -> anyhow::Result<Counts> {
    hot::OPERATIONS
        .into_iter()
        .map(|name| Ok((name.to_owned(), each(name)?)))
        .collect()
}

/// Instructions of one operation.
fn each(operation: &str) -> anyhow::Result<u64> {
    let (few, more) = (instructions(operation, FEW)?, instructions(operation, MORE)?);
    ensure!(more > few, "{operation}: more work took fewer instructions");
    Ok((more - few) / ((MORE - FEW) * hot::GROUP) as u64)
}

/// Instructions of a whole process.
fn instructions(operation: &str, groups: usize) -> anyhow::Result<u64> {
    let role = this_program("--hot")?;
    let mut command = Command::new("valgrind");
    command
        .args([
            "--tool=callgrind",
            "--callgrind-out-file=/dev/null",
            "--trace-children=no",
        ])
        .arg(role.get_program())
        .args(role.get_args())
        .args([operation, &groups.to_string()]);
    let output = match command.output() {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => bail!(Missing("valgrind")),
        output => output?,
    };
    let stderr = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "{operation} under valgrind: {stderr}");
    let line = stderr.lines().find_map(|line| line.split_once("Collected : "));
    Ok(line.context("valgrind tells no count")?.1.trim().parse()?)
}
