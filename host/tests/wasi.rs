//! WASI is there for components that import it, in the version they import, and for nobody else.

mod support;

use witflow_host::{Component, Engine, Instance, Linker, MissingImports, Result, Store, WasiOptions};

fn with<R>(linker: &Linker, text: &str, body: impl AsyncFnOnce(&mut Store, Instance) -> Result<R>) -> Result<R> {
    let engine = Engine::new()?;
    let component = Component::named(&engine, "guest", &wat::parse_str(text)?)?;
    support::run(&engine, &component, linker, body)
}

fn guest(version: &str) -> String {
    include_str!("components/wasi.wat").replace("VERSION", version)
}

#[test]
fn both_versions_are_served() -> Result<()> {
    for version in ["0.2.0", "0.2.9", "0.3.0", "0.3.2"] {
        let mut linker = Linker::new();
        linker.with_wasi(WasiOptions::new().args(["program", "argument"]));
        with(&linker, &guest(version), async |store, guest| {
            let (arguments,) = guest
                .typed_func::<(), (Vec<String>,)>("arguments")?
                .call(store, ())
                .await?;
            assert_eq!(arguments, ["program", "argument"]);
            Ok(())
        })?;
    }
    Ok(())
}

#[test]
fn a_definition_of_the_host_s_own_takes_precedence() -> Result<()> {
    for version in ["0.2.0", "0.3.2"] {
        let mut linker = Linker::new();
        linker.with_wasi(WasiOptions::new());
        let own = |_, ()| Ok((vec!["mine".to_owned()],));
        linker
            .instance("wasi:cli/environment")?
            .func_wrap("get-arguments", own)?;
        with(&linker, &guest(version), async |store, guest| {
            let (arguments,) = guest
                .typed_func::<(), (Vec<String>,)>("arguments")?
                .call(store, ())
                .await?;
            assert_eq!(arguments, ["mine"]);
            Ok(())
        })?;
    }
    Ok(())
}

#[test]
fn without_wasi_its_functions_are_missing() {
    let error = with(&Linker::new(), &guest("0.2.0"), async |_, _| Ok(())).unwrap_err();
    let missing = error
        .downcast_ref::<MissingImports>()
        .expect("the error says what is missing");
    assert_eq!(missing.imports, ["wasi:cli/environment@0.2.0#get-arguments"]);
    assert!(missing.to_string().contains("linker.with_wasi"), "{missing}");
}

#[test]
fn what_is_missing_fails_when_it_is_called_if_that_is_allowed() {
    let mut linker = Linker::new();
    linker.allow_missing();
    let error = with(&linker, &guest("0.3.2"), async |store, guest| {
        let arguments = guest.typed_func::<(), (Vec<String>,)>("arguments")?;
        arguments.call(store, ()).await.map(drop)
    });
    let error = format!("{:#}", error.expect_err("nobody has defined it"));
    assert!(
        error.contains("the linker does not define `wasi:cli/environment@0.3.2#get-arguments`"),
        "{error}"
    );
}

#[test]
fn a_component_without_imports_needs_no_wasi() -> Result<()> {
    let mut linker = Linker::new();
    linker.with_wasi(WasiOptions::new());
    with(&linker, include_str!("components/faults.wat"), async |store, guest| {
        guest.typed_func::<(u32,), ()>("spin")?.call(store, (1,)).await
    })
}
