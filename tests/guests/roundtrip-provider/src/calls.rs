//! The interfaces that are about parameters and results rather than types.

/// Functions that answer with their parameters, written out.
macro_rules! written_out {
    ($($name:ident($($p:ident: $ty:ty),*))*) => {$(
        fn $name($($p: $ty),*) -> String {
            [$($p.to_string()),*].join(" ")
        }
    )*};
    (async $($name:ident($($p:ident: $ty:ty),*))*) => {$(
        async fn $name($($p: $ty),*) -> String {
            $crate::echo::pause().await;
            [$($p.to_string()),*].join(" ")
        }
    )*};
}

#[doc(hidden)]
pub mod params_sync {
    witflow::generate!({ path: "../../wit/params-sync.wit", world: "provider" });

    pub struct Provider;
    export!(Provider);

    impl exports::test::params_sync::api::Guest for Provider {
        written_out! {
            flat15(a: u8, b: u64, c: f32, d: f64, e: u8, f: u64, g: f32, h: f64, i: u8, j: u64, k: f32, l: f64,
                m: u8, n: u64, o: f32)
            flat16(a: u8, b: u64, c: f32, d: f64, e: u8, f: u64, g: f32, h: f64, i: u8, j: u64, k: f32, l: f64,
                m: u8, n: u64, o: f32, p: f64)
            flat17(a: u8, b: u64, c: f32, d: f64, e: u8, f: u64, g: f32, h: f64, i: u8, j: u64, k: f32, l: f64,
                m: u8, n: u64, o: f32, p: f64, q: u8)
        }
    }
}

#[doc(hidden)]
pub mod params_async {
    witflow::generate!({ path: "../../wit/params-async.wit", world: "provider" });

    pub struct Provider;
    export!(Provider);

    impl exports::test::params_async::api::Guest for Provider {
        written_out! { async
            flat4(a: u8, b: u64, c: f32, d: f64)
            flat5(a: u8, b: u64, c: f32, d: f64, e: u8)
            flat16(a: u8, b: u64, c: f32, d: f64, e: u8, f: u64, g: f32, h: f64, i: u8, j: u64, k: f32, l: f64,
                m: u8, n: u64, o: f32, p: f64)
            flat17(a: u8, b: u64, c: f32, d: f64, e: u8, f: u64, g: f32, h: f64, i: u8, j: u64, k: f32, l: f64,
                m: u8, n: u64, o: f32, p: f64, q: u8)
        }
    }
}

#[doc(hidden)]
pub mod params_strings {
    witflow::generate!({ path: "../../wit/params-strings.wit", world: "provider" });

    pub struct Provider;
    export!(Provider);

    impl exports::test::params_strings::api::Guest for Provider {
        async fn flat4(a: String, b: String) -> Vec<String> {
            vec![a, b]
        }

        async fn flat6(a: String, b: String, c: String) -> Vec<String> {
            crate::echo::pause().await;
            vec![a, b, c]
        }

        fn flat16(
            a: String,
            b: String,
            c: String,
            d: String,
            e: String,
            f: String,
            g: String,
            h: String,
        ) -> Vec<String> {
            vec![a, b, c, d, e, f, g, h]
        }

        fn flat18(
            a: String,
            b: String,
            c: String,
            d: String,
            e: String,
            f: String,
            g: String,
            h: String,
            i: String,
        ) -> Vec<String> {
            vec![a, b, c, d, e, f, g, h, i]
        }
    }
}

#[doc(hidden)]
pub mod results_flat {
    witflow::generate!({ path: "../../wit/results-flat.wit", world: "provider" });
    use exports::test::results_flat::api::{Four, Guest};

    pub struct Provider;
    export!(Provider);

    impl Guest for Provider {
        fn none(_x: u32) {}

        fn one(x: u32) -> u32 {
            x
        }

        fn two(x: u32) -> (u32, u64) {
            (x, !u64::from(x))
        }

        async fn none_async(_x: u32) {
            crate::echo::pause().await;
        }

        async fn one_async(x: u32) -> u32 {
            x
        }

        async fn two_async(x: u32) -> (u32, u64) {
            crate::echo::pause().await;
            (x, !u64::from(x))
        }

        async fn sixteen_async((a, b, c, d): Four) -> (Four, Four, Four, Four) {
            ((a, b, c, d), (b, c, d, a), (c, d, a, b), (d, a, b, c))
        }

        async fn seventeen_async((a, b, c, d): Four) -> (Four, Four, Four, Four, u32) {
            crate::echo::pause().await;
            ((a, b, c, d), (b, c, d, a), (c, d, a, b), (d, a, b, c), !a)
        }
    }
}

#[doc(hidden)]
pub mod no_params {
    witflow::generate!({ path: "../../wit/no-params.wit", world: "provider" });

    pub struct Provider;
    export!(Provider);

    impl exports::test::no_params::api::Guest for Provider {
        fn nothing() {}

        fn text() -> String {
            "sync".to_owned()
        }

        async fn nothing_async() {
            crate::echo::pause().await;
        }

        async fn text_async() -> String {
            crate::echo::pause().await;
            "async".to_owned()
        }
    }
}

#[doc(hidden)]
pub mod indirect_both {
    witflow::generate!({ path: "../../wit/indirect-both.wit", world: "provider" });
    use exports::test::indirect_both::api::{Block, Guest};

    pub struct Provider;
    export!(Provider);

    impl Guest for Provider {
        fn swap(x: Block, y: Block) -> (Block, Block) {
            (y, x)
        }

        async fn swap_async(x: Block, y: Block) -> (Block, Block) {
            crate::echo::pause().await;
            (y, x)
        }
    }
}
