//! The results of compiled expressions.

use super::*;

#[tokio::test]
async fn a_condition_is_true_or_false_of_the_values() {
    for (source, expected) in [
        ("true", true),
        ("task.stage == 'qa'", true),
        ("task[\"stage\"] == \"qa\" && task.priority > 2", true),
        ("task.priority == 3.0", true),
        ("task.priority + 1 == 4", true),
        ("task.stage in ['label', 'qa']", true),
        ("'bb' in task.tags", true),
        ("size(task.tags) == 3 && task.tags.size() == 3", true),
        ("task.tags.exists(t, t.startsWith('c'))", true),
        ("task.tags.all(t, t.size() < 3)", false),
        ("task.tags.exists_one(t, t == 'a')", true),
        ("task.tags.filter(t, t != 'a') == ['bb', 'ccc']", true),
        ("task.tags.map(t, size(t)) == [1, 2, 3]", true),
        ("task.tags.map(t, t != 'a', size(t))[1] == 3", true),
        ("label.objects.exists(o, has(o.box) && o.box.w == 3)", true),
        ("label.objects.exists(o, o.box.w == 3)", true),
        ("label[\"ü\"] == 1", true),
        ("project.name.matches('^Stra.e$')", true),
        ("matches(project.name, r'^\\w+$')", true),
        ("has(label.score) ? label.score >= 0.5 : false", true),
        ("has(label.nothing)", false),
        ("label.nothing == 1 || true", true),
        ("label.nothing == 1 && false", false),
        ("task.assignee == null && !(type(task.id) == int)", true),
        ("{'qa': true}[task.stage]", true),
        ("size(task) == 5 && 'id' in task", true),
        ("// who\ntask.id == 't1' // and ((((( why", true),
        ("'((((((((((((((((((((((((((((((' != \"\\\"[\\u005b\" ", true),
    ] {
        let expected = if expected { Outcome::Match } else { Outcome::NoMatch };
        assert_eq!(outcome(source).await, expected, "{source}");
    }
}

#[tokio::test]
async fn what_has_no_answer_is_a_fault_that_shows_no_value() {
    for (source, reason) in [
        ("label.nothing == 1", "No such key: nothing"),
        ("has(label.nothing.more)", "No such key: nothing"),
        ("label.score", "the result is not a boolean but of type double"),
        ("label.score + 1 > 0", "add does not take these values"),
        ("int(project.name) == 1", "int failed"),
        ("label.objects[7] == 1", "index out of bounds"),
        ("1 / (task.priority - 3) == 1", "division by zero"),
        (
            "project.name > 1",
            "found no matching overload for '_>_' applied to '(string, int)'",
        ),
    ] {
        assert_eq!(outcome(source).await, Outcome::Fault(reason.to_owned()), "{source}");
    }
    let without = compiled("task.id == 't1'").await.matches(Values::new()).await;
    assert_eq!(without, Outcome::Fault("Undeclared reference to 'task'".to_owned()));
}
