//! What the operating system says of a process.

use anyhow::Context;
use std::{fs, time::Duration};

/// Clock ticks a second: fixed for user space on Linux.
const TICKS: f64 = 100.0;

/// User and system time of a process so far.
pub fn of(pid: u32) -> anyhow::Result<Duration> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).context("the process is gone")?;
    // Fields after the name, which is in parentheses and may hold anything.
    let fields: Vec<&str> = stat
        .rsplit_once(')')
        .context("an unknown form")?
        .1
        .split_whitespace()
        .collect();
    let ticks: f64 = fields[11].parse::<f64>()? + fields[12].parse::<f64>()?;
    Ok(Duration::from_secs_f64(ticks / TICKS))
}

/// The most memory that was resident, in MB.
pub fn peak_mb(pid: u32) -> anyhow::Result<f64> {
    Ok(kilobytes(pid, "VmHWM:")? / 1024.0)
}

/// The memory that is resident now, in KB.
pub fn resident_kb(pid: u32) -> anyhow::Result<f64> {
    kilobytes(pid, "VmRSS:")
}

/// The peak is counted from now on.
pub fn forget_peak(pid: u32) -> anyhow::Result<()> {
    fs::write(format!("/proc/{pid}/clear_refs"), "5").context("the peak cannot be reset")
}

fn kilobytes(pid: u32, name: &str) -> anyhow::Result<f64> {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).context("the process is gone")?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix(name))
        .context("an unknown form")?;
    Ok(line.trim().trim_end_matches(" kB").parse()?)
}
