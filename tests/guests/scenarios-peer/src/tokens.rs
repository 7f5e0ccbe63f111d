//! Resources for the other guest.

use std::cell::Cell;

use witflow::{FutureReader, StreamReader, spawn};

use crate::exports::test::scenarios::tokens::{Guest, GuestToken, Token, TokenBorrow};
use crate::{Peer, released, wit_future};

thread_local! {
    static ALIVE: Cell<u32> = const { Cell::new(0) };
}

/// What a token stands for.
pub struct Number(u32);

impl Number {
    fn new(number: u32) -> Number {
        ALIVE.set(ALIVE.get() + 1);
        Number(number)
    }

    fn parse(text: String) -> Result<Token, String> {
        let number = text.parse().map_err(|_| text)?;
        Ok(Token::new(Number::new(number)))
    }
}

impl Drop for Number {
    fn drop(&mut self) {
        ALIVE.set(ALIVE.get() - 1);
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
        ALIVE.get()
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
