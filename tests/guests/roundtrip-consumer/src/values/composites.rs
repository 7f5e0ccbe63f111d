//! Types made of others, whatever those are: the model of a composite is the composite of the models.

use std::array::from_fn;
use std::collections::BTreeMap;
use std::fmt::Debug;

use super::{Value, few, nth};

impl<T: Value> Value for Vec<T> {
    type Model = Vec<T::Model>;

    fn edges() -> Vec<Self::Model> {
        let all = T::edges();
        let one = all[..1].to_vec();
        let many = few::<T>().into_iter().cycle().take(T::MANY).collect();
        vec![Vec::new(), one, all, many]
    }

    fn build(model: Self::Model) -> Self {
        model.into_iter().map(T::build).collect()
    }

    async fn model(self) -> Self::Model {
        let mut model = Vec::with_capacity(self.len());
        for item in self {
            model.push(item.model().await);
        }
        model
    }
}

impl<T: Value, const N: usize> Value for [T; N] {
    type Model = [T::Model; N];

    fn edges() -> Vec<Self::Model> {
        (0..T::edges().len())
            .map(|start| from_fn(|i| nth::<T>(start + i)))
            .collect()
    }

    fn build(model: Self::Model) -> Self {
        model.map(T::build)
    }

    async fn model(self) -> Self::Model {
        let items = Vec::from(self).model().await;
        items
            .try_into()
            .unwrap_or_else(|_| unreachable!("as many as there were"))
    }
}

impl<K: Value<Model = K> + Ord + Clone + Debug, V: Value> Value for BTreeMap<K, V> {
    type Model = BTreeMap<K, V::Model>;

    fn edges() -> Vec<Self::Model> {
        let values = few::<V>();
        let all: Self::Model = K::edges().into_iter().zip(values.into_iter().cycle()).collect();
        let one = all.clone().into_iter().take(1).collect();
        vec![BTreeMap::new(), one, all]
    }

    fn build(model: Self::Model) -> Self {
        model.into_iter().map(|(key, value)| (key, V::build(value))).collect()
    }

    async fn model(self) -> Self::Model {
        let mut model = BTreeMap::new();
        for (key, value) in self {
            model.insert(key, value.model().await);
        }
        model
    }
}

impl<T: Value> Value for Option<T> {
    type Model = Option<T::Model>;

    fn edges() -> Vec<Self::Model> {
        [None].into_iter().chain(T::edges().into_iter().map(Some)).collect()
    }

    fn build(model: Self::Model) -> Self {
        model.map(T::build)
    }

    async fn model(self) -> Self::Model {
        match self {
            Some(value) => Some(value.model().await),
            None => None,
        }
    }
}

impl<T: Value, E: Value> Value for Result<T, E> {
    type Model = Result<T::Model, E::Model>;

    fn edges() -> Vec<Self::Model> {
        T::edges()
            .into_iter()
            .map(Ok)
            .chain(E::edges().into_iter().map(Err))
            .collect()
    }

    fn build(model: Self::Model) -> Self {
        model.map(T::build).map_err(E::build)
    }

    async fn model(self) -> Self::Model {
        match self {
            Ok(value) => Ok(value.model().await),
            Err(error) => Err(error.model().await),
        }
    }
}

/// Tuples, whose fields go through their edge values side by side.
macro_rules! tuples {
    ($(($($field:ident $index:tt),*))*) => {$(
        impl<$($field: Value),*> Value for ($($field,)*) {
            type Model = ($($field::Model,)*);

            fn edges() -> Vec<Self::Model> {
                let longest = [$($field::edges().len()),*].into_iter().max().unwrap_or(0);
                (0..longest).map(|i| ($(nth::<$field>(i + $index),)*)).collect()
            }

            fn build(model: Self::Model) -> Self {
                ($($field::build(model.$index),)*)
            }

            async fn model(self) -> Self::Model {
                ($(self.$index.model().await,)*)
            }
        }
    )*};
}

tuples! {
    (A 0)
    (A 0, B 1)
    (A 0, B 1, C 2)
    (A 0, B 1, C 2, D 3)
    (A 0, B 1, C 2, D 3, E 4)
    (A 0, B 1, C 2, D 3, E 4, F 5)
    (A 0, B 1, C 2, D 3, E 4, F 5, G 6, H 7)
    (A 0, B 1, C 2, D 3, E 4, F 5, G 6, H 7, I 8, J 9, K 10)
}
