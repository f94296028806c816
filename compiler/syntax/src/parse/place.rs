//! What is being parsed: for messages, and for what can be mended.

use ktl_grammar::TokenKind;
use ktl_grammar::head::DECLARATION_KEYWORDS;

use crate::diagnostic::Diagnostic;
use crate::parse::balance::Lexeme;
use crate::parse::tree::Builder;
use crate::source::Span;

/// What is being parsed, for messages and for what can be mended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Where {
    Declaration,
    Component,
    Policy,
    Test,
    Record,
    Settings,
    RecordType,
    Match,
    List,
    Call,
    Parameters,
    Refinement,
    Comprehension,
    Family,
    Expression,
    Type,
    Key,
}

impl Where {
    /// As in "unexpected `)` in …".
    pub(crate) fn name(self) -> &'static str {
        match self {
            Where::Declaration => "a declaration",
            Where::Component => "a component",
            Where::Policy => "a policy",
            Where::Test => "a test",
            Where::Record => "a record",
            Where::Settings => "a list of settings",
            Where::RecordType => "a record type",
            Where::Match => "a `match`",
            Where::List => "a list",
            Where::Call => "the arguments of a call",
            Where::Parameters => "parameters",
            Where::Refinement => "the arguments of a type",
            Where::Comprehension => "a comprehension",
            Where::Family => "the keys of a family",
            Where::Expression => "an expression",
            Where::Type => "a type",
            Where::Key => "a key",
        }
    }

    /// Whether a key (or pattern, or name) and a colon come first.
    pub(crate) fn keyed(self) -> bool {
        matches!(
            self,
            Where::Record
                | Where::Settings
                | Where::RecordType
                | Where::Match
                | Where::Call
                | Where::Parameters
                | Where::Test
        )
    }

    /// The words that its lines start with, if they must.
    pub(crate) fn keywords(self) -> &'static [&'static str] {
        match self {
            Where::Declaration => &DECLARATION_KEYWORDS,
            Where::Component => &["param", "release", "let", "output"],
            Where::Policy => &["deny", "warn"],
            Where::Test => &["with", "expect"],
            _ => &[],
        }
    }
}

impl Builder<'_> {
    /// "unexpected `)` in a record"
    pub(crate) fn unexpected(&self, place: Where, lexemes: &[Lexeme], index: usize) -> Diagnostic {
        let keyword = lexemes
            .iter()
            .find(|lexeme| lexeme.token.kind == TokenKind::Word)
            .map(|lexeme| self.shown(lexeme));
        let form = keyword
            .as_deref()
            .and_then(usage)
            .filter(|_| matches!(place, Where::Declaration | Where::Component));
        let name = match (&keyword, place) {
            (Some(keyword), Where::Declaration) if form.is_some() => format!("the `{keyword}` declaration"),
            _ => place.name().to_owned(),
        };
        let found = lexemes
            .iter()
            .skip(index)
            .find(|lexeme| lexeme.token.kind != TokenKind::Newline);
        let diagnostic = match found {
            Some(lexeme) => {
                let shown = match lexeme.token.kind {
                    TokenKind::StringOpen | TokenKind::StringText | TokenKind::StringClose => "string".to_owned(),
                    _ => format!("`{}`", self.shown(lexeme)),
                };
                Diagnostic::error(
                    "K0001",
                    self.token_span(lexeme.token),
                    format!("unexpected {shown} in {name}"),
                )
            }
            None => {
                let end = lexemes.last().map_or(0, |last| last.token.end);
                let at = Span {
                    file: self.file,
                    start: end,
                    end,
                };
                Diagnostic::error("K0001", at, format!("unexpected end of {name}"))
            }
        };
        let ternary = found.is_some_and(|lexeme| lexeme.token.kind == TokenKind::Operator && self.shown(lexeme) == "?");
        match (form, place) {
            _ if ternary => diagnostic.help("a conditional is written `if condition then value else value`"),
            (Some(form), _) => diagnostic.help(format!("it is written `{form}`")),
            (_, Where::Record) => diagnostic.help("an entry is written `key: value`"),
            (_, Where::Settings) => diagnostic.help("a setting is written `path: value`"),
            (_, Where::Match) => diagnostic.help("an arm is written `\"literal\": value` or `_: value`"),
            (_, Where::RecordType) => diagnostic.help("a field is written `name: type` or `name?: type = default`"),
            (_, Where::Parameters) => diagnostic.help("a parameter is written `name: type`"),
            (_, Where::Policy) => {
                diagnostic.help("a rule is written `deny \"message\" for x in plan.objects if condition`")
            }
            (_, Where::Test) => diagnostic.help("a line is written `with path: value` or `expect condition`"),
            (_, Where::Comprehension) => {
                diagnostic.help("written `[for x in list if condition: value]` or `{ for k, v in map: key => value }`")
            }
            (_, Where::Family) => diagnostic.help("a family is written `name[key, value in map]`"),
            _ => diagnostic.help("remove it, or write what belongs here"),
        }
    }
}

/// How a declaration is written.
fn usage(keyword: &str) -> Option<&'static str> {
    Some(match keyword {
        "stack" => "stack name edition 1 { … }",
        "import" => "import \"source\" as name",
        "type" => "type Name = …",
        "let" => "let name = value",
        "fn" => "fn name(parameter: type) -> type = value",
        "input" => "input name: type = default",
        "secret" => "secret name: { key: string } = vault(\"path\")",
        "zone" => "zone name { … }",
        "cluster" => "cluster name { … }",
        "release" => "release name: kind { … }",
        "component" => "component Name { … }",
        "policy" => "policy name { … }",
        "waive" => "waive policy for \"objects\" until 2027-01-31 because \"reason\"",
        "profile" => "profile name { path: value }",
        "runner" => "runner { … }",
        "test" => "test \"name\" { expect condition }",
        "param" => "param name: type = default",
        "output" => "output name: type = value",
        _ => return None,
    })
}
