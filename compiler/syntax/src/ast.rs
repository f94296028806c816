//! The syntax tree. Every node has a span; what could not be read is an `Error` or a `Hole`, never absent.
//!
//! The tree holds text as written (numbers, units, escapes already resolved in strings) and no meaning.

use std::sync::Arc;

use crate::source::{FileId, Span};

/// One file.
#[derive(Clone, Debug, PartialEq)]
pub struct Module {
    /// The file.
    pub file: FileId,
    /// Its declarations, in order.
    pub decls: Vec<Decl>,
}

/// A name where it is written. Empty text: the name is missing (a hole), and a diagnostic was given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Name {
    /// The text.
    pub text: Arc<str>,
    /// Where.
    pub span: Span,
}

/// A piece of text with its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Text {
    /// The text, escapes resolved.
    pub text: Arc<str>,
    /// Where, quotes included.
    pub span: Span,
}

/// `a.b.c`: a name, or a name in a module.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Path {
    /// At least one.
    pub segments: Vec<Name>,
    /// From the first to the last.
    pub span: Span,
}

/// A declaration at column 0, or an inner one of a component.
#[derive(Clone, Debug, PartialEq)]
pub struct Decl {
    /// The `///` lines right above, joined by newlines.
    pub doc: Option<Arc<str>>,
    /// From the keyword to the end.
    pub span: Span,
    /// What is declared.
    pub kind: DeclKind,
}

/// What is declared.
#[derive(Clone, Debug, PartialEq)]
pub enum DeclKind {
    /// `stack name edition 1 { … }`
    Stack {
        /// The stack's name.
        name: Name,
        /// The edition as written.
        edition: Option<Text>,
        /// Header fields.
        body: Record,
    },
    /// `import kind? "source" version? as alias`
    Import {
        /// What is imported.
        kind: ImportKind,
        /// The source as written.
        source: Text,
        /// A version constraint as written, such as `^20.1`.
        version: Option<Text>,
        /// The name it gets here.
        alias: Name,
    },
    /// `type Name = …`
    Type {
        /// The type's name.
        name: Name,
        /// The type.
        ty: TypeExpr,
    },
    /// `let name: T = …`
    Let(Let),
    /// `fn name(a: T = e) -> T = …`
    Fn {
        /// The function's name.
        name: Name,
        /// Parameters in order.
        params: Vec<Param>,
        /// The declared result.
        result: Option<TypeExpr>,
        /// The body.
        body: Expr,
    },
    /// `input name: T = default`
    Input {
        /// The input's name.
        name: Name,
        /// Its type.
        ty: TypeExpr,
        /// The default.
        default: Option<Expr>,
    },
    /// `secret name: T = source(…)`
    Secret {
        /// The secret's name.
        name: Name,
        /// The type of its fields.
        ty: TypeExpr,
        /// Where it comes from.
        source: Expr,
    },
    /// `zone name { … }`
    Zone {
        /// The zone's name.
        name: Name,
        /// Its fields.
        body: Record,
    },
    /// `cluster name { … }`
    Cluster {
        /// The cluster's name.
        name: Name,
        /// Its fields.
        body: Record,
    },
    /// `release name[k, v in e]: path { … }`
    Release(Release),
    /// `component Name { … }`: params, inner releases, lets, outputs
    Component {
        /// The component's name.
        name: Name,
        /// Inner declarations.
        body: Vec<Decl>,
    },
    /// `param name: T = default`, inside a component only
    Param(Param),
    /// `output name: T = e`, inside a component only
    Output(Output),
    /// `policy name { deny "…" for x in e if e … }`
    Policy {
        /// The policy's name.
        name: Name,
        /// Its rules.
        rules: Vec<Rule>,
    },
    /// `waive name for "glob" until date because "…"`
    Waive {
        /// The rule.
        name: Name,
        /// Which objects.
        objects: Text,
        /// `YYYY-MM-DD` as written.
        until: Text,
        /// Why.
        because: Text,
    },
    /// `profile name extends parent { path: … }`
    Profile {
        /// The profile's name.
        name: Name,
        /// Its parent.
        extends: Option<Name>,
        /// What it sets.
        settings: Vec<Setting>,
    },
    /// `runner { … }`
    Runner {
        /// Its fields.
        body: Record,
    },
    /// `test "name" { with path: e  expect e }`
    Test {
        /// What the test shows.
        name: Text,
        /// `with` lines.
        with: Vec<Setting>,
        /// `expect` lines.
        expects: Vec<Expr>,
    },
    /// Not a declaration; a diagnostic was given.
    Error,
}

/// What an import brings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ImportKind {
    /// A module of the project, or of `std`.
    Module,
    /// A Helm chart.
    Chart,
    /// Custom resource definitions.
    Crd,
    /// A JSON schema.
    Schema,
}

/// `let name: T = value`
#[derive(Clone, Debug, PartialEq)]
pub struct Let {
    /// The name.
    pub name: Name,
    /// The annotation.
    pub ty: Option<TypeExpr>,
    /// The value.
    pub value: Expr,
}

