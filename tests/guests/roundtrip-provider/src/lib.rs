//! Gives back whatever it is given, for each `tests/wit` file whose types cross the boundary.

mod calls;
mod echo;
mod resources;

#[doc(hidden)]
pub use calls::{indirect_both, no_params, params_async, params_strings, params_sync, results_flat};
#[doc(hidden)]
pub use resources::{
    resource, resource_async, resource_borrow, resource_fallible, resource_lent, resource_own, resource_stream,
    resource_use,
};

// One line for each file whose interface has the echo functions. Those whose type holds streams or futures say how to
// pass on the contents, for the caller could not read what comes from itself.
echo::features! {
    plain {
        alias "../../wit/alias.wit";
        enum1 "../../wit/enum1.wit";
        enum256 "../../wit/enum256.wit";
        enum257 "../../wit/enum257.wit";
        enum3 "../../wit/enum3.wit";
        fixed_list_record "../../wit/fixed-list-record.wit";
        fixed_list_string "../../wit/fixed-list-string.wit";
        fixed_list_u8 "../../wit/fixed-list-u8.wit";
        flags1 "../../wit/flags1.wit";
        flags16 "../../wit/flags16.wit";
        flags17 "../../wit/flags17.wit";
        flags32 "../../wit/flags32.wit";
        flags8 "../../wit/flags8.wit";
        flags9 "../../wit/flags9.wit";
        list_bool "../../wit/list-bool.wit";
        list_char "../../wit/list-char.wit";
        list_f64 "../../wit/list-f64.wit";
        list_list "../../wit/list-list.wit";
        list_record "../../wit/list-record.wit";
        list_string "../../wit/list-string.wit";
        list_tuple "../../wit/list-tuple.wit";
        list_u32 "../../wit/list-u32.wit";
        list_u8 "../../wit/list-u8.wit";
        map_keys "../../wit/map-keys.wit";
        map_nested "../../wit/map-nested.wit";
        map_string_u32 "../../wit/map-string-u32.wit";
        map_u32_string "../../wit/map-u32-string.wit";
        option_option "../../wit/option-option.wit";
        option_string "../../wit/option-string.wit";
        option_u32 "../../wit/option-u32.wit";
        prim_bool "../../wit/prim-bool.wit";
        prim_f32 "../../wit/prim-f32.wit";
        prim_f64 "../../wit/prim-f64.wit";
        prim_s16 "../../wit/prim-s16.wit";
        prim_s32 "../../wit/prim-s32.wit";
        prim_s64 "../../wit/prim-s64.wit";
        prim_s8 "../../wit/prim-s8.wit";
        prim_string "../../wit/prim-string.wit";
        prim_u16 "../../wit/prim-u16.wit";
        prim_u32 "../../wit/prim-u32.wit";
        prim_u64 "../../wit/prim-u64.wit";
        prim_u8 "../../wit/prim-u8.wit";
        record_nested "../../wit/record-nested.wit";
        record_scalars "../../wit/record-scalars.wit";
        record_strings "../../wit/record-strings.wit";
        record_wide "../../wit/record-wide.wit";
        result_both "../../wit/result-both.wit";
        result_err "../../wit/result-err.wit";
        result_ok "../../wit/result-ok.wit";
        result_unit "../../wit/result-unit.wit";
        tuple_mixed "../../wit/tuple-mixed.wit";
        tuple1 "../../wit/tuple1.wit";
        tuple2 "../../wit/tuple2.wit";
        use_chain "../../wit/use-chain.wit";
        variant_join_f32_f64 "../../wit/variant-join-f32-f64.wit";
        variant_join_i32_f32 "../../wit/variant-join-i32-f32.wit";
        variant_join_i32_i64 "../../wit/variant-join-i32-i64.wit";
        variant_join_length_f64 "../../wit/variant-join-length-f64.wit";
        variant_join_pointer_i64 "../../wit/variant-join-pointer-i64.wit";
        variant_mixed "../../wit/variant-mixed.wit";
        variant_nested "../../wit/variant-nested.wit";
        variant_unit "../../wit/variant-unit.wit";
        variant257 "../../wit/variant257.wit";
    }
    without streams {
        prim_char "../../wit/prim-char.wit";
    }
    handles {
        future_future "../../wit/future-future.wit" |x|
            future(x, wit_future::new(unwritten), |x| future(x, wit_future::new(unwritten), same));
        future_in_result "../../wit/future-in-result.wit" |x|
            x.map(|x| future(x, wit_future::new(unwritten), same))
                .map_err(|x| stream(x, wit_stream::new(), same));
        future_stream "../../wit/future-stream.wit" |x|
            future(x, wit_future::new(unwritten), |x| stream(x, wit_stream::new(), same));
        future_string "../../wit/future-string.wit" |x| future(x, wit_future::new(unwritten), same);
        future_u64 "../../wit/future-u64.wit" |x| future(x, wit_future::new(unwritten), same);
        future_unit "../../wit/future-unit.wit" |x| future(x, wit_future::new(unwritten), same);
        stream_future "../../wit/stream-future.wit" |x|
            stream(x, wit_stream::new(), |x| future(x, wit_future::new(unwritten), same));
        stream_in_list "../../wit/stream-in-list.wit" |x|
            x.into_iter().map(|x| stream(x, wit_stream::new(), same)).collect();
        stream_in_option "../../wit/stream-in-option.wit" |x| x.map(|x| stream(x, wit_stream::new(), same));
        stream_in_record "../../wit/stream-in-record.wit" |x| Download {
            name: x.name,
            body: stream(x.body, wit_stream::new(), same),
            done: future(x.done, wit_future::new(unwritten), same),
        };
        stream_in_tuple "../../wit/stream-in-tuple.wit" |x|
            (stream(x.0, wit_stream::new(), same), x.1, future(x.2, wit_future::new(unwritten), same));
        stream_in_variant "../../wit/stream-in-variant.wit" |x| match x {
            Source::Live(x) => Source::Live(stream(x, wit_stream::new(), same)),
            Source::Later(x) => Source::Later(future(x, wit_future::new(unwritten), same)),
            other => other,
        };
        stream_record "../../wit/stream-record.wit" |x|
            stream(x, wit_stream::new(), |x| Document { body: stream(x.body, wit_stream::new(), same), ..x });
        stream_stream "../../wit/stream-stream.wit" |x|
            stream(x, wit_stream::new(), |x| stream(x, wit_stream::new(), same));
        stream_string "../../wit/stream-string.wit" |x| stream(x, wit_stream::new(), same);
        stream_u8 "../../wit/stream-u8.wit" |x| stream(x, wit_stream::new(), same);
        stream_unit "../../wit/stream-unit.wit" |x| stream(x, wit_stream::new(), same);
    }
}
