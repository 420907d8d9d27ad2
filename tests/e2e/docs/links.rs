//! Links between the documents and into the repository lead somewhere, down to the heading.

use super::blocks::{Page, pages, root};

#[test]
fn every_link_leads_to_a_file_and_a_heading() {
    let pages = pages();
    let broken: Vec<String> = pages.iter().flat_map(|page| broken(page, &pages)).collect();
    assert_eq!(broken, Vec::<String>::new());
}

fn broken(page: &Page, pages: &[Page]) -> Vec<String> {
    let wrong = |link: &String| !link.contains("://") && !leads(page, link, pages);
    let links = links(&page.prose()).into_iter().filter(wrong);
    links.map(|link| format!("{}: {link}", page.name)).collect()
}

/// The targets of `[text](target)`. A link may be broken over two lines inside its text.
fn links(prose: &str) -> Vec<String> {
    let rests = prose.split("](").skip(1);
    rests
        .filter_map(|rest| rest.split_once(')'))
        .map(|(target, _)| target.to_owned())
        .collect()
}

fn leads(page: &Page, link: &str, pages: &[Page]) -> bool {
    let (path, heading) = link.split_once('#').unwrap_or((link, ""));
    let file = match path {
        "" => root().join(&page.name),
        path => root().join(&page.name).with_file_name("").join(path),
    };
    let Ok(file) = file.canonicalize() else {
        return false;
    };
    let is_target = |page: &&Page| root().join(&page.name).canonicalize().is_ok_and(|path| path == file);
    heading.is_empty() || pages.iter().find(is_target).is_some_and(|page| has(page, heading))
}

fn has(page: &Page, heading: &str) -> bool {
    let prose = page.prose();
    let mut headings = prose.lines().filter(|line| line.starts_with('#'));
    headings.any(|line| anchor(line.trim_start_matches('#').trim()) == heading)
}

/// The name that a heading is linked by: lower case, without punctuation, with hyphens for blanks.
fn anchor(heading: &str) -> String {
    let kept = heading
        .chars()
        .filter(|letter| letter.is_alphanumeric() || " -_".contains(*letter));
    kept.map(|letter| if letter == ' ' { '-' } else { letter })
        .collect::<String>()
        .to_lowercase()
}
