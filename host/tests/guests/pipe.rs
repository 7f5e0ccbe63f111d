//! The native twins of `components/consumer.wat` and `components/provider.wat`.

/// `total` calls `bytes` of the provider, and sums the stream that it returns.
pub(crate) mod consumer {
    use crate::support::{Twin, native};

    witflow::generate!({
        inline: "
            package test:pipe;

            interface source {
                bytes: async func(n: u32) -> stream<u8>;
            }

            world consumer {
                import source;
                export total: async func(n: u32) -> u32;
            }
        ",
        world: "consumer",
    });

    struct Consumer;
    export!(Consumer);

    impl Guest for Consumer {
        async fn total(n: u32) -> u32 {
            let bytes = test::pipe::source::bytes(n).await.collect().await;
            bytes.into_iter().map(u32::from).sum()
        }
    }

    pub(crate) const CONSUMER: Twin = Twin {
        native: native::<Consumer>,
        text: include_str!("../components/consumer.wat"),
    };
}

/// `bytes` writes n, n - 1, … 1, with n as `limit` of the host has it.
pub(crate) mod provider {
    use crate::support::{Twin, native};
    use witflow::StreamReader;

    witflow::generate!({
        inline: "
            package test:pipe;

            interface source {
                bytes: async func(n: u32) -> stream<u8>;
            }

            world provider {
                import limit: async func(n: u32) -> u32;
                export source;
            }
        ",
        world: "provider",
    });

    struct Provider;
    export!(Provider);

    impl exports::test::pipe::source::Guest for Provider {
        async fn bytes(n: u32) -> StreamReader<u8> {
            let n = limit(n).await as u8;
            let (mut writer, reader) = wit_stream::new();
            witflow::spawn(async move {
                writer.write_all((1..=n).rev().collect()).await;
            });
            reader
        }
    }

    pub(crate) const PROVIDER: Twin = Twin {
        native: native::<Provider>,
        text: include_str!("../components/provider.wat"),
    };
}
