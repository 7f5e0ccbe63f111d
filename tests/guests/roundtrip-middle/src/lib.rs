//! Exports functions that are lent resources of another component, and lends these on to it.

witflow::generate!({ path: "../../wit/resource-lent.wit", world: "middle" });

use exports::test::resource_lent::api::{Guest, Look};
use test::resource_lent::base::Thing;

/// Implements the exports.
pub struct Middle;
export!(Middle);

fn all_names(a: &Thing, b: &[Look<'_>]) -> Vec<String> {
    let mut names = vec![a.name()];
    names.extend(b.iter().map(|look| format!("{} {}", look.at.name(), look.note)));
    names
}

impl Guest for Middle {
    fn names(a: &Thing, b: Vec<Look<'_>>) -> Vec<String> {
        all_names(a, &b)
    }

    async fn names_async(a: &Thing, b: Vec<Look<'_>>) -> Vec<String> {
        witflow::yield_now().await;
        all_names(a, &b)
    }

    async fn rename(a: &Thing, b: Look<'_>) -> Vec<String> {
        // The second call is forgotten while it is pending. The borrow it was lent can't be dropped before it is resolved, nor can
        // this function return before that.
        let old = a.rename(format!("{}'", a.name())).await;
        let mut forgotten = Box::pin(b.at.rename(b.note.clone()));
        let first = std::future::poll_fn(|cx| std::task::Poll::Ready(forgotten.as_mut().poll(cx).is_ready())).await;
        std::mem::forget(forgotten);
        vec![old, a.name(), format!("ready: {first}")]
    }

    fn pass(x: Thing) -> Thing {
        x
    }
}
