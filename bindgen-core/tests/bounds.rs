//! WIT that asks for too much is refused, and quickly: the tests end, or they would run for hours.

use std::fmt::Write;

use witflow_bindgen_core::diagnostic::Diagnostics;
use witflow_bindgen_core::load::Input;
use witflow_bindgen_core::world::World;

/// Loads inline WIT and collects its one world.
fn errors(wit: String) -> Diagnostics {
    let input = Input {
        inline: Some(wit),
        ..Input::default()
    };
    let loaded = input.load().unwrap_or_else(|errors| panic!("{errors}"));
    match World::new(&loaded.resolve, loaded.world, &mut |_, _, _| true) {
        Ok(_) => panic!("the world is accepted"),
        Err(errors) => errors,
    }
}

/// A type that holds the one before it twice, so many times over.
fn doubled(levels: u32, definition: impl Fn(u32) -> String) -> String {
    let mut wit = "package a:b;\ninterface i {\n  type t0 = u32;\n".to_owned();
    for level in 1..=levels {
        writeln!(wit, "  {}", definition(level)).expect("a string takes all text");
    }
    write!(wit, "  f: func(x: t{levels});\n}}\nworld w {{ import i; }}").expect("a string takes all text");
    wit
}

#[test]
fn values_beyond_the_bound() {
    let errors = errors(doubled(30, |level| {
        let inner = level - 1;
        format!("record t{level} {{ a: t{inner}, b: t{inner} }}")
    }));
    let [error] = &errors.0[..] else { panic!("{errors}") };
    assert!(error.message.contains("too large"), "{error}");
    assert!(error.place.is_some() && error.help.is_some(), "{error}");
}

#[test]
fn code_beyond_the_bound() {
    let errors = errors(doubled(20, |level| {
        format!("type t{level} = tuple<t{}, t{}>;", level - 1, level - 1)
    }));
    assert!(errors.0[0].message.contains("parts"), "{errors}");
}

#[test]
fn lists_beyond_the_bound() {
    for list in ["list<u8, 268435456>", "list<list<u8, 65536>, 65536>"] {
        let errors = errors(format!("package a:b; world w {{ import f: func(x: {list}); }}"));
        assert!(errors.0[0].message.contains("fixed-length list of"), "{errors}");
    }
}

#[cfg(unix)]
#[test]
fn folders_that_contain_themselves() {
    let folder = tempfile::tempdir().expect("a temporary directory can be made");
    std::fs::write(folder.path().join("a.wit"), "package a:b; world w {}").expect("the WIT can be written");
    std::os::unix::fs::symlink(".", folder.path().join("deps")).expect("links can be made");
    let input = Input {
        paths: vec![folder.path().to_owned()],
        ..Input::default()
    };
    // Whether the package is its own dependency is wit-parser's to say; that there is an answer is the test.
    let answered = input.load().map(|loaded| loaded.files.len());
    assert!(answered.is_ok_and(|files| files < 100) || input.load().is_err());
}
