//! Builds syntax trees, with Go's grammar and Go's messages.

use std::sync::Arc;

use crate::ast::{Arg, Branch, Command, Node, Number, Pipe, Source, Template};
use crate::error::Error;
use crate::functions;
use crate::go::{number, quote};
use crate::lex::{Kind, Lexer, Token};

/// How deep parentheses and control structures may nest together.
const DEPTH: usize = 500;

/// The templates that a text defines: itself and what its `define` and `block` actions name.
pub(crate) fn parse(name: &Arc<str>, text: &Arc<str>) -> Result<Vec<Template>, Error> {
    let source = Arc::new(Source {
        name: Arc::clone(name),
        text: Arc::clone(text),
    });
    let mut parser = Parser {
        lexer: Lexer::new(text),
        ahead: Vec::new(),
        last: (0, 1),
        source: Arc::clone(&source),
        templates: Vec::new(),
        variables: vec!["$".into()],
        action_line: 0,
        range_depth: 0,
        depth: 0,
    };
    match parser.file() {
        Ok(()) => Ok(parser.templates),
        Err(message) => {
            let (at, line) = parser.last;
            let (_, column) = source.position(at);
            Err(Error::parse(Arc::clone(name), line, column, message))
        }
    }
}

/// An error is a message; the position is that of the last token read.
type Parsed<T> = Result<T, String>;

struct Parser<'t> {
    lexer: Lexer<'t>,
    /// Tokens read ahead, the next one last.
    ahead: Vec<Token>,
    /// Where the last token that was read starts, and its line.
    last: (usize, u32),
    source: Arc<Source>,
    templates: Vec<Template>,
    variables: Vec<Arc<str>>,
    action_line: u32,
    range_depth: usize,
    depth: usize,
}

/// What ended a list of nodes.
enum Ending {
    End,
    Else,
}

enum Item {
    Node(Node),
    Ending(Ending),
}

