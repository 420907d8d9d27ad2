//! Tests that imports go one way. The paths in every file of `api/src` are checked against the rules below, which are
//! data. A violation names both files, or the file and the crate, and the rule.

use labelhook_order::{Files, imports, leads_to, read};
use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
};

/// Layers, from the top down. A file imports from its own layer and from those below it.
const LAYERS: [&[&str]; 5] = [
    &["main.rs", "cli/"],
    &["lib.rs", "config.rs"],
    &["gateway/"],
    &["graphql/"],
    &["request_id.rs"],
];

/// The files of `graphql/` that `gateway/` may import. None of them is about an entity of the domain.
const GATEWAY_SEES: [&str; 9] = [
    "graphql/endpoint.rs",
    "graphql/error.rs",
    "graphql/error_codes.rs",
    "graphql/mod.rs",
    "graphql/operation.rs",
    "graphql/params.rs",
    "graphql/response.rs",
    "graphql/subscription/cache.rs",
    "graphql/subscription/subscriber.rs",
];
/// The items of our other crates that `gateway/` may name. None of them is an entity of the domain.
const GATEWAY_NAMES: [(&str, &[&str]); 2] = [
    (
        "labelhook_core",
        &["App", "Error", "api_key", "auth", "background", "db", "idempotency"],
    ),
    ("entity", &["ApiKeyId", "Timestamp", "UserId"]),
];

/// HTTP crates, which `graphql/` must not name.
const HTTP: [&str; 9] = [
    "axum",
    "http",
    "http_body_util",
    "hyper",
    "hyper_util",
    "reqwest",
    "tokio_tungstenite",
    "tower",
    "tower_http",
];

/// Files that may import each other in a circle: GraphQL types refer to each other and to their loaders.
const NOUNS: [&str; 18] = [
    "graphql/api_key.rs",
    "graphql/batch.rs",
    "graphql/data_row/",
    "graphql/dataset/",
    "graphql/event.rs",
    "graphql/label/",
    "graphql/listener/",
    "graphql/loader.rs",
    "graphql/log_loader.rs",
    "graphql/notification/",
    "graphql/organization.rs",
    "graphql/project/",
    "graphql/review/",
    "graphql/task/",
    "graphql/user/",
    "graphql/webhook/",
    "graphql/work_loader.rs",
    "graphql/workflow/",
];

#[test]
fn imports_go_one_way() {
    let mut files = BTreeMap::new();
    read(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), "", &mut files);
    assert!(files.len() > 100, "the sources are found");
    let wrong = check(&files);
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn an_import_that_runs_the_wrong_way_is_told_with_its_rule() {
    let files = BTreeMap::from(
        [
            (
                "lib.rs",
                "pub mod gateway;\nuse crate::gateway::{auth, state::{self, Server}};",
            ),
            (
                "gateway/auth.rs",
                "use super::state::Server as Shared;\nuse crate::graphql::label::Label;",
            ),
            (
                "gateway/state.rs",
                "fn made() { super::auth::check() }\nuse labelhook_core::{App, label};",
            ),
            ("graphql/mod.rs", "use self::label::Label;\n// use crate::cli::Cli;"),
            (
                "graphql/label/mod.rs",
                "use list::{\n    first,\n};\nuse super::super::gateway::auth;\nuse axum::Json;",
            ),
            (
                "graphql/label/list.rs",
                "use super::*;\n#[cfg(test)]\nmod tests { use crate::gateway::auth; }",
            ),
        ]
        .map(|(file, text)| (file.to_owned(), text.to_owned())),
    );
    assert_eq!(
        check(&files),
        [
            "gateway/auth.rs -> gateway/state.rs: a circle",
            "gateway/auth.rs -> graphql/label/mod.rs: a circle",
            "gateway/auth.rs -> graphql/label/mod.rs: gateway names no noun",
            "gateway/state.rs -> gateway/auth.rs: a circle",
            "gateway/state.rs -> labelhook_core::label: gateway names no noun",
            "graphql/label/mod.rs -> axum::Json: graphql knows nothing of HTTP",
            "graphql/label/mod.rs -> gateway/auth.rs: a circle",
            "graphql/label/mod.rs -> gateway/auth.rs: a lower layer imports a higher one",
        ]
    );
}

/// Returns the violations of these files, sorted, one line each.
fn check(files: &Files) -> Vec<String> {
    let (mut arrows, mut wrong) = (BTreeMap::<&str, BTreeSet<String>>::new(), Vec::new());
    for file in files.keys() {
        let (own, foreign) = imports(file, files);
        let broken = |path: String| breaks_by_crate(file, &path).map(|rule| format!("{file} -> {path}: {rule}"));
        wrong.extend(foreign.into_iter().filter_map(broken));
        arrows.insert(file, own);
    }
    for (file, others) in &arrows {
        for other in others {
            wrong.extend(breaks_by_file(file, other).map(|rule| format!("{file} -> {other}: {rule}")));
            let may_circle = is_one_of(&NOUNS, file) && is_one_of(&NOUNS, other);
            if !may_circle && leads_to(other, file, &arrows) {
                wrong.push(format!("{file} -> {other}: a circle"));
            }
        }
    }
    wrong.sort();
    wrong
}

/// Returns the rule that an import of another file of this crate breaks, if any.
fn breaks_by_file(file: &str, other: &str) -> Option<&'static str> {
    let layer = |file: &str| LAYERS.iter().position(|layer| is_one_of(layer, file));
    match (layer(file), layer(other)) {
        (None, _) => Some("the importing file has no layer"),
        (above, below) if above > below => Some("a lower layer imports a higher one"),
        _ if file.starts_with("gateway/") && other.starts_with("graphql/") && !is_one_of(&GATEWAY_SEES, other) => {
            Some("gateway names no noun")
        }
        _ => None,
    }
}

/// Returns the rule that a path of another crate breaks, if any.
fn breaks_by_crate(file: &str, path: &str) -> Option<&'static str> {
    let mut names = path.split("::");
    let (krate, name) = (names.next()?, names.next()?);
    if file.starts_with("graphql/") && HTTP.contains(&krate) {
        return Some("graphql knows nothing of HTTP");
    }
    let (_, named) = GATEWAY_NAMES.iter().find(|(ours, _)| *ours == krate)?;
    (file.starts_with("gateway/") && !named.contains(&name)).then_some("gateway names no noun")
}

/// Returns whether the file is one of these places, or in one of those that are folders (with a trailing `/`).
fn is_one_of(places: &[&str], file: &str) -> bool {
    places
        .iter()
        .any(|place| file == *place || place.ends_with('/') && file.starts_with(place))
}
