//! Validates the syntax tree of an expression before it may run: its names are those of the [`Scope`], its functions
//! exist, its loops do not nest, and its result can be a boolean. Collects the members of the roots that it reads.

use cel::IdedExpr;
use cel::common::ast::{CallExpr, ComprehensionExpr, EntryExpr, Expr, LiteralValue, SelectExpr, SourceInfo, operators};

use super::{
    Scope, function,
    pattern::{self, MATCHES},
    text::Refused,
};

/// The names of the types, as in `type(x) == string`.
const TYPES: [&str; 10] = [
    "bool",
    "bytes",
    "double",
    "int",
    "list",
    "map",
    "null_type",
    "string",
    "type",
    "uint",
];

/// The largest number of patterns in one expression: each is compiled here.
const MAX_PATTERNS: usize = 8;

/// A root variable and the part of its value that an expression reads.
#[derive(Debug)]
pub(super) struct Use {
    pub(super) root: &'static str,
    pub(super) read: Read,
}

/// The part of a value that is read.
#[derive(Debug)]
pub(super) enum Read {
    /// The whole value.
    Whole,
    /// The named members, each with the part of it that is read.
    Members(Vec<(String, Read)>),
}

impl Read {
    const NOTHING: Self = Self::Members(Vec::new());

    /// Returns the part of a member that is read, or `None` when the member is not read.
    pub(super) fn of(&self, member: &str) -> Option<&Self> {
        match self {
            Self::Whole => Some(self),
            Self::Members(members) => members.iter().find(|(name, _)| name == member).map(|(_, read)| read),
        }
    }

    fn add(&mut self, path: &[&str]) {
        let Self::Members(members) = self else { return };
        let Some((first, rest)) = path.split_first() else {
            *self = Self::Whole;
            return;
        };
        let known = members.iter().position(|(name, _)| name == first);
        let place = known.unwrap_or_else(|| {
            members.push(((*first).to_owned(), Self::NOTHING));
            members.len() - 1
        });
        members[place].1.add(rest);
    }
}

/// Refuses an expression that can never work or could run long, and returns the roots that it reads.
pub(super) fn check(expression: &IdedExpr, info: &SourceInfo, scope: &Scope) -> Result<Vec<Use>, Refused> {
    let mut check = Check {
        info,
        scope,
        bound: Vec::new(),
        in_loop: false,
        patterns: 0,
        uses: Vec::new(),
    };
    check.walk(expression)?;
    check.boolean(expression)?;
    Ok(check.uses)
}

struct Check<'a> {
    info: &'a SourceInfo,
    scope: &'a Scope,
    /// The variables of the enclosing loop.
    bound: Vec<&'a str>,
    in_loop: bool,
    patterns: usize,
    uses: Vec<Use>,
}

impl<'a> Check<'a> {
    fn walk(&mut self, node: &'a IdedExpr) -> Result<(), Refused> {
        match &node.expr {
            Expr::Literal(_) => Ok(()),
            Expr::Ident(name) => self.name(node, name),
            Expr::Select(select) => self.select(select),
            Expr::Call(call) => self.call(node, call),
            Expr::Comprehension(comprehension) => self.comprehension(node, comprehension),
            Expr::List(list) => list.elements.iter().try_for_each(|element| self.walk(element)),
            Expr::Map(map) => map.entries.iter().try_for_each(|entry| match &entry.expr {
                EntryExpr::MapEntry(entry) => self.walk(&entry.key).and_then(|()| self.walk(&entry.value)),
                EntryExpr::StructField(_) => Err(self.refused(node, "messages are not supported")),
            }),
            Expr::Struct(_) => Err(self.refused(node, "messages are not supported")),
            Expr::Unspecified => Err(self.refused(node, "the expression cannot be understood")),
        }
    }

    fn name(&mut self, node: &IdedExpr, name: &str) -> Result<(), Refused> {
        match self.root(name) {
            Some((root, _)) => self.uses(root, &[]),
            None if self.bound.contains(&name) || TYPES.contains(&name) => {}
            None => return Err(self.unknown(node, name)),
        }
        Ok(())
    }

    fn unknown(&self, node: &IdedExpr, name: &str) -> Refused {
        let roots: Vec<_> = self.scope.roots.iter().map(|(root, _)| *root).collect();
        self.refused(node, format!("unknown name {name}, there is {}", roots.join(", ")))
    }

    fn select(&mut self, select: &'a SelectExpr) -> Result<(), Refused> {
        self.member(&select.operand, &select.field)
    }

    /// Checks a member access. The first member below a root must be in the scope; those below it are free.
    fn member(&mut self, operand: &'a IdedExpr, member: &'a str) -> Result<(), Refused> {
        let (mut below, mut path) = (operand, vec![member]);
        while let Some((inner, name)) = step(below) {
            path.push(name);
            below = inner;
        }
        path.reverse();
        let Expr::Ident(name) = &below.expr else {
            return self.walk(below);
        };
        let Some((root, known)) = self.root(name) else {
            return self.walk(below);
        };
        if let Some(known) = known.filter(|known| !known.contains(&path[0])) {
            let reason = format!("{root} has no {}, it has {}", path[0], known.join(", "));
            return Err(self.refused(below, reason));
        }
        self.uses(root, &path);
        Ok(())
    }

    fn call(&mut self, node: &'a IdedExpr, call: &'a CallExpr) -> Result<(), Refused> {
        if let Some((operand, member)) = step(node) {
            return self.member(operand, member);
        }
        if !function::is_operator(&call.func_name) {
            self.function(node, call)?;
        }
        let values = call.target.as_deref().into_iter().chain(&call.args);
        values.into_iter().try_for_each(|value| self.walk(value))
    }