impl Parser<'_> {
    fn file(&mut self) -> Parsed<()> {
        let mut body = Vec::new();
        while self.peek().kind != Kind::Eof {
            if self.peek().kind == Kind::LeftDelim {
                let delim = self.next();
                let keyword = self.next_non_space();
                if keyword.kind == Kind::Define {
                    self.definition()?;
                    continue;
                }
                self.ahead.push(keyword);
                self.ahead.push(delim);
            }
            match self.text_or_action()? {
                Item::Node(node) => body.push(node),
                Item::Ending(Ending::End) => return Err("unexpected {{end}}".to_owned()),
                Item::Ending(Ending::Else) => return Err("unexpected {{else}}".to_owned()),
            }
        }
        let name = Arc::clone(&self.source.name);
        self.add(name, body)
    }

    fn add(&mut self, name: Arc<str>, body: Vec<Node>) -> Parsed<()> {
        let template = Template {
            name,
            source: Arc::clone(&self.source),
            body,
        };
        match self.templates.iter_mut().find(|known| known.name == template.name) {
            Some(known) if known.is_empty() => *known = template,
            Some(_) if template.is_empty() => {}
            Some(_) => {
                return Err(format!(
                    "template: multiple definition of template {}",
                    quote::quote(&template.name)
                ));
            }
            None => self.templates.push(template),
        }
        Ok(())
    }

    fn definition(&mut self) -> Parsed<()> {
        let context = "define clause";
        let token = self.next_non_space();
        if !matches!(token.kind, Kind::String | Kind::RawString) {
            return Err(self.unexpected(&token, context));
        }
        let name = quote::unquote(&token.text)?;
        self.expect(Kind::RightDelim, context)?;
        self.inner_template(name.into(), context)
    }

    /// The body of a `define` or `block`, which sees none of the variables around it.
    fn inner_template(&mut self, name: Arc<str>, context: &str) -> Parsed<()> {
        let outer = std::mem::replace(&mut self.variables, vec!["$".into()]);
        let outer_ranges = std::mem::take(&mut self.range_depth);
        let (body, ending) = self.nodes()?;
        if matches!(ending, Ending::Else) {
            return Err(format!("unexpected {{{{else}}}} in {context}"));
        }
        self.variables = outer;
        self.range_depth = outer_ranges;
        self.add(name, body)
    }

    fn nodes(&mut self) -> Parsed<(Vec<Node>, Ending)> {
        self.depth += 1;
        if self.depth > DEPTH {
            return Err(format!("actions are nested more than {DEPTH} deep"));
        }
        let mut nodes = Vec::new();
        while self.peek_non_space().kind != Kind::Eof {
            let item = stacker::maybe_grow(64 * 1024, 1024 * 1024, || self.text_or_action())?;
            match item {
                Item::Node(node) => nodes.push(node),
                Item::Ending(ending) => {
                    self.depth -= 1;
                    return Ok((nodes, ending));
                }
            }
        }
        Err("unexpected EOF".to_owned())
    }

    fn text_or_action(&mut self) -> Parsed<Item> {
        let token = self.next_non_space();
        match token.kind {
            Kind::Text => Ok(Item::Node(Node::Text(token.text.into()))),
            Kind::LeftDelim => {
                self.action_line = token.line;
                let item = self.action()?;
                self.action_line = 0;
                Ok(item)
            }
            _ => Err(self.unexpected(&token, "input")),
        }
    }

    fn action(&mut self) -> Parsed<Item> {
        let token = self.next_non_space();
        let node = match token.kind {
            Kind::Block => self.block()?,
            Kind::Break | Kind::Continue => self.jump(token.kind)?,
            Kind::Else => {
                if !matches!(self.peek_non_space().kind, Kind::If | Kind::With) {
                    self.expect(Kind::RightDelim, "else")?;
                }
                return Ok(Item::Ending(Ending::Else));
            }
            Kind::End => {
                self.expect(Kind::RightDelim, "end")?;
                return Ok(Item::Ending(Ending::End));
            }
            Kind::If => Node::If(self.control("if")?),
            Kind::Range => Node::Range(self.control("range")?),
            Kind::With => Node::With(self.control("with")?),
            Kind::Template => {
                let token = self.next_non_space();
                let name = self.template_name(&token, "template clause")?;
                let mut pipe = None;
                let next = self.next_non_space();
                if next.kind != Kind::RightDelim {
                    self.ahead.push(next);
                    pipe = Some(self.pipeline("template clause", Kind::RightDelim)?);
                }
                Node::Template {
                    at: token.at,
                    name,
                    pipe,
                }
            }
            _ => {
                let at = token.at;
                self.ahead.push(token);
                Node::Action {
                    at,
                    pipe: self.pipeline("command", Kind::RightDelim)?,
                }
            }
        };
        Ok(Item::Node(node))
    }

    fn jump(&mut self, kind: Kind) -> Parsed<Node> {
        let (word, node) = match kind {
            Kind::Break => ("{{break}}", Node::Break),
            _ => ("{{continue}}", Node::Continue),
        };
        let token = self.next_non_space();
        if token.kind != Kind::RightDelim {
            return Err(self.unexpected(&token, word));
        }
        if self.range_depth == 0 {
            return Err(format!("{word} outside {{{{range}}}}"));
        }
        Ok(node)
    }

    fn control(&mut self, context: &str) -> Parsed<Branch> {
        let variables = self.variables.len();
        let pipe = self.pipeline(context, Kind::RightDelim)?;
        let ranging = usize::from(context == "range");
        self.range_depth += ranging;
        let (body, ending) = self.nodes()?;
        self.range_depth -= ranging;
        let otherwise = match ending {
            Ending::End => None,
            Ending::Else => Some(self.otherwise(context)?),
        };
        self.variables.truncate(variables);
        Ok(Branch { pipe, body, otherwise })
    }

    fn otherwise(&mut self, context: &str) -> Parsed<Vec<Node>> {
        // `else if` and `else with` share the `end` of what they continue.
        let continued = matches!(
            (context, self.peek_non_space().kind),
            ("if", Kind::If) | ("with", Kind::With)
        );
        if continued {
            self.next_non_space();
            self.depth += 1;
            if self.depth > DEPTH {
                return Err(format!("actions are nested more than {DEPTH} deep"));
            }
            let branch = stacker::maybe_grow(64 * 1024, 1024 * 1024, || self.control(context))?;
            self.depth -= 1;
            return Ok(vec![if context == "if" {
                Node::If(branch)
            } else {
                Node::With(branch)
            }]);
        }
        let (nodes, ending) = self.nodes()?;
        match ending {
            Ending::End => Ok(nodes),
            Ending::Else => Err("expected end; found {{else}}".to_owned()),
        }
    }

    fn block(&mut self) -> Parsed<Node> {
        let context = "block clause";
        let token = self.next_non_space();
        let name = self.template_name(&token, context)?;
        let pipe = self.pipeline(context, Kind::RightDelim)?;
        self.inner_template(Arc::clone(&name), context)?;
        Ok(Node::Template {
            at: token.at,
            name,
            pipe: Some(pipe),
        })
    }

    fn template_name(&mut self, token: &Token, context: &str) -> Parsed<Arc<str>> {
        match token.kind {
            Kind::String | Kind::RawString => Ok(quote::unquote(&token.text)?.into()),
            _ => Err(self.unexpected(token, context)),
        }
    }

    fn pipeline(&mut self, context: &str, end: Kind) -> Parsed<Pipe> {
        let at = self.peek_non_space().at;
        let mut pipe = Pipe {
            at,
            assign: false,
            declared: Vec::new(),
            commands: Vec::new(),
        };
        self.declarations(&mut pipe, context)?;
        loop {
            let token = self.next_non_space();
            match token.kind {
                kind if kind == end => {
                    check_pipeline(&pipe, context)?;
                    return Ok(pipe);
                }
                Kind::Bool
                | Kind::CharConstant
                | Kind::Complex
                | Kind::Dot
                | Kind::Field
                | Kind::Identifier
                | Kind::Number
                | Kind::Nil
                | Kind::RawString
                | Kind::String
                | Kind::Variable
                | Kind::LeftParen => {
                    self.ahead.push(token);
                    let command = self.command()?;
                    pipe.commands.push(command);
                }
                _ => return Err(self.unexpected(&token, context)),
            }
        }
    }

    fn declarations(&mut self, pipe: &mut Pipe, context: &str) -> Parsed<()> {
        while self.peek_non_space().kind == Kind::Variable {
            let variable = self.next_non_space();
            let space = (self.peek().kind == Kind::Space).then(|| self.next());
            let next = self.peek_non_space();
            let (kind, is_comma) = (next.kind, next.text == ",");
            match kind {
                Kind::Assign | Kind::Declare => {
                    pipe.assign = kind == Kind::Assign;
                    self.next_non_space();
                    self.declare(pipe, &variable);
                    return Ok(());
                }
                Kind::Char if is_comma => {
                    self.next_non_space();
                    self.declare(pipe, &variable);
                    if context != "range" || pipe.declared.len() >= 2 {
                        return Err(format!("too many declarations in {context}"));
                    }
                    if !matches!(
                        self.peek_non_space().kind,
                        Kind::Variable | Kind::RightDelim | Kind::RightParen
                    ) {
                        return Err("range can only initialize variables".to_owned());
                    }
                }
                _ => {
                    // A variable that is used, not declared.
                    self.ahead.extend(space);
                    self.ahead.push(variable);
                    return Ok(());
                }
            }
        }
        Ok(())
    }

    fn declare(&mut self, pipe: &mut Pipe, variable: &Token) {
        let name: Arc<str> = variable.text.as_str().into();
        self.variables.push(Arc::clone(&name));
        pipe.declared.push(name);
    }

    fn command(&mut self) -> Parsed<Command> {
        let mut command = Command {
            at: self.peek_non_space().at,
            args: Vec::new(),
        };
        loop {
            self.peek_non_space();
            if let Some(operand) = self.operand()? {
                command.args.push(operand);
            }
            let token = self.next();
            match token.kind {
                Kind::Space => continue,
                Kind::RightDelim | Kind::RightParen => self.ahead.push(token),
                Kind::Pipe => {}
                _ => return Err(self.unexpected(&token, "operand")),
            }
            break;
        }
        if command.args.is_empty() {
            return Err("empty command".to_owned());
        }
        Ok(command)
    }

    fn operand(&mut self) -> Parsed<Option<Arg>> {
        let Some(term) = self.term()? else { return Ok(None) };
        if self.peek().kind != Kind::Field {
            return Ok(Some(term));
        }
        let at = self.peek().at;
        let mut fields: Vec<Arc<str>> = Vec::new();
        while self.peek().kind == Kind::Field {
            let field = self.next();
            fields.push(field.text.get(1..).unwrap_or("").into());
        }
        // Go gives the whole chain the place of its second name.
        Ok(Some(match term {
            Arg::Field { mut names, .. } => {
                names.extend(fields);
                Arg::Field { at, names }
            }
            Arg::Variable { mut names, .. } => {
                names.extend(fields);
                Arg::Variable { at, names }
            }
            Arg::Bool { .. } | Arg::Str { .. } | Arg::Number { .. } | Arg::Nil { .. } | Arg::Dot { .. } => {
                return Err(format!("unexpected . after term {}", quote::quote(&term.to_string())));
            }
            other => Arg::Chain {
                at,
                from: Box::new(other),
                names: fields,
            },
        }))
    }

    fn term(&mut self) -> Parsed<Option<Arg>> {
        let token = self.next_non_space();
        let at = token.at;
        Ok(Some(match token.kind {
            Kind::Identifier => {
                if functions::find(&token.text).is_none() {
                    return Err(format!("function {} not defined", quote::quote(&token.text)));
                }
                Arg::Identifier {
                    at,
                    name: token.text.into(),
                }
            }
            Kind::Dot => Arg::Dot { at },
            Kind::Nil => Arg::Nil { at },
            Kind::Variable => {
                if !self.variables.iter().any(|known| known.as_ref() == token.text) {
                    return Err(format!("undefined variable {}", quote::quote(&token.text)));
                }
                Arg::Variable {
                    at,
                    names: vec![token.text.into()],
                }
            }
            Kind::Field => Arg::Field {
                at,
                names: vec![token.text.get(1..).unwrap_or("").into()],
            },
            Kind::Bool => Arg::Bool {
                at,
                value: token.text == "true",
            },
            Kind::CharConstant | Kind::Complex | Kind::Number => Arg::Number {
                at,
                number: read_number(&token)?,
            },
            Kind::LeftParen => {
                self.depth += 1;
                if self.depth > DEPTH {
                    return Err("max expression depth exceeded".to_owned());
                }
                let pipe = stacker::maybe_grow(64 * 1024, 1024 * 1024, || {
                    self.pipeline("parenthesized pipeline", Kind::RightParen)
                })?;
                self.depth -= 1;
                Arg::Pipe(pipe)
            }
            Kind::String | Kind::RawString => {
                let text = quote::unquote(&token.text)?.into();
                Arg::Str {
                    at,
                    quoted: token.text,
                    text,
                }
            }
            _ => {
                self.ahead.push(token);
                return Ok(None);
            }
        }))
    }

    fn next(&mut self) -> Token {
        match self.ahead.pop() {
            Some(token) => token,
            None => {
                let token = self.lexer.next();
                self.last = (token.at, token.line);
                token
            }
        }
    }

    fn peek(&mut self) -> &Token {
        if self.ahead.is_empty() {
            let token = self.next();
            self.ahead.push(token);
        }
        self.ahead.last().expect("a token was just read ahead")
    }

    fn next_non_space(&mut self) -> Token {
        loop {
            let token = self.next();
            if token.kind != Kind::Space {
                return token;
            }
        }
    }

    fn peek_non_space(&mut self) -> &Token {
        let token = self.next_non_space();
        self.ahead.push(token);
        self.peek()
    }

    fn expect(&mut self, kind: Kind, context: &str) -> Parsed<Token> {
        let token = self.next_non_space();
        if token.kind == kind {
            Ok(token)
        } else {
            Err(self.unexpected(&token, context))
        }
    }

    fn unexpected(&self, token: &Token, context: &str) -> String {
        if token.kind != Kind::Error {
            return format!("unexpected {} in {context}", token.describe());
        }
        if self.action_line == 0 || self.action_line == token.line {
            return token.text.clone();
        }
        let started = format!("started at {}:{}", self.source.name, self.action_line);
        if token.text.ends_with(" action") {
            format!("{} {started}", token.text)
        } else {
            format!("{} in action {started}", token.text)
        }
    }
}

