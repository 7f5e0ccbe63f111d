//! A guest whose code is not what bindings would be.

use witflow_host::{Component, Engine, Linker, Store, Trap};

mod guest {
    witflow::generate!({
        inline: "
            package test:raw;

            world raw {
                export rejoice: func();
            }
        ",
    });

    pub(crate) struct Raw;
    export!(Raw);

    impl Guest for Raw {
        fn rejoice() {
            witflow::rt::import!("$root", "[waitable-set-rejoice]", fn rejoice());
            // SAFETY: a native host answers whatever it is asked.
            unsafe { rejoice() }
        }
    }
}

#[test]
fn an_import_that_means_nothing_is_a_trap() {
    let error = witflow_host::block_on(async {
        let mut store = Store::new(&Engine::native());
        let component = Component::native::<guest::Raw>("raw")?;
        let instance = Linker::new().instantiate(&mut store, &component).await?;
        instance.typed_func::<(), ()>("rejoice")?.call(&mut store, ()).await
    });
    let error = error.expect_err("there is no such built-in");
    let trap = error.downcast_ref::<Trap>().expect("the error is a trap");
    for part in ["unknown-import", "[waitable-set-rejoice]", "rejoice", "raw"] {
        assert!(trap.to_string().contains(part), "`{part}` is missing from: {trap}");
    }
}