/// `name: T = default`
#[derive(Clone, Debug, PartialEq)]
pub struct Param {
    /// The name.
    pub name: Name,
    /// The type.
    pub ty: TypeExpr,
    /// The default.
    pub default: Option<Expr>,
}

/// `output name: T = value`
#[derive(Clone, Debug, PartialEq)]
pub struct Output {
    /// The name.
    pub name: Name,
    /// The type.
    pub ty: TypeExpr,
    /// The value.
    pub value: Expr,
}

/// `release name[key, value in source]: kind { … }`
#[derive(Clone, Debug, PartialEq)]
pub struct Release {
    /// The release's (or family's) name.
    pub name: Name,
    /// `[key, value in source]`
    pub family: Option<Clause>,
    /// A chart import, a component, or a kind of `std/k8s`.
    pub kind: Path,
    /// Fields and outputs.
    pub body: Record,
}

/// `deny "message" for x in source if condition`
#[derive(Clone, Debug, PartialEq)]
pub struct Rule {
    /// `deny` (true) or `warn`.
    pub deny: bool,
    /// The message, a string with holes.
    pub message: Expr,
    /// What it ranges over, with its condition.
    pub clause: Clause,
    /// The whole rule.
    pub span: Span,
}

/// `path: value` in a profile, a `with` or a test.
#[derive(Clone, Debug, PartialEq)]
pub struct Setting {
    /// What is set.
    pub target: Vec<PathKey>,
    /// To what.
    pub value: SettingValue,
    /// The whole line.
    pub span: Span,
}

/// What a setting does.
#[derive(Clone, Debug, PartialEq)]
pub enum SettingValue {
    /// `path: e`
    Set(Expr),
    /// `path: unset`
    Unset(Span),
    /// `path: only ["a", "b"]`
    Only(Expr),
}

/// One step of a dotted key or a target: `.name` or `["name"]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PathKey {
    /// The key.
    pub text: Arc<str>,
    /// Where, quotes and brackets included.
    pub span: Span,
    /// Whether it was written as a string.
    pub quoted: bool,
}

/// `{ … }`
#[derive(Clone, Debug, PartialEq)]
pub struct Record {
    /// Entries in order.
    pub entries: Vec<Entry>,
    /// Braces included.
    pub span: Span,
}

/// An entry of a record.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// The `///` lines right above.
    pub doc: Option<Arc<str>>,
    /// The entry.
    pub kind: EntryKind,
    /// From its first to its last character.
    pub span: Span,
}

/// What an entry is.
#[derive(Clone, Debug, PartialEq)]
pub enum EntryKind {
    /// `a.b: e`, `"k": e`; the value is a `Hole` when it is missing.
    Field {
        /// At least one; a quoted key is one step.
        key: Vec<PathKey>,
        /// The value.
        value: Expr,
    },
    /// `[e]: e`
    Computed {
        /// The key.
        key: Expr,
        /// The value.
        value: Expr,
    },
    /// `output name: T = e`
    Output(Output),
    /// `...e`
    Spread(Expr),
    /// A line that is no entry; a diagnostic was given.
    Error,
}

/// An expression.
#[derive(Clone, Debug, PartialEq)]
pub struct Expr {
    /// What.
    pub kind: ExprKind,
    /// Where.
    pub span: Span,
}

/// What an expression is.
#[derive(Clone, Debug, PartialEq)]
pub enum ExprKind {
    /// `null`
    Null,
    /// `true`, `false`
    Bool(bool),
    /// `3`, `0.5`, as written
    Number(Arc<str>),
    /// `100Gi`, `250ms`, `10%`
    Quantity {
        /// The number as written.
        number: Arc<str>,
        /// The unit as written; `%` for percent.
        unit: Arc<str>,
    },
    /// `/regex/`, without the slashes, as written
    Regex(Arc<str>),
    /// A string: literal parts (escapes resolved, indentation of blocks stripped) and holes `${e}`
    String(Vec<StringPart>),
    /// A name
    Name(Arc<str>),
    /// `base.field`, `base?.field`; an empty field is where completion hangs
    Field {
        /// The base.
        base: Box<Expr>,
        /// The field.
        field: Name,
        /// `?.`
        optional: bool,
    },
    /// `base[index]`, `base?[index]`
    Index {
        /// The base.
        base: Box<Expr>,
        /// The index.
        index: Box<Expr>,
        /// `?[`
        optional: bool,
    },
    /// `path(a, name: b)`
    Call {
        /// What is called.
        function: Path,
        /// Arguments in order.
        args: Vec<Arg>,
    },
    /// `path.Type { … }`
    Construct {
        /// The type.
        ty: Path,
        /// Its fields.
        record: Record,
    },
    /// `{ … }`
    Record(Record),
    /// `[ … ]`
    List(Vec<ListItem>),
    /// `[for x in e if e: e]`
    ListFor {
        /// At least one.
        clauses: Vec<Clause>,
        /// The element.
        body: Box<Expr>,
    },
    /// `{ for k, v in e: e => e }`
    MapFor {
        /// At least one.
        clauses: Vec<Clause>,
        /// The key.
        key: Box<Expr>,
        /// The value.
        value: Box<Expr>,
    },
    /// `if c then a else b`
    If {
        /// The condition.
        condition: Box<Expr>,
        /// If true.
        then: Box<Expr>,
        /// If false.
        otherwise: Box<Expr>,
    },
    /// `match e { "a": e, _: e }`
    Match {
        /// What is matched.
        subject: Box<Expr>,
        /// Arms in order.
        arms: Vec<Arm>,
    },
    /// `e with { path: e }`
    With {
        /// The base.
        base: Box<Expr>,
        /// What changes.
        settings: Vec<Setting>,
    },
    /// `e as T`
    As {
        /// The value.
        value: Box<Expr>,
        /// The type.
        ty: Box<TypeExpr>,
    },
    /// `a + b`
    Binary {
        /// The operator.
        op: BinaryOp,
        /// Where the operator stands.
        op_span: Span,
        /// Left.
        left: Box<Expr>,
        /// Right.
        right: Box<Expr>,
    },
    /// `!a`, `-a`
    Unary {
        /// The operator.
        op: UnaryOp,
        /// The operand.
        operand: Box<Expr>,
    },
    /// `(e)`
    Paren(Box<Expr>),
    /// Nothing is written where a value belongs; a diagnostic was given.
    Hole,
    /// Something is written that is no value; a diagnostic was given.
    Error,
}

