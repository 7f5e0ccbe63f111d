//! The interfaces that are about parameters and results rather than types.

use std::array::from_fn;

use crate::check::compare;
use crate::values::Value;

/// Bindings without a feature's echo functions.
macro_rules! interfaces {
    ($($feature:ident $path:literal)*) => {$(
        mod $feature {
            witflow::generate!({ path: $path, world: "consumer" });
            pub(crate) use self::test::$feature::api::*;
        }
    )*

        /// The descriptions of the worlds whose imports these are.
        pub(crate) const WORLDS: &[&[u8]] = &[$($feature::_COMPONENT_TYPE),*];
    };
}

interfaces! {
    params_sync "../../wit/params-sync.wit"
    params_async "../../wit/params-async.wit"
    params_strings "../../wit/params-strings.wit"
    results_flat "../../wit/results-flat.wit"
    no_params "../../wit/no-params.wit"
    indirect_both "../../wit/indirect-both.wit"
}

/// Makes all the calls, and says what failed.
pub(crate) async fn check_all() -> Vec<String> {
    let results = [
        check_params_sync(),
        check_params_async().await,
        check_params_strings().await,
        check_results_flat().await,
        check_no_params().await,
        check_indirect_both().await,
    ];
    results.into_iter().filter_map(Result::err).collect()
}

/// Calls a function that answers with its parameters written out.
macro_rules! written_out {
    ($feature:ident $function:ident($($p:expr),*) $($wait:tt)*) => {{
        let sent = [$($p.to_string()),*].join(" ");
        let received = $feature::$function($($p),*)$($wait)*;
        compare(stringify!($feature), stringify!($function), &sent, &received)
    }};
}

fn check_params_sync() -> Result<(), String> {
    for (a, b, c, d) in <(u8, u64, f32, f64)>::edges() {
        written_out!(params_sync flat15(a, b, c, d, !a, !b, -c, -d, a, b, c, d, !a, !b, -c))?;
        written_out!(params_sync flat16(a, b, c, d, !a, !b, -c, -d, a, b, c, d, !a, !b, -c, -d))?;
        written_out!(params_sync flat17(a, b, c, d, !a, !b, -c, -d, a, b, c, d, !a, !b, -c, -d, a))?;
    }
    Ok(())
}

async fn check_params_async() -> Result<(), String> {
    for (a, b, c, d) in <(u8, u64, f32, f64)>::edges() {
        written_out!(params_async flat4(a, b, c, d).await)?;
        written_out!(params_async flat5(a, b, c, d, !a).await)?;
        written_out!(params_async flat16(a, b, c, d, !a, !b, -c, -d, a, b, c, d, !a, !b, -c, -d).await)?;
        written_out!(params_async flat17(a, b, c, d, !a, !b, -c, -d, a, b, c, d, !a, !b, -c, -d, a).await)?;
    }
    Ok(())
}

async fn check_params_strings() -> Result<(), String> {
    const FEATURE: &str = "params_strings";
    let texts = String::edges();
    for start in 0..texts.len() {
        let sent: [String; 9] = from_fn(|i| texts[(start + i) % texts.len()].clone());
        let [a, b, c, d, e, f, g, h, i] = &sent;
        let received = params_strings::flat16(a, b, c, d, e, f, g, h);
        compare(FEATURE, "flat16", &sent[..8].to_vec(), &received)?;
        let received = params_strings::flat18(a, b, c, d, e, f, g, h, i);
        compare(FEATURE, "flat18", &sent.to_vec(), &received)?;
        let received = params_strings::flat4(a.clone(), b.clone()).await;
        compare(FEATURE, "flat4", &sent[..2].to_vec(), &received)?;
        let received = params_strings::flat6(a.clone(), b.clone(), c.clone()).await;
        compare(FEATURE, "flat6", &sent[..3].to_vec(), &received)?;
    }
    Ok(())
}

async fn check_results_flat() -> Result<(), String> {
    const FEATURE: &str = "results_flat";
    for x in u32::edges() {
        results_flat::none(x);
        results_flat::none_async(x).await;
        compare(FEATURE, "one", &x, &results_flat::one(x))?;
        compare(FEATURE, "one-async", &x, &results_flat::one_async(x).await)?;
        let two = (x, !u64::from(x));
        compare(FEATURE, "two", &two, &results_flat::two(x))?;
        compare(FEATURE, "two-async", &two, &results_flat::two_async(x).await)?;
    }
    let (a, b, c, d) = (1, u32::MAX, 0x8000_0000, 0);
    let rows = ((a, b, c, d), (b, c, d, a), (c, d, a, b), (d, a, b, c));
    compare(
        FEATURE,
        "sixteen-async",
        &rows,
        &results_flat::sixteen_async(rows.0).await,
    )?;
    let rows = (rows.0, rows.1, rows.2, rows.3, !a);
    compare(
        FEATURE,
        "seventeen-async",
        &rows,
        &results_flat::seventeen_async(rows.0).await,
    )
}

async fn check_no_params() -> Result<(), String> {
    const FEATURE: &str = "no_params";
    no_params::nothing();
    no_params::nothing_async().await;
    compare(FEATURE, "text", &"sync".to_owned(), &no_params::text())?;
    compare(
        FEATURE,
        "text-async",
        &"async".to_owned(),
        &no_params::text_async().await,
    )
}

async fn check_indirect_both() -> Result<(), String> {
    use indirect_both::Block;

    const FEATURE: &str = "indirect_both";
    let blocks: Vec<Block> = <(String, String, String, String, Vec<u64>)>::edges()
        .into_iter()
        .map(|(a, b, c, d, e)| Block { a, b, c, d, e })
        .collect();
    for pair in blocks.windows(2) {
        let (x, y) = (&pair[0], &pair[1]);
        let sent = (y.clone(), x.clone());
        compare(FEATURE, "swap", &sent, &indirect_both::swap(x, y))?;
        compare(
            FEATURE,
            "swap-async",
            &sent,
            &indirect_both::swap_async(x.clone(), y.clone()).await,
        )?;
    }
    Ok(())
}
