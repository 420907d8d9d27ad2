//! Tests that the documentation is true: every fenced block of every page is run, links lead somewhere, the tests that
//! README names exist, and the tables of commands and settings are those of the command line.
//!
//! [`blocks`] finds pages and blocks, [`story`] runs those of one page in order, against a service of the page's own.
//! The fences that a page may use are in [`blocks::KINDS`] and [`blocks::NOT_RUN`]; CONTRIBUTING.md explains them to
//! writers.

mod blocks;
mod claims;
mod compare;
mod links;
mod scene;
mod settings;
mod shell;
mod story;

use blocks::{Block, Page, pages};
use story::Story;
use tokio::task::JoinSet;

#[tokio::test(flavor = "multi_thread")]
async fn every_example_of_every_page_works() {
    let mut running = JoinSet::new();
    for page in pages() {
        running.spawn(async move { Story::of(page).await });
    }
    running.join_all().await;
}

#[test]
fn every_block_is_of_a_kind_that_is_run_or_listed() {
    let pages = pages();
    let found: Vec<String> = pages.iter().flat_map(Page::unknown).collect();
    assert_eq!(
        found,
        Vec::<String>::new(),
        "give it a kind of `docs::blocks::KINDS`, or list its kind in NOT_RUN with a reason"
    );
    let to_run = pages.iter().flat_map(Page::blocks).filter(Block::is_run).count();
    assert!(to_run > 50, "only {to_run} examples were found");
}
