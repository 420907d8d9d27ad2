//! The pages of the repository and their fenced blocks. The first word of a fence is its kind; the rest qualifies it.

use std::fs;
use std::path::{Path, PathBuf};

/// The kinds that are run, with the words that may follow.
pub const KINDS: &[(&str, &[&str])] = &[
    ("sh", &["", "background", "stopped"]),
    ("graphql", &[""]),
    ("python", &[""]),
    ("sql", &[""]),
    ("cel", &["event", "task"]),
    ("http", &[""]),
    ("json", &[""]),
];

/// The kinds that are not run, with the reasons.
pub const NOT_RUN: &[(&str, &str)] = &[
    ("mermaid", "a picture"),
    ("text", "a picture, or a terminal's output that differs from run to run"),
];

/// The lines of shell blocks that are not run, by their beginnings, with the reasons.
pub const LINES_NOT_RUN: &[(&str, &str)] = &[
    ("cargo test", "it is the command that runs this test"),
    (
        "TEST_DATABASE=postgres cargo test",
        "it is the command that runs this test",
    ),
    ("bash .ci/run", "it runs this test"),
    ("cargo bench", "it takes an hour; `.ci/run` runs the bench's short form"),
    (
        "cargo build --profile dist",
        "it takes long, and makes the program that the other examples run",
    ),
    (
        "docker compose",
        "needs a container engine; `deploy` starts the same topology as processes",
    ),
    ("createdb", "the test's server has made the database"),
];

/// A Markdown page.
#[derive(Clone, Debug)]
pub struct Page {
    /// Its path from the root of the repository.
    pub name: String,
    /// Its text.
    pub text: String,
}

/// A fenced block.
#[derive(Clone, Debug)]
pub struct Block {
    /// Its page and line, for messages.
    pub place: String,
    /// The first word of its fence.
    pub kind: String,
    /// The rest of its fence.
    pub more: String,
    /// Its content, without the indentation of the fence.
    pub text: String,
}

/// Returns the root of the repository.
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// Returns README, CONTRIBUTING and every page in `docs`.
pub fn pages() -> Vec<Page> {
    let mut files = vec![root().join("README.md"), root().join("CONTRIBUTING.md")];
    markdown(&root().join("docs"), &mut files);
    files.iter().map(|file| Page::read(file)).collect()
}

fn markdown(folder: &Path, files: &mut Vec<PathBuf>) {
    let entries = fs::read_dir(folder).expect("a folder can be read");
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.expect("an entry").path()).collect();
    paths.sort();
    for path in paths {
        if path.is_dir() {
            markdown(&path, files);
        } else if path.extension().is_some_and(|extension| extension == "md") {
            files.push(path);
        }
    }
}

impl Page {
    fn read(file: &Path) -> Self {
        let name = file.strip_prefix(root()).expect("a page of the repository");
        Self {
            name: name.display().to_string(),
            text: fs::read_to_string(file).expect("a page is text"),
        }
    }

    /// Returns its blocks, in order.
    pub fn blocks(&self) -> Vec<Block> {
        let mut blocks = Vec::new();
        let mut lines = self.text.lines().enumerate();
        while let Some((number, line)) = lines.next() {
            let place = format!("{}:{}", self.name, number + 1);
            let fence = line.trim_start();
            assert!(!fence.starts_with("~~~"), "{place}: fences are written with backticks");
            let Some(info) = fence.strip_prefix("```") else {
                continue;
            };
            let indent = line.len() - fence.len();
            let inside = lines
                .by_ref()
                .map(|(_, line)| line)
                .take_while(|line| line.trim() != "```");
            let text: Vec<&str> = inside.map(|line| line.get(indent..).unwrap_or_default()).collect();
            let (kind, more) = info.split_once(' ').unwrap_or((info, ""));
            blocks.push(Block {
                place,
                kind: kind.to_owned(),
                more: more.trim().to_owned(),
                text: text.join("\n"),
            });
        }
        blocks
    }

    /// Returns the places of the blocks with an unknown fence.
    pub fn unknown(&self) -> Vec<String> {
        let unknown = self.blocks().into_iter().filter(|block| !block.is_known());
        unknown
            .map(|block| format!("{}: `{} {}`", block.place, block.kind, block.more))
            .collect()
    }

    /// Returns the prose: the page without its blocks.
    pub fn prose(&self) -> String {
        let mut is_inside = false;
        let mut prose = String::new();
        for line in self.text.lines() {
            let is_fence = line.trim_start().starts_with("```");
            if !is_fence && !is_inside {
                prose.push_str(line);
                prose.push('\n');
            }
            is_inside ^= is_fence;
        }
        prose
    }
}

impl Block {
    /// Returns whether a test runs the block.
    pub fn is_run(&self) -> bool {
        NOT_RUN.iter().all(|(kind, _)| *kind != self.kind)
    }

    fn is_known(&self) -> bool {
        let is_kind = |(kind, words): &(&str, &[&str])| *kind == self.kind && words.contains(&&*self.more);
        !self.is_run() || KINDS.iter().any(is_kind)
    }
}

#[test]
fn blocks_are_found_with_their_place_kind_and_indentation() {
    let page = Page {
        name: "page.md".into(),
        text: "a\n```sh background\none\n```\n- b\n\n  ```sql\n  SELECT 1\n    + 1;\n  ```\n```\nx\n```\n".into(),
    };
    let found: Vec<_> = page
        .blocks()
        .into_iter()
        .map(|b| (b.place, b.kind, b.more, b.text))
        .collect();
    let expected = [
        ("page.md:2", "sh", "background", "one"),
        ("page.md:7", "sql", "", "SELECT 1\n  + 1;"),
        ("page.md:11", "", "", "x"),
    ];
    let expected = expected.map(|(place, kind, more, text)| (place.into(), kind.into(), more.into(), text.into()));
    assert_eq!(found, expected);
    assert_eq!(page.unknown(), ["page.md:11: ` `"]);
    assert_eq!(page.prose(), "a\n- b\n\n");
}
