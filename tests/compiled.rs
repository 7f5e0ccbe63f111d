//! Compiles the generated code of every WIT file and of the worlds of WASI, with warnings denied. That it compiles is the test.

#![deny(warnings)]
#![allow(
    unreachable_pub,
    reason = "types of a world are public at its root, and a test exports nothing"
)]

#[rustfmt::skip]
#[path = "golden/mod.rs"]
mod golden;

/// By the macro, whose code is that of the other front ends.
mod wasi {
    mod imports_0_2 {
        witflow::generate!({ path: "tests/wit-wasi-0.2", world: "imports" });
    }
    mod imports_0_2_borrowing {
        witflow::generate!({
            path: "tests/wit-wasi-0.2",
            world: "imports",
            ownership: Borrowing { duplicate_if_necessary: true },
        });
    }
    mod command_0_2 {
        witflow::generate!({ path: "tests/wit-wasi-0.2", world: "command" });
    }
    mod proxy_0_2 {
        witflow::generate!({ path: "tests/wit-wasi-0.2", world: "proxy" });
    }
    mod imports_0_3 {
        witflow::generate!({ path: "tests/wit-wasi", world: "imports" });
    }
    mod command_0_3 {
        witflow::generate!({ path: "tests/wit-wasi", world: "command" });
    }
    mod service_0_3 {
        witflow::generate!({ path: "tests/wit-wasi", world: "service" });
    }
    mod middleware_0_3 {
        witflow::generate!({ path: "tests/wit-wasi", world: "middleware" });
    }
}

/// A type that stands in for a resource knows handles as numbers only.
mod foreign {
    struct Number(u32);

    impl Number {
        fn take_handle(&self) -> u32 {
            self.0
        }

        fn from_handle(handle: u32) -> Self {
            Self(handle)
        }
    }

    mod bindings {
        use super::Number;

        witflow::generate!({
            inline: "package test:foreign; interface api { resource r; give: func(x: r, y: list<r>) -> option<r>; }
                world w { import api; }",
            with: { "test:foreign/api/r": Number },
        });
    }

    #[expect(dead_code, reason = "that it compiles is the test")]
    fn give() -> Option<Number> {
        bindings::test::foreign::api::give(Number(1), Vec::new())
    }
}

mod chained {
    witflow::generate!({
        inline: "package test:chained; interface api { resource r { constructor(); a: func(x: u32); b: async func(x: borrow<r>); } }
            world w { import api; }",
        chainable_methods: ["&test:chained/api#[method]r.a", "all"],
    });

    #[expect(dead_code, reason = "that it compiles is the test")]
    async fn chain(other: &test::chained::api::R) {
        let r = test::chained::api::R::new();
        r.a(1).a(2);
        let _r = r.b(other).await.b(other).await;
    }
}

/// Parts of a borrowed tuple are references only if there is something to borrow.
mod mixed {
    mod bindings {
        witflow::generate!({
            inline: "package test:mixed;
                interface api {
                    type number = s64; enum kind { a, b } record point { x: u32, y: u32 }
                    take: func(x: tuple<string, number, kind, point>);
                }
                world w { import api; }",
        });
    }

    #[expect(dead_code, reason = "that it compiles is the test")]
    fn take() {
        use bindings::test::mixed::api::{Kind, Point, take};
        take(("text", 1, Kind::B, Point { x: 1, y: 2 }));
    }
}

/// What has two definitions converts.
mod converted {
    mod bindings {
        witflow::generate!({
            inline: "package test:converted;
                interface api {
                    record plain { a: u32, b: option<u8> }
                    record leaf { name: string, bytes: list<u8>, at: plain }
                    record tree { leaf: leaf, maybe: option<tuple<string, leaf>>, three: list<string, 3>, known: map<u32, bool> }
                    variant choice { none, some(tree), one(result<string, list<u32>>), all(list<plain>) }
                    record wide { leaves: list<leaf>, named: map<string, string>, choice: choice }
                    take: func(x: wide, y: choice) -> wide;
                }
                world w { import api; export api; }",
            ownership: Borrowing { duplicate_if_necessary: true },
        });
    }

    use bindings::exports::test::converted::api as exported;
    use bindings::test::converted::api as imported;

    fn choice() -> imported::ChoiceResult {
        let at = imported::Plain { a: 7, b: Some(1) };
        let leaf = |name: &str| imported::LeafResult {
            name: name.to_owned(),
            bytes: vec![1, 2],
            at,
        };
        imported::ChoiceResult::Some(imported::TreeResult {
            leaf: leaf("leaf"),
            maybe: Some(("maybe".to_owned(), leaf("other"))),
            three: ["a", "b", "c"].map(str::to_owned),
            known: [(3, true)].into_iter().collect(),
        })
    }

    #[test]
    fn the_owned_form_is_borrowed_and_copied_back() {
        let value = choice();
        let borrowed = imported::ChoiceParam::from(&value);
        let imported::ChoiceParam::Some(tree) = &borrowed else {
            panic!("the case changed: {borrowed:?}");
        };
        assert_eq!(tree.three, ["a", "b", "c"]);
        let copy = imported::ChoiceResult::from(borrowed);
        assert_eq!(format!("{copy:?}"), format!("{value:?}"));
    }

    #[test]
    fn what_one_side_gave_is_what_the_other_takes() {
        let wide = imported::WideResult {
            leaves: Vec::new(),
            named: [("k".to_owned(), "v".to_owned())].into_iter().collect(),
            choice: choice(),
        };
        let text = format!("{wide:?}").replace("WideResult", "Wide");
        let there = exported::Wide::from(wide);
        assert_eq!(
            format!("{there:?}").replace("Result {", " {"),
            text.replace("Result {", " {")
        );
        let back = imported::WideResult::from(there);
        assert_eq!(back.named.len(), 1);
    }

    #[test]
    fn slices_are_copied() {
        let at = imported::Plain { a: 7, b: None };
        let leaves = [imported::LeafParam {
            name: "x",
            bytes: &[1],
            at,
        }];
        let named = Default::default();
        let choice = imported::ChoiceParam::One(Err(&[1, 2, 3]));
        let wide = exported::Wide::from(imported::WideParam {
            leaves: &leaves,
            named: &named,
            choice,
        });
        assert_eq!(wide.leaves[0].name, "x");
        assert!(matches!(wide.choice, exported::Choice::One(Err(list)) if list == [1, 2, 3]));
    }
}
