//! The shapes of Darwin JSON, and the conversion of the geometry of Labelbox's and Ango Hub's tools.

use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::{Number, Value};

/// A shape, serialized as one member: its name and its numbers.
#[derive(Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Shape {
    BoundingBox { h: Number, w: Number, x: Number, y: Number },
    Polygon { paths: Vec<Vec<Point>> },
    Line { path: Vec<Point> },
    Keypoint(Point),
}

/// A point, written `{"x":…,"y":…}` by Labelbox and Darwin JSON, and `[x,y]` by Ango Hub.
#[derive(Deserialize, Serialize)]
#[serde(from = "Place")]
pub(super) struct Point {
    x: Number,
    y: Number,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Place {
    Pair([Number; 2]),
    Named { x: Number, y: Number },
}

impl From<Place> for Point {
    fn from(place: Place) -> Self {
        match place {
            Place::Pair([x, y]) | Place::Named { x, y } => Self { x, y },
        }
    }
}

/// Converts a member of a Labelbox object; none when it is no shape or has no counterpart in Darwin JSON.
pub(super) fn of_labelbox(kind: &str, value: &Value) -> Option<Shape> {
    #[derive(Deserialize)]
    struct Sides {
        top: Number,
        left: Number,
        height: Number,
        width: Number,
    }
    Some(match kind {
        "bbox" => {
            let Sides {
                top,
                left,
                height,
                width,
            } = read(value)?;
            bounding_box(left, top, width, height)
        }
        "polygon" => Shape::Polygon {
            paths: vec![read(value)?],
        },
        "line" => Shape::Line { path: read(value)? },
        "point" => Shape::Keypoint(read(value)?),
        _ => return None,
    })
}

/// Converts a member of an Ango Hub tool.
pub(super) fn of_ango(kind: &str, value: &Value) -> Option<Shape> {
    #[derive(Deserialize)]
    struct Sides {
        x: Number,
        y: Number,
        height: Number,
        width: Number,
    }
    Some(match kind {
        "bounding-box" => {
            let Sides { x, y, height, width } = read(value)?;
            bounding_box(x, y, width, height)
        }
        "polygon" => Shape::Polygon {
            paths: vec![read(value)?],
        },
        "polyline" => Shape::Line { path: read(value)? },
        "point" => Shape::Keypoint(read(value)?),
        "segmentation" => Shape::Polygon { paths: rings(value)? },
        _ => return None,
    })
}

/// Reads the zones of a segmentation and their holes as paths of one polygon, Darwin JSON's form of shapes in several
/// pieces.
fn rings(value: &Value) -> Option<Vec<Vec<Point>>> {
    #[derive(Deserialize)]
    struct Segmentation {
        zones: Vec<Zone>,
    }
    #[derive(Deserialize)]
    struct Zone {
        region: Vec<Point>,
        #[serde(default)]
        holes: Vec<Vec<Point>>,
    }
    let Segmentation { zones } = read(value)?;
    Some(
        zones
            .into_iter()
            .flat_map(|zone| std::iter::once(zone.region).chain(zone.holes))
            .collect(),
    )
}

/// Builds a box. Darwin JSON's boxes start at the upper left corner; Ango Hub's start at the first click and may have
/// negative sides.
fn bounding_box(x: Number, y: Number, width: Number, height: Number) -> Shape {
    let ((x, w), (y, h)) = (span(x, width), span(y, height));
    Shape::BoundingBox { h, w, x, y }
}

/// Normalizes a start and a length to a non-negative length.
fn span(start: Number, length: Number) -> (Number, Number) {
    match (start.as_f64(), length.as_f64()) {
        (Some(from), Some(by)) if by < 0.0 => (number(from + by, start), number(-by, length)),
        _ => (start, length),
    }
}

/// Converts a float to a number; whole values become integers.
fn number(value: f64, otherwise: Number) -> Number {
    if value.fract() == 0.0 && value.abs() < 1e15 {
        return Number::from(value as i64);
    }
    Number::from_f64(value).unwrap_or(otherwise)
}

fn read<T: DeserializeOwned>(value: &Value) -> Option<T> {
    T::deserialize(value).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn check(read: fn(&str, &Value) -> Option<Shape>, kind: &str, value: Value, expected: Value) {
        let shape = read(kind, &value).map(|shape| serde_json::to_value(shape).unwrap());
        assert_eq!(shape.unwrap_or_default(), expected, "{kind} {value}");
    }

    #[test]
    fn a_labelbox_geometry_reads_as_a_darwin_shape() {
        let path = json!([{"x": 1, "y": 2.5}, {"x": 3, "y": 4}]);
        for (kind, value, expected) in [
            (
                "bbox",
                json!({"top": 40, "left": 12, "height": 80, "width": 64.5}),
                json!({"bounding_box": {"h": 80, "w": 64.5, "x": 12, "y": 40}}),
            ),
            ("polygon", path.clone(), json!({"polygon": {"paths": [path]}})),
            ("line", path.clone(), json!({"line": {"path": path}})),
            ("point", json!({"x": 1, "y": 2}), json!({"keypoint": {"x": 1, "y": 2}})),
            ("bbox", json!({"top": 40}), Value::Null),
            ("mask", json!({"instanceURI": "https://example.com/m.png"}), Value::Null),
        ] {
            check(of_labelbox, kind, value, expected);
        }
    }

    #[test]
    fn an_ango_geometry_reads_as_a_darwin_shape() {
        let (pairs, path) = (json!([[1, 2.5], [3, 4]]), json!([{"x": 1, "y": 2.5}, {"x": 3, "y": 4}]));
        let zones = json!({"zones": [{"region": pairs, "holes": [pairs]}, {"region": pairs}]});
        for (kind, value, expected) in [
            (
                "bounding-box",
                json!({"x": 10, "y": 20.5, "height": 5, "width": 7}),
                json!({"bounding_box": {"h": 5, "w": 7, "x": 10, "y": 20.5}}),
            ),
            ("polygon", pairs.clone(), json!({"polygon": {"paths": [path]}})),
            ("polyline", pairs.clone(), json!({"line": {"path": path}})),
            ("point", json!([1, 2]), json!({"keypoint": {"x": 1, "y": 2}})),
            ("segmentation", zones, json!({"polygon": {"paths": [path, path, path]}})),
            (
                "rotated-bounding-box",
                json!({"x": 1, "y": 1, "height": 1, "width": 1, "rotation": 30}),
                Value::Null,
            ),
            ("polygon", json!([[1, 2], [3]]), Value::Null),
        ] {
            check(of_ango, kind, value, expected);
        }
    }

    #[test]
    fn a_box_drawn_from_another_corner_starts_at_its_upper_left() {
        check(
            of_ango,
            "bounding-box",
            json!({"x": 10, "y": 20.5, "height": -5.25, "width": -7}),
            json!({"bounding_box": {"h": 5.25, "w": 7, "x": 3, "y": 15.25}}),
        );
    }
}
