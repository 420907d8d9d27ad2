//! Snapshots of one whole body of a task's move in each format: the contract with receivers. The sample is
//! deterministic, so nothing is redacted.

use super::*;
use insta::{assert_snapshot, with_settings};

const REFRESH: &str = "to accept it: INSTA_UPDATE=always cargo test -p labelhook-core --lib snapshots";

/// A label with the members of all three platforms; each format uses its own.
const LABEL: &str = r##"{"tools":[{"bounding-box":{"x":1.10,"y":2,"height":-3,"width":4},"objectId":"o1","title":"Tree"}],
    "objects":[{"featureId":"f1","title":"Tree","bbox":{"top":40,"left":12,"height":80,"width":64}}],
    "annotations":[{"id":"d1","name":"Tree","tag":{},"slot_names":["0"]}],
    "classifications":[{"title":"Croissànt","answer":"yes"}]}"##;

fn body(format: PayloadFormat) -> String {
    let mut change = moved();
    change.label.as_mut().unwrap().label = LABEL.into();
    let body = rendered(format, WebhookTopic::WorkflowAction, &Data::Move(Box::new(change)));
    serde_json::to_string_pretty(&body).unwrap()
}

#[test]
fn a_move_in_labelboxes_form_is_as_it_always_was() {
    let body = body(PayloadFormat::Labelbox);
    with_settings!({description => REFRESH, omit_expression => true}, {assert_snapshot!("labelbox", body)});
}

#[test]
fn a_move_in_angos_form_is_as_it_always_was() {
    let body = body(PayloadFormat::Ango);
    with_settings!({description => REFRESH, omit_expression => true}, {assert_snapshot!("ango", body)});
}

#[test]
fn a_move_in_v7s_form_is_as_it_always_was() {
    let body = body(PayloadFormat::V7);
    with_settings!({description => REFRESH, omit_expression => true}, {assert_snapshot!("v7", body)});
}