    fn function(&mut self, node: &IdedExpr, call: &CallExpr) -> Result<(), Refused> {
        function::check(call).map_err(|reason| self.refused(node, reason))?;
        match call.args.last() {
            Some(pattern) if call.func_name == MATCHES => self.pattern(pattern),
            _ => Ok(()),
        }
    }

    fn pattern(&mut self, node: &IdedExpr) -> Result<(), Refused> {
        self.patterns += 1;
        if self.patterns > MAX_PATTERNS {
            return Err(self.refused(node, format!("more than {MAX_PATTERNS} patterns")));
        }
        let Expr::Literal(LiteralValue::String(pattern)) = &node.expr else {
            return Err(self.refused(node, "the pattern of matches must be a literal"));
        };
        pattern::check(pattern.inner()).map_err(|reason| self.refused(node, reason))
    }

    /// Checks a loop. Refuses one that nests in another, in its range too: `l.map(x, x + x)` doubles its input, and a
    /// chain of such loops grows exponentially.
    fn comprehension(&mut self, node: &'a IdedExpr, comprehension: &'a ComprehensionExpr) -> Result<(), Refused> {
        if self.in_loop {
            return Err(self.refused(node, "a loop (all, exists, map, filter) stands inside another"));
        }
        let variable = comprehension.iter_var.as_str();
        if self.root(variable).is_some() || TYPES.contains(&variable) {
            return Err(self.refused(node, format!("the variable {variable} hides the name {variable}")));
        }
        self.in_loop = true;
        self.walk(&comprehension.iter_range)?;
        self.bound = vec![variable, &comprehension.accu_var];
        for part in [
            &comprehension.accu_init,
            &comprehension.loop_cond,
            &comprehension.loop_step,
        ] {
            self.walk(part)?;
        }
        self.walk(&comprehension.result)?;
        self.bound.clear();
        self.in_loop = false;
        Ok(())
    }

    /// Refuses a result that is no boolean for any values.
    fn boolean(&self, node: &IdedExpr) -> Result<(), Refused> {
        match &node.expr {
            Expr::Call(call) => match (call.func_name.as_str(), call.args.as_slice()) {
                (operators::LOGICAL_AND | operators::LOGICAL_OR, args) => {
                    args.iter().try_for_each(|argument| self.boolean(argument))
                }
                (operators::CONDITIONAL, [condition, first, second]) => [condition, first, second]
                    .into_iter()
                    .try_for_each(|part| self.boolean(part)),
                (operators::LOGICAL_NOT, [argument]) => self.boolean(argument),
                (name, _) if function::gives_other(name) => Err(self.not_boolean(node)),
                _ => Ok(()),
            },
            Expr::Comprehension(comprehension) => match comprehension.accu_init.expr {
                Expr::List(_) => Err(self.not_boolean(node)),
                _ => Ok(()),
            },
            Expr::Literal(LiteralValue::Boolean(_)) | Expr::Select(_) => Ok(()),
            // A variable of a loop never stands where the result is.
            Expr::Ident(_) | Expr::Literal(_) | Expr::List(_) | Expr::Map(_) | Expr::Struct(_) | Expr::Unspecified => {
                Err(self.not_boolean(node))
            }
        }
    }

    fn not_boolean(&self, node: &IdedExpr) -> Refused {
        self.refused(node, "the result is not a boolean")
    }

    /// Returns the root of this name. Loop variables cannot shadow a root.
    fn root(&self, name: &str) -> Option<(&'static str, Option<&'static [&'static str]>)> {
        self.scope.roots.iter().copied().find(|(root, _)| *root == name)
    }

    /// Records that the root's value is read at this path.
    fn uses(&mut self, root: &'static str, path: &[&str]) {
        let known = self.uses.iter().position(|used| used.root == root);
        let place = known.unwrap_or_else(|| {
            let read = Read::NOTHING;
            self.uses.push(Use { root, read });
            self.uses.len() - 1
        });
        self.uses[place].read.add(path);
    }

    /// Makes the refusal of a node. The parser places a call at its bracket; the refusal points at its name.
    fn refused(&self, node: &IdedExpr, reason: impl Into<String>) -> Refused {
        let Some((start, _)) = self.info.offset_for(node.id) else {
            return Refused::whole(reason);
        };
        let start = usize::try_from(start).unwrap_or_default();
        let source = self.info.source.as_str();
        let offset = match (&node.expr, source.get(..start)) {
            (Expr::Call(_) | Expr::Comprehension(_), Some(before)) if source[start..].starts_with('(') => before
                .trim_end()
                .trim_end_matches(|character: char| character.is_ascii_alphanumeric() || character == '_')
                .len(),
            _ => start,
        };
        Refused::at(source, offset, reason)
    }
}

/// Returns the operand and the member of a member access: `a.b`, `a["b"]`.
fn step(node: &IdedExpr) -> Option<(&IdedExpr, &str)> {
    match &node.expr {
        Expr::Select(select) => Some((&select.operand, &select.field)),
        Expr::Call(call) => match (call.func_name.as_str(), call.args.as_slice()) {
            (operators::INDEX, [operand, index]) => match &index.expr {
                Expr::Literal(LiteralValue::String(member)) => Some((operand, member.inner())),
                _ => None,
            },
            _ => None,
        },
        _ => None,
    }
}
