//! What the checked allocator tells of guests that mishandle memory, and that it says nothing of others.

use std::mem::forget;
use witflow_host::{CheckedAllocator, Component, Engine, Leak, Linker, Result, Store, StreamReader, Trap};

#[global_allocator]
static HEAP: CheckedAllocator = CheckedAllocator;

mod guest {
    use super::forget;
    use witflow::{StreamReader, rt};

    witflow::generate!({
        inline: "
            package test:heap;

            world heap {
                export tidy: async func(text: string) -> list<string>;
                export forget-memory: async func();
                export forget-end: async func();
                export free-in-flight: async func() -> stream<u8>;
                export change-in-flight: async func() -> stream<u8>;
            }
        ",
    });

    struct Heap;
    export!(Heap);

    /// Writes `chunk` behind the runtime's back, and gives the reader.
    ///
    /// # Safety
    /// The chunk has to stay as it is, which is what these tests break.
    unsafe fn write_raw(chunk: &mut [u8]) -> StreamReader<u8> {
        rt::import!("[export]$root", "[stream-new-0]free-in-flight", fn stream_new() -> u64);
        rt::import!("[export]$root", "[async-lower][stream-write-0]free-in-flight", fn write(end: u32, at: *mut u8, len: usize) -> u32);
        // SAFETY: the arguments are those of the built-ins.
        unsafe {
            let ends = stream_new();
            write((ends >> 32) as u32, chunk.as_mut_ptr(), chunk.len());
            rt::stream_lift(ends as u32 as i32, <u8 as wit_stream::StreamPayload>::VTABLE)
        }
    }

    impl Guest for Heap {
        async fn tidy(text: String) -> Vec<String> {
            text.split(' ').map(str::to_owned).collect()
        }

        async fn forget_memory() {
            forget(vec![0u8; 123]);
        }

        async fn forget_end() {
            let (writer, reader) = wit_stream::new::<u8>();
            drop(reader);
            forget(writer);
        }

        async fn free_in_flight() -> StreamReader<u8> {
            let mut chunk = vec![1; 100];
            // SAFETY: broken.
            unsafe { write_raw(&mut chunk) }
        }

        async fn change_in_flight() -> StreamReader<u8> {
            let chunk = Box::leak(vec![1; 100].into_boxed_slice());
            // SAFETY: broken.
            let reader = unsafe { write_raw(chunk) };
            chunk[17] = 2;
            reader
        }
    }

    pub(super) fn component() -> witflow_host::Component {
        witflow_host::Component::native::<Heap>("heap").expect("the world is described well")
    }
}

/// Instantiates the guest, lets `body` use it, and ends the store.
fn run(body: impl AsyncFnOnce(&mut Store, &witflow_host::Instance) -> Result<()>) -> Result<()> {
    let component: Component = guest::component();
    let mut store = Store::new(&Engine::native());
    witflow_host::block_on(async {
        let instance = Linker::new().instantiate(&mut store, &component).await?;
        body(&mut store, &instance).await?;
        store.finish().await
    })
}

/// Calls an export without parameters and result.
fn call(name: &str) -> Result<()> {
    run(async |store, instance| instance.typed_func::<(), ()>(name)?.call(store, ()).await)
}

/// Reads the stream an export gives.
fn read(name: &str) -> Result<()> {
    run(async |store, instance| {
        let (reader,) = instance
            .typed_func::<(), (StreamReader<u8>,)>(name)?
            .call(store, ())
            .await?;
        let read = store.run_concurrent(async |_| Ok(reader.collect().await)).await?;
        panic!("{} bytes were read", read.len());
    })
}

#[test]
fn a_guest_that_gives_everything_back_is_fine() -> Result<()> {
    run(async |store, instance| {
        let tidy = instance.typed_func::<(String,), (Vec<String>,)>("tidy")?;
        let (words,) = tidy.call(store, ("three small words".to_owned(),)).await?;
        assert_eq!(words, ["three", "small", "words"]);
        Ok(())
    })
}

#[test]
fn forgotten_memory_is_named_with_its_call() {
    let error = call("forget-memory").expect_err("123 bytes leak");
    let leak = error.downcast_ref::<Leak>().expect("a leak").to_string();
    assert!(
        leak.contains("a block of 123 bytes allocated in call 1 of `[async-lift]forget-memory`"),
        "{leak}"
    );
}

#[test]
fn a_forgotten_end_is_named() {
    let error = call("forget-end").expect_err("a handle leaks");
    let leak = error.downcast_ref::<Leak>().expect("a leak").to_string();
    assert!(leak.contains("heap: handle 2, the writable end of a stream"), "{leak}");
}

#[test]
fn a_buffer_that_is_freed_in_flight_traps() {
    let error = read("free-in-flight").expect_err("the buffer is gone");
    let trap = error.downcast_ref::<Trap>().expect("a trap").to_string();
    assert!(trap.contains("use-after-free"), "{trap}");
    assert!(trap.contains("the buffer of the write on 2"), "{trap}");
    assert!(trap.contains("free-in-flight"), "{trap}");
}

#[test]
fn a_buffer_that_is_changed_in_flight_traps() {
    let error = read("change-in-flight").expect_err("the buffer is another");
    let trap = error.downcast_ref::<Trap>().expect("a trap").to_string();
    assert!(trap.contains("mutated-in-flight"), "{trap}");
    assert!(trap.contains("change-in-flight"), "{trap}");
}
