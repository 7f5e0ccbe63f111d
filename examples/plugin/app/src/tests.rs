//! Runs the app and its plugin in this process, composed as their components are; the addresses are those of the tests.

use plugin_template::Plugin;
use witflow_host::{
    Component, ComponentType, Engine, Instance, Linker, Result, Store, StreamReader, Trap, TypedFunc, block_on,
};

use super::App;

#[derive(ComponentType, Debug, PartialEq)]
struct Letter {
    to: String,
    text: String,
}

type Write = TypedFunc<(String, String, Vec<String>), (Result<StreamReader<Letter>, String>,)>;

/// What is known of people: a town, and of most a name.
fn known(person: &str, field: &str) -> Option<String> {
    match (person, field) {
        ("ada", "name") => Some("Ada Lovelace"),
        ("grace", "name") => Some("Grace Hopper"),
        ("ada", "town") => Some("London"),
        ("grace", "town") => Some("New York"),
        _ => None,
    }
    .map(str::to_owned)
}

/// The app with its plugin, in a store of their own.
async fn app() -> Result<(Store, Instance)> {
    let mut linker = Linker::new();
    let mut addresses = linker.instance("demo:letters/addresses")?;
    addresses.func_wrap("lookup", |_, (person, field): (String, String)| {
        Ok((known(&person, &field),))
    })?;
    let app = Component::native::<App>("app")?;
    let composed = Component::compose(&app, &[&Component::native::<Plugin>("plugin")?])?;
    let mut store = Store::new(&Engine::native());
    let instance = linker.instantiate(&mut store, &composed).await?;
    Ok((store, instance))
}

/// Letters in the order in which they come, or what is wrong with the template.
type Letters = Result<Vec<(String, String)>, String>;

/// Lets an app write letters to people.
async fn letters(
    store: &mut Store,
    app: &Instance,
    template: &str,
    signature: &str,
    people: &[&str],
) -> Result<Letters> {
    let write: Write = app.typed_func("write")?;
    let people = people.iter().map(|person| (*person).to_owned()).collect();
    let params = (template.to_owned(), signature.to_owned(), people);
    let letters = store.run_concurrent(async |cx| match write.call_concurrent(&cx, params).await? {
        (Ok(letters),) => Ok(Ok(letters.collect().await)),
        (Err(wrong),) => Ok(Err(wrong)),
    });
    let pair = |letter: Letter| (letter.to, letter.text);
    Ok(letters.await?.map(|letters| letters.into_iter().map(pair).collect()))
}

/// The letters of an app of its own.
fn write(template: &str, signature: &str, people: &[&str]) -> Result<Letters> {
    block_on(async {
        let (mut store, app) = app().await?;
        let letters = letters(&mut store, &app, template, signature, people).await?;
        // Every handle on a template has been given back, or this says which was not.
        store.finish().await?;
        Ok(letters)
    })
}

#[track_caller]
fn check(template: &str, expected: &[(&str, &str)]) {
    let people: Vec<_> = expected.iter().map(|(to, _)| *to).collect();
    let letters = write(template, "{name|initial}", &people).unwrap_or_else(|error| panic!("{error:#}"));
    let expected = expected.iter().map(|(to, text)| ((*to).to_owned(), (*text).to_owned()));
    assert_eq!(letters, Ok(expected.collect()));
}

#[test]
fn gaps_are_filled_with_what_the_app_answers() {
    check(
        "Dear {name} of {town|upper},",
        &[
            ("ada", "Dear Ada Lovelace of LONDON,"),
            ("grace", "Dear Grace Hopper of NEW YORK,"),
        ],
    );
    check("Dear {name|initial}", &[("ada", "Dear A.")]);
    check("Dear all", &[("nobody", "Dear all")]);
    check("", &[("ada", "")]);
}

#[test]
fn templates_are_in_templates() {
    check(
        "Dear {name}! - {>signature}{>nothing}",
        &[("ada", "Dear Ada Lovelace! - A.")],
    );
}

#[test]
fn what_is_not_known_is_left_out() {
    check("Dear {name} of {county}.", &[("nobody", "Dear  of .")]);
}

#[test]
fn what_is_wrong_with_a_template_is_no_trap() -> Result<()> {
    assert_eq!(write("Dear {name", "", &["ada"])?, Err("`{name` has no end".to_owned()));
    assert_eq!(write("Dear {name}", "{>", &["ada"])?, Err("`{>` has no end".to_owned()));
    Ok(())
}

#[test]
fn letters_are_written_whatever_the_host_chooses() {
    witflow_host::explore::explore(300, || {
        let letters = write("{name} {>signature}", "{town}", &["ada", "grace"])?;
        let expected = [("ada", "Ada Lovelace London"), ("grace", "Grace Hopper New York")];
        assert_eq!(
            letters,
            Ok(expected.map(|(to, text)| (to.to_owned(), text.to_owned())).to_vec())
        );
        Ok(())
    });
}

#[test]
fn a_plugin_that_traps_is_named_and_takes_the_app_with_it() {
    let error = write("{name|initial}", "", &["ada", "nobody"]).unwrap_err();
    let trap = error.downcast_ref::<Trap>().expect("it is a trap");
    for part in [
        "panic",
        "demo:letters/templates#[method]template.render",
        "instance plugin",
    ] {
        assert!(trap.reason.contains(part), "{trap}");
    }
}

#[test]
fn another_store_knows_nothing_of_a_trap() -> Result<()> {
    block_on(async {
        let (mut store, app_of_store) = app().await?;
        let trapped = letters(&mut store, &app_of_store, "{name|initial}", "", &["nobody"]).await;
        assert!(trapped.unwrap_err().downcast_ref::<Trap>().is_some());
        let again = letters(&mut store, &app_of_store, "Dear {name}", "", &["ada"]).await;
        let trap = again.unwrap_err().downcast::<Trap>()?;
        assert!(trap.reason.contains("instance plugin"), "{trap}");
        Result::<()>::Ok(())
    })?;
    let letters = write("Dear {name}", "", &["ada"])?;
    assert_eq!(letters, Ok(vec![("ada".to_owned(), "Dear Ada Lovelace".to_owned())]));
    Ok(())
}
