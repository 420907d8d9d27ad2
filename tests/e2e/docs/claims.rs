//! Tests that README is short, and that each guarantee in it names tests that exist.

use std::collections::HashSet;
use std::fs;
use std::path::Path;

use super::blocks::{Page, pages, root};

fn readme() -> Page {
    pages().swap_remove(0)
}

#[test]
fn readme_can_be_read_in_a_few_minutes() {
    let words = readme().text.split_whitespace().count();
    assert!(words <= 900, "README has {words} words; move some to a page of `docs`");
}

#[test]
fn every_guarantee_and_every_invariant_names_tests_that_exist() {
    let mut tests = HashSet::new();
    for folder in ["tests", "core", "api"] {
        collect(&root().join(folder), &mut tests);
    }
    let tables = [
        (readme(), "| held by |", 3),
        (architecture(), "| invariant | test |", 2),
    ];
    for (page, header, column) in tables {
        for row in rows(&page, header) {
            let names = named(&row, column);
            let missing = names.iter().find(|name| !tests.contains(*name));
            assert!(
                !names.is_empty() && missing.is_none(),
                "no test named {missing:?}: {row}"
            );
        }
    }
}

#[test]
fn every_file_that_the_architecture_names_exists() {
    for row in rows(&architecture(), "| for | file |") {
        let names = named(&row, 2);
        let paths: Vec<&String> = names.iter().filter(|name| name.contains('/')).collect();
        assert!(!paths.is_empty(), "no file is named: {row}");
        for path in paths {
            assert!(root().join(path).exists(), "{path}: {row}");
        }
    }
}

fn architecture() -> Page {
    let mut pages = pages().into_iter();
    pages
        .find(|page| page.name == "docs/architecture.md")
        .expect("the page")
}

/// Returns the rows of the table with this header.
fn rows(page: &Page, header: &str) -> Vec<String> {
    let (_, table) = page.text.split_once(header).expect("the page has the table");
    let rows = table.lines().skip(2).take_while(|line| line.starts_with('|'));
    let rows: Vec<String> = rows.map(str::to_owned).collect();
    assert!(rows.len() > 5, "{rows:#?}");
    rows
}

/// Returns the words in backticks in a column of a table's row. The first column is 1.
fn named(row: &str, column: usize) -> Vec<String> {
    let cell = row.split('|').nth(column).expect("a column");
    cell.split('`').skip(1).step_by(2).map(str::to_owned).collect()
}

/// Collects the names of the functions after `#[test]` and `#[tokio::test…]`.
fn collect(folder: &Path, tests: &mut HashSet<String>) {
    for entry in fs::read_dir(folder).expect("a folder can be read") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            collect(&path, tests);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let text = fs::read_to_string(&path).expect("a source is text");
            tests.extend(text.split("test").skip(1).filter_map(name));
        }
    }
}

fn name(rest: &str) -> Option<String> {
    let (attribute, rest) = rest.split_once('\n')?;
    let function = rest.trim_start().trim_start_matches("async ").strip_prefix("fn ")?;
    let (name, _) = function.split_once("()")?;
    attribute.ends_with(']').then(|| name.to_owned())
}
