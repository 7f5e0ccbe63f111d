//! One line for each `tests/wit` file whose interface has the echo functions: the file, and how a value is passed to
//! the synchronous function, which borrows what it need not own.

use witflow::{FutureReader, FutureWriter, StreamReader, StreamWriter};

use crate::check::{Feature, Streaming, check, check_stream};
use crate::values::{FuturePayload, StreamPayload};

/// A module for each feature, and the function that checks them all.
macro_rules! features {
    (
        plain { $($plain:ident $plain_path:literal |$x:ident| $argument:expr;)* }
        without streams { $($other:ident $other_path:literal |$y:ident| $other_argument:expr;)* }
        handles { $($handles:ident $handles_path:literal;)* }
    ) => {
        $(
            bindings!($plain $plain_path);
            calls!($plain |$x| $argument, |list| &list, false);
            streams!($plain);
        )*
        $(
            bindings!($other $other_path);
            calls!($other |$y| $other_argument, |list| &list, false);
        )*
        $(
            bindings!($handles $handles_path);
            calls!($handles |x| x, |list| list, true);
            streams!($handles);
        )*

        /// The descriptions of the worlds whose imports these are.
        pub(crate) const WORLDS: &[&[u8]] =
            &[$($plain::_COMPONENT_TYPE,)* $($other::_COMPONENT_TYPE,)* $($handles::_COMPONENT_TYPE,)*];

        /// Checks every feature, and says what failed.
        pub(crate) async fn check_all() -> Vec<String> {
            let mut failures = Vec::new();
            $(
                failures.extend(check::<$plain::Api>().await.err());
                failures.extend(check_stream::<$plain::Api>().await.err());
            )*
            $(failures.extend(check::<$other::Api>().await.err());)*
            $(
                failures.extend(check::<$handles::Api>().await.err());
                failures.extend(check_stream::<$handles::Api>().await.err());
            )*
            failures
        }
    };
}

/// The module of one feature.
macro_rules! bindings {
    ($feature:ident $path:literal) => {
        pub(crate) mod $feature {
            witflow::generate!({ path: $path, world: "consumer" });

            pub(crate) use self::test::$feature::api::*;
            pub(crate) struct Api;
        }
    };
}

/// Its calls, and its type as the payload of a future.
macro_rules! calls {
    ($feature:ident |$x:ident| $argument:expr, |$list:ident| $list_argument:expr, $handles:literal) => {
        impl Feature for $feature::Api {
            const NAME: &'static str = stringify!($feature);
            const HANDLES: bool = $handles;
            type T = $feature::T;

            fn echo($x: Self::T) -> Self::T {
                $feature::echo($argument)
            }

            fn echo_list($list: Vec<Self::T>) -> Vec<Self::T> {
                $feature::echo_list($list_argument)
            }

            async fn echo_async(x: Self::T) -> Self::T {
                $feature::echo_async(x).await
            }

            async fn echo_list_async(x: Vec<Self::T>) -> Vec<Self::T> {
                $feature::echo_list_async(x).await
            }

            async fn echo_future(x: FutureReader<Self::T>) -> FutureReader<Self::T> {
                $feature::echo_future(x).await
            }
        }

        impl FuturePayload for $feature::T {
            fn future() -> (FutureWriter<Self>, FutureReader<Self>) {
                $feature::wit_future::new(|| unreachable!("the value is always written"))
            }
        }
    };
}

/// Its type as the payload of a stream.
macro_rules! streams {
    ($feature:ident) => {
        impl Streaming for $feature::Api {
            async fn echo_stream(x: StreamReader<Self::T>) -> StreamReader<Self::T> {
                $feature::echo_stream(x).await
            }
        }

        impl StreamPayload for $feature::T {
            fn stream() -> (StreamWriter<Self>, StreamReader<Self>) {
                $feature::wit_stream::new()
            }
        }
    };
}

