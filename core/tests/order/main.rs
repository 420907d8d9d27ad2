//! Imports of `core` go one way. The rooms stand in `docs/architecture.md`, bottom to top, and every file of `core/src`
//! is held against that list: a file imports from its own line of the list and from the lines above it.

use labelhook_order::{Files, imports, leads_to, read};
use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
};

/// The heading of the list in `docs/architecture.md`.
const HEADING: &str = "## The rooms of `core`";

/// Files that may import from rooms above them: the application holds the state of the verbs, from files that do not
/// know it, and the log of events is read by verbs that stand beside the data of events.
const UPWARD: [&str; 2] = ["app.rs", "event/log.rs"];

/// Circles of files that may be, each inside one room. The first is the group commit itself: units run in a store's
/// transaction, which the writer gives them.
const CIRCLES: [&[&str]; 12] = [
    &[
        "db/organization_locks.rs",
        "db/prefetch.rs",
        "db/queue.rs",
        "db/store.rs",
        "db/writer.rs",
    ],
    &[
        "bus/choice.rs",
        "bus/memory.rs",
        "bus/mod.rs",
        "bus/nats.rs",
        "bus/postgres.rs",
    ],
    &["event/data.rs", "event/task.rs"],
    &["feed/channel.rs", "feed/reader.rs"],
    &["graph/conditions.rs", "graph/mod.rs"],
    &["sql/mod.rs", "sql/sqlite.rs"],
    &["subscribers/filter.rs", "subscribers/mod.rs"],
    &["queue/claim.rs", "queue/lanes/mod.rs", "queue/outbox/mod.rs"],
    &["task/export.rs", "task/mod.rs"],
    &["idempotency/mod.rs", "idempotency/row.rs"],
    &["replay/missed.rs", "replay/mod.rs"],
    &[
        "retention/mod.rs",
        "retention/partitions/mod.rs",
        "retention/rows.rs",
        "retention/tallies.rs",
    ],
];

#[test]
fn imports_go_one_way() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut files = BTreeMap::new();
    read(&root.join("src"), "", &mut files);
    assert!(files.len() > 150, "the sources are found");
    let page = fs::read_to_string(root.join("../docs/architecture.md")).expect("the page is there");
    let wrong = check(&files, &rooms(&page));
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn an_import_that_runs_the_wrong_way_is_told_with_both_files_and_the_rule() {
    let page = format!("{HEADING}\n\n```text\nsql  statements\nqueue  lanes\napp\nlabel task  verbs\n```\n");
    let files = BTreeMap::from(
        [
            ("lib.rs", "mod app;\npub use app::{App, Config};"),
            ("app.rs", "use crate::label::Running;"),
            ("sql/mod.rs", "use crate::queue::lanes::Lanes;"),
            ("queue/mod.rs", "pub mod lanes;\nuse crate::App;"),
            ("queue/lanes.rs", "use super::claim::Claim;\nuse crate::sql::raw;"),
            ("queue/claim.rs", "use super::lanes::Lanes;"),
            ("label/mod.rs", "use crate::{App, task};"),
            ("task.rs", "use crate::label;"),
            ("shelf.rs", ""),
        ]
        .map(|(file, text)| (file.to_owned(), text.to_owned())),
    );
    assert_eq!(
        check(&files, &rooms(&page)),
        [
            "app.rs -> label/mod.rs: a circle of files",
            "label/mod.rs -> app.rs: a circle of files",
            "label/mod.rs -> task.rs: a circle of files",
            "queue/claim.rs -> queue/lanes.rs: a circle of files",
            "queue/lanes.rs -> queue/claim.rs: a circle of files",
            "queue/lanes.rs -> sql/mod.rs: a circle of files",
            "queue/mod.rs -> app.rs: queue stands below app",
            "shelf.rs: shelf is not in the list of rooms",
            "sql/mod.rs -> queue/lanes.rs: a circle of files",
            "sql/mod.rs -> queue/lanes.rs: sql stands below queue",
            "task.rs -> label/mod.rs: a circle of files",
        ]
    );
}

/// Returns the rank of each room. Rooms of one line have one rank. The names of a line end at two spaces.
fn rooms(page: &str) -> BTreeMap<String, usize> {
    let (_, below) = page.split_once(HEADING).expect("the heading");
    let (_, list) = below.split_once("```text\n").expect("a list below it");
    let lines = list.lines().take_while(|line| *line != "```");
    let names = lines.map(|line| line.split("  ").next().unwrap_or_default());
    let ranked = names
        .enumerate()
        .flat_map(|(rank, names)| names.split(' ').map(move |name| (name.to_owned(), rank)));
    ranked.collect()
}

/// Returns a line for each import that breaks a rule.
fn check(files: &Files, rooms: &BTreeMap<String, usize>) -> Vec<String> {
    let sources = files.keys().filter(|file| *file != "lib.rs");
    let arrows: BTreeMap<&str, BTreeSet<String>> =
        sources.map(|file| (file.as_str(), imports(file, files).0)).collect();
    let mut wrong = BTreeSet::new();
    for (file, others) in &arrows {
        if !rooms.contains_key(room(file)) {
            wrong.insert(format!("{file}: {} is not in the list of rooms", room(file)));
        }
        for other in others.iter().filter(|other| *other != "lib.rs") {
            wrong.extend(upward(file, other, rooms));
            if !may_circle(file, other) && leads_to(other, file, &arrows) {
                wrong.insert(format!("{file} -> {other}: a circle of files"));
            }
        }
    }
    wrong.into_iter().collect()
}

/// Returns the message for an import that runs up the list.
fn upward(file: &str, other: &str, rooms: &BTreeMap<String, usize>) -> Option<String> {
    let (from, to) = (rooms.get(room(file))?, rooms.get(room(other))?);
    let allowed = UPWARD.contains(&file) || to <= from;
    (!allowed).then(|| format!("{file} -> {other}: {} stands below {}", room(file), room(other)))
}

fn may_circle(file: &str, other: &str) -> bool {
    let both = |circle: &&[&str]| circle.contains(&file) && circle.contains(&other);
    CIRCLES.iter().any(both)
}

/// Returns the room of a file: its folder in `src`, or the file itself.
fn room(file: &str) -> &str {
    let top = file.split('/').next().unwrap_or(file);
    top.trim_end_matches(".rs")
}
