//! Validation of workflow graphs. Pure: stages and edges in, the first error out, with the path of its field.

use crate::{Error, Result};
use entity::{StageOutput, StageType};
use std::collections::HashSet;

/// The maximum number of stages of one workflow.
pub(super) const STAGES: usize = 200;
/// The maximum number of outgoing edges of one stage.
pub(super) const EDGES: usize = 50;

/// A stage with its edges resolved to indexes of the list.
#[derive(Clone, Debug)]
pub(super) struct Node<'a> {
    pub name: &'a str,
    pub stage_type: StageType,
    pub edges: Vec<Out>,
}

/// An outgoing edge, to an index of the list.
#[derive(Clone, Copy, Debug)]
pub(super) struct Out {
    pub output: StageOutput,
    pub to: usize,
    pub conditional: bool,
}

/// Returns the outputs of a stage type, and whether each is required.
pub(crate) fn outputs(stage_type: StageType) -> &'static [(StageOutput, bool)] {
    use StageOutput::{Approved, Else, Failed, Matched, Next, Rejected, Succeeded};
    match stage_type {
        StageType::Start | StageType::Label => &[(Next, true)],
        StageType::Review => &[(Approved, true), (Rejected, true)],
        StageType::Logic => &[(Matched, false), (Else, true)],
        StageType::Hold => &[(Next, false)],
        StageType::Webhook => &[(Succeeded, true), (Failed, false)],
        StageType::Complete | StageType::Archive => &[],
    }
}

pub(super) fn check(nodes: &[Node]) -> Result<()> {
    one_start(nodes)?;
    names(nodes)?;
    for (place, node) in nodes.iter().enumerate() {
        edges(nodes, place, node)?;
    }
    reachable(nodes)?;
    no_ring_of_rules(nodes)
}

fn one_start(nodes: &[Node]) -> Result<()> {
    match nodes.iter().filter(|node| node.stage_type == StageType::Start).count() {
        1 => Ok(()),
        0 => Err(Error::invalid("stages", "has no START stage; a workflow has one")),
        count => Err(Error::invalid(
            "stages",
            format!("has {count} START stages; a workflow has one"),
        )),
    }
}

fn names(nodes: &[Node]) -> Result<()> {
    let mut known = HashSet::new();
    for (place, node) in nodes.iter().enumerate() {
        if !known.insert(node.name) {
            let reason = format!("{:?} is the name of another stage too", node.name);
            return Err(Error::invalid(format!("stages.{place}.name"), reason));
        }
    }
    Ok(())
}

fn edges(nodes: &[Node], place: usize, node: &Node) -> Result<()> {
    let known = outputs(node.stage_type);
    let mut seen = HashSet::new();
    for (index, edge) in node.edges.iter().enumerate() {
        let path = |field: &str| format!("stages.{place}.edges.{index}.{field}");
        if !known.iter().any(|(output, _)| *output == edge.output) {
            return Err(Error::invalid(path("output"), no_such_output(node, edge.output)));
        }
        if !seen.insert(edge.output) && edge.output != StageOutput::Matched {
            let reason = format!("{} of stage {:?} is connected twice", edge.output.as_str(), node.name);
            return Err(Error::invalid(path("output"), reason));
        }
        if nodes[edge.to].stage_type == StageType::Start {
            return Err(Error::invalid(path("to"), "is a START stage, which nothing leads into"));
        }
        match (edge.output == StageOutput::Matched, edge.conditional) {
            (true, false) => return Err(Error::invalid(path("condition"), "is required on an output MATCHED")),
            (false, true) => {
                let reason = format!("is used only on an output MATCHED, not on {}", edge.output.as_str());
                return Err(Error::invalid(path("condition"), reason));
            }
            _ => {}
        }
    }
    match known.iter().find(|(output, needed)| *needed && !seen.contains(output)) {
        None => Ok(()),
        Some((output, _)) => Err(Error::invalid(
            format!("stages.{place}.edges"),
            format!("output {} of stage {:?} is not connected", output.as_str(), node.name),
        )),
    }
}

