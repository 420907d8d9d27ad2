//! Tests of V7's bodies.

use super::*;
use serde_json::value::RawValue;

const TOPIC: WebhookTopic = WebhookTopic::WorkflowAction;

fn with_label(annotation: &str) -> Data {
    let mut change = moved();
    change.label.as_mut().unwrap().label = annotation.into();
    Data::Move(Box::new(change))
}

#[test]
fn a_v7_body_has_exactly_the_fields_of_darwin_json() {
    let mut change = moved();
    change.data_row.metadata = Some(RawValue::from_string(r#"{"width":1001,"height":640,"other":1}"#.into()).unwrap());
    let body = rendered(PayloadFormat::V7, TOPIC, &Data::Move(Box::new(change)));
    assert_eq!(names(&body), "version schema_ref item annotations properties");
    assert_eq!((&body["version"], &body["properties"]), (&json!("2.0"), &json!([])));
    let item = &body["item"];
    assert_eq!(names(item), "name path source_info slots");
    assert_eq!((&item["name"], &item["path"]), (&json!("tree.jpg"), &json!("/")));
    let source = &item["source_info"];
    assert_eq!(names(source), "item_id dataset team workview_url");
    assert_eq!(
        source["dataset"],
        json!({"name": "Trees", "slug": "trees", "dataset_management_url": null})
    );
    assert_eq!(source["team"], json!({"name": "Example", "slug": "example"}));
    assert_eq!(source["workview_url"], Value::Null);
    let slot = &item["slots"][0];
    assert_eq!(names(slot), "type slot_name width height thumbnail_url source_files");
    assert_eq!((&slot["width"], &slot["height"]), (&json!(1001), &json!(640)));
    assert_eq!(
        slot["source_files"],
        json!([{"file_name": "tree.jpg", "storage_key": null, "url": "https://example.com/images/tree.jpg"}])
    );
}

#[test]
fn a_v7_body_is_about_the_item_whatever_happened_to_it() {
    use WebhookTopic::*;
    let moved = rendered(PayloadFormat::V7, TOPIC, &data(TOPIC));
    for topic in [LabelCreated, LabelUpdated, ReviewCreated, ReviewUpdated] {
        assert_eq!(rendered(PayloadFormat::V7, topic, &data(topic)), moved, "{topic:?}");
    }
    let deleted = rendered(PayloadFormat::V7, LabelDeleted, &data(LabelDeleted));
    assert_eq!(deleted["annotations"], json!([]));
    assert_eq!(deleted["item"], moved["item"]);
}

#[test]
fn a_v7_body_of_metadata_only_has_no_annotations_key() {
    let body = metadata_only(PayloadFormat::V7, TOPIC, &data(TOPIC));
    assert_eq!(names(&body), "version schema_ref item properties");
}

#[test]
fn darwin_annotations_are_passed_on_byte_for_byte() {
    let own = r#"{"annotators": [{"email":"a@example.com","full_name":"Ann"}],"bounding_box":{"h":1.10},"text":{"text":"é"}}"#;
    let data = with_label(&format!(
        r#"{{"annotations": [ {own} ],"objects":[{{"point":{{"x":1,"y":2}}}}]}}"#
    ));
    let text = text(PayloadFormat::V7, PayloadContent::Full, TOPIC, &data);
    assert!(
        text.contains(&format!(r#""annotations":[{own},{{"annotators""#)),
        "{text}"
    );
}

#[test]
fn objects_of_other_tools_are_drawn_again_as_the_work_of_who_submitted_them() {
    let data = with_label(
        r#"{"objects":[{"featureId":"f1","title":"Tree","value":"tree","bbox":{"top":40,"left":12,"height":80,"width":64}},
            {"featureId":"f2","title":"Mask","instanceURI":"https://example.com/m.png"}],
        "tools":[{"point":[1.5,2],"objectId":"o1","title":""}],"classifications":[{"answer":"a"}]}"#,
    );
    let body = rendered(PayloadFormat::V7, TOPIC, &data);
    let annotators = json!([{"email": "labeler@example.com", "full_name": null}]);
    assert_eq!(
        body["annotations"],
        json!([
            {
                "annotators": annotators, "bounding_box": {"h": 80, "w": 64, "x": 12, "y": 40}, "id": "f1",
                "name": "Tree", "properties": [], "slot_names": ["0"]
            },
            {
                "annotators": annotators, "keypoint": {"x": 1.5, "y": 2}, "id": "o1",
                "name": "point", "properties": [], "slot_names": ["0"]
            },
        ])
    );
}

#[test]
fn an_annotation_that_nobody_can_read_is_no_annotation() {
    for annotation in ["", "[]", "null", r#"{"annotations":{},"objects":1,"tools":[null,[1]]}"#] {
        let body = rendered(PayloadFormat::V7, TOPIC, &with_label(annotation));
        assert_eq!(body["annotations"], json!([]), "{annotation}");
    }
}

#[test]
fn a_v7_item_of_a_bare_text_goes_by_its_id_and_has_no_address() {
    let mut change = moved();
    (change.data_row.row_data, change.data_row.external_id) = ("A text to annotate".into(), None);
    (change.team, change.label) = (None, None);
    let id = change.data_row.id.to_string();
    let body = rendered(PayloadFormat::V7, TOPIC, &Data::Move(Box::new(change)));
    let (item, slot) = (&body["item"], &body["item"]["slots"][0]);
    assert_eq!(
        (&item["name"], &slot["source_files"][0]["file_name"]),
        (&json!(id), &json!(id))
    );
    for nothing in [
        &item["source_info"]["team"],
        &slot["width"],
        &slot["height"],
        &slot["thumbnail_url"],
        &slot["source_files"][0]["url"],
    ] {
        assert_eq!(nothing, &Value::Null);
    }
    assert_eq!(body["annotations"], json!([]));
}
