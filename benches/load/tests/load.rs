//! A little load on the example, so that every build knows whether it is served: `cargo xtask load` puts more on it.

use bench_load::Load;

#[tokio::test(flavor = "multi_thread")]
async fn the_example_bears_a_little_load() {
    let component = example_support::component("http-service");
    let load = Load {
        requests: 400,
        rounds: 2,
        concurrency: 16,
        threads: 2,
    };
    let outcomes = bench_load::run(&[("witflow".to_owned(), component)], load).await;
    let outcomes = outcomes.unwrap_or_else(|error| panic!("{error:#}"));
    let (failed, reasons) = &outcomes[0].failures;
    assert_eq!((*failed, outcomes[0].served.failed), (0, 0), "{reasons:#?}");
    assert!(outcomes[0].served.requests >= 800 && outcomes[0].mischief == 8);
}
