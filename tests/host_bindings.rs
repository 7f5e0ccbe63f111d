//! Typed bindings of a host at work: guests of the scenarios run natively and on Wasmtime, with what they import implemented here.

#![cfg(not(miri))]

#[expect(dead_code, reason = "these guests are built for one target only")]
mod support;

use std::sync::{Arc, Mutex, OnceLock};

use futures::channel::oneshot;
use support::{Target, component};
use witflow_host::explore::explore;
use witflow_host::{
    Borrow, Component, Cx, Engine, FutureReader, Linker, NotImplemented, Own, Result, Script, Store, StreamReader,
    Strict, Unscripted, WasiOptions, future, stream,
};

mod bindings {
    #![allow(unreachable_pub, reason = "types of a world are public at its root")]
    witflow::host::generate!({
        path: "tests/guests/scenarios/wit",
        world: "scenarios",
        additional_derives: [Eq],
    });
}

mod peer_bindings {
    #![allow(unreachable_pub, reason = "types of a world are public at its root")]
    witflow::host::generate!("peer-of-scenarios" in "tests/guests/scenarios/wit");
}

/// The same with all choices the other way round, and with a type of this test for the resource.
mod turned {
    #![allow(unreachable_pub, reason = "types of a world are public at its root")]
    witflow::host::generate!({
        path: "tests/guests/scenarios/wit",
        world: "scenarios",
        concurrent_imports: ["test:scenarios/host#plain", "-test:scenarios/host#quick"],
        concurrent_exports: false,
        with: { "test:scenarios/tokens/token": super::Number },
    });
}

use bindings::Scenarios;
use bindings::test::scenarios::{host, peer, tokens};

/// What the resource is in the bindings that were told.
#[derive(Debug)]
struct Number(u32);

/// All that the guest imports.
#[derive(Default)]
struct Mock {
    notes: Mutex<Vec<String>>,
    waiting: Mutex<Vec<oneshot::Sender<()>>>,
    /// How many tokens there are: a count of what holds it.
    tokens: Arc<()>,
}

/// A token of the mock.
struct Token {
    number: u32,
    _counted: Arc<()>,
}

impl Mock {
    fn token(&self, number: u32) -> Own<tokens::Token> {
        tokens::Token::new(Token {
            number,
            _counted: self.tokens.clone(),
        })
    }

    fn parse(&self, text: &str) -> Result<Own<tokens::Token>, String> {
        let number = text.parse().map_err(|_| text.to_owned())?;
        Ok(self.token(number))
    }

    /// Waits until the guest calls `release`.
    async fn released(&self) {
        let (sender, receiver) = oneshot::channel();
        self.waiting.lock().unwrap().push(sender);
        let _ = receiver.await;
    }
}

fn number(token: &tokens::Token) -> Result<u32> {
    Ok(token.get::<Token>()?.number)
}

impl host::Host for Mock {
    async fn slow(&self, _: Cx, x: u32) -> Result<u32> {
        Ok(10 * x)
    }
    async fn quick(&self, _: Cx, x: u32) -> Result<u32> {
        Ok(2 * x)
    }
    fn plain(&self, _: &Cx, x: u32) -> Result<u32> {
        Ok(2 * x)
    }
    fn note(&self, _: &Cx, line: String) -> Result<()> {
        self.notes.lock().unwrap().push(line);
        Ok(())
    }
}

impl peer::Host for Mock {
    fn release(&self, _: &Cx) -> Result<()> {
        for waiting in self.waiting.lock().unwrap().drain(..) {
            let _ = waiting.send(());
        }
        Ok(())
    }
}

