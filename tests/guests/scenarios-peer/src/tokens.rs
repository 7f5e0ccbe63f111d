//! Resources for the other guest.

#[cfg(not(miri))]
use std::cell::Cell;
#[cfg(miri)]
use std::sync::atomic::{AtomicU32, Ordering};

use witflow::{FutureReader, StreamReader, spawn};

use crate::exports::test::scenarios::tokens::{Guest, GuestToken, Token, TokenBorrow};
use crate::{Peer, released, wit_future};

/// Changes how many numbers there are, and says it.
///
/// Each run has a thread, and so a count, of its own. Under Miri each of its tasks has, but runs follow one another.
fn count(change: i32) -> u32 {
    #[cfg(not(miri))]
    let alive = {
        thread_local! {
            static ALIVE: Cell<u32> = const { Cell::new(0) };
        }
        ALIVE.set(ALIVE.get().wrapping_add_signed(change));
        ALIVE.get()
    };
    #[cfg(miri)]
    let alive = {
        static ALIVE: AtomicU32 = AtomicU32::new(0);
        ALIVE.fetch_add(change.cast_unsigned(), Ordering::Relaxed);
        ALIVE.load(Ordering::Relaxed)
    };
    alive
}

/// What a token stands for.
pub struct Number(u32);

impl Number {
    fn new(number: u32) -> Number {
        count(1);
        Number(number)
    }

    fn parse(text: String) -> Result<Token, String> {
        let number = text.parse().map_err(|_| text)?;
        Ok(Token::new(Number::new(number)))
    }
}

impl Drop for Number {
    fn drop(&mut self) {
        count(-1);
    }
}

impl Guest for Peer {
    type Token = Number;

    async fn keep(token: Token) -> u32 {
        released().await;
        token.get::<Number>().0
    }

    async fn first(mut tokens: StreamReader<Token>, count: u32) -> Vec<Token> {
        let (_, tokens) = tokens.read(Vec::with_capacity(count as usize)).await;
        tokens
    }

    async fn promise(text: String) -> FutureReader<Result<Token, String>> {
        let (writer, reader) = wit_future::new(|| Err("it was given up".to_owned()));
        spawn(async move {
            // That fails when nobody awaits it.
            let _ = writer.write(Number::parse(text)).await;
        });
        reader
    }

    fn alive() -> u32 {
        count(0)
    }
}

impl GuestToken for Number {
    fn new(number: u32) -> Number {
        Number::new(number)
    }

    fn parse(text: String) -> Result<Token, String> {
        Number::parse(text)
    }

    fn number(&self) -> u32 {
        self.0
    }

    async fn wait(&self) -> u32 {
        released().await;
        self.0
    }

    async fn add(&self, other: TokenBorrow<'_>) -> u32 {
        released().await;
        self.0 + other.get::<Number>().0
    }
}
