//! Reads the imports of Rust files from their text: the paths of `use` and of the code, and the files that they lead
//! to. The tests of the order of `core` and of `api` hold them against their rules.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
};

/// The text of each file, by its path from `src`.
pub type Files = BTreeMap<String, String>;

/// Reads every file below a folder, by its path from there; folders and files of unit tests are left out.
pub fn read(folder: &Path, prefix: &str, files: &mut Files) {
    for entry in fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        let name = path.file_name().and_then(|name| name.to_str()).expect("a name");
        if path.is_dir() && name != "tests" {
            read(&path, &format!("{prefix}{name}/"), files);
        } else if path.is_file() && name != "tests.rs" {
            files.insert(format!("{prefix}{name}"), fs::read_to_string(&path).expect("text"));
        }
    }
}

/// The other files that a file imports, and its paths to other crates. Its unit tests do not count.
pub fn imports(file: &str, files: &Files) -> (BTreeSet<String>, BTreeSet<String>) {
    let (mut own, mut foreign) = (BTreeSet::new(), BTreeSet::new());
    for path in paths(&code(&files[file])) {
        match resolve(file, &path, files) {
            Some(other) => own.insert(other),
            None => foreign.insert(path.join("::")),
        };
    }
    own.remove(file);
    (own, foreign)
}

/// Returns a file's text without its comments and without its unit tests at the foot.
fn code(text: &str) -> String {
    let text = text.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default();
    let lines = text.lines().filter(|line| !line.trim_start().starts_with("//"));
    lines.collect::<Vec<_>>().join("\n")
}

/// Every path of two names or more, those of `use` written out.
fn paths(code: &str) -> Vec<Vec<String>> {
    let (mut found, mut rest, mut before) = (Vec::new(), code, ' ');
    while let Some(first) = rest.chars().next() {
        if is_name(first) && before != '.' {
            rest = tree(rest, &[], &mut found);
            before = ' ';
        } else {
            rest = &rest[first.len_utf8()..];
            before = first;
        }
    }
    found.retain(|path| path.len() > 1);
    found
}

fn is_name(character: char) -> bool {
    character.is_alphanumeric() || character == '_'
}

/// Reads a path, or a list of them in braces, and gives what follows.
fn tree<'a>(code: &'a str, prefix: &[String], found: &mut Vec<Vec<String>>) -> &'a str {
    let name = code.split(|character| !is_name(character)).next().unwrap_or_default();
    let mut path = prefix.to_vec();
    if name != "self" || path.is_empty() {
        path.push(name.to_owned());
    }
    let rest = &code[name.len()..];
    match rest.strip_prefix("::") {
        Some(below) if below.starts_with(is_name) => tree(below, &path, found),
        Some(below) if below.starts_with('*') => {
            found.push(path);
            &below[1..]
        }
        Some(below) if below.starts_with('{') => list(&below[1..], &path, found),
        _ => {
            found.push(path);
            rest
        }
    }
}

fn list<'a>(mut code: &'a str, prefix: &[String], found: &mut Vec<Vec<String>>) -> &'a str {
    loop {
        code = code.trim_start_matches(|character: char| character.is_whitespace() || character == ',');
        if let Some(rest) = code.strip_prefix('}') {
            return rest;
        }
        if !code.starts_with(is_name) {
            return code;
        }
        code = tree(code, prefix, found);
        if let Some(renamed) = code.strip_prefix(" as ") {
            code = renamed.trim_start_matches(is_name);
        }
    }
}

/// The file that a path leads to; none when it leads to another crate.
fn resolve(file: &str, path: &[String], files: &Files) -> Option<String> {
    let module = file.strip_suffix("/mod.rs").unwrap_or(file.trim_end_matches(".rs"));
    let root = |name: &&str| !matches!(*name, "lib" | "main");
    let mut module: Vec<&str> = module.split('/').filter(root).collect();
    let mut path = path.iter().map(String::as_str).peekable();
    match path.peek().copied()? {
        "crate" => {
            path.next();
            module.clear();
        }
        "self" => drop(path.next()),
        "super" => {
            while path.next_if_eq(&"super").is_some() {
                module.pop();
            }
        }
        child => {
            module.push(child);
            named(&module, files)?;
            path.next();
        }
    }
    module.extend(path);
    (1..=module.len())
        .rev()
        .find_map(|length| named(&module[..length], files))
        .or_else(|| handed_on(module.first()?, files))
        .or(Some("lib.rs".to_owned()))
}

/// Returns the file that defines a name which the root of the crate re-exports.
fn handed_on(name: &str, files: &Files) -> Option<String> {
    let root = paths(&code(files.get("lib.rs")?));
    let path = root.iter().find(|path| path.last().is_some_and(|last| last == name))?;
    let path: Vec<&str> = path.iter().map(String::as_str).collect();
    named(&path[..path.len() - 1], files)
}

/// The file of a module.
fn named(module: &[&str], files: &Files) -> Option<String> {
    let path = module.join("/");
    let places = [format!("{path}.rs"), format!("{path}/mod.rs")];
    places.into_iter().find(|place| files.contains_key(place))
}

/// Returns whether imports lead from one file to another, over however many files.
pub fn leads_to(from: &str, to: &str, arrows: &BTreeMap<&str, BTreeSet<String>>) -> bool {
    let (mut seen, mut next) = (BTreeSet::new(), vec![from]);
    while let Some(file) = next.pop() {
        if file == to {
            return true;
        }
        if seen.insert(file) {
            next.extend(arrows.get(file).into_iter().flatten().map(String::as_str));
        }
    }
    false
}