impl tokens::HostToken for Mock {
    fn new(&self, _: &Cx, number: u32) -> Result<Own<tokens::Token>> {
        Ok(self.token(number))
    }
    fn parse(&self, _: &Cx, text: String) -> Result<Result<Own<tokens::Token>, String>> {
        Ok(self.parse(&text))
    }
    fn number(&self, _: &Cx, this: Borrow<tokens::Token>) -> Result<u32> {
        number(&this)
    }
    async fn wait(&self, _: Cx, this: Borrow<tokens::Token>) -> Result<u32> {
        self.released().await;
        number(&this)
    }
    async fn add(&self, _: Cx, this: Borrow<tokens::Token>, other: Borrow<tokens::Token>) -> Result<u32> {
        self.released().await;
        Ok(number(&this)? + number(&other)?)
    }
}

impl tokens::Host for Mock {
    async fn first(
        &self,
        _: Cx,
        mut tokens: StreamReader<Own<tokens::Token>>,
        count: u32,
    ) -> Result<Vec<Own<tokens::Token>>> {
        let mut first = Vec::new();
        while let Some(token) = tokens.next().await {
            first.push(token);
            if first.len() == count as usize {
                break;
            }
        }
        Ok(first)
    }
    async fn promise(&self, cx: Cx, text: String) -> Result<FutureReader<Result<Own<tokens::Token>, String>>> {
        let (writer, reader) = future();
        let token = self.parse(&text);
        cx.spawn(async move {
            // The guest may drop what it was promised.
            let _ = writer.write(token).await;
        });
        Ok(reader)
    }
    fn alive(&self, _: &Cx) -> Result<u32> {
        Ok(Arc::strong_count(&self.tokens) as u32 - 1)
    }
}

/// The guest on both back ends.
fn guests() -> Result<Vec<(Engine, Component)>> {
    static BUILT: OnceLock<Vec<u8>> = OnceLock::new();
    let engine = Engine::new()?;
    let built = BUILT.get_or_init(|| component("scenarios", Target::Wasip2));
    let wasm = Component::named(&engine, "scenarios", built)?;
    let native = Component::native::<scenarios::Scenarios>("scenarios")?;
    Ok(vec![(Engine::native(), native), (engine, wasm)])
}

fn linker() -> Linker {
    let mut linker = Linker::new();
    linker.with_wasi(WasiOptions::new().inherit_stdio());
    linker
}

/// Runs a test on both back ends.
#[track_caller]
fn everywhere(test: impl AsyncFn(&mut Store, &Component) -> Result<()>) {
    for (engine, component) in guests().expect("the guests are there") {
        let mut store = Store::new(&engine);
        let outcome = store.block_on(async |store| {
            test(store, &component).await?;
            store.finish_tasks().await
        });
        outcome.unwrap_or_else(|error| panic!("{engine:?}: {error:#}"));
    }
}

#[test]
fn resources_streams_and_futures_go_through_traits() {
    everywhere(async |store, component| {
        let mock = Arc::new(Mock::default());
        let mut linker = linker();
        Scenarios::add_to_linker(&mut linker, &mock)?;
        let guest = Scenarios::instantiate(store, component, &linker).await?;
        let resources = guest.test_scenarios_resources();
        assert_eq!(resources.call_make(&store.cx()).get(store).await?, 0);
        assert_eq!(resources.call_lend(&store.cx()).get(store).await?, 0);
        assert_eq!(resources.call_send(&store.cx()).get(store).await?, 0);
        assert_eq!(resources.call_await_one(&store.cx()).get(store).await?, 0);
        let doubled = store.run_concurrent(async |cx| {
            let (mut writer, reader) = stream();
            let doubled = guest.test_scenarios_streams().call_double(&cx, reader, 2).await?;
            cx.spawn(async move { writer.write(vec![1, 2, 3]).await.expect("the guest reads") });
            Ok(doubled.collect().await)
        });
        assert_eq!(doubled.await?, [2, 4, 6]);
        assert_eq!(guest.test_scenarios_tasks().call_come_in(store).await?, 42);
        Ok(())
    });
}