fn no_such_output(node: &Node, output: StageOutput) -> String {
    let names: Vec<&str> = outputs(node.stage_type)
        .iter()
        .map(|(output, _)| output.as_str())
        .collect();
    let has = match names.is_empty() {
        true => "no outputs".to_owned(),
        false => names.join(" and "),
    };
    format!(
        "stage {:?} has no output {}: a {} stage has {has}",
        node.name,
        output.as_str(),
        node.stage_type.as_str()
    )
}

fn reachable(nodes: &[Node]) -> Result<()> {
    let start = nodes.iter().position(|node| node.stage_type == StageType::Start);
    let mut seen: HashSet<usize> = HashSet::new();
    let mut open: Vec<usize> = start.into_iter().collect();
    while let Some(place) = open.pop() {
        if seen.insert(place) {
            open.extend(nodes[place].edges.iter().map(|edge| edge.to));
        }
    }
    match (0..nodes.len()).find(|place| !seen.contains(place)) {
        None => Ok(()),
        Some(place) => {
            let reason = format!("stage {:?} cannot be reached from START", nodes[place].name);
            Err(Error::invalid(format!("stages.{place}"), reason))
        }
    }
}

/// Refuses a cycle of LOGIC stages alone, in which a task would move forever, since no rule changes it.
fn no_ring_of_rules(nodes: &[Node]) -> Result<()> {
    let is_rule = |place: usize| nodes[place].stage_type == StageType::Logic;
    let mut settled = HashSet::new();
    for first in (0..nodes.len()).filter(|place| is_rule(*place)) {
        let mut path: Vec<(usize, usize)> = vec![(first, 0)];
        while let Some((place, index)) = path.pop() {
            let Some(edge) = nodes[place].edges.get(index) else {
                settled.insert(place);
                continue;
            };
            path.push((place, index + 1));
            if path.iter().any(|(on_path, _)| *on_path == edge.to) {
                let reason = format!(
                    "closes a ring of LOGIC stages through {:?}, which no task could leave",
                    nodes[edge.to].name
                );
                return Err(Error::invalid(format!("stages.{place}.edges.{index}.to"), reason));
            }
            if is_rule(edge.to) && !settled.contains(&edge.to) {
                path.push((edge.to, 0));
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use StageOutput::*;
    use StageType::*;

    type Drawn<'a> = &'a [(&'a str, StageType, &'a [(StageOutput, usize)])];

    fn nodes<'a>(drawn: Drawn<'a>) -> Vec<Node<'a>> {
        let out = |(output, to): &(StageOutput, usize)| Out {
            output: *output,
            to: *to,
            conditional: *output == Matched,
        };
        drawn
            .iter()
            .map(|(name, stage_type, edges)| Node {
                name,
                stage_type: *stage_type,
                edges: edges.iter().map(out).collect(),
            })
            .collect()
    }

    fn refused(drawn: Drawn, field: &str, reason: &str) {
        match check(&nodes(drawn)) {
            Err(Error::Invalid { field: at, reason: why }) => assert_eq!((at.as_str(), why.as_str()), (field, reason)),
            other => panic!("{drawn:?}: {other:?}"),
        }
    }

    #[test]
    fn a_sound_graph_passes_and_back_edges_are_legal() {
        let drawn: Drawn = &[
            ("Start", Start, &[(Next, 1)]),
            ("Label", Label, &[(Next, 2)]),
            ("Rule", Logic, &[(Matched, 3), (Matched, 4), (Else, 5)]),
            ("Hook", Webhook, &[(Succeeded, 4), (Failed, 1)]),
            ("Review", Review, &[(Approved, 6), (Rejected, 1)]),
            ("Hold", Hold, &[]),
            ("Done", Complete, &[]),
        ];
        check(&nodes(drawn)).unwrap();
        let own: Drawn = &[
            ("Start", Start, &[(Next, 1)]),
            ("Hook", Webhook, &[(Succeeded, 2), (Failed, 1)]),
            ("Done", Archive, &[]),
        ];
        check(&nodes(own)).unwrap();
    }

    #[test]
    fn a_fault_names_its_stage_or_edge_and_the_reason() {
        refused(&[], "stages", "has no START stage; a workflow has one");
        refused(
            &[("a", Start, &[(Next, 1)]), ("b", Start, &[(Next, 0)])],
            "stages",
            "has 2 START stages; a workflow has one",
        );
        refused(
            &[("a", Start, &[(Next, 1)]), ("a", Complete, &[])],
            "stages.1.name",
            r#""a" is the name of another stage too"#,
        );
        refused(
            &[("s", Start, &[(Next, 1)]), ("l", Label, &[(Approved, 1)])],
            "stages.1.edges.0.output",
            r#"stage "l" has no output APPROVED: a LABEL stage has NEXT"#,
        );
        refused(
            &[("s", Start, &[(Next, 1)]), ("c", Complete, &[(Next, 1)])],
            "stages.1.edges.0.output",
            r#"stage "c" has no output NEXT: a COMPLETE stage has no outputs"#,
        );
        refused(
            &[("s", Start, &[(Next, 1), (Next, 1)]), ("c", Complete, &[])],
            "stages.0.edges.1.output",
            r#"NEXT of stage "s" is connected twice"#,
        );
        refused(
            &[("s", Start, &[(Next, 1)]), ("l", Label, &[(Next, 0)])],
            "stages.1.edges.0.to",
            "is a START stage, which nothing leads into",
        );
        refused(
            &[("s", Start, &[(Next, 1)]), ("r", Review, &[(Approved, 1)])],
            "stages.1.edges",
            r#"output REJECTED of stage "r" is not connected"#,
        );
        refused(
            &[
                ("s", Start, &[(Next, 1)]),
                ("r", Logic, &[(Matched, 2)]),
                ("c", Complete, &[]),
            ],
            "stages.1.edges",
            r#"output ELSE of stage "r" is not connected"#,
        );
        refused(
            &[("s", Start, &[(Next, 1)]), ("c", Complete, &[]), ("h", Hold, &[])],
            "stages.2",
            r#"stage "h" cannot be reached from START"#,
        );
    }

    #[test]
    fn a_condition_stands_on_matched_and_nowhere_else() {
        let drawn: Drawn = &[
            ("s", Start, &[(Next, 1)]),
            ("r", Logic, &[(Matched, 2), (Else, 2)]),
            ("c", Complete, &[]),
        ];
        for (edge, field) in [(0, "stages.1.edges.0.condition"), (1, "stages.1.edges.1.condition")] {
            let mut nodes = nodes(drawn);
            let out = &mut nodes[1].edges[edge];
            out.conditional = !out.conditional;
            let fault = check(&nodes).unwrap_err();
            assert!(
                matches!(&fault, Error::Invalid { field: at, .. } if at == field),
                "{fault:?}"
            );
        }
    }

    #[test]
    fn rules_alone_may_not_form_a_ring() {
        refused(
            &[
                ("s", Start, &[(Next, 1)]),
                ("a", Logic, &[(Matched, 3), (Else, 2)]),
                ("b", Logic, &[(Matched, 1), (Else, 3)]),
                ("c", Complete, &[]),
            ],
            "stages.2.edges.0.to",
            r#"closes a ring of LOGIC stages through "a", which no task could leave"#,
        );
        let shared: Drawn = &[
            ("s", Start, &[(Next, 1)]),
            ("a", Logic, &[(Matched, 2), (Else, 3)]),
            ("b", Logic, &[(Matched, 3), (Else, 4)]),
            ("c", Logic, &[(Else, 4)]),
            ("l", Label, &[(Next, 1)]),
        ];
        check(&nodes(shared)).unwrap();
    }
}
