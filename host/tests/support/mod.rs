//! What the tests share: compiling a component's text, instantiating it, and running a test body in a store.

use witflow_host::{Component, Engine, Instance, Linker, Result, Store, block_on};

/// Compiles the text of a component under a name for errors.
pub(crate) fn component(engine: &Engine, name: &str, text: &str) -> Result<Component> {
    Component::named(engine, name, &wat::parse_str(text)?)
}

/// Instantiates `text` with the definitions of `linker`, and runs `body` with it.
pub(crate) fn with<R>(
    linker: &Linker,
    text: &str,
    body: impl AsyncFnOnce(&mut Store, Instance) -> Result<R>,
) -> Result<R> {
    let engine = Engine::new()?;
    let component = component(&engine, "guest", text)?;
    block_on(async {
        let mut store = Store::new(&engine);
        let instance = linker.instantiate(&mut store, &component).await?;
        body(&mut store, instance).await
    })
}