#[test]
fn resources_of_a_guest_are_called() {
    let engine = Engine::new().expect("this machine has an engine");
    let built = component("scenarios-peer", Target::Wasip2);
    let wasm = Component::named(&engine, "peer", &built).expect("it was just built");
    let native = Component::native::<scenarios_peer::Peer>("peer").expect("its world is described");
    for (engine, component) in [(Engine::native(), native), (engine, wasm)] {
        let mut store = Store::new(&engine);
        let outcome: Result<()> = store.block_on(async |store| {
            let guest = peer_bindings::PeerOfScenarios::instantiate(store, &component, &linker()).await?;
            let (tokens, peer) = (guest.test_scenarios_tokens(), guest.test_scenarios_peer());
            let one = tokens.token().call_new(store, 1).await?;
            let two = tokens.token().call_parse(store, "2".to_owned()).await?;
            let two = two.expect("it is a number");
            assert_eq!(tokens.token().call_number(store, two.clone()).await?, 2);
            let refused = tokens.token().call_parse(store, "no".to_owned()).await?;
            assert_eq!(refused.err().as_deref(), Some("no"));
            let sum = tokens.token().call_add(&store.cx(), one.clone(), two);
            peer.call_release(store).await?;
            assert_eq!(sum.get(store).await?, 3);
            let kept = tokens.call_keep(&store.cx(), one);
            peer.call_release(store).await?;
            assert_eq!(kept.get(store).await?, 1);
            assert_eq!(tokens.call_alive(store).await?, 1);
            Ok(())
        });
        outcome.unwrap_or_else(|error| panic!("{engine:?}: {error:#}"));
    }
}

#[test]
fn what_is_concurrent_can_be_chosen() {
    use turned::test::scenarios::{host, tokens};

    struct Turned;
    impl host::Host for Turned {
        async fn plain(&self, _: Cx, x: u32) -> Result<u32> {
            Ok(3 * x)
        }
        fn quick(&self, _: &Cx, x: u32) -> Result<u32> {
            Ok(2 * x)
        }
    }
    impl turned::test::scenarios::peer::Host for Turned {}
    impl tokens::Host for Turned {
        fn alive(&self, _: &Cx) -> Result<u32> {
            Ok(0)
        }
    }
    impl tokens::HostToken for Turned {
        fn new(&self, _: &Cx, number: u32) -> Result<Own<Number>> {
            Ok(Own::new(Number(number)))
        }
        fn parse(&self, _: &Cx, text: String) -> Result<Result<Own<Number>, String>> {
            Ok(text.parse().map(Number).map(Own::new).map_err(|_| text))
        }
        fn number(&self, _: &Cx, this: Borrow<Number>) -> Result<u32> {
            Ok(this.0)
        }
    }

    everywhere(async |store, component| {
        let mut linker = linker();
        host::add_to_linker(&mut linker, &Arc::new(Turned))?;
        tokens::add_to_linker(&mut linker, &Arc::new(Turned))?;
        linker.allow_missing();
        let guest = turned::Scenarios::instantiate(store, component, &linker).await?;
        assert_eq!(guest.test_scenarios_tasks().call_come_in(store).await?, 63);
        assert_eq!(guest.test_scenarios_calls().call_at_once(store).await?, [2, 6, 6]);
        Ok(())
    });
}

/// Runs the guest natively with a host, and gives what `body` gives.
fn natively<H>(host: &Arc<H>, body: impl AsyncFnOnce(&mut Store, &Scenarios) -> Result<()>) -> Result<()>
where
    H: host::Host + peer::Host + tokens::Host,
{
    let mut linker = Linker::new();
    Scenarios::add_to_linker(&mut linker, host)?;
    let component = Component::native::<scenarios::Scenarios>("scenarios")?;
    let mut store = Store::new(&Engine::native());
    store.block_on(async |store| {
        let guest = Scenarios::instantiate(store, &component, &linker).await?;
        body(store, &guest).await
    })
}

#[test]
fn mocks_are_explored() {
    explore(200, || {
        let mock = Arc::new(Mock::default());
        natively(&mock, async |store, guest| {
            let calls = guest.test_scenarios_calls();
            assert_eq!(calls.call_together(&store.cx(), 3).get(store).await?, [0, 10, 20]);
            store.finish_tasks().await
        })
    });
}

