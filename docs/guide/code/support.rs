//! What tests of several chapters need.

use witflow_host::{Component, Engine, Instance, Linker, NativeGuest, Result, Store, block_on};

/// Runs a test of a guest in a store of its own.
pub(crate) fn run<C: NativeGuest, R>(
    linker: &Linker,
    test: impl AsyncFnOnce(&mut Store, Instance) -> Result<R>,
) -> Result<R> {
    block_on(async {
        let mut store = Store::new(&Engine::native());
        let guest = linker
            .instantiate(&mut store, &Component::native::<C>("guest")?)
            .await?;
        let result = test(&mut store, guest).await?;
        store.finish().await?;
        Ok(result)
    })
}
