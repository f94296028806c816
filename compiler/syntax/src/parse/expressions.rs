//! Expressions: operands and operators shaped by precedence.

use std::sync::Arc;

use ktl_grammar::Rule;

use crate::ast::{
    Arg, Arm, BinaryOp, Clause, Entry, EntryKind, Expr, ExprKind, ListItem, Output, PathKey, Record, Setting,
    SettingValue, UnaryOp,
};
use crate::diagnostic::Diagnostic;
use crate::parse::fragment::Fragment;
use crate::parse::tree::{Builder, Children, Node, children};
use crate::source::Span;

/// How many operators or members one expression may chain: chains nest in the tree, which later phases walk recursively.
const CHAIN_LIMIT: usize = 256;

impl Builder<'_> {
    /// An expression.
    pub(crate) fn expr(&mut self, fragment: &Fragment, node: Node<'_>) -> Expr {
        let span = self.span(fragment, &node);
        // Operands and the operators that wait for their right side.
        let mut operands: Vec<Expr> = Vec::new();
        let mut waiting: Vec<(BinaryOp, Span)> = Vec::new();
        for (index, part) in children(node).enumerate() {
            if index > 2 * CHAIN_LIMIT {
                return self.chain_too_long(span, "operators");
            }
            if part.as_rule() == Rule::infix {
                let op_span = self.span(fragment, &part);
                let op = binary_op(part.as_str().trim_end());
                while let Some((top, _)) = waiting.last().copied() {
                    if precedence(top) < precedence(op) {
                        break;
                    }
                    if precedence(op) == precedence(BinaryOp::Equal) && precedence(top) == precedence(op) {
                        self.report(
                            Diagnostic::error(
                                "K0001",
                                op_span,
                                format!("unexpected `{}` after a comparison", part.as_str().trim_end()),
                            )
                            .help("comparisons do not chain: join two of them with `&&`, or use parentheses"),
                        );
                    }
                    self.join(&mut operands, &mut waiting, span);
                }
                waiting.push((op, op_span));
            } else {
                let operand = self.operand(fragment, part);
                operands.push(operand);
            }
        }
        while !waiting.is_empty() {
            self.join(&mut operands, &mut waiting, span);
        }
        operands.pop().unwrap_or_else(|| self.no_expr(span))
    }

    /// Joins the last two operands by the last operator.
    fn join(&self, operands: &mut Vec<Expr>, waiting: &mut Vec<(BinaryOp, Span)>, whole: Span) {
        let right = operands.pop().unwrap_or_else(|| self.no_expr(whole.after()));
        let left = operands.pop().unwrap_or_else(|| self.no_expr(whole));
        let Some((op, op_span)) = waiting.pop() else {
            return operands.push(right);
        };
        let span = left.span.to(right.span);
        let kind = ExprKind::Binary {
            op,
            op_span,
            left: Box::new(left),
            right: Box::new(right),
        };
        operands.push(Expr { kind, span });
    }

    fn chain_too_long(&mut self, span: Span, what: &str) -> Expr {
        self.report(
            Diagnostic::error(
                "K0007",
                span,
                format!("more than {CHAIN_LIMIT} {what} in one expression"),
            )
            .help("name a part of it with `let`"),
        );
        Expr {
            kind: ExprKind::Error,
            span,
        }
    }

    fn operand(&mut self, fragment: &Fragment, node: Node<'_>) -> Expr {
        let whole = self.span(fragment, &node);
        let mut prefixes = Vec::new();
        let mut value: Option<Expr> = None;
        for (index, part) in children(node).enumerate() {
            if index > CHAIN_LIMIT {
                return self.chain_too_long(whole, "members or prefixes");
            }
            let part_span = self.span(fragment, &part);
            match (part.as_rule(), value.take()) {
                (Rule::prefix, before) => {
                    let op = if part.as_str().starts_with('!') {
                        UnaryOp::Not
                    } else {
                        UnaryOp::Negate
                    };
                    prefixes.push((op, part_span));
                    value = before;
                }
                (Rule::cast, Some(base)) => {
                    // A prefix binds tighter than `as`.
                    let base = negate(base, &mut prefixes);
                    let ty = children(part).next();
                    let ty = self.type_or(fragment, ty, part_span.after());
                    let span = base.span.to(part_span);
                    value = Some(Expr {
                        kind: ExprKind::As {
                            value: Box::new(base),
                            ty: Box::new(ty),
                        },
                        span,
                    });
                }
                (_, Some(base)) => value = Some(self.postfix(fragment, base, part)),
                (_, None) => value = Some(self.primary(fragment, part)),
            }
        }
        let value = value.unwrap_or_else(|| self.no_expr(whole));
        negate(value, &mut prefixes)
    }

    fn postfix(&mut self, fragment: &Fragment, base: Expr, node: Node<'_>) -> Expr {
        let own = self.span(fragment, &node);
        let span = base.span.to(own);
        let base = Box::new(base);
        let rule = node.as_rule();
        let kind = match rule {
            Rule::field_access | Rule::optional_field => {
                let optional = rule == Rule::optional_field;
                let field = match children(node).find(|node| node.as_rule() == Rule::key_name) {
                    Some(name) => self.name(fragment, &name),
                    None => {
                        let sign = if optional { "?." } else { "." };
                        self.report(
                            Diagnostic::error("K0001", own.after(), format!("a field name is missing after `{sign}`"))
                                .help(format!("write the name of the field, or remove the `{sign}`")),
                        );
                        self.no_name(own.after())
                    }
                };
                ExprKind::Field { base, field, optional }
            }
            Rule::index | Rule::optional_index => {
                let index = match children(node).next() {
                    Some(node) if node.as_rule() == Rule::expr => self.expr(fragment, node),
                    Some(node) => self.hollow_expr(fragment, &node),
                    None => self.no_expr(own),
                };
                ExprKind::Index {
                    base,
                    index: Box::new(index),
                    optional: rule == Rule::optional_index,
                }
            }
            Rule::with => {
                let settings = children(node).next();
                let settings = settings.map_or_else(Vec::new, |node| self.settings(fragment, node));
                ExprKind::With { base, settings }
            }
            _ => ExprKind::Error,
        };
        Expr { kind, span }
    }

    fn primary(&mut self, fragment: &Fragment, node: Node<'_>) -> Expr {
        let span = self.span(fragment, &node);
        let kind = match node.as_rule() {
            Rule::string | Rule::block | Rule::raw => return self.string(fragment, node),
            Rule::quantity => self.quantity(node),
            Rule::true_ => ExprKind::Bool(true),
            Rule::false_ => ExprKind::Bool(false),
            Rule::null_ => ExprKind::Null,
            Rule::hole => ExprKind::Hole,
            Rule::conditional => {
                let mut parts = Children::of(node);
                let mut next = || {
                    let part = parts.next_if(Rule::expr);
                    Box::new(self.expr_or(fragment, part, span.after()))
                };
                ExprKind::If {
                    condition: next(),
                    then: next(),
                    otherwise: next(),
                }
            }
            Rule::match_ => self.match_(fragment, node, span),
            Rule::list => self.list(fragment, node),
            Rule::map_for => {
                let body = children(node).next();
                body.map_or(ExprKind::Error, |node| self.map_for(fragment, node))
            }
            Rule::record => return self.braced(fragment, node),
            Rule::paren => {
                let inner = match children(node).next() {
                    Some(node) if node.as_rule() == Rule::expr => self.expr(fragment, node),
                    Some(node) => self.hollow_expr(fragment, &node),
                    None => self.no_expr(span),
                };
                ExprKind::Paren(Box::new(inner))
            }
            Rule::construct => {
                let mut parts = Children::of(node);
                let path = parts.next_if(Rule::path).map(|node| self.path(fragment, node));
                let record = parts.next_if(Rule::record).map(|node| self.record(fragment, node));
                match (path, record) {
                    (Some(ty), Some(record)) => ExprKind::Construct { ty, record },
                    _ => ExprKind::Error,
                }
            }
            Rule::apply => return self.apply(fragment, node, span),
            _ => ExprKind::Error,
        };
        Expr { kind, span }
    }

    fn quantity(&self, node: Node<'_>) -> ExprKind {
        let mut parts = Children::of(node);
        let number: Arc<str> = parts
            .next_if(Rule::amount)
            .map_or_else(|| Arc::from(""), |node| Arc::from(node.as_str()));
        match parts.next_if(Rule::unit) {
            Some(unit) => ExprKind::Quantity {
                number,
                unit: Arc::from(unit.as_str()),
            },
            None => ExprKind::Number(number),
        }
    }

    /// `a.b.c` or `a.b.c(…)`
    fn apply(&mut self, fragment: &Fragment, node: Node<'_>, span: Span) -> Expr {
        let mut parts = Children::of(node);
        let Some(path) = parts.next_if(Rule::path) else {
            return Expr {
                kind: ExprKind::Error,
                span,
            };
        };
        let path = self.path(fragment, path);
        if let Some(args) = parts.next_if(Rule::args) {
            let args = self.args(fragment, args);
            return Expr {
                kind: ExprKind::Call { function: path, args },
                span,
            };
        }
        if path.segments.len() > CHAIN_LIMIT {
            return self.chain_too_long(span, "members");
        }
        let mut segments = path.segments.into_iter();
        let Some(first) = segments.next() else {
            return Expr {
                kind: ExprKind::Error,
                span,
            };
        };
        let head = Expr {
            kind: ExprKind::Name(first.text),
            span: first.span,
        };
        segments.fold(head, |base, field| {
            let span = base.span.to(field.span);
            Expr {
                kind: ExprKind::Field {
                    base: Box::new(base),
                    field,
                    optional: false,
                },
                span,
            }
        })
    }

    fn args(&mut self, fragment: &Fragment, node: Node<'_>) -> Vec<Arg> {
        let mut args = Vec::new();
        for node in children(node) {
            match node.as_rule() {
                Rule::hollow => return self.hollow_args(fragment, &node),
                _ => args.extend(self.arg(fragment, node)),
            }
        }
        args
    }

    pub(crate) fn arg(&mut self, fragment: &Fragment, node: Node<'_>) -> Option<Arg> {
        let mut parts = Children::of(node);
        let name = parts.next_if(Rule::arg_name).and_then(|node| children(node).next());
        let name = name.map(|node| self.name(fragment, &node));
        let value = parts.next_if(Rule::expr)?;
        Some(Arg {
            name,
            value: self.expr(fragment, value),
        })
    }

    fn match_(&mut self, fragment: &Fragment, node: Node<'_>, span: Span) -> ExprKind {
        let mut parts = Children::of(node);
        let subject = parts.next_if(Rule::expr);
        let subject = self.expr_or(fragment, subject, span.after());
        let mut arms = Vec::new();
        for node in parts {
            match node.as_rule() {
                Rule::hollow => arms = self.hollow_arms(fragment, &node),
                _ => arms.extend(self.arm(fragment, node)),
            }
        }
        ExprKind::Match {
            subject: Box::new(subject),
            arms,
        }
    }

    pub(crate) fn arm(&mut self, fragment: &Fragment, node: Node<'_>) -> Option<Arm> {
        let span = self.span(fragment, &node);
        let mut parts = Children::of(node);
        let pattern = parts.next_if(Rule::pattern)?;
        let value = parts.next_if(Rule::expr);
        let value = self.expr_or(fragment, value, span.after());
        Some(Arm {
            pattern: self.pattern(fragment, pattern),
            value,
            span,
        })
    }

    /// A static literal; `None` for `_`.
    fn pattern(&mut self, fragment: &Fragment, node: Node<'_>) -> Option<Expr> {
        let span = self.span(fragment, &node);
        let mut negatives = Vec::new();
        for part in children(node) {
            match part.as_rule() {
                Rule::wildcard => return None,
                Rule::negative => negatives.push((UnaryOp::Negate, self.span(fragment, &part))),
                Rule::string | Rule::block | Rule::raw => {
                    let text = self.static_text(fragment, part);
                    return Some(Expr {
                        kind: ExprKind::String(vec![crate::ast::StringPart::Text(text.text)]),
                        span,
                    });
                }
                _ => {
                    let value = self.primary(fragment, part);
                    return Some(negate(value, &mut negatives));
                }
            }
        }
        Some(Expr {
            kind: ExprKind::Error,
            span,
        })
    }

    fn list(&mut self, fragment: &Fragment, node: Node<'_>) -> ExprKind {
        let mut items = Vec::new();
        for node in children(node) {
            match node.as_rule() {
                Rule::hollow => return self.hollow_list(fragment, &node),
                Rule::list_for => return self.list_for(fragment, node),
                _ => items.extend(self.item(fragment, node)),
            }
        }
        ExprKind::List(items)
    }

    pub(crate) fn item(&mut self, fragment: &Fragment, node: Node<'_>) -> Option<ListItem> {
        let inner = children(node).next()?;
        match inner.as_rule() {
            Rule::spread => {
                let value = children(inner).next()?;
                Some(ListItem::Spread(self.expr(fragment, value)))
            }
            _ => Some(ListItem::Value(self.expr(fragment, inner))),
        }
    }

    pub(crate) fn list_for(&mut self, fragment: &Fragment, node: Node<'_>) -> ExprKind {
        let span = self.span(fragment, &node);
        let mut parts = Children::of(node);
        let clauses = self.clauses(fragment, &mut parts);
        let body = parts.next_if(Rule::expr);
        let body = self.expr_or(fragment, body, span.after());
        ExprKind::ListFor {
            clauses,
            body: Box::new(body),
        }
    }

    pub(crate) fn map_for(&mut self, fragment: &Fragment, node: Node<'_>) -> ExprKind {
        let span = self.span(fragment, &node);
        let mut parts = Children::of(node);
        // The lookahead that tells a comprehension from a record leaves no pairs.
        let clauses = self.clauses(fragment, &mut parts);
        let mut next = || {
            let part = parts.next_if(Rule::expr);
            Box::new(self.expr_or(fragment, part, span.after()))
        };
        ExprKind::MapFor {
            clauses,
            key: next(),
            value: next(),
        }
    }

    fn clauses(&mut self, fragment: &Fragment, parts: &mut Children<'_>) -> Vec<Clause> {
        let mut clauses = Vec::new();
        while let Some(node) = parts.next_if(Rule::clause) {
            clauses.extend(self.clause(fragment, node));
        }
        clauses
    }

    pub(crate) fn clause(&mut self, fragment: &Fragment, node: Node<'_>) -> Option<Clause> {
        let span = self.span(fragment, &node);
        let mut parts = Children::of(node);
        let binder = parts.next_if(Rule::binder)?;
        let mut clause = self.binder(fragment, binder)?;
        clause.condition = parts
            .next_if(Rule::expr)
            .map(|node| Box::new(self.expr(fragment, node)));
        clause.span = span;
        Some(clause)
    }

    /// `k, v in e`
    pub(crate) fn binder(&mut self, fragment: &Fragment, node: Node<'_>) -> Option<Clause> {
        let span = self.span(fragment, &node);
        let mut parts = Children::of(node);
        let first = parts.next_if(Rule::name).map(|node| self.name(fragment, &node))?;
        let second = parts.next_if(Rule::name).map(|node| self.name(fragment, &node));
        let source = parts.next_if(Rule::expr);
        let source = self.expr_or(fragment, source, span.after());
        Some(Clause {
            first,
            second,
            source: Box::new(source),
            condition: None,
            span,
        })
    }

    /// `{ … }` as an expression. A comprehension whose contents were taken out looks like a record.
    fn braced(&mut self, fragment: &Fragment, node: Node<'_>) -> Expr {
        let span = self.span(fragment, &node);
        if let Some(hollow) = node.clone().into_inner().find(|node| node.as_rule() == Rule::hollow)
            && let Some(kind) = self.hollow_map_for(fragment, &hollow)
        {
            return Expr { kind, span };
        }
        Expr {
            kind: ExprKind::Record(self.record(fragment, node)),
            span,
        }
    }

    pub(crate) fn record(&mut self, fragment: &Fragment, node: Node<'_>) -> Record {
        let span = self.span(fragment, &node);
        let mut entries = Vec::new();
        for node in children(node) {
            match node.as_rule() {
                Rule::hollow => entries = self.hollow_entries(fragment, &node),
                _ => entries.extend(self.entry(fragment, node)),
            }
        }
        Record { entries, span }
    }

    pub(crate) fn entry(&mut self, fragment: &Fragment, node: Node<'_>) -> Option<Entry> {
        let span = self.span(fragment, &node);
        let doc = self.doc(span.start);
        let inner = children(node).next()?;
        let rule = inner.as_rule();
        let mut parts = Children::of(inner.clone());
        let kind = match rule {
            Rule::output => EntryKind::Output(self.output(fragment, inner)?),
            Rule::spread => {
                let value = parts.next()?;
                EntryKind::Spread(self.expr(fragment, value))
            }
            Rule::computed => {
                let key = match parts.next()? {
                    node if node.as_rule() == Rule::expr => self.expr(fragment, node),
                    node => self.hollow_expr(fragment, &node),
                };
                let value = parts.next()?;
                EntryKind::Computed {
                    key,
                    value: self.expr(fragment, value),
                }
            }
            _ => {
                let key = parts.next_if(Rule::key)?;
                let key = self.key(fragment, key);
                let value = parts.next_if(Rule::expr);
                let value = self.expr_or(fragment, value, span.after());
                EntryKind::Field { key, value }
            }
        };
        Some(Entry { doc, kind, span })
    }

    pub(crate) fn output(&mut self, fragment: &Fragment, node: Node<'_>) -> Option<Output> {
        let mut parts = Children::of(node);
        let name = parts.next_if(Rule::key_name).map(|node| self.name(fragment, &node))?;
        let ty = parts
            .next_if(Rule::type_expr)
            .map(|node| self.type_expr(fragment, node))?;
        let value = parts.next_if(Rule::expr).map(|node| self.expr(fragment, node))?;
        Some(Output { name, ty, value })
    }

    fn key(&mut self, fragment: &Fragment, node: Node<'_>) -> Vec<PathKey> {
        let mut keys = Vec::new();
        for part in children(node) {
            let span = self.span(fragment, &part);
            let (text, quoted) = match part.as_rule() {
                Rule::key_name => (Arc::from(part.as_str()), false),
                Rule::key_index => match children(part).next() {
                    Some(node) if node.as_rule() == Rule::hollow => (self.hollow_text(fragment, &node), true),
                    Some(node) => (self.static_text(fragment, node).text, true),
                    None => (Arc::from(""), true),
                },
                _ => (self.static_text(fragment, part).text, true),
            };
            keys.push(PathKey { text, span, quoted });
        }
        keys
    }

    pub(crate) fn settings(&mut self, fragment: &Fragment, node: Node<'_>) -> Vec<Setting> {
        let mut settings = Vec::new();
        for node in children(node) {
            match node.as_rule() {
                Rule::hollow => return self.hollow_settings(fragment, &node),
                _ => settings.extend(self.setting(fragment, node)),
            }
        }
        settings
    }

    pub(crate) fn setting(&mut self, fragment: &Fragment, node: Node<'_>) -> Option<Setting> {
        let span = self.span(fragment, &node);
        let mut parts = Children::of(node);
        let target = parts.next_if(Rule::key).map(|node| self.key(fragment, node))?;
        let value = parts.next()?;
        let value_span = self.span(fragment, &value);
        let value = match value.as_rule() {
            Rule::unset => SettingValue::Unset(value_span),
            Rule::only => {
                let list = children(value).next()?;
                let span = self.span(fragment, &list);
                SettingValue::Only(Expr {
                    kind: self.list(fragment, list),
                    span,
                })
            }
            _ => SettingValue::Set(self.expr(fragment, value)),
        };
        Some(Setting { target, value, span })
    }
}

