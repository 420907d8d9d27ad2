//! The CPU time and the memory of processes, as the operating system reports them.

use anyhow::Context;
use std::{fs, ops::Range, time::Duration};

/// Clock ticks per second: fixed for user space on Linux.
const TICKS: f64 = 100.0;

/// Returns the user and system time of a process so far.
pub fn of(pid: u32) -> anyhow::Result<Duration> {
    ticks(&pid.to_string(), 11..13)
}

/// Returns the same of the bench itself and of all its children that have ended.
pub fn of_us() -> anyhow::Result<Duration> {
    ticks("self", 11..15)
}

/// Returns the time for which cores were busy or stolen by other virtual machines, summed over all cores.
pub fn machine() -> anyhow::Result<Duration> {
    let stat = fs::read_to_string("/proc/stat")?;
    let fields = stat
        .lines()
        .next()
        .context("an unknown form")?
        .split_whitespace()
        .skip(1);
    let times: Vec<f64> = fields.map(str::parse).collect::<Result<_, _>>()?;
    // user, nice, system, idle, iowait, irq, softirq, steal. The fields after these are part of user.
    let busy: f64 = [0, 1, 2, 5, 6, 7].iter().filter_map(|place| times.get(*place)).sum();
    Ok(Duration::from_secs_f64(busy / TICKS))
}

fn ticks(process: &str, which: Range<usize>) -> anyhow::Result<Duration> {
    let stat = fs::read_to_string(format!("/proc/{process}/stat")).context("the process is gone")?;
    // The fields after the name, which is in parentheses and may contain anything.
    let fields: Vec<&str> = stat
        .rsplit_once(')')
        .context("an unknown form")?
        .1
        .split_whitespace()
        .collect();
    let times: Vec<f64> = fields[which]
        .iter()
        .map(|field| field.parse())
        .collect::<Result<_, _>>()?;
    Ok(Duration::from_secs_f64(times.iter().sum::<f64>() / TICKS))
}

/// Returns the peak of the resident memory, in MB.
pub fn peak_mb(pid: u32) -> anyhow::Result<f64> {
    Ok(kilobytes(pid, "VmHWM:")? / 1024.0)
}

/// Returns the resident memory, in KB.
pub fn resident_kb(pid: u32) -> anyhow::Result<f64> {
    kilobytes(pid, "VmRSS:")
}

/// Returns the part of the resident memory that is backed by no file, in KB.
pub fn own_kb(pid: u32) -> anyhow::Result<f64> {
    kilobytes(pid, "RssAnon:")
}

/// Resets the peak of the resident memory.
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
