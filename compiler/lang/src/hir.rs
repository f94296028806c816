//! Expressions after checking: names are slots and ids, conversions are explicit, types are gone.

use std::sync::Arc;

use ktl_syntax::Span;
use ktl_syntax::ast::{BinaryOp, UnaryOp};

use crate::builtin::Builtin;
use crate::types::{ObjectKind, Presence, RecordType, Type};
use crate::value::Value;

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident),*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub(crate) struct $name(pub u32);
        impl $name {
            pub fn index(self) -> usize {
                self.0 as usize
            }
        }
    )*};
}

ids!(
    /// A loaded module.
    ModuleId,
    /// A `let` of a module or a component.
    LetId,
    /// A function.
    FnId,
    /// An input.
    InputId,
    /// A release declaration, of a stack or a component.
    RelId,
    /// A component.
    CompId,
    /// A `type` declaration.
    TypeId,
    /// A place where an output is used.
    SiteId
);

/// An expression.
#[derive(Clone, Debug)]
pub(crate) struct Expr {
    pub kind: Kind,
    pub span: Span,
}

#[derive(Clone, Debug)]
pub(crate) enum Kind {
    /// Reported already: evaluates to nothing, silently.
    Error,
    Const(Value),
    /// Part of it was reported: evaluates what is left for its own mistakes, then to nothing.
    Poisoned(Box<Expr>),
    /// The default of a field.
    Default(Presence),
    /// A string with holes.
    Text(Vec<Part>),
    /// A parameter or loop variable, by its place in the frame.
    Local(u32),
    Let(LetId),
    Input(InputId),
    Cluster(u32),
    Zone(u32),
    /// A release of the stack, or all members of a family.
    Release(RelId),
    /// A release of the component that the expression stands in.
    Inner(RelId),
    /// A parameter of the component that the expression stands in.
    Param(u32),
    /// A `let` of the component that the expression stands in.
    CompLet(LetId),
    FamilyKey,
    FamilyValue,
    SelfRelease,
    StackName,
    /// A field, or a key of a map, which has to be there.
    Field {
        base: Box<Expr>,
        name: Arc<str>,
        optional: bool,
        key: bool,
    },
    Index {
        base: Box<Expr>,
        index: Box<Expr>,
        optional: bool,
    },
    /// `.name`, `.namespace`, `.cluster` of a release; `.name` of a cluster or a zone.
    Handle {
        base: Box<Expr>,
        part: HandlePart,
    },
    /// `.registry` and its like of an image.
    ImagePart {
        base: Box<Expr>,
        part: ImagePart,
    },
    /// An output of a release.
    Output {
        base: Box<Expr>,
        name: Arc<str>,
        site: SiteId,
    },
    Call {
        function: FnId,
        args: Vec<Option<Expr>>,
    },
    Builtin {
        function: Builtin,
        args: Vec<Expr>,
    },
    /// Fields with static keys, sorted.
    Record {
        keys: Arc<[Arc<str>]>,
        values: Vec<FieldValue>,
    },
    /// Entries of which some are spread or have computed keys, in order.
    Entries(Vec<Entry>),
    List(Vec<Item>),
    ListFor {
        clauses: Vec<Clause>,
        body: Box<Expr>,
    },
    MapFor {
        clauses: Vec<Clause>,
        key: Box<Expr>,
        value: FieldValueBox,
    },
    If {
        condition: Box<Expr>,
        then: Box<Expr>,
        otherwise: Box<Expr>,
    },
    Match {
        subject: Box<Expr>,
        arms: Vec<(Option<Value>, Expr)>,
    },
    With {
        base: Box<Expr>,
        settings: Vec<Setting>,
    },
    /// Fits the value to a type: conversions, defaults, and what only the value can show.
    Conform {
        value: Box<Expr>,
        ty: Type,
    },
    /// A map whose keys go into a field of each value, as a list.
    MapToList {
        value: Box<Expr>,
        key: Arc<str>,
    },
    /// A Kubernetes object: the fields with `apiVersion` and `kind`.
    Object {
        ty: Arc<RecordType>,
        object: Arc<ObjectKind>,
        fields: Box<Expr>,
    },
    /// A list of the plan, in policies and tests.
    Plan(Table),
    /// The name of the active profile, or null, in policies and tests.
    Profile,
    /// A field or an element of untyped data, null where there is none: in policies and tests.
    Step {
        base: Box<Expr>,
        key: Box<Expr>,
    },
    /// Untyped data to loop over: a list, a map if two variables are bound, nothing for null.
    Elements {
        source: Box<Expr>,
        pair: bool,
    },
    /// Untyped data as text.
    Show(Box<Expr>),
    And(Box<Expr>, Box<Expr>),
    Or(Box<Expr>, Box<Expr>),
    Coalesce(Box<Expr>, Box<Expr>),
    Binary {
        op: BinaryOp,
        left: Box<Expr>,
        right: Box<Expr>,
    },
    Unary {
        op: UnaryOp,
        operand: Box<Expr>,
    },
}

pub(crate) type FieldValueBox = Box<FieldValue>;

/// The value of a field.
#[derive(Clone, Debug)]
pub(crate) struct FieldValue {
    pub value: Expr,
    /// Whether null means that the field is left out.
    pub optional: bool,
}

#[derive(Clone, Debug)]
pub(crate) enum Part {
    Text(Arc<str>),
    Hole(Expr),
}

#[derive(Clone, Debug)]
pub(crate) enum Entry {
    Field {
        key: Arc<str>,
        span: Span,
        value: FieldValue,
    },
    Computed {
        key: Expr,
        value: FieldValue,
    },
    Spread(Expr),
}

#[derive(Clone, Debug)]
pub(crate) enum Item {
    Value(Expr),
    Spread(Expr),
}

/// `for first, second in source if condition`: pushes one or two locals.
#[derive(Clone, Debug)]
pub(crate) struct Clause {
    pub source: Expr,
    pub pair: bool,
    pub condition: Option<Expr>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum HandlePart {
    Name,
    Namespace,
    Cluster,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ImagePart {
    Registry,
    Repository,
    Tag,
    Digest,
}

/// The lists of `plan`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Table {
    Releases,
    Edges,
    Objects,
    Workloads,
    Containers,
}

impl Table {
    pub const NAMES: [&str; 5] = ["releases", "edges", "objects", "workloads", "containers"];

    pub fn named(name: &str) -> Option<Table> {
        Some(match name {
            "releases" => Table::Releases,
            "edges" => Table::Edges,
            "objects" => Table::Objects,
            "workloads" => Table::Workloads,
            "containers" => Table::Containers,
            _ => return None,
        })
    }
}

/// A step of a setting's path.
#[derive(Clone, Debug)]
pub(crate) struct Step {
    pub key: Arc<str>,
    /// Whether it is a key of a map, which has to be there for a path to go on below it.
    pub map: bool,
}

/// One change of a `with` or a profile.
#[derive(Clone, Debug)]
pub(crate) struct Setting {
    pub path: Vec<Step>,
    pub change: Change,
    pub span: Span,
}

#[derive(Clone, Debug)]
pub(crate) enum Change {
    Set(Expr),
    Unset,
    Only(Expr),
}

impl Expr {
    pub fn error(span: Span) -> Self {
        Expr {
            kind: Kind::Error,
            span,
        }
    }

    pub fn constant(value: Value) -> Self {
        let span = value.origin;
        Expr {
            kind: Kind::Const(value),
            span,
        }
    }
}