/// Wraps a value in its prefixes, the nearest first.
fn negate(value: Expr, prefixes: &mut Vec<(UnaryOp, Span)>) -> Expr {
    prefixes.drain(..).rev().fold(value, |operand, (op, span)| {
        let span = span.to(operand.span);
        Expr {
            kind: ExprKind::Unary {
                op,
                operand: Box::new(operand),
            },
            span,
        }
    })
}

fn binary_op(written: &str) -> BinaryOp {
    match written {
        "||" => BinaryOp::Or,
        "&&" => BinaryOp::And,
        "==" => BinaryOp::Equal,
        "!=" => BinaryOp::NotEqual,
        "<" => BinaryOp::Less,
        "<=" => BinaryOp::LessEqual,
        ">" => BinaryOp::Greater,
        ">=" => BinaryOp::GreaterEqual,
        "in" => BinaryOp::In,
        "??" => BinaryOp::Coalesce,
        ".." => BinaryOp::Range,
        "+" => BinaryOp::Add,
        "-" => BinaryOp::Subtract,
        "*" => BinaryOp::Multiply,
        "/" => BinaryOp::Divide,
        _ => BinaryOp::Remainder,
    }
}

/// Higher binds tighter; all associate to the left.
fn precedence(op: BinaryOp) -> u8 {
    match op {
        BinaryOp::Or => 1,
        BinaryOp::And => 2,
        BinaryOp::Equal
        | BinaryOp::NotEqual
        | BinaryOp::Less
        | BinaryOp::LessEqual
        | BinaryOp::Greater
        | BinaryOp::GreaterEqual
        | BinaryOp::In => 3,
        BinaryOp::Coalesce => 4,
        BinaryOp::Range => 5,
        BinaryOp::Add | BinaryOp::Subtract => 6,
        BinaryOp::Multiply | BinaryOp::Divide | BinaryOp::Remainder => 7,
    }
}
