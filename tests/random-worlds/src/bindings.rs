//! Bindings of a text, or why there are none.

use std::panic::{AssertUnwindSafe, catch_unwind};

use wit_parser::{Docs, Resolve, TypeDefKind};
use witflow_bindgen_rust::core::diagnostic::Diagnostics;
use witflow_bindgen_rust::core::load::Input;
use witflow_bindgen_rust::{generate, host, output};

use crate::options;
use crate::random::Random;
use crate::smith::WORLD;

/// How the generator answers a text.
pub(crate) enum Answer {
    /// By code.
    Code(String),
    /// By errors with a place each.
    Refused(String),
    /// In a way it never should.
    Wrong(String),
}

/// Makes bindings. `docs` chooses the documentation that is put everywhere, if any is.
pub(crate) fn bindings(text: &str, docs: Option<&mut Random>) -> Answer {
    let answer = catch_unwind(AssertUnwindSafe(|| try_bindings(text, docs)));
    answer.unwrap_or_else(|panic| {
        let message = panic.downcast_ref::<String>().map(String::as_str);
        let message = message.or(panic.downcast_ref::<&str>().copied()).unwrap_or_default();
        Answer::Wrong(format!("panicked: {message}"))
    })
}

fn try_bindings(text: &str, docs: Option<&mut Random>) -> Answer {
    let world = text
        .lines()
        .next()
        .and_then(|line| line.strip_prefix(WORLD))
        .unwrap_or_default();
    let input = Input {
        inline: Some(text.to_owned()),
        world: Some(world.to_owned()),
        all_features: true,
        ..Input::default()
    };
    let mut loaded = match input.load() {
        Ok(loaded) => loaded,
        Err(errors) => return refusal(&errors),
    };
    if let Some(random) = docs {
        document(&mut loaded.resolve, random);
    }
    let options = options::of(text);
    let tokens = match options::for_host(text) {
        true => host::generate(&loaded, &options),
        false => generate(&loaded, &options, None),
    };
    let tokens = match tokens {
        Ok(tokens) => tokens,
        Err(errors) => return refusal(&errors),
    };
    match output::print(tokens) {
        Ok(code) => Answer::Code(code),
        Err(error) => Answer::Wrong(error.to_string()),
    }
}

fn refusal(errors: &Diagnostics) -> Answer {
    if errors.0.iter().all(|error| error.place.is_some()) {
        Answer::Refused(errors.to_string())
    } else {
        Answer::Wrong(format!("an error without a place: {errors}"))
    }
}

/// What documentation may hold, from text and from encoded packages.
const DOCS: &[&str] = &[
    "*/ pub fn injected() {} /*",
    "\"#)] pub fn injected() {} #[doc(r#\"",
    "a\rb",
    "\u{202e}right to left\u{2066}",
    "\0\u{7}\u{1b}[31m",
    "```\nlet x = 1;\n```",
    "\\ \\u{0} {} {0} $x $crate",
    "//! inner\n/// outer\n#![allow(x)]",
    "",
    "\n\n  \n",
    "\t\u{a0}\u{feff}ß\u{1f600}",
];

fn document(resolve: &mut Resolve, random: &mut Random) {
    let mut set = |docs: &mut Docs| {
        if random.once_in(2) {
            docs.contents = Some((*random.one_of(DOCS)).to_owned());
        }
    };
    for (_, world) in resolve.worlds.iter_mut() {
        set(&mut world.docs);
    }
    for (_, interface) in resolve.interfaces.iter_mut() {
        set(&mut interface.docs);
        interface
            .functions
            .values_mut()
            .for_each(|function| set(&mut function.docs));
    }
    for (_, ty) in resolve.types.iter_mut() {
        set(&mut ty.docs);
        match &mut ty.kind {
            TypeDefKind::Record(record) => record.fields.iter_mut().for_each(|field| set(&mut field.docs)),
            TypeDefKind::Variant(variant) => variant.cases.iter_mut().for_each(|case| set(&mut case.docs)),
            TypeDefKind::Enum(def) => def.cases.iter_mut().for_each(|case| set(&mut case.docs)),
            TypeDefKind::Flags(flags) => flags.flags.iter_mut().for_each(|flag| set(&mut flag.docs)),
            _ => {}
        }
    }
}
