//! Invalid expressions, each refused with its reason and position.

use super::*;

#[tokio::test]
async fn what_cannot_work_is_refused_with_its_position() {
    for (source, reason) in [
        ("", "the expression is empty"),
        (" \n\t", "the expression is empty"),
        (
            "task.foo == 1",
            "line 1, column 1: task has no foo, it has id, stage, priority, tags, assignee",
        ),
        (
            "true &&\n  task['foo'] == 1",
            "line 2, column 3: task has no foo, it has id, stage, priority, tags, assignee",
        ),
        (
            "'ü' == 'ü' && has(project.foo)",
            "line 1, column 19: project has no foo, it has id, name",
        ),
        (
            "tasks.id == 1",
            "line 1, column 1: unknown name tasks, there is task, label, project",
        ),
        (
            "'ä' in label.a && x",
            "line 1, column 19: unknown name x, there is task, label, project",
        ),
        (
            "task.tags.all(t, u)",
            "line 1, column 18: unknown name u, there is task, label, project",
        ),
        (
            "task.tags.all(t, true) && t",
            "line 1, column 27: unknown name t, there is task, label, project",
        ),
        (
            ".task.id == 1",
            "line 1, column 2: unknown name .task, there is task, label, project",
        ),
        (
            "task.tags.all(task, true)",
            "line 1, column 11: the variable task hides the name task",
        ),
        ("task.id ==", "line 1, column 11: mismatched input '<EOF>'"),
        ("task.id = 1", "line 1, column 9: token recognition error at: '= '"),
        ("task.\n id id", "line 2, column 5: extraneous input 'id'"),
        ("(true", "line 1, column 1: the bracket is not closed"),
        ("(true]", "line 1, column 6: unexpected ']'"),
        ("true)", "line 1, column 5: unexpected ')'"),
        ("task.id == 'x", "line 1, column 12: the string is not closed"),
        ("task.id == 'x\n'", "line 1, column 12: the string is not closed"),
        ("task.id == '\\q'", "line 1, column 13: unknown escape in a string"),
        (
            "task.id == '''x'''",
            "line 1, column 13: strings with three quotes are not supported",
        ),
        ("1r'x'", "line 1, column 3: an operator is missing before the string"),
        ("task.id == “x”", "line 1, column 12: unexpected character '“'"),
        ("task.`id`", "line 1, column 6: unexpected character '`'"),
        ("label.?a", "line 1, column 6: unsupported syntax '.?'"),
        ("1", "line 1, column 1: the result is not a boolean"),
        ("true && 'x'", "line 1, column 9: the result is not a boolean"),
        ("task", "line 1, column 1: the result is not a boolean"),
        ("task.priority + 1", "line 1, column 15: the result is not a boolean"),
        ("size(task.tags)", "line 1, column 1: the result is not a boolean"),
        ("task.tags.map(t, t)", "line 1, column 11: the result is not a boolean"),
        (
            "task.id == '' ? 1 : 2",
            "line 1, column 17: the result is not a boolean",
        ),
        ("task.id.startWith('x')", "line 1, column 9: startWith is no function"),
        (
            "task.id.startsWith()",
            "line 1, column 9: startsWith is not called like this",
        ),
        (
            "startsWith(task.id, 'x')",
            "line 1, column 1: startsWith is not called like this",
        ),
        ("task.tags.exists(t)", "line 1, column 11: exists does not take these"),
        (
            "task.id.matches(task.stage)",
            "line 1, column 21: the pattern of matches must be a literal",
        ),
        ("label.a.b{c: 1}", "line 1, column 10: messages are not supported"),
        (
            "task.tags.all(t, task.tags.all(u, true))",
            "line 1, column 28: a loop (all, exists, map, filter) stands inside another",
        ),
        (
            "task.tags.map(t, t + t).map(t, t + t) == []",
            "line 1, column 11: a loop (all, exists, map, filter) stands inside another",
        ),
    ] {
        let found = compile(source).await.err();
        assert_eq!(found.as_deref(), Some(reason), "{source}");
    }
}
