//! The language: `{name}` is a gap, `{name|filter}` a gap whose filling is changed, `{>name}` another template, `{{` a brace.

/// A piece of a template.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Part {
    Text(String),
    Gap { name: String, filter: Filter },
    Include(String),
}

/// What is done to what fills a gap.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Filter {
    Plain,
    Upper,
    Initial,
}

impl Filter {
    /// The filling, changed.
    ///
    /// # Panics
    ///
    /// `Initial` does if there is no letter. A plugin has defects, and this one is here to see what comes of it.
    pub(crate) fn apply(self, text: &str) -> String {
        match self {
            Self::Plain => text.to_owned(),
            Self::Upper => text.to_uppercase(),
            Self::Initial => {
                let first = text.chars().next().expect("everybody has a name");
                format!("{first}.")
            }
        }
    }

    fn named(name: &str) -> Result<Self, String> {
        match name {
            "upper" => Ok(Self::Upper),
            "initial" => Ok(Self::Initial),
            _ => Err(format!("there is no filter `{name}`")),
        }
    }
}

/// Reads a template.
pub(crate) fn parse(text: &str) -> Result<Vec<Part>, String> {
    let (mut parts, mut plain, mut rest) = (Vec::new(), String::new(), text);
    while let Some((before, after)) = rest.split_once('{') {
        plain.push_str(before);
        if let Some(after) = after.strip_prefix('{') {
            plain.push('{');
            rest = after;
            continue;
        }
        let Some((inside, after)) = after.split_once('}') else {
            return Err(format!("`{{{after}` has no end"));
        };
        if !plain.is_empty() {
            parts.push(Part::Text(std::mem::take(&mut plain)));
        }
        parts.push(gap(inside)?);
        rest = after;
    }
    plain.push_str(rest);
    if !plain.is_empty() {
        parts.push(Part::Text(plain));
    }
    Ok(parts)
}

/// Reads what stands between braces.
fn gap(inside: &str) -> Result<Part, String> {
    if let Some(name) = inside.strip_prefix('>') {
        return Ok(Part::Include(name.to_owned()));
    }
    let (name, filter) = match inside.split_once('|') {
        Some((name, filter)) => (name, Filter::named(filter)?),
        None => (inside, Filter::Plain),
    };
    if name.is_empty() {
        return Err("a gap has no name".to_owned());
    }
    Ok(Part::Gap {
        name: name.to_owned(),
        filter,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: &[Part]) {
        assert_eq!(parse(text).as_deref(), Ok(expected));
    }

    #[track_caller]
    fn wrong(text: &str, said: &str) {
        assert_eq!(parse(text), Err(said.to_owned()));
    }

    fn text(text: &str) -> Part {
        Part::Text(text.to_owned())
    }

    fn name(name: &str, filter: Filter) -> Part {
        let name = name.to_owned();
        Part::Gap { name, filter }
    }

    #[test]
    fn gaps_and_text() {
        check("", &[]);
        check("{a}", &[name("a", Filter::Plain)]);
        check(
            "x {a|upper}{b|initial} y",
            &[
                text("x "),
                name("a", Filter::Upper),
                name("b", Filter::Initial),
                text(" y"),
            ],
        );
        check("{>part}.", &[Part::Include("part".to_owned()), text(".")]);
        check("{{a}", &[text("{a}")]);
    }

    #[test]
    fn what_is_wrong_is_said() {
        wrong("x {a", "`{a` has no end");
        wrong("{a|loud}", "there is no filter `loud`");
        wrong("{|upper}", "a gap has no name");
    }
}
