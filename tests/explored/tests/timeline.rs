//! The timeline of a schedule as a browser draws it.
//!
//! A browser is none of what the project needs, so without one its test says that it was left out. `CHROMIUM` names one that is
//! not where it is looked for.

use explored::scenarios;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The names that Chromium goes by.
const NAMES: [&str; 5] = [
    "chromium-headless-shell",
    "chromium",
    "chromium-browser",
    "google-chrome",
    "chrome",
];

fn browser() -> Option<PathBuf> {
    let named = std::env::var_os("CHROMIUM").map(PathBuf::from);
    named.or_else(|| {
        let path = std::env::var_os("PATH")?;
        let mut programs =
            std::env::split_paths(&path).flat_map(|folder| NAMES.iter().map(move |name| folder.join(name)));
        programs.find(|program| program.is_file())
    })
}

/// The canonical schedule of a scenario as a page, in a file.
fn page(scenario: &str) -> (PathBuf, String) {
    let scenario = scenarios()
        .find(|it| it.name == scenario)
        .expect("there is such a scenario");
    let trace = scenario.explorer().trace(None, scenario.run);
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{}.html", scenario.name));
    trace.write(&path, scenario.about).expect("the page is written");
    let text = std::fs::read_to_string(&path).expect("the page is there");
    (path, text)
}

/// The document as it is after its script has run; nothing without a browser.
fn drawn(path: &Path, search: &str) -> Option<String> {
    let output = Command::new(browser()?)
        .args(["--headless", "--no-sandbox", "--disable-gpu", "--dump-dom"])
        .arg(format!("file://{}#{search}", path.display()))
        .output()
        .expect("the browser starts");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    Some(String::from_utf8(output.stdout).expect("a page is text"))
}

/// The values of an attribute, wherever it is in a part of a page.
fn attribute(part: &str, name: &str) -> f64 {
    let begin = part.find(&format!(" {name}=\"")).expect("the attribute is there") + name.len() + 3;
    let value = &part[begin..];
    value[..value.find('"').expect("it ends")].parse().expect("a number")
}

#[test]
fn a_page_needs_nothing_else() {
    let (_, page) = page("composed-echoes");
    for outside in ["src=", "href=", "@import", "url(", "fetch("] {
        assert!(!page.contains(outside), "{outside}");
    }
    assert!(page.contains("\"kind\":\"run\""));
}

#[test]
fn a_browser_draws_each_bar_in_its_row() {
    let (path, page) = page("composed-echoes");
    let Some(drawn) = drawn(&path, "") else {
        eprintln!("skipped: a_browser_draws_each_bar_in_its_row, for there is no Chromium");
        return;
    };
    let bars: Vec<&str> = drawn.split("<g class=\"bar ").skip(1).collect();
    assert_eq!(bars.len(), page.matches("{\"kind\":").count(), "each bar is drawn");
    let mut rows: BTreeMap<u64, Vec<(f64, f64)>> = BTreeMap::new();
    for bar in &bars {
        let (x, width) = (attribute(bar, "x"), attribute(bar, "width"));
        assert!(width > 0.0, "{bar}");
        rows.entry(attribute(bar, "y") as u64).or_default().push((x, x + width));
    }
    for bars in rows.values_mut() {
        bars.sort_by(|one, other| one.0.total_cmp(&other.0));
        assert!(
            bars.windows(2).all(|pair| pair[0].1 <= pair[1].0),
            "bars of a row stand side by side: {bars:?}"
        );
    }
    let names = &drawn[drawn.find("id=\"names\"").expect("there are names")..];
    assert_eq!(names.matches(">caller</div>").count(), 1, "a heading for each instance");
    assert_eq!(names.matches(">callee</div>").count(), 1, "and no more");
    assert!(names.contains(">task 1 of `"), "a name for each row");
}

#[test]
fn a_browser_finds_what_is_searched_for() {
    let (path, _) = page("reads-kept");
    let Some(drawn) = drawn(&path, "stream.read") else {
        eprintln!("skipped: a_browser_finds_what_is_searched_for, for there is no Chromium");
        return;
    };
    let hits = drawn.matches(" hit\"").count();
    assert!(hits > 0, "something is found");
    assert!(
        drawn.contains(&format!(">{hits} found; Enter goes to the next<")),
        "and counted"
    );
    assert!(drawn.matches(" dim\"").count() > 0, "the rest stands back");
}
