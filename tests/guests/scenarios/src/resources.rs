//! What a guest does with resources of another.

use futures_util::future::join;

use crate::exports::test::scenarios::resources::Guest;
use crate::tokens::{self, Token};
use crate::{Scenarios, peer, poll_once, wit_stream};

impl Guest for Scenarios {
    async fn make() -> u32 {
        let made = Token::new(1);
        let parsed = Token::parse("2").expect("a number");
        assert_eq!(Token::parse("no number").map(|_| ()), Err("no number".to_owned()));
        assert_eq!((made.number(), parsed.number()), (1, 2));
        assert_eq!(tokens::alive(), 2);
        drop(made);
        assert_eq!(parsed.number(), 2);
        drop(parsed);
        tokens::alive()
    }

    async fn lend() -> u32 {
        let (one, two) = (Token::new(1), Token::new(2));
        let mut calls = Box::pin(join(one.wait(), join(one.add(&two), two.add(&two))));
        poll_once(&mut calls).await;
        peer::release();
        assert_eq!(calls.await, (1, (3, 4)));
        drop((one, two));
        tokens::alive()
    }

    async fn lend_in_vain() -> u32 {
        let (one, two) = (Token::new(1), Token::new(2));
        let mut calls = Box::pin(join(one.wait(), one.add(&two)));
        poll_once(&mut calls).await;
        drop(calls);
        // The peer lets go of who waited, and both are this guest's alone again.
        peer::release();
        assert_eq!((one.number(), two.number()), (1, 2));
        drop((one, two));
        tokens::alive()
    }

    async fn give_held_back() -> u32 {
        peer::hold_back(true);
        let mut call = Box::pin(tokens::keep(Token::new(3)));
        poll_once(&mut call).await;
        assert_eq!(tokens::alive(), 1);
        drop(call);
        peer::hold_back(false);
        tokens::alive()
    }

    async fn give_started() -> u32 {
        let mut kept = Box::pin(tokens::keep(Token::new(4)));
        poll_once(&mut kept).await;
        peer::release();
        assert_eq!(kept.await, 4);
        let mut call = Box::pin(tokens::keep(Token::new(5)));
        poll_once(&mut call).await;
        assert_eq!(tokens::alive(), 1);
        drop(call);
        peer::release();
        tokens::alive()
    }

    async fn send() -> u32 {
        let (mut writer, reader) = wit_stream::new();
        let tokens = [6, 7, 8].map(Token::new);
        let (left, first) = join(writer.write_all(tokens.into()), tokens::first(reader, 1)).await;
        let number = |tokens: &[Token]| tokens.iter().map(Token::number).collect::<Vec<_>>();
        assert_eq!((number(&first), number(&left)), (vec![6], vec![7, 8]));
        drop((left, first));
        tokens::alive()
    }

    async fn await_one() -> u32 {
        let token = tokens::promise("9".to_owned()).await.await.expect("a number");
        assert_eq!(token.number(), 9);
        let refused = tokens::promise("no number".to_owned()).await.await;
        assert_eq!(refused.map(|_| ()), Err("no number".to_owned()));
        // Nobody awaits this one.
        drop(tokens::promise("10".to_owned()).await);
        drop(token);
        // The peer has to hear of it.
        while tokens::alive() > 0 {
            witflow::yield_now().await;
        }
        tokens::alive()
    }
}
