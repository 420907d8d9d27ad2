//! The machine of a run, and the share of it that other processes took.

use crate::cpu;
use anyhow::Context;
use entity::Timestamp;
use serde::Serialize;
use std::{
    fmt, fs,
    time::{Duration, Instant, SystemTime},
};

/// The circumstances of a run.
#[derive(Serialize)]
pub struct Machine {
    pub version: &'static str,
    pub date: String,
    pub cores: usize,
    pub cpu: String,
    pub kernel: String,
    pub memory_mb: f64,
    /// True for the short form, whose figures say nothing about speed.
    pub short: bool,
    /// The share of the machine's cores that other processes took over the whole run, from 0 to 1.
    pub others: f64,
}

impl Machine {
    pub fn this(short: bool) -> anyhow::Result<Self> {
        let now = SystemTime::UNIX_EPOCH.elapsed()?;
        Ok(Self {
            version: env!("CARGO_PKG_VERSION"),
            date: Timestamp(i64::try_from(now.as_micros())?).secs(),
            cores: cores()?,
            cpu: line("/proc/cpuinfo", "model name").unwrap_or_else(|_| "an unknown processor".to_owned()),
            kernel: fs::read_to_string("/proc/sys/kernel/osrelease")?.trim().to_owned(),
            memory_mb: line("/proc/meminfo", "MemTotal")?
                .trim_end_matches(" kB")
                .parse::<f64>()?
                / 1024.0,
            short,
            others: 0.0,
        })
    }
}

impl fmt::Display for Machine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            version,
            date,
            cores,
            cpu,
            kernel,
            memory_mb,
            ..
        } = self;
        let (memory, others) = (memory_mb / 1024.0, self.others * 100.0);
        write!(
            f,
            "Labelhook {version}, {date}: {cores} x {cpu}, {memory:.0} GiB, Linux {kernel}; "
        )?;
        write!(f, "others took {others:.0} % of the machine")?;
        match self.short {
            true => write!(
                f,
                "\nThe short form: it says that the bench works, and nothing of speed."
            ),
            false => Ok(()),
        }
    }
}

fn cores() -> anyhow::Result<usize> {
    Ok(std::thread::available_parallelism()?.get())
}

/// Returns the first value with this name, in a file with lines of `NAME: VALUE`.
fn line(file: &str, name: &str) -> anyhow::Result<String> {
    let text = fs::read_to_string(file)?;
    let found = text.lines().find_map(|line| line.strip_prefix(name)?.split_once(':'));
    Ok(found
        .with_context(|| format!("{file} tells no {name}"))?
        .1
        .trim()
        .to_owned())
}

/// A period for which the share of other processes is measured.
pub struct Watch {
    started: Instant,
    machine: Duration,
    ours: Duration,
}

impl Watch {
    pub fn start() -> anyhow::Result<Self> {
        Ok(Self {
            started: Instant::now(),
            machine: cpu::machine()?,
            ours: cpu::of_us()?,
        })
    }

    pub fn seconds(&self) -> f64 {
        self.started.elapsed().as_secs_f64()
    }

    /// Returns the share of all cores that others took since the start, from 0 to 1, including stolen time. To be
    /// called when our own processes have ended: only then is their time counted as ours.
    pub fn others(&self) -> anyhow::Result<f64> {
        let busy = cpu::machine()?.saturating_sub(self.machine);
        let others = busy.saturating_sub(cpu::of_us()? - self.ours);
        Ok(others.as_secs_f64() / (self.seconds() * cores()? as f64))
    }
}
