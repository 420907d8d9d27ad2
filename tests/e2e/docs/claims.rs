//! README is short, and each guarantee that it gives names tests that exist.

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
fn every_guarantee_names_tests_that_exist() {
    let mut tests = HashSet::new();
    for folder in ["tests", "core", "api"] {
        collect(&root().join(folder), &mut tests);
    }
    let text = readme().text;
    let (_, table) = text
        .split_once("| held by |")
        .expect("README has a table of guarantees");
    let rows: Vec<&str> = table.lines().skip(2).take_while(|line| line.starts_with('|')).collect();
    assert!(rows.len() > 5, "{rows:#?}");
    for row in rows {
        let held_by = row.split('|').nth(3).expect("a third column");
        let names: Vec<&str> = held_by.split('`').skip(1).step_by(2).collect();
        let missing = names.iter().find(|name| !tests.contains(**name));
        assert!(
            !names.is_empty() && missing.is_none(),
            "no test named {missing:?}: {row}"
        );
    }
}

/// The names of the functions behind `#[test]` and `#[tokio::test…]`.
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
