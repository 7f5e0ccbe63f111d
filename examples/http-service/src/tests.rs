//! Runs the service in this process: clients, upstreams and the clock are those of the tests.

mod fan_out;
mod routes;

use example_support::http::{self, Clock, ErrorCode, Incoming, Message, Method, Outgoing, Request, Response};
use futures::future::BoxFuture;
use witflow_host::{Component, Cx, Engine, Instance, Linker, Own, Result, Store, block_on};

use crate::HttpService;

/// A service that runs, and those around it.
pub(crate) struct World {
    cx: Cx,
    guest: Instance,
    clock: Clock,
}

type Answer = BoxFuture<'static, std::result::Result<Own<Response>, ErrorCode>>;

impl World {
    /// Runs a test against a service for whom `answer` are the upstreams. In the end nothing is left of what was begun.
    #[track_caller]
    fn run<A>(answer: A, test: impl AsyncFnOnce(&Self) -> Result<()>)
    where
        A: Fn(Cx, Clock, Own<Request>) -> Answer + Send + Sync + 'static,
    {
        let ended: Result<()> = block_on(async {
            let clock = Clock::default();
            let mut linker = Linker::new();
            linker.allow_missing();
            http::define(&mut linker)?;
            clock.define(&mut linker)?;
            let time = clock.clone();
            http::upstream(&mut linker, "wasi:http/client@0.3.2", "send", move |cx, request| {
                answer(cx, time.clone(), request)
            })?;
            let mut store = Store::new(&Engine::native());
            let component = Component::native::<HttpService>("http-service")?;
            let guest = linker.instantiate(&mut store, &component).await?;
            store
                .run_concurrent(async |cx| test(&Self { cx, guest, clock }).await)
                .await?;
            store.finish().await
        });
        ended.unwrap_or_else(|error| panic!("{error:#}"));
    }

    /// Runs a test against a service that asks no upstreams.
    #[track_caller]
    fn alone(test: impl AsyncFnOnce(&Self) -> Result<()>) {
        let nobody = |_, _, _| -> Answer { Box::pin(async { Err(ErrorCode::DestinationNotFound) }) };
        Self::run(nobody, test);
    }

    /// Sends a request and answers when its response begins.
    async fn begin(&self, method: Method, path: &str, request: Outgoing) -> Result<Message> {
        let answered = http::handle(&self.cx, &self.guest, method, path, request).await?;
        Ok(answered.expect("this service answers everything"))
    }

    /// Sends a request and reads the response to its end.
    async fn send(&self, method: Method, path: &str, request: Outgoing) -> Result<Incoming> {
        Ok(self.begin(method, path, request).await?.whole().await)
    }
}
