//! The bench's arithmetic.

mod figures;

use figures::{Budget, Figure, lines, median, percentile, short};

#[test]
fn rounds_become_a_median_with_its_spread() {
    let rounds = [3.0, 1.0, 2.0].map(|value| Figure::new("deliver_1", "of the ceiling", value).at_least(2.0));
    let lines = lines(&rounds);
    assert_eq!(lines.len(), 1);
    let line = &lines[0];
    assert_eq!((line.median, line.least, line.most, line.rounds), (2.0, 1.0, 3.0, 3));
    assert_eq!(line.met, Some(true));
}

#[test]
fn figures_keep_their_order_and_their_parts_apart() {
    let figures = [("a", "x"), ("a", "y"), ("b", "x"), ("a", "x")];
    let figures = figures.map(|(part, name)| Figure::new(part, name, 1.0));
    let names: Vec<_> = lines(&figures).into_iter().map(|line| (line.part, line.name)).collect();
    assert_eq!(names, [("a", "x".into()), ("a", "y".into()), ("b", "x".to_owned())]);
}

#[test]
fn a_budget_is_met_by_the_number_itself() {
    assert!(Budget::AtLeast(0.2).is_met(0.2) && !Budget::AtLeast(0.2).is_met(0.199));
    assert!(Budget::AtMost(40.0).is_met(40.0) && !Budget::AtMost(40.0).is_met(40.1));
    assert_eq!(
        Figure::new("size", "MB", 1.0).at_most(40.0).budget,
        Some(Budget::AtMost(40.0))
    );
    assert_eq!(Figure::new("size", "MB", 1.0).at_most(40.0).unjudged().budget, None);
    assert_eq!(Budget::AtMost(40.0).to_string(), "<= 40.0");
    assert_eq!(Budget::AtLeast(0.2).to_string(), ">= 0.20");
}

#[test]
fn the_median_of_an_even_number_is_between_two() {
    assert_eq!(median(&[1.0, 2.0, 4.0, 9.0]), 3.0);
    assert_eq!(median(&[5.0]), 5.0);
}

#[test]
fn percentiles_are_values_that_were_measured() {
    let sorted: Vec<f64> = (1..=100).map(f64::from).collect();
    assert_eq!(percentile(&sorted, 0.5), 50.0);
    assert_eq!(percentile(&sorted, 0.99), 99.0);
    assert_eq!(percentile(&sorted, 1.0), 100.0);
    assert_eq!(percentile(&[7.0], 0.01), 7.0);
}

#[test]
fn numbers_are_as_long_as_they_say_something() {
    assert_eq!(
        [12345.6, 56.78, 0.256, 0.0123, 0.0].map(short),
        ["12346", "56.8", "0.26", "0.0123", "0"]
    );
}
