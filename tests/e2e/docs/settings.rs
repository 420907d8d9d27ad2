//! The tables of commands and settings in `docs/operating.md` are made from the command line's own definition.

use std::fs;

use clap::{Arg, Command, CommandFactory};
use harness::programs::variable;
use labelhook_api::cli::Cli;

use super::blocks::root;

const REFRESH: &str = "LABELHOOK_REFRESH=1 cargo test -p labelhook-tests --test e2e docs::settings";

/// The command whose settings are listed without its name.
const SERVE: &str = "serve";

#[test]
fn the_tables_of_commands_and_settings_are_those_of_the_command_line() {
    let file = root().join("docs/operating.md");
    let page = fs::read_to_string(&file).expect("the page is there");
    let mut cli = Cli::command();
    cli.build();
    let fresh = replaced(&page, "commands", &commands(&cli));
    let fresh = replaced(&fresh, "settings", &settings(&cli));
    if variable("LABELHOOK_REFRESH").is_some() {
        fs::write(&file, &fresh).expect("the page can be written");
    } else {
        assert!(page == fresh, "docs/operating.md is stale; refresh it:\n    {REFRESH}");
    }
}

/// The page with a table between its markers.
fn replaced(page: &str, name: &str, table: &str) -> String {
    let begin = format!("<!-- generated: {name} -->\n");
    let (before, rest) = page.split_once(&begin).expect("the page has the marker");
    let (_, after) = rest.split_once("<!-- end -->").expect("the marker has an end");
    format!("{before}{begin}{table}<!-- end -->{after}")
}

fn commands(cli: &Command) -> String {
    let mut table = "| command | |\n| --- | --- |\n".to_owned();
    for command in visible(cli) {
        let about = command.get_about().map(ToString::to_string).unwrap_or_default();
        table += &format!("| `labelhook {}` | {} |\n", command.get_name(), cell(&about));
    }
    table
}

fn visible(cli: &Command) -> impl Iterator<Item = &Command> {
    cli.get_subcommands()
        .filter(|command| !command.is_hide_set() && command.get_name() != "help")
}

/// A setting, and the commands that take it.
struct Setting {
    flag: String,
    variable: String,
    default: String,
    help: String,
    of: Vec<String>,
}

fn settings(cli: &Command) -> String {
    let mut found: Vec<Setting> = Vec::new();
    let is_serve = |command: &&Command| command.get_name() == SERVE;
    let others = visible(cli).filter(|command| !is_serve(command));
    for command in visible(cli).filter(is_serve).chain(others) {
        for setting in command.get_arguments().filter_map(|argument| read(command, argument)) {
            match found.iter_mut().find(|other| other.is_same(&setting)) {
                Some(other) => other.of.extend(setting.of),
                None => found.push(setting),
            }
        }
    }
    let head = "| flag | variable | default | |\n| --- | --- | --- | --- |\n".to_owned();
    found.iter().fold(head, |table, setting| table + &setting.row())
}

/// An argument that is a setting: it has a variable too.
fn read(command: &Command, argument: &Arg) -> Option<Setting> {
    let variable = argument.get_env()?.to_string_lossy().into_owned();
    let defaults = argument.get_default_values().iter();
    let default: Vec<String> = defaults.map(|value| value.to_string_lossy().into_owned()).collect();
    let mut help = argument.get_help().map(ToString::to_string).unwrap_or_default();
    let values: Vec<String> = argument
        .get_possible_values()
        .iter()
        .map(|value| format!("`{}`", value.get_name()))
        .collect();
    if !values.is_empty() {
        help += &format!(" ({})", values.join(", "));
    }
    Some(Setting {
        flag: argument.get_long()?.to_owned(),
        variable,
        default: default.join(","),
        help: cell(&help),
        of: vec![command.get_name().to_owned()],
    })
}

impl Setting {
    fn is_same(&self, other: &Self) -> bool {
        (&self.flag, &self.default, &self.help) == (&other.flag, &other.default, &other.help)
    }

    fn row(&self) -> String {
        let default = match &*self.default {
            "" => String::new(),
            default => format!("`{default}`"),
        };
        let of: Vec<String> = self.of.iter().map(|name| format!("`{name}`")).collect();
        let of = match self.of.iter().any(|name| name == SERVE) {
            true => String::new(),
            false => format!("of {}: ", of.join(", ")),
        };
        format!(
            "| `--{}` | `{}` | {default} | {of}{} |\n",
            self.flag, self.variable, self.help
        )
    }
}

/// A text as a cell of a table.
fn cell(text: &str) -> String {
    text.split_whitespace()
        .collect::<Vec<_>>()
        .join(" ")
        .replace('|', "\\|")
}