features! {
    plain {
        alias "../../wit/alias.wit" |x| &x;
        enum1 "../../wit/enum1.wit" |x| x;
        enum256 "../../wit/enum256.wit" |x| x;
        enum257 "../../wit/enum257.wit" |x| x;
        enum3 "../../wit/enum3.wit" |x| x;
        fixed_list_record "../../wit/fixed-list-record.wit" |x| &x;
        fixed_list_string "../../wit/fixed-list-string.wit" |x| &x;
        fixed_list_u8 "../../wit/fixed-list-u8.wit" |x| x;
        flags1 "../../wit/flags1.wit" |x| x;
        flags16 "../../wit/flags16.wit" |x| x;
        flags17 "../../wit/flags17.wit" |x| x;
        flags32 "../../wit/flags32.wit" |x| x;
        flags8 "../../wit/flags8.wit" |x| x;
        flags9 "../../wit/flags9.wit" |x| x;
        list_bool "../../wit/list-bool.wit" |x| &x;
        list_char "../../wit/list-char.wit" |x| &x;
        list_f64 "../../wit/list-f64.wit" |x| &x;
        list_list "../../wit/list-list.wit" |x| &x;
        list_record "../../wit/list-record.wit" |x| &x;
        list_string "../../wit/list-string.wit" |x| &x;
        list_tuple "../../wit/list-tuple.wit" |x| &x;
        list_u32 "../../wit/list-u32.wit" |x| &x;
        list_u8 "../../wit/list-u8.wit" |x| &x;
        map_keys "../../wit/map-keys.wit" |x| &x;
        map_nested "../../wit/map-nested.wit" |x| &x;
        map_string_u32 "../../wit/map-string-u32.wit" |x| &x;
        map_u32_string "../../wit/map-u32-string.wit" |x| &x;
        option_option "../../wit/option-option.wit" |x| x;
        option_string "../../wit/option-string.wit" |x| &x;
        option_u32 "../../wit/option-u32.wit" |x| x;
        prim_bool "../../wit/prim-bool.wit" |x| x;
        prim_f32 "../../wit/prim-f32.wit" |x| x;
        prim_f64 "../../wit/prim-f64.wit" |x| x;
        prim_s16 "../../wit/prim-s16.wit" |x| x;
        prim_s32 "../../wit/prim-s32.wit" |x| x;
        prim_s64 "../../wit/prim-s64.wit" |x| x;
        prim_s8 "../../wit/prim-s8.wit" |x| x;
        prim_string "../../wit/prim-string.wit" |x| &x;
        prim_u16 "../../wit/prim-u16.wit" |x| x;
        prim_u32 "../../wit/prim-u32.wit" |x| x;
        prim_u64 "../../wit/prim-u64.wit" |x| x;
        prim_u8 "../../wit/prim-u8.wit" |x| x;
        record_nested "../../wit/record-nested.wit" |x| &x;
        record_scalars "../../wit/record-scalars.wit" |x| x;
        record_strings "../../wit/record-strings.wit" |x| &x;
        record_wide "../../wit/record-wide.wit" |x| &x;
        result_both "../../wit/result-both.wit" |x| &x;
        result_err "../../wit/result-err.wit" |x| &x;
        result_ok "../../wit/result-ok.wit" |x| x;
        result_unit "../../wit/result-unit.wit" |x| x;
        tuple_mixed "../../wit/tuple-mixed.wit" |x| x;
        tuple1 "../../wit/tuple1.wit" |x| x;
        tuple2 "../../wit/tuple2.wit" |x| &x;
        use_chain "../../wit/use-chain.wit" |x| &x;
        variant_join_f32_f64 "../../wit/variant-join-f32-f64.wit" |x| x;
        variant_join_i32_f32 "../../wit/variant-join-i32-f32.wit" |x| x;
        variant_join_i32_i64 "../../wit/variant-join-i32-i64.wit" |x| x;
        variant_join_length_f64 "../../wit/variant-join-length-f64.wit" |x| &x;
        variant_join_pointer_i64 "../../wit/variant-join-pointer-i64.wit" |x| &x;
        variant_mixed "../../wit/variant-mixed.wit" |x| &x;
        variant_nested "../../wit/variant-nested.wit" |x| &x;
        variant_unit "../../wit/variant-unit.wit" |x| x;
        variant257 "../../wit/variant257.wit" |x| &x;
    }
    without streams {
        prim_char "../../wit/prim-char.wit" |x| x;
    }
    handles {
        future_future "../../wit/future-future.wit";
        future_in_result "../../wit/future-in-result.wit";
        future_stream "../../wit/future-stream.wit";
        future_string "../../wit/future-string.wit";
        future_u64 "../../wit/future-u64.wit";
        future_unit "../../wit/future-unit.wit";
        stream_future "../../wit/stream-future.wit";
        stream_in_list "../../wit/stream-in-list.wit";
        stream_in_option "../../wit/stream-in-option.wit";
        stream_in_record "../../wit/stream-in-record.wit";
        stream_in_tuple "../../wit/stream-in-tuple.wit";
        stream_in_variant "../../wit/stream-in-variant.wit";
        stream_record "../../wit/stream-record.wit";
        stream_stream "../../wit/stream-stream.wit";
        stream_string "../../wit/stream-string.wit";
        stream_u8 "../../wit/stream-u8.wit";
        stream_unit "../../wit/stream-unit.wit";
    }
}
