//! The plugin: templates with gaps, for whoever knows what belongs there.
//!
//! Each template is a resource that the app owns. What one is made of is shared with the tasks that render it, so that the app may
//! drop a template while a text of it is still being written.

mod syntax;

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use futures_util::SinkExt as _;
use futures_util::future::LocalBoxFuture;
use witflow::{StreamReader, StreamWriter, spawn};

use exports::demo::letters::templates::{Guest, GuestTemplate, Rendering, Template};
use syntax::Part;

witflow::generate!({ path: "../wit", world: "plugin" });

/// The plugin.
pub struct Plugin;
export!(Plugin);

impl Guest for Plugin {
    type Template = Parsed;
}

/// What a template is.
pub struct Parsed {
    parts: Rc<Vec<Part>>,
    /// Templates in this one, by their names.
    included: RefCell<BTreeMap<String, Included>>,
}

/// Another template. It lives as long as somebody renders it.
type Included = Rc<Template>;

impl GuestTemplate for Parsed {
    fn parse(text: String) -> Result<Template, String> {
        let parts = Rc::new(syntax::parse(&text)?);
        Ok(Template::new(Self {
            parts,
            included: RefCell::default(),
        }))
    }

    fn add(&self, name: String, part: Template) {
        self.included.borrow_mut().insert(name, Rc::new(part));
    }

    async fn render(&self, answers: StreamReader<String>) -> Rendering {
        let (questions, asked) = wit_stream::new();
        let (text, written) = wit_stream::new();
        let mut app = App {
            questions,
            answers,
            text,
        };
        // What this call borrows ends with it; the task has its own.
        let (parts, included) = (self.parts.clone(), self.included.borrow().clone());
        spawn(async move {
            // Nothing comes back when the app has gone away: then nothing is left to do.
            let _ = app.fill(parts, included).await;
        });
        Rendering {
            questions: asked,
            text: written,
        }
    }
}

/// The app, as seen from a text that is being written.
struct App {
    questions: StreamWriter<String>,
    answers: StreamReader<String>,
    text: StreamWriter<String>,
}

impl App {
    /// Writes the parts of a template.
    fn fill(&mut self, parts: Rc<Vec<Part>>, included: BTreeMap<String, Included>) -> LocalBoxFuture<'_, Option<()>> {
        Box::pin(async move {
            for part in parts.iter() {
                match part {
                    Part::Text(text) => self.say(text.clone()).await?,
                    Part::Gap { name, filter } => {
                        let answer = self.ask(name).await?;
                        self.say(filter.apply(&answer)).await?;
                    }
                    // What was not included is left out.
                    Part::Include(name) => {
                        if let Some(template) = included.get(name) {
                            let inner = template.get::<Parsed>();
                            let (parts, included) = (inner.parts.clone(), inner.included.borrow().clone());
                            self.fill(parts, included).await?;
                        }
                    }
                }
            }
            Some(())
        })
    }

    /// Calls the app back.
    async fn ask(&mut self, name: &str) -> Option<String> {
        self.questions.send(name.to_owned()).await.ok()?;
        self.answers.next().await
    }

    async fn say(&mut self, text: String) -> Option<()> {
        self.text.send(text).await.ok()
    }
}
