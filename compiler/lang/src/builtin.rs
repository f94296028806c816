//! The built-in functions, by name.

macro_rules! builtins {
    ($($name:literal => $variant:ident),* $(,)?) => {
        /// A built-in function.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(crate) enum Builtin {
            $($variant,)*
        }

        impl Builtin {
            /// Every name.
            pub const NAMES: &[&str] = &[$($name),*];

            pub fn named(name: &str) -> Option<Builtin> {
                match name {
                    $($name => Some(Builtin::$variant),)*
                    _ => None,
                }
            }

            pub fn name(self) -> &'static str {
                match self {
                    $(Builtin::$variant => $name,)*
                }
            }
        }
    };
}

builtins! {
    "keys" => Keys,
    "values" => Values,
    "entries" => Entries,
    "len" => Len,
    "sort" => Sort,
    "unique" => Unique,
    "flatten" => Flatten,
    "reverse" => Reverse,
    "range" => Range,
    "sum" => Sum,
    "min" => Min,
    "max" => Max,
    "any" => Any,
    "all" => All,
    "join" => Join,
    "split" => Split,
    "upper" => Upper,
    "lower" => Lower,
    "trim" => Trim,
    "replace" => Replace,
    "contains" => Contains,
    "startsWith" => StartsWith,
    "endsWith" => EndsWith,
    "kebab" => Kebab,
    "base64" => Base64,
    "sha256" => Sha256,
    "format" => Format,
    "floor" => Floor,
    "ceil" => Ceil,
    "round" => Round,
    "typeOf" => TypeOf,
}
