//! `GET /fan-out`, and upstreams that answer, are slow, or vanish.

use example_support::http::{Clock, ErrorCode, Incoming, Method, Outgoing, Request};
use futures::future::join;
use witflow_host::{Cx, Own};

use super::{Answer, World};

/// A millisecond, as clocks count.
const MS: u64 = 1_000_000;

/// Answers by what the path asks for.
fn answer(cx: Cx, clock: Clock, request: Own<Request>) -> Answer {
    let path = request.path.lock().unwrap().clone().unwrap_or_default();
    let host = request.authority.lock().unwrap().clone().unwrap_or_default();
    let reply = move |pieces: &[&[u8]]| Outgoing::pieces(pieces);
    Box::pin(async move {
        let (status, answer) = match path.as_str() {
            "/timeout" => (
                200,
                reply(&[request.connect_timeout().unwrap_or(0).to_string().as_bytes()]),
            ),
            "/who" => (200, reply(&[host.as_bytes()])),
            "/large" => (200, reply(&[&[1; 70_000], &[2; 70_000]])),
            "/teapot" => (418, reply(&[b"short and stout"])),
            "/vanishes" => (200, reply(&[b"some"]).broken(ErrorCode::ConnectionTerminated)),
            "/stops" => (200, reply(&[b"so"]).silent()),
            "/slow" => {
                clock.wait(50 * MS).await;
                (200, reply(&[b"late"]))
            }
            "/never" => std::future::pending().await,
            _ => return Err(ErrorCode::ConnectionRefused),
        };
        Ok(answer.response(&cx, status))
    })
}

/// Asks these, moving the clock as the test says.
#[track_caller]
fn check(query: &str, time: impl AsyncFnOnce(&Clock), body: &[u8], trailers: &[&str]) {
    World::run(answer, async |world| {
        let path = format!("/fan-out?{query}");
        let asked = world.send(Method::Get, &path, Outgoing::empty());
        let (came, ()) = join(asked, time(&world.clock)).await;
        let Incoming {
            status,
            body: came_body,
            finish,
            ..
        } = came?;
        assert_eq!(status, 200);
        assert!(came_body == body, "{} bytes came", came_body.len());
        let said = finish.expect("the answer has an end").expect("it has trailers");
        let said: Vec<_> = said
            .into_iter()
            .map(|(name, value)| format!("{name}: {}", String::from_utf8(value).unwrap()))
            .collect();
        assert_eq!(said, trailers);
        Ok(())
    });
}

#[test]
fn bodies_come_in_the_order_of_the_question() {
    let nothing = async |_: &Clock| {};
    check("to=http://a:8/who", nothing, b"a:8", &["upstream-0: 200; 3 bytes"]);
    check(
        "to=http://a/timeout&timeout=7",
        nothing,
        b"7000000",
        &["upstream-0: 200; 7 bytes"],
    );
    let large = [vec![1; 70_000], vec![2; 70_000], b"b".to_vec()].concat();
    check(
        "to=http://a/large&to=http://b/who",
        nothing,
        &large,
        &["upstream-0: 200; 140000 bytes", "upstream-1: 200; 1 bytes"],
    );
    let slow_first = async |clock: &Clock| {
        // The service's limit and the upstream's pause.
        clock.asleep(2).await;
        clock.advance(50 * MS);
    };
    check(
        "to=http://a/slow&to=http://b/who&timeout=60",
        slow_first,
        b"lateb",
        &["upstream-0: 200; 4 bytes", "upstream-1: 200; 1 bytes"],
    );
}

#[test]
fn what_goes_wrong_with_one_is_said_and_the_others_go_on() {
    check(
        "to=http://a/refused&to=http://a/teapot&to=http://a/vanishes&to=http://a%20b/&to=http://c/who",
        async |_: &Clock| {},
        b"short and stoutsomec",
        &[
            "upstream-0: ConnectionRefused",
            "upstream-1: 418; 15 bytes",
            "upstream-2: 200; broke off after 4 bytes: ConnectionTerminated",
            "upstream-3: the address is not valid",
            "upstream-4: 200; 1 bytes",
        ],
    );
}

#[test]
fn those_who_do_not_answer_are_given_up() {
    let late = async |clock: &Clock| {
        // The service's limits for both, and the pause of one.
        clock.asleep(3).await;
        clock.advance(20 * MS);
    };
    check(
        "timeout=20&to=http://a/never&to=http://a/slow",
        late,
        b"",
        &[
            "upstream-0: no answer within 20 ms",
            "upstream-1: no answer within 20 ms",
        ],
    );
}

#[test]
fn those_who_stop_are_given_up() {
    World::run(answer, async |world| {
        let path = "/fan-out?timeout=20&to=http://a/stops&to=http://b/who";
        let mut message = world.begin(Method::Get, path, Outgoing::empty()).await?;
        assert_eq!(message.bytes.read(10).await, Some(b"so".to_vec()));
        world.clock.asleep(1).await;
        world.clock.advance(20 * MS);
        let rest = message.whole().await;
        assert_eq!(rest.text(), "b");
        let trailers = rest.finish.expect("the answer has an end").expect("it has trailers");
        let (name, said) = &trailers[0];
        let silent = b"200; silent for 20 ms after 2 bytes";
        assert_eq!((name.as_str(), said.as_slice()), ("upstream-0", &silent[..]));
        Ok(())
    });
}

#[test]
fn a_client_that_goes_away_ends_all_of_it() {
    World::run(answer, async |world| {
        let path = "/fan-out?to=http://a/large&to=http://b/never&to=http://c/stops";
        let mut message = world.begin(Method::Get, path, Outgoing::empty()).await?;
        assert!(message.bytes.read(10).await.is_some());
        drop(message);
        // `World::run` fails if a call or a body is left, and no time passes.
        Ok(())
    });
}