#[track_caller]
fn fails(outcome: Result<()>, with: &str) -> witflow_host::Error {
    let error = outcome.expect_err("the guest calls what is not there");
    let said = format!("{error:#}");
    assert!(said.contains(with), "{said}");
    error
}

#[test]
fn a_function_that_is_not_implemented_is_named() {
    let mock = Arc::new(Strict);
    let outcome = natively(&mock, async |store, guest| {
        guest.test_scenarios_tasks().call_come_in(store).await.map(|_| ())
    });
    let error = fails(outcome, "the host does not implement `test:scenarios/host#plain`");
    let found = error.downcast_ref::<NotImplemented>().expect("it is the cause");
    assert_eq!(found.function, "test:scenarios/host#plain");

    let outcome = natively(&mock, async |store, guest| {
        guest
            .test_scenarios_resources()
            .call_make(&store.cx())
            .get(store)
            .await
            .map(|_| ())
    });
    fails(outcome, "`test:scenarios/tokens#[constructor]token`");
}

#[test]
fn an_interface_that_is_not_added_is_named() {
    let mut linker = Linker::new();
    host::add_to_linker(&mut linker, &Arc::new(Mock::default())).expect("nothing else defines it");
    let component = Component::native::<scenarios::Scenarios>("scenarios").expect("its world is described");
    let instantiate = |linker: &Linker| {
        let mut store = Store::new(&Engine::native());
        store.block_on(async |store| {
            let guest = Scenarios::instantiate(store, &component, linker).await?;
            guest
                .test_scenarios_resources()
                .call_make(&store.cx())
                .get(store)
                .await
                .map(|_| ())
        })
    };
    fails(instantiate(&linker), "test:scenarios/tokens#[constructor]token");
    linker.allow_missing();
    fails(
        instantiate(&linker),
        "the linker does not define `test:scenarios/tokens#[constructor]token`",
    );
}

#[test]
fn a_strict_script_answers_in_order_and_nothing_else() -> Result<()> {
    let script = Arc::new(Script::strict());
    script.returns(host::QUICK, 20).returns(host::QUICK, 30);
    script.answers(host::PLAIN, |_, (x,)| Ok(x + 100));
    natively(&script, async |store, guest| {
        let results = guest
            .test_scenarios_calls()
            .call_at_once(&store.cx())
            .get(store)
            .await?;
        assert_eq!(results, [20, 102, 30]);
        store.finish_tasks().await
    })?;
    script.finish()?;

    script.returns(host::QUICK, 20).returns(host::SLOW, 0);
    let outcome = natively(&script, async |store, guest| {
        guest
            .test_scenarios_calls()
            .call_at_once(&store.cx())
            .get(store)
            .await
            .map(|_| ())
    });
    fails(
        outcome,
        "a guest has called `test:scenarios/host#plain`, and the script has no answer for that",
    );
    let difference = script.finish().expect_err("guest and script differ");
    let difference = difference.downcast::<Unscripted>()?;
    let one = |name: &str| [(name.to_owned(), 1)].into();
    assert_eq!(difference.unasked, one("test:scenarios/host#plain"));
    assert_eq!(difference.left, one("test:scenarios/host#slow"));
    Ok(())
}

#[test]
fn a_script_passes_on_what_is_not_prepared() -> Result<()> {
    let script = Arc::new(Script::over(Mock::default()));
    script.returns(host::QUICK, 7);
    natively(&script, async |store, guest| {
        let results = guest
            .test_scenarios_calls()
            .call_at_once(&store.cx())
            .get(store)
            .await?;
        assert_eq!(results, [7, 4, 6]);
        let made = guest
            .test_scenarios_resources()
            .call_make(&store.cx())
            .get(store)
            .await?;
        assert_eq!(made, 0);
        Ok(())
    })?;
    assert_eq!(script.rest().notes.lock().unwrap().len(), 0);
    script.finish()
}
