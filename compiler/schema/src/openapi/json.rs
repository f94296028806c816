//! Writing JSON from start to end, commas and escapes included.

/// JSON text in the making.
#[derive(Default)]
pub(super) struct Writer {
    out: String,
    /// Whether a value stands before this place, so that the next one needs a comma.
    follows: bool,
}

impl Writer {
    pub(super) fn finish(self) -> String {
        self.out
    }

    /// An object, whose members `write` adds.
    pub(super) fn object(&mut self, write: impl FnOnce(&mut Writer)) {
        self.open('{');
        write(self);
        self.close('}');
    }

    /// An array of what `write` makes of every element.
    pub(super) fn array<T: Copy>(&mut self, elements: &[T], write: impl Fn(&mut Writer, T)) {
        self.open('[');
        for element in elements {
            write(self, *element);
        }
        self.close(']');
    }

    pub(super) fn texts(&mut self, texts: &[&str]) {
        self.array(texts, |w, text| {
            w.separate();
            w.quote(text);
        });
    }

    /// A member with a text.
    pub(super) fn text(&mut self, name: &str, text: &str) {
        self.member(name).quote(text);
        self.follows = true;
    }

    /// The name of a member, whose value comes next.
    pub(super) fn member(&mut self, name: &str) -> &mut Writer {
        self.separate();
        self.quote(name);
        self.out.push(':');
        self.follows = false;
        self
    }

    /// A value that is JSON already.
    pub(super) fn raw(&mut self, json: &str) {
        self.separate();
        self.out.push_str(json);
    }

    fn open(&mut self, bracket: char) {
        self.separate();
        self.out.push(bracket);
        self.follows = false;
    }

    fn close(&mut self, bracket: char) {
        self.out.push(bracket);
        self.follows = true;
    }

    fn separate(&mut self) {
        if self.follows {
            self.out.push(',');
        }
        self.follows = true;
    }

    fn quote(&mut self, text: &str) {
        self.out.push('"');
        for letter in text.chars() {
            match letter {
                '"' => self.out.push_str("\\\""),
                '\\' => self.out.push_str("\\\\"),
                '\n' => self.out.push_str("\\n"),
                control if control.is_control() => self.out.push_str(&format!("\\u{:04x}", u32::from(control))),
                letter => self.out.push(letter),
            }
        }
        self.out.push('"');
    }
}
