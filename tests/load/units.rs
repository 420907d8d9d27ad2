//! The bench's arithmetic, and its HTTP by hand.

mod figures;
#[expect(dead_code, reason = "what needs a socket is used by the bench alone")]
mod wire;

use figures::{Budget, Figure, lines, median, percentile, short};
use wire::Message;

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

#[test]
fn a_message_ends_where_its_length_says() {
    let request = wire::post("127.0.0.1:80", "/graphql", "lh_key", "{\"a\":1}");
    let message = Message::read(&request).unwrap().unwrap();
    assert_eq!(&request[message.body..message.end], b"{\"a\":1}");
    assert!((0..request.len()).all(|cut| Message::read(&request[..cut]).unwrap().is_none()));
    let two = [request.clone(), request.clone()].concat();
    assert_eq!(Message::read(&two).unwrap().unwrap().end, request.len());
}

#[test]
fn a_length_is_read_however_it_is_written_and_missing_only_of_a_get() {
    let read = |text: &str| Message::read(text.as_bytes()).map(|message| message.map(|message| message.end));
    assert_eq!(
        read("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok").unwrap(),
        Some(40)
    );
    assert_eq!(read("GET /count HTTP/1.1\r\nhost: bench\r\n\r\n").unwrap(), Some(36));
    assert!(read("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n").is_err());
}

#[test]
fn a_label_keeps_its_number_on_its_way() {
    let mut label = wire::label(100).into_bytes();
    let place = wire::number_place(&label).unwrap();
    wire::set_number(&mut label, place, 4_711);
    let payload = serde_json::json!({"label": {"label": String::from_utf8(label).unwrap()}}).to_string();
    assert_eq!(wire::number(payload.as_bytes()), Some(4_711));
    assert_eq!(wire::number(b"something else"), None);
}

#[test]
fn a_url_has_an_address_and_a_path() {
    assert_eq!(wire::parts("http://127.0.0.1:80/graphql"), ("127.0.0.1:80", "/graphql"));
    assert_eq!(wire::place(b"aab", b"ab"), Some(1));
    assert_eq!(wire::place(b"aab", b"c"), None);
}
