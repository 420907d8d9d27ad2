//! The load bench: `cargo bench -p labelhook-tests`, or `cargo bench -p labelhook-tests -- deliver_1` for one part.
//! `-- --short` runs a short form of each, which says only that it works; `-- --binary=PATH` measures a binary that has been
//! built already, of another version or profile; `-- --instructions` counts the instructions of the
//! hot path and compares them with the baseline, which `-- --baseline` renews.
//!
//! The release binary, the receiver and the load driver are processes of their own. Each rate stands beside the ceiling
//! measured in the same round: the same HTTP client posting the same bytes to the same receiver without us. CPU time is
//! the operating system's account of each process. Machines differ and drift: compare ratios and CPU, not rates.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a bench prints its table")]

mod accept;
mod backlog;
mod cpu;
mod deliver;
mod driver;
mod figures;
mod growth;
mod hot;
mod instructions;
mod isolation;
mod latency;
mod listeners;
mod machine;
mod nodes;
mod pacer;
mod plain;
mod readiness;
mod receiver;
mod report;
mod rows;
mod seed;
mod server;
mod size;
mod subscribe;
mod wire;
mod workflow;
mod writer;

use anyhow::{Context, bail};
use figures::Figure;
use machine::{Machine, Watch};
use mimalloc::MiMalloc;
use report::PartReport;
use std::{fmt, pin::Pin, process::Command};

/// The allocator of the service, so that the bare handlers are not slower because of another one.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

const LABEL_BYTES: usize = 2048;

/// A part of the bench, with the function that measures one round of it.
struct Part {
    name: &'static str,
    rounds: usize,
    measure: Measure,
}

type Measure = fn(Size) -> Pin<Box<dyn Future<Output = anyhow::Result<Vec<Figure>>>>>;

/// Every part, in the order of execution.
const PARTS: &[Part] = &[
    part("accept", 3, |size| Box::pin(accept::accept(size))),
    part("deliver_1", 3, |size| Box::pin(deliver::deliver(&deliver::ONE, size))),
    part("deliver_10", 3, |size| Box::pin(deliver::deliver(&deliver::TEN, size))),
    part("deliver_filter", 3, |size| {
        Box::pin(deliver::deliver(&deliver::FILTER, size))
    }),
    part("deliver_query", 3, |size| {
        Box::pin(deliver::deliver(&deliver::QUERY, size))
    }),
    part("latency", 3, |size| Box::pin(latency::sqlite(size))),
    part("isolation", 3, |size| Box::pin(isolation::isolation(size))),
    part("drain", 3, |size| Box::pin(workflow::drain(size))),
    part("move", 3, |size| Box::pin(workflow::moves(size))),
    part("subscribe", 3, |size| Box::pin(subscribe::subscribe(size))),
    part("growth", 1, |size| Box::pin(growth::growth(size))),
    part("start", 3, |size| Box::pin(readiness::start(size))),
    part("backlog", 1, |size| Box::pin(backlog::backlog(size))),
    part("postgres", 3, |size| Box::pin(nodes::postgres(size))),
    part("postgres_latency", 3, |size| Box::pin(latency::postgres(size))),
    part("size", 3, |size| Box::pin(size::size(size))),
];

const fn part(name: &'static str, rounds: usize, measure: Measure) -> Part {
    Part { name, rounds, measure }
}

/// The size of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Size {
    Full,
    /// One round, as small as possible: only checks that the part works.
    Short,
}

impl Size {
    pub fn of(self, full: usize, short: usize) -> usize {
        match self {
            Self::Full => full,
            Self::Short => short,
        }
    }
}

/// The error of a part that needs this program, which is not installed.
#[derive(Debug)]
pub struct Missing(pub &'static str);

impl fmt::Display for Missing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} is not installed", self.0)
    }
}

impl std::error::Error for Missing {}

fn main() -> anyhow::Result<()> {
    let args: Vec<String> = std::env::args().skip(1).filter(|arg| arg != "--bench").collect();
    let task = |place: usize| args.get(place).map(String::as_str).context("a role's task is missing");
    let runtime = || tokio::runtime::Builder::new_multi_thread().enable_all().build();
    match args.first().map(String::as_str) {
        Some("--receiver") => receiver::run(),
        Some("--driver") => driver::run(task(1)?),
        Some("--pacer") => pacer::run(),
        Some("--hot") => hot::run(task(1)?, task(2)?.parse()?),
        Some("--plain") => runtime()?.block_on(plain::run(task(1)?, task(2)?)),
        Some("--listeners") => runtime()?.block_on(listeners::run(task(1)?)),
        Some("--instructions") => instructions::compare(),
        Some("--baseline") => instructions::renew(),
        _ => runtime()?.block_on(bench(&args)),
    }
}

async fn bench(args: &[String]) -> anyhow::Result<()> {
    let (options, names): (Vec<&str>, Vec<&str>) =
        args.iter().map(String::as_str).partition(|arg| arg.starts_with("--"));
    let mut size = Size::Full;
    for option in options {
        match option.split_once('=') {
            None if option == "--short" => size = Size::Short,
            Some(("--binary", path)) => server::measure(path)?,
            _ => bail!("there is no option {option}; options are --short and --binary=PATH"),
        }
    }
    if let Some(unknown) = names.iter().find(|name| !PARTS.iter().any(|part| part.name == **name)) {
        let known: Vec<&str> = PARTS.iter().map(|part| part.name).collect();
        bail!("there is no part {unknown}; parts are {known:?}");
    }
    server::build()?;
    let mut machine = Machine::this(size == Size::Short)?;
    let watch = Watch::start()?;
    let mut reports = Vec::new();
    for part in PARTS
        .iter()
        .filter(|part| names.is_empty() || names.contains(&part.name))
    {
        reports.push(run(part, size).await?);
    }
    machine.others = watch.others()?;
    report::table(&machine, &reports);
    println!("\n{}", report::write(&machine, &reports)?.display());
    match reports.iter().filter(|part| part.failed.is_some()).count() {
        0 => Ok(()),
        failed => bail!("{failed} parts could not be measured"),
    }
}

/// Runs all rounds of a part. A failure does not keep other parts from being measured.
async fn run(part: &Part, size: Size) -> anyhow::Result<PartReport> {
    let rounds = size.of(part.rounds, 1);
    let watch = Watch::start()?;
    let mut result = PartReport {
        part: part.name,
        rounds: 0,
        seconds: 0.0,
        others: 0.0,
        skipped: None,
        failed: None,
        figures: Vec::new(),
    };
    for round in 1..=rounds {
        eprintln!("{} round {round} of {rounds}", part.name);
        match (part.measure)(size).await {
            Ok(figures) if size == Size::Full => result.figures.extend(figures),
            Ok(figures) => result.figures.extend(figures.into_iter().map(Figure::unjudged)),
            Err(error) if error.is::<Missing>() => result.skipped = Some(error.to_string()),
            Err(error) => result.failed = Some(format!("round {round}: {error:#}")),
        }
        if result.skipped.is_some() || result.failed.is_some() {
            break;
        }
        result.rounds = round;
    }
    (result.seconds, result.others) = (watch.seconds(), watch.others()?);
    Ok(result)
}

/// Returns a command that runs this program in another role.
fn this_program(role: &str) -> anyhow::Result<Command> {
    let mut command = Command::new(std::env::current_exe()?);
    command.arg(role);
    Ok(command)
}