/// A piece of a string.
#[derive(Clone, Debug, PartialEq)]
pub enum StringPart {
    /// Text, escapes resolved.
    Text(Arc<str>),
    /// `${e}`
    Hole(Expr),
}

/// An element of a list.
#[derive(Clone, Debug, PartialEq)]
pub enum ListItem {
    /// `e`
    Value(Expr),
    /// `...e`
    Spread(Expr),
}

/// `for name, value in source if condition`
#[derive(Clone, Debug, PartialEq)]
pub struct Clause {
    /// The first name: the element of a list, the key of a map.
    pub first: Name,
    /// The second: the value of a map.
    pub second: Option<Name>,
    /// What is ranged over.
    pub source: Box<Expr>,
    /// The filter.
    pub condition: Option<Box<Expr>>,
    /// The whole clause.
    pub span: Span,
}

/// An argument.
#[derive(Clone, Debug, PartialEq)]
pub struct Arg {
    /// `name:`
    pub name: Option<Name>,
    /// The value.
    pub value: Expr,
}

/// `pattern: value`
#[derive(Clone, Debug, PartialEq)]
pub struct Arm {
    /// A literal, or `None` for `_`.
    pub pattern: Option<Expr>,
    /// The value.
    pub value: Expr,
    /// The whole arm.
    pub span: Span,
}

/// An operator between two values, loosest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "each is its own documentation")]
pub enum BinaryOp {
    Or,
    And,
    Equal,
    NotEqual,
    Less,
    LessEqual,
    Greater,
    GreaterEqual,
    In,
    Coalesce,
    Range,
    Add,
    Subtract,
    Multiply,
    Divide,
    Remainder,
}

/// An operator before a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "each is its own documentation")]
pub enum UnaryOp {
    Not,
    Negate,
}

/// A type as written.
#[derive(Clone, Debug, PartialEq)]
pub struct TypeExpr {
    /// What.
    pub kind: TypeKind,
    /// Where.
    pub span: Span,
}

/// What a type is.
#[derive(Clone, Debug, PartialEq)]
pub enum TypeKind {
    /// `int`, `k8s.Container`, `string(1..63)`
    Named {
        /// The name.
        path: Path,
        /// What narrows it.
        refinements: Vec<Refinement>,
    },
    /// `"gold"`
    Literal(Arc<str>),
    /// `[T](1..10)`
    List {
        /// The element.
        item: Box<TypeExpr>,
        /// What narrows it.
        refinements: Vec<Refinement>,
    },
    /// `map<K, V>`
    Map {
        /// The key.
        key: Box<TypeExpr>,
        /// The value.
        value: Box<TypeExpr>,
    },
    /// `{ a: T, b?: T, c: T = e }`
    Record(Vec<TypeField>),
    /// `A | B`
    Union(Vec<TypeExpr>),
    /// `T?`
    Optional(Box<TypeExpr>),
    /// `later T`
    Later(Box<TypeExpr>),
    /// No type; a diagnostic was given.
    Error,
}

/// What narrows a type.
#[derive(Clone, Debug, PartialEq)]
pub struct Refinement {
    /// What.
    pub kind: RefinementKind,
    /// Where.
    pub span: Span,
}

/// What a refinement says.
#[derive(Clone, Debug, PartialEq)]
pub enum RefinementKind {
    /// `>= e`
    Compare(BinaryOp, Expr),
    /// `1..5`, `/regex/`, `digest`, `unique`
    Value(Expr),
    /// `registry: e`
    Named(Name, Expr),
}

/// A field of a record type.
#[derive(Clone, Debug, PartialEq)]
pub struct TypeField {
    /// The `///` lines right above.
    pub doc: Option<Arc<str>>,
    /// The name.
    pub name: Name,
    /// `?`
    pub optional: bool,
    /// The type.
    pub ty: TypeExpr,
    /// The default.
    pub default: Option<Expr>,
}