fn check_pipeline(pipe: &Pipe, context: &str) -> Parsed<()> {
    if pipe.commands.is_empty() {
        return Err(format!("missing value for {context}"));
    }
    for (stage, command) in pipe.commands.iter().enumerate().skip(1) {
        if let Some(Arg::Bool { .. } | Arg::Dot { .. } | Arg::Nil { .. } | Arg::Number { .. } | Arg::Str { .. }) =
            command.args.first()
        {
            return Err(format!("non executable command in pipeline stage {}", stage + 1));
        }
    }
    Ok(())
}

fn read_number(token: &Token) -> Parsed<Number> {
    let text = token.text.clone();
    if token.kind == Kind::CharConstant {
        let code = quote::unquote_rune(&text)?;
        #[expect(clippy::cast_precision_loss, reason = "a code point fits a float exactly")]
        return Ok(Number {
            text,
            int: Some(code),
            float: Some(code as f64),
            is_float: false,
        });
    }
    if token.kind == Kind::Complex || text.ends_with('i') {
        return Err(format!("complex numbers are not supported: {}", quote::quote(&text)));
    }
    let int = number::parse_int(&text, true);
    if let Some(value) = int {
        #[expect(clippy::cast_precision_loss, reason = "Go converts the same way")]
        return Ok(Number {
            text,
            int,
            float: Some(value as f64),
            is_float: false,
        });
    }
    if let Some(value) = number::parse_uint(&text, true) {
        #[expect(clippy::cast_precision_loss, reason = "Go converts the same way")]
        return Ok(Number {
            text,
            int: None,
            float: Some(value as f64),
            is_float: false,
        });
    }
    let Some(float) = number::parse_float(&text.replace('_', "")) else {
        return Err(format!("illegal number syntax: {}", quote::quote(&text)));
    };
    if !text.contains(['.', 'e', 'E', 'p', 'P']) {
        return Err(format!("integer overflow: {}", quote::quote(&text)));
    }
    #[expect(clippy::cast_possible_truncation, reason = "only kept where the conversion is exact")]
    let whole = float as i64;
    #[expect(
        clippy::cast_precision_loss,
        clippy::float_cmp,
        reason = "the test for exactness is Go's"
    )]
    let int = (whole as f64 == float).then_some(whole);
    Ok(Number {
        text,
        int,
        float: Some(float),
        is_float: true,
    })
}
