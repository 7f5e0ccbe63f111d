//! Streams and futures: their models are what is read from them.

use witflow::{FutureReader, FutureWriter, StreamReader, StreamResult, StreamWriter};

use super::Value;
use crate::features::{self, stream_in_record, stream_record};

/// A value that a stream can carry, made by the bindings of one feature that has such a stream.
pub(crate) trait StreamPayload: Value {
    fn stream() -> (StreamWriter<Self>, StreamReader<Self>);
}

/// A value that a future can carry, made by the bindings of one feature that has such a future.
pub(crate) trait FuturePayload: Value {
    fn future() -> (FutureWriter<Self>, FutureReader<Self>);
}

/// Payloads for which no feature's own type `t` is the payload.
macro_rules! payloads {
    (stream $($ty:ty: $feature:ident),*; future $($future_ty:ty: $future_feature:ident),*;) => {
        $(impl StreamPayload for $ty {
            fn stream() -> (StreamWriter<Self>, StreamReader<Self>) {
                features::$feature::wit_stream::new()
            }
        })*
        $(impl FuturePayload for $future_ty {
            fn future() -> (FutureWriter<Self>, FutureReader<Self>) {
                features::$future_feature::wit_future::new(|| unreachable!("the value is always written"))
            }
        })*
    };
}

payloads! {
    stream (): stream_unit, StreamReader<u32>: stream_stream, stream_record::Document: stream_record;
    future (): future_unit, FutureReader<u32>: future_future, Result<u64, String>: stream_in_record;
}

/// A stream of fresh values, written so many at a time. A reader that leaves early is seen by what it read.
pub(crate) fn send<T: StreamPayload>(models: Vec<T::Model>, chunk: usize) -> StreamReader<T> {
    let (mut writer, reader) = T::stream();
    witflow::spawn(async move {
        for models in models.chunks(chunk) {
            if !writer.write_all(Vec::build(models.to_vec())).await.is_empty() {
                break;
            }
        }
    });
    reader
}

/// All that is left in a stream, read one value at a time or so many.
pub(crate) async fn read<T: Value>(mut reader: StreamReader<T>, chunk: usize) -> Vec<T::Model> {
    let mut models = Vec::new();
    if chunk == 1 {
        while let Some(item) = reader.next().await {
            models.push(item.model().await);
        }
        return models;
    }
    loop {
        let (result, items) = reader.read(Vec::with_capacity(chunk)).await;
        models.extend(items.model().await);
        if !matches!(result, StreamResult::Complete(_)) {
            return models;
        }
    }
}

/// A future of a fresh value. As with streams, the one who compares sees whether it was read.
pub(crate) fn promise<T: FuturePayload>(model: T::Model) -> FutureReader<T> {
    let (writer, reader) = T::future();
    witflow::spawn(async move {
        let _ = writer.write(T::build(model)).await;
    });
    reader
}

impl<T: StreamPayload> Value for StreamReader<T> {
    type Model = Vec<T::Model>;

    fn edges() -> Vec<Self::Model> {
        Vec::<T>::edges()
    }

    fn build(model: Self::Model) -> Self {
        send(model, 1_000)
    }

    async fn model(self) -> Self::Model {
        read(self, 1_000).await
    }
}

impl<T: FuturePayload> Value for FutureReader<T> {
    type Model = T::Model;

    fn edges() -> Vec<Self::Model> {
        T::edges()
    }

    fn build(model: Self::Model) -> Self {
        promise(model)
    }

    async fn model(self) -> Self::Model {
        self.await.model().await
    }
}

/// Records with handles: the model is the tuple of the fields' models.
macro_rules! records {
    ($($ty:path { $($field:ident: $field_ty:ty),* })*) => {$(
        impl Value for $ty {
            type Model = <($($field_ty,)*) as Value>::Model;

            fn edges() -> Vec<Self::Model> {
                <($($field_ty,)*)>::edges()
            }

            fn build(($($field,)*): Self::Model) -> Self {
                Self { $($field: Value::build($field)),* }
            }

            async fn model(self) -> Self::Model {
                ($(self.$field.model().await,)*)
            }
        }
    )*};
}

records! {
    stream_record::Document { name: String, body: StreamReader<u8> }
    stream_in_record::Download { name: String, body: StreamReader<u8>, done: FutureReader<Result<u64, String>> }
}

/// What a `source` of the feature `stream-in-variant` holds.
#[derive(Clone, Debug)]
pub(crate) enum SourceModel {
    Empty,
    Text(String),
    Live(Vec<u8>),
    Later(String),
}

impl Value for features::stream_in_variant::Source {
    type Model = SourceModel;

    fn edges() -> Vec<SourceModel> {
        let text = String::edges().into_iter().map(SourceModel::Text);
        let live = Vec::<u8>::edges().into_iter().map(SourceModel::Live);
        let later = String::edges().into_iter().map(SourceModel::Later);
        [SourceModel::Empty]
            .into_iter()
            .chain(text)
            .chain(live)
            .chain(later)
            .collect()
    }

    fn build(model: SourceModel) -> Self {
        match model {
            SourceModel::Empty => Self::Empty,
            SourceModel::Text(text) => Self::Text(text),
            SourceModel::Live(bytes) => Self::Live(Value::build(bytes)),
            SourceModel::Later(text) => Self::Later(Value::build(text)),
        }
    }

    async fn model(self) -> SourceModel {
        match self {
            Self::Empty => SourceModel::Empty,
            Self::Text(text) => SourceModel::Text(text),
            Self::Live(stream) => SourceModel::Live(stream.model().await),
            Self::Later(future) => SourceModel::Later(future.model().await),
        }
    }
}
